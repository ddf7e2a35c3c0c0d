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

}  // namespace weft::config
