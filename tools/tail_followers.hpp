#pragma once
// Where `weft tail` and `weft trigger` have their messages from.
// Threads: the main thread; the sink is called by theirs.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "fabric/node/counters.hpp"
#include "reliability/settings.hpp"
#include "tools/follow_sink.hpp"
#include "tools/tail_printer.hpp"

namespace weft::tools {

/// A plain subscription, or with --ack a consumer.
class Follower {
public:
    virtual ~Follower() = default;
    [[nodiscard]] virtual fabric::ReadyResult wait_ready(std::chrono::milliseconds timeout) = 0;
    virtual fabric::SubscriberStats stop() = 0;
    /// What it counted beside that; once it has stopped.
    virtual void count(fabric::Counters& /*counters*/) const {}
    /// Messages that will not come: repair gave them up, or there is none.
    [[nodiscard]] virtual std::uint64_t lost(const fabric::SubscriberStats& stats) const {
        return stats.missing;
    }
};

/// Of the fabric, with --ack as a recipient, with --from of a journal. Exit 1 or 2 where that is
/// not possible. What is given must be gone before the fabric and the sink are.
[[nodiscard]] std::unique_ptr<Follower> follow(const TailFlags& flags, fabric::Fabric& fabric,
                                               const reliability::Settings& settings,
                                               const std::vector<std::string>& globs,
                                               FollowSink& sink);

/// At the end: how much was refused, and what is missing. `hint` stands behind the first.
void say_refused_and_missing(const Follower& follower, const fabric::SubscriberStats& stats,
                             const std::string& hint);

}  // namespace weft::tools
