#pragma once
// The message that `…/test` sends: it is in no journal, its id there is 0, and nobody signed it.
// Threads: pure.

#include <cstdint>
#include <string>

#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::gateway::webhooks {

/// `topic` is a full one; the body says that it is a test and of which webhook.
[[nodiscard]] StoredEvent test_event(const std::string& topic, const std::string& webhook,
                                     std::uint64_t now_us);

}  // namespace weft::gateway::webhooks
