#pragma once
// GET /v1/topics?topic=GLOB&limit=N: topics that this gateway has seen, the last used first, with
// what has been stored on them since it started. A token sees those that it may read.
// Threads: any. Ownership: the parts outlive it.

#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/traffic.hpp"
#include "gateway/native/route_table.hpp"

namespace weft::gateway::native {

void add_topic_routes(RouteTable& table, const Traffic& traffic, const fabric::Clock& clock,
                      fabric::TopicSpace space);

}  // namespace weft::gateway::native
