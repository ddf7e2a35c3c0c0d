#pragma once
// `--recipients`, `--ack-timeout` and `--level` of `weft logger` and `weft publish`: each message
// must be acknowledged, many at a time, and who stayed silent is said at the end; while more is
// being read also at once, at most a line a second.
// Threads: the main thread, but stop().

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "reliability/reliable_publisher.hpp"
#include "tools/context.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {

struct AckFlags {
    std::vector<std::string> recipients;
    std::optional<std::chrono::milliseconds> timeout;
    std::string level;
    bool durable = false;  ///< Instead of recipients: a journal must have stored it.
};

class Acknowledging {
public:
    /// Exit 2 for recipients that cannot be read; exit 1 if another process has our outbox.
    Acknowledging(Context& context, fabric::Fabric& fabric, const AckFlags& flags);
    ~Acknowledging();

    /// Nothing once stop() was called. Throws CommandError where it could not be sent, once what
    /// was sent before has ended; the error says how, too.
    /// Of `own` parent and headers count.
    std::optional<fabric::MessageId> publish(const std::string& topic, fabric::BodyView body,
                                             const fabric::PublishOptions& own);
    /// Any thread: nothing more is published, and what waits ends now.
    void stop();
    /// Waits for every answer, which ends with the last deadline, then at most `patience` until
    /// what the outbox keeps has been handed to a journal. Exit 1 (130 after Ctrl-C), with a table
    /// of who did and who did not, unless all were acknowledged in time.
    void finish(const StopSignal& stop, std::chrono::milliseconds patience);

private:
    void settle(const reliability::PendingAcks& pending);
    void settle_oldest();
    /// Waits for all; nothing if all were acknowledged.
    [[nodiscard]] std::string report();
    /// At most `patience` until the outbox is empty, and says where it stands.
    void hand_in(const StopSignal& stop, std::chrono::milliseconds patience);
    /// For the report: what is in the outbox need not be published again. "": nothing of ours.
    [[nodiscard]] std::string kept() const;
    /// Any thread.
    void say_at_once(const reliability::Outcome& outcome);

    reliability::ReliableOptions options_;
    std::deque<reliability::PendingAcks> waiting_;
    std::size_t published_ = 0, acknowledged_ = 0, kept_ = 0;
    std::vector<std::string> reports_;  // of the first that were not
    struct Tally {
        std::size_t acknowledged = 0, rejected = 0, unknown = 0;
    };
    std::map<std::string, Tally> tallies_;
    std::atomic<bool> finishing_{false};

    std::mutex saying_;  // guards what follows
    std::chrono::steady_clock::time_point next_line_{};
    std::size_t unsaid_ = 0;

    std::unique_ptr<reliability::ReliablePublisher> publisher_;  // last: it tells us
};

}  // namespace weft::tools
