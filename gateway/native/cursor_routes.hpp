#pragma once
// Cursors and consumer groups over HTTP, and who caused what:
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
//     GET    /v1/events/{id}/children, /ancestors
//
// Functions and limits are those of CursorStore and GroupService. Without `member` a group's member
// is the name of the token. A cursor without a mode is plain: `next` reads without leases, and
// `ack` moves it behind the largest id.
//
// Threads: those of the server; the journal is asked by workers. Ownership: the parts outlive it.

#include <memory>
#include <string>
#include <vector>

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/grants.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/uri.hpp"

namespace weft::gateway::native {

class CursorRoutes {
public:
    CursorRoutes(JournalRoom& room, FabricBridge& bridge, const fabric::Clock& clock,
                 fabric::TopicSpace space);
    ~CursorRoutes();

    /// False: the path is none of these. `path` begins with v1.
    [[nodiscard]] bool handle(const std::shared_ptr<Exchange>& exchange,
                              const std::vector<std::string>& path, const Query& query,
                              const Principal& who);

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace weft::gateway::native
