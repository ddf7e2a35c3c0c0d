#pragma once
// Spans of time as people write them: `250ms`, `3s`, `10m`, `2h`, `7d`, `0s`.
// Threads: pure functions.
#include <chrono>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace weft::config {

/// A hundred years: longer is a slip of the finger, and sums of such spans still fit.
inline constexpr std::chrono::milliseconds duration_max = std::chrono::hours{24 * 36'500};

/// A whole decimal number and a unit (ms, s, m, h, d), nothing else: a bare number is refused,
/// since nobody can tell seconds from milliseconds. The error says what would be right.
[[nodiscard]] tl::expected<std::chrono::milliseconds, std::string> parse_duration(
    std::string_view text);

/// The shortest form that parse_duration() reads back to the same span: `90s` is `90s`, `120s`
/// is `2m`. `span` must lie between 0 and duration_max.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds span);

}  // namespace weft::config
