#pragma once
// Why the server, not a handler, refuses a request: one name for each reason, one counter a name.
// Threads: pure functions.

#include <cstddef>
#include <string>
#include <string_view>

namespace weft::gateway {

enum class Refused {
    bad_request_line,      ///< 400
    bad_header,            ///< 400: a line that is no header, or a header that must not be twice
    bad_host,              ///< 400: none, two, or none that is a host
    bad_framing,           ///< 400: more than one way to see where the body ends
    bad_chunk,             ///< 400
    version_not_spoken,    ///< 505
    method_not_served,     ///< 501: CONNECT, TRACE
    line_too_long,         ///< 414
    header_too_large,      ///< 431
    body_too_large,        ///< 413
    expectation_failed,    ///< 417
    too_slow,              ///< 408
    body_cut_short,        ///< no answer: the client has gone
    too_many_connections,  ///< 503
    too_many_requests,     ///< 503
    too_many_bodies,       ///< 503: the memory for bodies is in use
    not_mounted,           ///< 404: nothing is served there
    tls_only,              ///< 308
    bad_websocket,         ///< 400 or 426: not a handshake that can be answered
    foreign_origin,        ///< 403: a page of another site wants a WebSocket (rule H6)
    unanswered,            ///< 500: the handler let go of the request
    stopping,              ///< 503
};
inline constexpr std::size_t refused_count = static_cast<std::size_t>(Refused::stopping) + 1;

/// The name in counters and logs: "bad_framing".
[[nodiscard]] std::string_view name_of(Refused reason) noexcept;

/// One refused request, as it is answered.
struct Refusal {
    Refused reason;
    unsigned status = 400;
    std::string sentence;  ///< What is wrong and what would be right; foreign text is escaped.
};

}  // namespace weft::gateway
