#pragma once
// How a reader who comes late learns that it missed something (R158). Threads: pure function.

#include <algorithm>
#include <functional>
#include <utility>

#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::gateway::rse {

/// How far behind what is hidden lost events are looked for: a poll must not cost more because its
/// cursor is old.
inline constexpr reliability::JournalId expired_look_back = 512;

/// Reads the newest event after `cursor` and up to `hidden`, what the TTL hides.
[[nodiscard]] inline ReadRequest newest_hidden(reliability::JournalId cursor,
                                               reliability::JournalId hidden,
                                               reliability::TopicFilter filter,
                                               std::function<bool(const StoredEvent&)> keep) {
    ReadRequest request;
    request.after = {0, std::max(cursor, hidden - std::min(hidden, expired_look_back))};
    request.filter = std::move(filter);
    request.messages = 1;
    request.through = hidden;
    request.order = ReadRequest::Order::newest;
    request.keep = std::move(keep);
    return request;
}

}  // namespace weft::gateway::rse
