#pragma once
// Reads YAML text into a Value tree with the place of every part. The subset is chosen so that a
// document means what it looks like: no duplicate keys, no anchors, aliases, merge keys or tags,
// one document a file, bounded depth and size. Scalars are not interpreted. Threads: pure function.
// The .cpp of this file is the only one that knows which YAML library is used.
#include <cstddef>
#include <string_view>

#include "config/problem.hpp"
#include "config/value.hpp"

namespace weft::config {

inline constexpr std::size_t yaml_bytes_max = std::size_t{1024} * 1024;
inline constexpr std::size_t yaml_depth_max = 32;
/// A reader that has found this many problems stops: what follows will not be news.
inline constexpr std::size_t yaml_problems_max = 1000;

struct ReadYaml {
    Value value;          ///< null for an empty document, and when `broken`
    Problems problems;    ///< in line order
    bool broken = false;  ///< the text could not be read to its end
};

/// `origin` is where the text comes from; values get its lines if it is a file.
[[nodiscard]] ReadYaml read_yaml(std::string_view text, const Origin& origin);

}  // namespace weft::config
