#pragma once
// Finds the known word that somebody probably meant.
// Threads: pure functions.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weft::config {

/// Letters inserted, removed, changed or swapped with their neighbour to get from `a` to `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// Longer words are not compared letter by letter: the work is bounded, and nobody meant them.
inline constexpr std::size_t compared_bytes_max = 64;

struct Nearest {
    std::string word;    ///< empty when nothing is known at all
    bool close = false;  ///< near enough for a question: did you mean it?
};
[[nodiscard]] Nearest nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace weft::config
