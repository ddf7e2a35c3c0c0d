#pragma once
// Consumes messages and acknowledges those that ask for it: `received` once a message has passed
// verification and is in the queue, `processed` once the handler returned, or what the handler says
// itself through its Delivery.
//
//     weft::reliability::AckConsumer consumer(*fabric, {"deploy.**"}, [](const Delivery& delivery)
//     {
//         if (!fits(delivery.message())) return delivery.reject("no such host here");
//         deploy(delivery.message());
//     });
//
// Promises: a message is handled once per publish, however often it is sent again; `processed` is
//           never said before the handler returned (A6); what asks for it and whose deadline has
//           passed when its turn comes is not handled, and rejected as late. A handler that throws
//           rejects, with the exception's text. What the handler publishes in its thread has the
//           message as its parent, unless it says otherwise (fabric/node/current_message.hpp).
// Threads:  the handler runs in one thread of the consumer, one message at a time, and must not
//           destroy the consumer; a Delivery's functions may be called from any thread, also later.
//           The other hooks are called by the subscriber's thread.
// Limits:   `queue_max` messages wait; further ones are dropped and counted, those that ask for
//           ACKs come again. responder.hpp says how many are remembered.
// Needs:    a certificate with the role ack, signing and validation on (D2). Throws
//           fabric::OpenFailed otherwise.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/fabric.hpp"
#include "reliability/ack/responder.hpp"
#include "reliability/repair/repairing_subscriber.hpp"

namespace weft::reliability {

class AckVoice;

/// One message in a consumer's hands. Copies are about the same one; they may outlive the consumer,
/// and then say nothing any more.
class Delivery {
public:
    [[nodiscard]] const fabric::Message& message() const noexcept { return message_; }
    /// What its publisher asks of us, or nothing.
    [[nodiscard]] std::optional<AckLevel> asked() const noexcept { return asked_; }
    /// It is processed. The first word counts; nothing happens where nobody asks.
    void ack() const;
    /// It will not be, and why: at once a failure for the publisher, if it can be told yet.
    void reject(std::string_view reason) const;

private:
    friend class AckConsumer;
    Delivery(fabric::Message message, std::optional<AckLevel> asked, const Nonce& nonce,
             std::weak_ptr<AckVoice> voice)
        : message_(std::move(message)), asked_(asked), nonce_(nonce), voice_(std::move(voice)) {}
    fabric::Message message_;
    std::optional<AckLevel> asked_;
    Nonce nonce_{};
    std::weak_ptr<AckVoice> voice_;
};

struct ConsumerOptions {
    /// False: what the handler did not answer stays unanswered when it returns; ack() comes later.
    bool automatic = true;
    /// False: `received` is not said before ack() either; for who takes the message itself from
    /// elsewhere, such as a journal.
    bool says_received = true;
    /// True: what asks for `stored` is a journal's to answer, such as that of the same process; to
    /// the handler it is a message that asks for nothing.
    bool leaves_stored = false;
    std::string kind{};         ///< See fabric::SubscribeOptions.
    std::size_t queue_max = 0;  ///< 0: fabric.high_water_mark.
    std::chrono::microseconds clock_skew = std::chrono::seconds{1};  ///< See responder.hpp.
    std::function<void(const fabric::RefusedMessage&)> refused{};
    std::function<void(const fabric::Gap&)> gap{};
    /// With journals: what is missing is read there and handled in its place, within each stream.
    RepairOptions repair{};
};

struct ConsumerStats {
    std::uint64_t handled = 0;        ///< The handler returned.
    std::uint64_t failed = 0;         ///< The handler threw.
    std::uint64_t dropped = 0;        ///< The queue was full.
    std::uint64_t left = 0;           ///< Still in the queue when stop() gave up.
    std::uint64_t acks_not_sent = 0;  ///< The publisher had no room for an ACK; it is asked again.
    std::uint64_t requests_malformed = 0;  ///< Handled as messages that ask for nothing.
    AckResponder::Stats responder;
    fabric::SubscriberStats subscriber;
    RepairingStats repairing;  ///< All zero without journals, but `received`: that is `subscriber`.
};

class AckConsumer {
public:
    using Handler = std::function<void(const Delivery&)>;

    /// `fabric` must outlive it.
    AckConsumer(fabric::Fabric& fabric, const std::vector<std::string>& globs, Handler handler,
                ConsumerOptions options = {});
    ~AckConsumer();
    AckConsumer(const AckConsumer&) = delete;
    AckConsumer& operator=(const AckConsumer&) = delete;

    /// See fabric::Subscriber::wait_ready; also waits until ACKs can leave.
    [[nodiscard]] fabric::ReadyResult wait_ready(std::chrono::milliseconds timeout);
    /// Receives nothing more, and handles what is in the queue for at most `drain`. The destructor
    /// does the same with no time. Not from the handler.
    void stop(std::chrono::milliseconds drain = std::chrono::milliseconds{0});
    [[nodiscard]] ConsumerStats stats() const;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability
