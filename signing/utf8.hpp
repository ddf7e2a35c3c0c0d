#pragma once
// Reads UTF-8 one character at a time: topics, globs and what is shown of foreign bytes need it.
// Threads: pure functions.

#include <cstddef>
#include <string_view>

namespace weft::signing {

struct Utf8Character {
    char32_t code_point;  ///< utf8_invalid + the byte's value where the bytes are not UTF-8.
    std::size_t bytes;    ///< 1 to 4; 1 where the bytes are not UTF-8, so that a reader goes on.
    [[nodiscard]] bool valid() const noexcept;
};

/// Above every code point.
inline constexpr char32_t utf8_invalid = 0x110000;

inline bool Utf8Character::valid() const noexcept {
    return code_point < utf8_invalid;
}

/// The character at the start of `text`, which must not be empty. Overlong forms, surrogates and
/// numbers above U+10FFFF are not UTF-8.
[[nodiscard]] Utf8Character first_utf8_character(std::string_view text) noexcept;

/// C0, DEL and C1.
[[nodiscard]] bool is_control(char32_t code_point) noexcept;

}  // namespace weft::signing
