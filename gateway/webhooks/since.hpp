#pragma once
// "Since when": a span such as 10m, or a time such as 2026-11-21T02:43:29Z. Threads: pure
// functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace weft::gateway::webhooks {

/// Microseconds since 1970. The error says what would be right.
[[nodiscard]] tl::expected<std::uint64_t, std::string> since_us(std::string_view text,
                                                                std::uint64_t now_us);

}  // namespace weft::gateway::webhooks
