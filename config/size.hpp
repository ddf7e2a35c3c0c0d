#pragma once
// Amounts of bytes as people write them: `512`, `64KiB`, `4MiB`, `10GiB`, `10kB`, `2MB`.
// Threads: pure functions.
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace weft::config {

/// A whole decimal number, alone or with B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB
/// (powers of 1024). The error says what would be right.
[[nodiscard]] tl::expected<std::uint64_t, std::string> parse_size(std::string_view text);

}  // namespace weft::config
