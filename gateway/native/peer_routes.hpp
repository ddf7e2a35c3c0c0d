#pragma once
// GET /v1/peers: who is connected, who was heard, what waits and what was lost. It is about others'
// topics too, so for admin tokens alone. Threads: any.

#include <functional>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/peers.hpp"
#include "gateway/native/route_table.hpp"

namespace weft::gateway::native {

/// `peers` is asked by io threads, and must not block.
void add_peer_routes(RouteTable& table, std::function<Peers()> peers);

}  // namespace weft::gateway::native
