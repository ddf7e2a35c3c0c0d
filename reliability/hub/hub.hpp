#pragma once
// Runs the consumers of a configuration on one fabric: starts them, changes them when it is read
// again, stops them, and says how they are.
//
// Threads:   start(), apply(), look() and stop() by one thread at a time; status() from any.
// Ownership: `fabric` must outlive it.
// Errors:    sentences that begin with the line of the configuration.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "reliability/hub/hub_surroundings.hpp"
#include "reliability/hub/runner.hpp"
#include "reliability/service/remote_journal.hpp"
#include "reliability/settings.hpp"

namespace weft::reliability::hub {

struct HubOptions {
    std::string program;  ///< Our own executable, for `isolate: true`.
    HubSurroundings::Log log;
};

class Hub {
public:
    Hub(fabric::Fabric& fabric, const reliability::Settings& reliability, Settings settings,
        HubOptions options);
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    /// What speaks against running these, before anything is started: none enabled, a durable one
    /// without a journal, two that would both acknowledge one topic. None: nothing does.
    [[nodiscard]] static std::vector<std::string> problems(const Settings& settings);

    /// Starts those that are enabled. What could not be started is left out; a sentence for each.
    [[nodiscard]] std::vector<std::string> start();
    /// New ones start, those that are gone or disabled stop, those that changed begin anew; the
    /// others do not notice. What could not be started is as in start().
    struct Applied {
        std::vector<std::string> started, stopped, restarted, failed;
    };
    [[nodiscard]] Applied apply(Settings settings, std::chrono::milliseconds patience);

    /// "" once every consumer gets messages; else who could not be started, or waits for what.
    [[nodiscard]] std::string not_ready() const;
    /// Call it about once a second: says what hangs, follows a renewed certificate.
    void look();
    /// Every consumer in its order, the disabled ones, too.
    [[nodiscard]] std::vector<ConsumerStatus> status() const;

    struct Stopped {
        std::vector<std::string> left;  ///< A sentence for each consumer that left something.
        std::size_t stuck = 0;          ///< Threads that never came back: end by std::_Exit.
    };
    [[nodiscard]] Stopped stop(std::chrono::milliseconds patience);

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability::hub
