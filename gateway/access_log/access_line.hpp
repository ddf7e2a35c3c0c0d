#pragma once
// One line of the access log. Whatever a client sends, a line stays one line, and what would let
// its reader in is not in it. Threads: pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access_log/client_address.hpp"
#include "gateway/http/server.hpp"

namespace weft::gateway {

enum class AccessFormat : std::uint8_t {
    /// Common Log Format, then the duration in seconds, request id, traceparent and listener:
    /// 192.0.2.1 - ci [21/Nov/2026:18:40:01 +0000] "GET / HTTP/1.1" 200 512 0.001200 ID TRACE
    /// LISTENER
    text,
    json,  ///< {"time", "client", "token", "method", "target", …}
};

/// More of a target is not shown.
inline constexpr std::size_t target_shown_max = 2048;

/// With its '\n'. `now_us`: since 1970, when the answer ended.
[[nodiscard]] std::string access_line(const AccessRecord& record, AccessFormat format,
                                      const std::vector<Network>& trusted, std::uint64_t now_us);

/// The values of the parameters token, access_token, secret and X-Auth-Token, in whatever case or
/// escape, are "REDACTED".
[[nodiscard]] std::string without_secrets(std::string_view target);

}  // namespace weft::gateway
