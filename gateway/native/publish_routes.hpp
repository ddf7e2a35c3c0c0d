#pragma once
// Routes that publish:
//
//     POST /v1/topics/{topic}   the body, under its content type
//     POST /v1/events           several: a list of {topic, body, ...}, or CloudEvents
//
// Threads: those of the server. Ownership: the parts outlive what is under way.

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/native/route_table.hpp"
#include "reliability/ack/recipients.hpp"

namespace weft::gateway::native {

void add_publish_routes(RouteTable& table, FabricBridge& bridge, const fabric::Clock& clock,
                        fabric::TopicSpace space, reliability::Recipients::Groups groups);

}  // namespace weft::gateway::native
