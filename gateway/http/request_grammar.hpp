#pragma once
// The small words of HTTP/1.1 (RFC 9110, RFC 9112), as strict as they are written there.
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::gateway {

/// A name of a header, or a method: one or more of the letters that a token is made of.
[[nodiscard]] bool is_token(std::string_view text) noexcept;
/// A value of a header: no control bytes but tab. Bytes above 0x7F are let through.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;
/// Path and query of a target: printable ASCII without blanks and '#'.
[[nodiscard]] bool is_target(std::string_view text) noexcept;
/// "host", "host:80", "[::1]:80".
[[nodiscard]] bool is_host(std::string_view text) noexcept;
/// Digits without a sign or a zero in front, below 2^63.
[[nodiscard]] std::optional<std::uint64_t> content_length(std::string_view text) noexcept;
/// 1 to 8 hex digits.
[[nodiscard]] std::optional<std::uint64_t> chunk_size(std::string_view text) noexcept;

}  // namespace weft::gateway
