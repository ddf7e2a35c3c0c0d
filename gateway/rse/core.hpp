#pragma once
// What the parts of the RSE handler share. Not for others.
// Threads: the members say.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "gateway/rse/answers.hpp"
#include "gateway/rse/channel.hpp"
#include "gateway/rse/quiet_polls.hpp"
#include "gateway/rse/rse_handler.hpp"

namespace weft::gateway::rse {

class Poll;

struct RseHandler::Core {
    Core(Settings the_settings, FabricBridge& the_bridge, Authenticator& the_authenticator,
         const fabric::Clock& the_clock)
        : settings(std::move(the_settings)),
          topics(settings.topic_root),
          bridge(the_bridge),
          authenticator(the_authenticator),
          clock(the_clock),
          started(the_clock.steady()) {}

    const Settings settings;
    const ChannelTopics topics;
    FabricBridge& bridge;
    Authenticator& authenticator;
    const fabric::Clock& clock;
    const fabric::Instant started;
    QuietPolls quiet;

    /// What was stored before is hidden.
    [[nodiscard]] std::uint64_t oldest_us() const;
    /// Adds what every answer has (CORS, caching), and answers. The server drops the body for HEAD.
    void answer(Exchange& exchange, Response response) const;

    // Who waits, so that stop() finds them.
    std::mutex mutex;
    bool stopping = false;
    std::map<Poll*, std::weak_ptr<Poll>> waiting;
};

}  // namespace weft::gateway::rse
