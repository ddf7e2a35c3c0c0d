#pragma once
// Publishes messages that must be heard, and fails loudly, naming who stayed silent, unless enough
// of the named recipients acknowledged in time, each with its own signature.
//
//     weft::reliability::ReliablePublisher reliable(*fabric);
//     reliable.publish("deploy.start", {{"version", "1.4"}},
//                      {.recipients = {"web1.host1", "any(db1, db2)"},
//                       .level = AckLevel::processed, .ack_timeout = 3s});
//
// How:     one subscription to our own ACK topic for all publishes, opened with this object; the
//          wait exists before the message leaves; what is not acknowledged is sent again until the
//          deadline. Success is certain: the recipient's key, these bytes, this publish. Its
//          opposite is not: who did not answer may have the message or not (unknown).
// Without recipients it warns and publishes as the fabric does.
// Outbox:  with reliability.outbox, a durable publish is on our own disk before it returns, and
//          stays there until a journal has acknowledged it: over a deadline, a rejection, a crash.
//          A publish that no journal acknowledged in time is still a failure; it says that it is
//          kept, and a thread of this object hands it to a journal as soon as one takes it. What an
//          earlier process left is handed in from the start (outbox/outbox_sender.hpp). Full is an
//          error, and then nothing is sent.
// Threads: every function from any thread. on_settled runs in one of two threads of this object, or
//          in the one that calls close(); it must not block and must not destroy this object; what
//          it throws is caught and warned of.
// Limits:  TrackerLimits waits at a time, reliability.outbox_max bytes in the outbox; beyond,
//          publishing fails at once.
// Time:    the deadline counts from the call, by the monotonic clock (P7).

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "fabric/fabric.hpp"
#include "reliability/ack/outcome.hpp"
#include "reliability/ack/tracker.hpp"
#include "reliability/outbox/outbox_sender.hpp"
#include "reliability/settings.hpp"
#include "reliability/who.hpp"

namespace weft::reliability {

struct ReliableOptions {
    Who recipients{};
    AckLevel level = AckLevel::received;
    std::optional<std::chrono::milliseconds> ack_timeout{};  ///< Nothing: reliability.ack_timeout.
    std::optional<fabric::MessageId> parent{};               ///< As in fabric::PublishOptions.
    std::vector<std::pair<std::string_view, std::string_view>> headers{};
    /// Success means that it is on a journal's disk: the same as level `stored` from any one of
    /// reliability.journals. Not together with `recipients`: what those must do is another level.
    bool durable = false;
};

struct PublishFailure {
    enum class Reason {
        invalid_request,   ///< Recipients, level or timeout are not as they must be.
        not_possible,      ///< We do not sign or validate, or our revocation list is overdue (T4).
        not_ready,         ///< Nobody could have sent us an ACK: nothing was sent.
        too_many_waiting,  ///< See TrackerLimits: nothing was sent.
        not_published,  ///< Closed, or refused by the fabric (`publish_error`): nothing was sent.
        not_acknowledged,  ///< It was sent; see `outcome`.
        outbox_full,  ///< A journal must come back first, or outbox_max grow: nothing was sent.
        not_kept,     ///< The outbox's disk failed. The sentence says whether it was sent.
    };
    Reason reason;
    std::string sentence;
    std::shared_ptr<const Outcome> outcome{};
    std::optional<fabric::PublishError> publish_error{};
    /// not_acknowledged: it is in the outbox, and is handed to a journal. Do not publish it again.
    bool kept = false;
};

/// The outbox cannot be used, such as one that another process has.
class OutboxUnusable : public fabric::OpenFailed {
public:
    using OpenFailed::OpenFailed;
};

/// What publish() throws; what try_publish() returns.
class ReliablePublishFailed : public std::runtime_error {
public:
    explicit ReliablePublishFailed(PublishFailure failure)
        : std::runtime_error(failure.sentence), failure_(std::move(failure)) {}
    [[nodiscard]] const PublishFailure& failure() const noexcept { return failure_; }

private:
    PublishFailure failure_;
};

struct Receipt {
    fabric::MessageId id;
    std::shared_ptr<const Outcome> outcome;  ///< Null where nobody was named.
};

/// A publish under way. Copies are about the same one; they may outlive the publisher.
class PendingAcks {
public:
    /// None where it ended before it could be sent.
    [[nodiscard]] const fabric::MessageId& id() const noexcept { return id_; }
    [[nodiscard]] bool done() const;
    /// How it ended: at the deadline at the latest. Null where nobody was named.
    [[nodiscard]] std::shared_ptr<const Outcome> wait() const;
    /// Null if it has not ended within `timeout`.
    [[nodiscard]] std::shared_ptr<const Outcome> wait_for(std::chrono::milliseconds timeout) const;
    /// It is in the outbox, or was until a journal acknowledged it.
    [[nodiscard]] bool kept() const;

private:
    friend class ReliablePublisher;
    struct Shared;
    static std::shared_ptr<const Outcome> outcome_of(const std::shared_ptr<Shared>& shared);
    PendingAcks(fabric::MessageId id, std::shared_ptr<Shared> shared)
        : id_(id), shared_(std::move(shared)) {}
    fabric::MessageId id_;
    std::shared_ptr<Shared> shared_;
};

class ReliablePublisher {
public:
    using OnSettled = std::function<void(const Outcome&)>;

