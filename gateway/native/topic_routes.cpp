#include "gateway/native/topic_routes.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/native/start_of.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;

void answer_topics(const Traffic& traffic, std::uint64_t now_us, const fabric::TopicSpace& space,
                   const Asked& asked) {
    auto globs = globs_parameter(asked.query, space);
    if (!globs) return refuse(asked.exchange, 400, globs.error());
    const auto limit = number_parameter(asked.query, "limit", limit_max, 1, Traffic::topics_max);
    if (!limit) return refuse(asked.exchange, 400, limit.error());
    reliability::TopicFilter filter;
    if (!globs->empty()) filter = reliability::TopicFilter{std::move(*globs)};
    const TrafficTable::Snapshot seen = traffic.topics.snapshot(now_us);
    Value::List topics;
    bool more = false;
    for (const TrafficTable::Row& row : seen.rows) {
        if (!filter.matches(row.name) || !asked.who.may_read(row.name)) continue;
        more = topics.size() >= *limit;
        if (more) break;
        topics.emplace_back(Value::Map{{"topic", row.name},
                                       {"messages", row.messages},
                                       {"last_journal_id", row.last_id},
                                       {"last_time", fabric::rfc3339(row.last_us)},
                                       {"per_second", row.per_second}});
    }
    answer(asked.exchange,
           Value::Map{{"topics", std::move(topics)},
                      {"more", more},
                      {"counted_after", traffic.counted_after.load()},
                      {"counted_since", fabric::rfc3339(traffic.counted_since_us.load())},
                      {"forgotten", seen.forgotten}});
}

}  // namespace

void add_topic_routes(RouteTable& table, const Traffic& traffic, const fabric::Clock& clock,
                      fabric::TopicSpace space) {
    table.add("GET", "/v1/topics",
              [&traffic, &clock, space = std::move(space)](const Asked& asked) {
                  answer_topics(traffic, clock.utc_us(), space, asked);
              });
}

}  // namespace weft::gateway::native
