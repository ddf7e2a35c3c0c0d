#pragma once
// What a configuration text may be made of: UTF-8 without control characters.
// Threads: pure function.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weft::config {

struct BadText {
    std::size_t line = 1;  ///< counts from 1
    std::string sentence;
};

/// The first byte that is not UTF-8 (overlong forms and surrogates are not) or is a control
/// character other than tab and line ends; nothing if the text is good.
[[nodiscard]] std::optional<BadText> find_bad_text(std::string_view text);

/// Well-formed UTF-8; control characters may be in it.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// How many bytes the character takes that `text` begins with; 0 if it must not be shown to people
/// as it is: bytes that are not UTF-8, and control characters of every kind (C0, DEL and C1).
[[nodiscard]] std::size_t shown_character_bytes(std::string_view text) noexcept;

}  // namespace weft::config
