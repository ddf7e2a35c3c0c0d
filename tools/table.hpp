#pragma once
// Tables for people. Threads: pure functions.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace weft::tools {

using Rows = std::vector<std::vector<std::string>>;

/// Columns as wide as their widest cell, two spaces between them; the last one is not padded. All
/// rows have as many cells as the first.
[[nodiscard]] inline std::string table(const Rows& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            text += fmt::format("{:<{}}  ", row[i], widths[i]);
        }
        text += row.back() + "\n";
    }
    return text;
}

}  // namespace weft::tools
