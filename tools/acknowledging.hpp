#pragma once
// `--recipients`, `--ack-timeout` and `--level` of `weft logger` and `weft publish`: each message
// must be acknowledged, many at a time, and who stayed silent is said at the end.
// Threads: the main thread, but stop().

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
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
};

class Acknowledging {
public:
    /// Exit 2 for recipients that cannot be read.
    Acknowledging(Context& context, fabric::Fabric& fabric, const AckFlags& flags,
                  const fabric::PublishOptions& common);
    ~Acknowledging();

    /// Nothing once stop() was called. Throws CommandError where it could not be sent.
    std::optional<fabric::MessageId> publish(const std::string& topic, fabric::BodyView body);
    /// Any thread: nothing more is published, and what waits ends now.
    void stop();
    /// Waits for every answer, which ends with the last deadline. Exit 1, with a table of who did
    /// and who did not, unless all were acknowledged.
    void finish();

private:
    void settle(const reliability::PendingAcks& pending);
    void settle_oldest();

    reliability::ReliableOptions options_;
    std::unique_ptr<reliability::ReliablePublisher> publisher_;
    std::deque<reliability::PendingAcks> waiting_;
    std::size_t published_ = 0, acknowledged_ = 0;
    std::vector<std::string> reports_;  // of the first that were not
    struct Tally {
        std::size_t acknowledged = 0, rejected = 0, unknown = 0;
    };
    std::map<std::string, Tally> tallies_;
};

}  // namespace weft::tools
