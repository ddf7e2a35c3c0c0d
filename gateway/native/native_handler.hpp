#pragma once
// weft's own API over HTTP: the routes of design.md below /v1, and /openapi.json. Thin: it
// publishes, and it reads the journal through the bridge.
//
//     POST /v1/topics/{topic}   publish the body under its content type
//     POST /v1/events           publish several: a list of {topic, body, ...}, or CloudEvents
//     GET  /v1/events           read, or long-poll
//     GET  /v1/events/{id}      one message
//     GET  /v1/events/{id}/children, /ancestors
//     GET  /v1/stream           Server-Sent Events, or lines of JSON (?format=ndjson)
//     GET  /v1/ws               WebSocket: ws_frames.hpp
//     GET  /openapi.json        all of this for programs; needs no token
//     GET  /v1/info
//     GET  /v1/topics           what was seen on which topic: topic_routes.hpp
//     GET  /v1/peers            peer_routes.hpp
//     /v1/cursors and below     cursor_routes.hpp
//
// Threads: those of the server. Ownership: what Parts names outlives it.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/auth/access.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/journal_room.hpp"
#include "gateway/bridge/peers.hpp"
#include "gateway/bridge/traffic.hpp"
#include "gateway/http/prefixed.hpp"
#include "gateway/native/route_table.hpp"
#include "reliability/ack/recipients.hpp"

namespace weft::gateway::native {

class NativeHandler final : public PrefixedHandler {
public:
    struct Parts {
        FabricBridge& bridge;
        Access& access;
        Timers& timers;
        const fabric::Clock& clock;
        fabric::TopicSpace space;
        reliability::Recipients::Groups groups;
        std::string name;                  ///< On our certificate.
        std::string version;               ///< Of weft.
        JournalRoom* room = nullptr;       ///< Null: no cursors, groups and families.
        const Traffic* traffic = nullptr;  ///< Null: no topics.
        std::function<Peers()> peers{};    ///< Empty: no peers. Must not block.
    };
    explicit NativeHandler(Parts parts);
    ~NativeHandler() override;

    void handle_below(std::string_view prefix, const std::shared_ptr<Exchange>& exchange) override;
    void stop() override;
    /// Tokens have changed: streams and sockets that were opened by one that is gone, or that has
    /// other grants now, end.
    void review();
    [[nodiscard]] std::vector<RouteTable::Route> routes() const;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::gateway::native
