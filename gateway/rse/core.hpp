#pragma once
// What the parts of the RSE handler share. Not for others.
// Threads: the members say.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "gateway/auth/access.hpp"
#include "gateway/rse/activity.hpp"
#include "gateway/rse/answers.hpp"
#include "gateway/rse/channel.hpp"
#include "gateway/rse/id_line.hpp"
#include "gateway/rse/posted_keys.hpp"
#include "gateway/rse/quiet_polls.hpp"
#include "gateway/rse/rse_handler.hpp"

namespace weft::gateway::rse {

class Poll;
class EventStream;

struct RseHandler::Core {
    Core(Settings the_settings, FabricBridge& the_bridge, Authenticator& the_authenticator,
         const fabric::Clock& the_clock, std::shared_ptr<IdLine> the_ids, Timers* the_timers)
        : settings(std::move(the_settings)),
          topics(settings.topic_root),
          bridge(the_bridge),
          access(the_authenticator, settings.auth_required && !settings.test_mode, the_clock),
          clock(the_clock),
          timers(the_timers),
          started(the_clock.steady()),
          ids(the_ids ? std::move(the_ids) : std::make_shared<IdLine>()),
          posted(settings.ttl),
          activity(settings.ttl) {}

    const Settings settings;
    const ChannelTopics topics;
    FabricBridge& bridge;
    Access access;
    const fabric::Clock& clock;
    Timers* const timers;  ///< Null: no streams.
    const fabric::Instant started;
    const std::shared_ptr<IdLine> ids;
    QuietPolls quiet;
    PostedKeys posted;
    Activity activity;

    /// What was stored before is hidden.
    [[nodiscard]] std::uint64_t oldest_us() const;
    /// Adds what every answer has: CORS, caching.
    void complete(const Request& request, Response& response) const;
    /// The same, and answers. The server drops the body for HEAD.
    void answer(Exchange& exchange, Response response) const;
    /// Or the answer to give instead: 401, 429.
    [[nodiscard]] tl::expected<Principal, Response> who(const Request& request);

    // Who waits, so that stop() finds them.
    std::mutex mutex;
    bool stopping = false;
    std::map<Poll*, std::weak_ptr<Poll>> waiting;
    /// Streams live here until they end.
    std::map<const EventStream*, std::shared_ptr<EventStream>> streams;
};

}  // namespace weft::gateway::rse
