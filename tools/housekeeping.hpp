#pragma once
// What a command that runs for long does beside its work: it loads the configuration again on
// SIGHUP and when a file of it has changed, and tells a publisher when to take no more. Threads: a
// thread of its own, which calls the hooks; it ends with the object.

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "config/watch.hpp"
#include "tools/context.hpp"
#include "tools/stop_signal.hpp"

namespace weft::fabric {
class Fabric;
}

namespace weft::tools {

class Housekeeping {
public:
    struct Hooks {
        config::Watch::Apply apply;     ///< Puts a configuration in force.
        std::function<void()> on_stop;  ///< Called once, when a signal has come; may be empty.
        /// After each SIGHUP, whether or not the configuration can be loaded; may be empty.
        std::function<void()> on_hangup{};
    };
    Housekeeping(Context& context, StopSignal& stop, Hooks hooks);
    /// For a command with a Fabric.
    Housekeeping(Context& context, StopSignal& stop, fabric::Fabric& fabric,
                 std::function<void()> on_stop = {});

private:
    void run(const std::stop_token& token);
    void look();

    Context& context_;
    StopSignal& stop_;
    Hooks hooks_;
    config::Watch watch_;
    bool stop_seen_ = false;
    std::jthread thread_;  // last: it uses everything above
};

}  // namespace weft::tools
