#pragma once
// What may wait in a gateway's bridge. Beyond, the answer is `busy`. Threads: a value.

#include <chrono>
#include <cstddef>
#include <functional>

#include "fabric/message/message.hpp"
#include "gateway/bridge/pending_publishes.hpp"

namespace weft::gateway {

struct BridgeLimits {
    std::size_t read_threads = 2;
    std::size_t reads_waiting = 1024;
    std::size_t acknowledged_waiting = 1024;  ///< Before they are sent.
    PendingLimits durable;
    std::size_t waiters = 20'000;
    std::size_t room_waiting = 1024;  ///< Requests about cursors, groups and families.
    /// How long stop() lets durable publishes end as they would.
    std::chrono::milliseconds stop_patience{1000};
    /// Messages whose acknowledgements others in this process give; see RecorderOptions.
    std::function<bool(const fabric::Message&)> answered_elsewhere{};
};

}  // namespace weft::gateway
