#pragma once
// What the server counts, by name. Threads: any.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "gateway/http/refused.hpp"

namespace weft::gateway {

enum class Count {
    connections,         ///< Accepted, those that were refused too.
    connections_open,    ///< Now.
    requests,            ///< Handed to a handler.
    requests_open,       ///< Now: not answered, or streams that go on.
    websockets,          ///< Opened.
    body_bytes,          ///< In memory now.
    slow_reader,         ///< Streams and WebSockets cut off: too much waited unread.
    stalled_writer,      ///< Connections cut off: an answer made no progress for limits.idle.
    idle_closed,         ///< Connections closed after limits.idle without a request.
    gone,                ///< Clients that went before they were answered.
    answered_late,       ///< Answers that were given after the client had gone.
    answered_twice,      ///< Faults of handlers.
    handler_exceptions,  ///< Faults of handlers, hooks and timers.
    tls_failed,          ///< Handshakes.
    accept_failed,       ///< Such as no descriptors being left.
};
inline constexpr std::size_t count_count = static_cast<std::size_t>(Count::accept_failed) + 1;

class ServerCounters {
public:
    std::atomic<std::uint64_t>& operator[](Count count) noexcept {
        return counts_[static_cast<std::size_t>(count)];
    }
    void refused(Refused reason) noexcept { ++refused_[static_cast<std::size_t>(reason)]; }
    [[nodiscard]] std::map<std::string, std::uint64_t> by_name() const;

private:
    std::array<std::atomic<std::uint64_t>, count_count> counts_{};
    std::array<std::atomic<std::uint64_t>, refused_count> refused_{};
};

}  // namespace weft::gateway
