#pragma once
// Whole numbers as people write them: decimal only. `010` is refused, because YAML 1.1 and C read
// it as 8. Threads: pure functions.
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace weft::config {

/// Digits and nothing else. The error is a sentence that says what would be right.
[[nodiscard]] tl::expected<std::uint64_t, std::string> parse_decimal(std::string_view text);

/// The number of digits that `text` begins with.
[[nodiscard]] std::size_t leading_digits(std::string_view text) noexcept;

}  // namespace weft::config
