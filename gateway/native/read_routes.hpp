#pragma once
// Routes that read:
//
//     GET /v1/events        a page, or a long-poll
//     GET /v1/events/{id}   one message, by its journal id or its UUID
//     GET /v1/events/{id}/children, /ancestors
//
// Threads: those of the server, and of the bridge. Ownership: the parts outlive what is under way.

#include <functional>

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/native/route_table.hpp"

namespace weft::gateway::native {

/// `room` null: nothing is found by a UUID, and there are no families. What is returned answers who
/// waits, by an empty page, and lets nobody wait any more.
[[nodiscard]] std::function<void()> add_read_routes(RouteTable& table, FabricBridge& bridge,
                                                    JournalRoom* room, const fabric::Clock& clock,
                                                    fabric::TopicSpace space);

}  // namespace weft::gateway::native
