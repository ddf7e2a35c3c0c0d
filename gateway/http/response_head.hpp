#pragma once
// The bytes before the body of an answer. The server alone says how a body is framed: such headers
// of a handler are left out, and no text of a handler ends a line early.
// Threads: pure functions.

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.hpp"

namespace weft::gateway {

struct HeadShape {
    unsigned version = 11;                ///< Of the request.
    bool keep_alive = true;               ///< The connection goes on after it.
    bool upgrades = false;                ///< Another protocol goes on.
    bool chunked = false;                 ///< The body is a stream, in chunks.
    std::optional<std::uint64_t> length;  ///< Nothing: none is said, as for a stream to HTTP/1.0.
    std::time_t now = 0;
    std::string_view request_id{};
};

[[nodiscard]] std::string response_head(unsigned status, const Headers& headers,
                                        const HeadShape& shape);

/// False for 1xx, 204 and 304, whatever a handler put there.
[[nodiscard]] bool may_have_body(unsigned status) noexcept;

}  // namespace weft::gateway
