#pragma once
// Cursors and consumer groups over HTTP:
//
//     GET    /v1/cursors                     all of them, with their lag
//     PUT    /v1/cursors/{name}              {topics, start, mode?, lease?, max_attempts?}
//     GET    /v1/cursors/{name}
//     DELETE /v1/cursors/{name}
//     POST   /v1/cursors/{name}/next?max=N&wait=30s&lease=30s&member=M
//     POST   /v1/cursors/{name}/ack          {ids, member?}
//     POST   /v1/cursors/{name}/nack         {id, reason?, delay?, dead?, member?}
//     POST   /v1/cursors/{name}/set          {to}
//     GET    /v1/cursors/{name}/dead         dead letters
//     POST   /v1/cursors/{name}/dead         {retry: ids} or {drop: ids}
//
// Functions and limits are those of CursorStore and GroupService. Without `member` a group's member
// is the name of the token. A cursor without a mode is plain: `next` reads without leases, and
// `ack` moves it behind the largest id.
//
// Threads: those of the server; the journal is asked by workers. Ownership: the parts outlive it.

#include <functional>

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/native/route_table.hpp"

namespace weft::gateway::native {

/// What is returned answers who waits, by no messages, and lets nobody wait any more.
[[nodiscard]] std::function<void()> add_cursor_routes(RouteTable& table, JournalRoom& room,
                                                      FabricBridge& bridge,
                                                      const fabric::Clock& clock,
                                                      fabric::TopicSpace space);

}  // namespace weft::gateway::native
