#pragma once
// What is wrong with the configuration, said so that it can be put right. A load collects every
// problem instead of stopping at the first.
// Threads: plain values; no shared state.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/origin.hpp"

namespace weft::config {

struct Problem {
    Origin origin;
    std::string key;       ///< dotted, such as `fabric.mode`; empty when it concerns a whole file
    std::string sentence;  ///< what is wrong and what would be right

    /// `weft.d/10-weft.yaml:3: fabric.mode: sentence`, always one line, fit for a terminal.
    [[nodiscard]] std::string text() const;
};

using Problems = std::vector<Problem>;

/// One problem a line, in the order given, no newline at the end. After `problems_shown_max` lines
/// it only says how many more there are.
inline constexpr std::size_t problems_shown_max = 100;
[[nodiscard]] std::string text_of(const Problems& problems);

/// Text from outside, fit to stand inside a message: in single quotes, control characters
/// and bytes that are not UTF-8 escaped, cut after 80 bytes.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace weft::config
