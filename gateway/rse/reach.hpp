#pragma once
// Which messages a question is about: the topics that are read, and which of their messages count.
// Threads: pure functions; what keep_of() returns may be called by any thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/rse/client.hpp"
#include "gateway/rse/core.hpp"
#include "gateway/rse/parameters.hpp"

namespace weft::gateway::rse {

struct Reach {
    Channel channel;
    PollParameters parameters;
    Client client;
    Principal who;
};

/// The topics; empty: `who` may read nothing of it.
[[nodiscard]] std::vector<std::string> globs_of(const ChannelTopics& topics, const Reach& reach);
/// It holds on to what it needs, not to `reach`: a read may last longer than its request.
[[nodiscard]] std::function<bool(const StoredEvent&)> keep_of(
    const std::shared_ptr<RseHandler::Core>& core, const Reach& reach);

}  // namespace weft::gateway::rse
