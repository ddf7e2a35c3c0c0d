#pragma once
// What one client, and all of them together, may take of the server. Each limit answers with a
// status of its own and is counted under a name (refused.hpp). Threads: a value.

#include <chrono>
#include <cstddef>

namespace weft::gateway {

struct Limits {
    std::size_t body = 4U << 20U;          ///< Bytes of one request's body, decoded: 413.
    std::size_t bodies = 256U << 20U;      ///< Bytes of all bodies in memory: 503.
    std::size_t header = 16U << 10U;       ///< Bytes of a request line with its headers: 431.
    std::size_t line = 16U << 10U;         ///< Bytes of a request line (414) or a header (431).
    std::size_t header_count = 100;        ///< Headers of a request: 431.
    std::size_t connections = 20'000;      ///< Open ones: 503, and the new one is closed.
    std::size_t requests = 20'000;         ///< Not answered yet, streams too: 503.
    std::size_t stream_queue = 1U << 20U;  ///< Bytes that wait for one slow reader: it is cut off.

    std::chrono::milliseconds idle{75'000};  ///< Between requests; of a write without progress.
    std::chrono::milliseconds header_time{
        30'000};                                   ///< From the first byte to the last header: 408.
    std::chrono::milliseconds body_time{120'000};  ///< From the last header to the end: 408.
    std::chrono::milliseconds ping{15'000};        ///< Silence of a WebSocket before it is pinged.
};

}  // namespace weft::gateway
