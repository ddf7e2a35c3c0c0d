#pragma once
// All connections of the native WebSocket: opens them, and ends them when the gateway stops.
//
// Threads: any. Ownership: a connection lives as long as its socket; bridge, timers, clock and room
// outlive this. Limits: ws_world.hpp; connections are bounded by the server.

#include <cstddef>
#include <functional>
#include <memory>

#include "gateway/native/ws_world.hpp"
#include "gateway/principal.hpp"

namespace weft::gateway::native {

class WsSessions {
public:
    WsSessions(FabricBridge& bridge, Timers& timers, const fabric::Clock& clock,
               fabric::TopicSpace space, reliability::Recipients::Groups groups, JournalRoom* room,
               WsLimits limits = {});
    ~WsSessions();

    /// Answers the request: by a WebSocket, or by what it lacks to be one.
    /// `still` as in Access; empty: it always does.
    void open(const std::shared_ptr<Exchange>& exchange, Principal who,
              std::function<bool()> still = {});
    /// Ends those whose `still` says no, with 1008. Call it when tokens have changed.
    void review();
    /// Each gets {"op":"end"} and is closed with 1001.
    void stop();
    [[nodiscard]] std::size_t size() const;

private:
    struct Core;
    std::shared_ptr<Core> core_;
};

}  // namespace weft::gateway::native
