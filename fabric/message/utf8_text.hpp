#pragma once
// Whole texts of UTF-8: is this one? Fast where it is ASCII, as nearly all of them are.
// Threads: pure functions.

#include <cstddef>
#include <string_view>

namespace weft::fabric {

/// How many bytes at the start of `text` are whole characters of UTF-8; all of them if it is valid.
[[nodiscard]] std::size_t utf8_prefix(std::string_view text) noexcept;

[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept {
    return utf8_prefix(text) == text.size();
}

}  // namespace weft::fabric
