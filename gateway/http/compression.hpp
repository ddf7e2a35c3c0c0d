#pragma once
// gzip for the bodies of answers: only whole ones, worth it, and to clients that asked.
// Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.hpp"

namespace weft::gateway {

inline constexpr std::size_t compressed_bytes_min = 1024;

/// By Accept-Encoding: gzip or * is there, and not with q=0.
[[nodiscard]] bool accepts_gzip(const Headers& request);
/// Of a kind and size that shrinks, and not encoded already; the answer may differ by what the
/// client accepts, then.
[[nodiscard]] bool is_compressible(const Response& response);
/// Nothing if it did not get smaller.
[[nodiscard]] std::optional<std::string> gzip(std::string_view body);

}  // namespace weft::gateway
