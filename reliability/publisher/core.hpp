#pragma once
// What a publisher that asks for acknowledgements does behind its interface: the tracker of what is
// waited for, the subscription that ACKs come by, the timer, the outbox. Inside of this library.
// Threads: any number publish; on_ack and on_refused are called by the subscription's thread; the
// timer has one of its own. `mutex` is held for steps of the tracker only, never while somebody is
// told.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "reliability/ack/tracker.hpp"
#include "reliability/outbox/outbox.hpp"
#include "reliability/reliable_publisher.hpp"

namespace weft::reliability {

[[nodiscard]] tl::unexpected<PublishFailure> failed(PublishFailure::Reason reason,
                                                    std::string sentence);

struct ReliablePublisher::Core {
    class Sealing;  // sealing.hpp

    Core(fabric::Fabric& the_fabric, Settings the_settings, TrackerLimits limits,
         RetrySettings retries);
    void open_outbox();
    /// Its publish has ended, and it is in the outbox: whichever came last.
    void let_outbox_go_on(const fabric::MessageId& id, bool acknowledged);
    /// Recipients name us by the certificate that they saw: the one before may still be on its way.
    void follow_identity();

    // What comes from the ACK subscription, in its thread.

    void on_ack(const fabric::Message& message);
    /// Only its certificate says who it might be from, and nothing has been proved about it.
    void on_refused(const fabric::RefusedMessage& refused);

    // What is due.

    void run_timer(const std::stop_token& stop);
    /// Under the lock: something new may be due before the timer would look.
    void rouse_timer();
    void complete(std::vector<AckTracker::Settled>& settled);
    void tell(const OnSettled& call, const Outcome& outcome);

    // What a publish needs before it begins: admission.cpp.

    tl::expected<std::shared_ptr<const Recipients>, PublishFailure> parse(const std::string& text);

    struct Wanted {
        std::shared_ptr<const Recipients> recipients;
        AckLevel level = AckLevel::received;
    };
    tl::expected<Wanted, PublishFailure> wanted(const ReliableOptions& options);
    /// "" or why no publish of ours can be acknowledged, whatever anybody does (D2, T4).
    std::string impossible() const;
    static tl::unexpected<PublishFailure> is_closed();
    std::string unreachable(std::chrono::milliseconds waited) const;
    /// Until ACKs can reach us. Asked again only while nobody at all has answered: one endpoint of
    /// many that is down must not hold up every publish.
    tl::expected<void, PublishFailure> await_ready(fabric::Instant start, fabric::Instant deadline);
    tl::expected<std::chrono::microseconds, PublishFailure> timeout_of(
        const ReliableOptions& options) const;
    /// It has been handed over; now it must be safe in the outbox: sealing.cpp.
    tl::expected<PendingAcks, PublishFailure> keep(PendingAcks pending, Sealing& sealing);

    fabric::Fabric& fabric;
    const fabric::Clock& clock;
    const Settings settings;
    fabric::Publisher& publisher;
    std::unique_ptr<Outbox> outbox;               // null: none is configured
    std::unique_ptr<OutboxSender> outbox_sender;  // its thread uses what is above

    std::mutex parse_mutex;
    std::unordered_map<std::string, std::shared_ptr<const Recipients>> parsed;

    mutable std::mutex mutex;  // guards what follows
    AckTracker tracker;
    std::shared_ptr<const signing::Identity> identity;
    std::condition_variable_any wake;
    fabric::Instant timer_wakes_at{};

    std::atomic<std::uint64_t> followed{0};  // generation of `identity`
    std::atomic<bool> ready{false};
    std::atomic<bool> closed{false};  // set under the lock
    std::atomic<bool> said_unreachable{false};
    std::atomic<std::uint64_t> acks_malformed{0}, not_sent_again{0};
    std::unique_ptr<fabric::Subscriber> subscriber;
    std::jthread timer;  // last: it and the subscriber's thread use everything above
};

}  // namespace weft::reliability