    /// With the settings of the fabric's configuration (reliability.ack_timeout, .groups,
    /// .journals, .outbox). Opens the fabric's publisher, the ACK subscription, and the outbox if
    /// there is one. `fabric` must outlive it. Throws fabric::OpenFailed, for the outbox
    /// OutboxUnusable.
    explicit ReliablePublisher(fabric::Fabric& fabric);
    ReliablePublisher(fabric::Fabric& fabric, Settings settings, TrackerLimits limits = {},
                      RetrySettings retries = {});
    /// What still waits ends as aborted; in the outbox it is kept.
    ~ReliablePublisher();
    ReliablePublisher(const ReliablePublisher&) = delete;
    ReliablePublisher& operator=(const ReliablePublisher&) = delete;

    /// `topic` may be short. Throws ReliablePublishFailed.
    Receipt publish(std::string_view topic, const fabric::Body& body,
                    const ReliableOptions& options = {});
    [[nodiscard]] tl::expected<Receipt, PublishFailure> try_publish(
        std::string_view topic, fabric::BodyView body, const ReliableOptions& options = {});
    /// Returns once the message is on its way; the first call may wait for the ACK subscription,
    /// at most until its deadline. `on_settled` is called exactly once if this returns a handle
    /// and somebody was named.
    [[nodiscard]] tl::expected<PendingAcks, PublishFailure> publish_async(
        std::string_view topic, fabric::BodyView body, const ReliableOptions& options = {},
        OnSettled on_settled = {});

    /// Can ACKs reach us? See fabric::Subscriber::wait_ready.
    [[nodiscard]] fabric::ReadyResult wait_ready(std::chrono::milliseconds timeout);
    /// From now on publishing fails; what waits ends as aborted, at once. What the outbox keeps is
    /// handed in until the destructor.
    void close();

    /// True as soon as the outbox has nothing left to hand in but what was refused for good (or
    /// there is none); false after `timeout`. What still waits for its ACK is not waited for.
    [[nodiscard]] bool wait_handed_in(std::chrono::milliseconds timeout) const;
    /// Nothing without an outbox.
    [[nodiscard]] std::optional<OutboxSender::Stats> outbox_stats() const;

    [[nodiscard]] AckTracker::Stats stats() const;
    [[nodiscard]] fabric::SubscriberStats ack_stats() const;  ///< Of the ACK subscription.
    /// Verified ACKs whose body is none.
    [[nodiscard]] std::uint64_t acks_malformed() const noexcept;
    /// Repetitions that were due while the sending queue was full or nobody was connected; they are
    /// due again.
    [[nodiscard]] std::uint64_t not_sent_again() const noexcept;
    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] const Settings& settings() const noexcept;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability
