#pragma once
// Routes that read:
//
//     GET /v1/events        a page, or a long-poll
//     GET /v1/events/{id}   one message, by its journal id or its UUID
//     GET /v1/events/{id}/children, /ancestors
//
// Threads: those of the server, and of the bridge. Ownership: the parts outlive what is under way.

#include <atomic>

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/native/route_table.hpp"

namespace weft::gateway::native {

/// `room` null: nothing is found by a UUID, and there are no families. `stopped`: nobody waits any
/// more.
void add_read_routes(RouteTable& table, FabricBridge& bridge, JournalRoom* room,
                     const fabric::Clock& clock, fabric::TopicSpace space,
                     std::shared_ptr<const std::atomic<bool>> stopped);

}  // namespace weft::gateway::native
