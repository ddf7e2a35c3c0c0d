#pragma once
// Every key that weft knows: type, default, allowed values, and what it means in one line. load()
// checks each layer against it, so that what reaches a module is known and of its type.
// Threads: schema() is built once and immutable.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace weft::config {

struct Schema {
    enum class Type {
        text,      ///< any scalar, as written
        flag,      ///< true, false, on, off, yes, no
        count,     ///< a whole number between `min` and `max`
        duration,  ///< see duration.hpp
        size,      ///< see size.hpp
        endpoint,  ///< see endpoint.hpp
        address,   ///< see address.hpp
        choice,    ///< one of `choices`
        path,      ///< a file or directory
        list,      ///< of `element`
        map,       ///< free keys, each an `element`
        section,   ///< the keys in `keys`, no others
        free,      ///< any YAML at all; its reader checks it
    };

    Type type = Type::text;
    std::string name;
    std::string doc;
    std::string default_yaml;          ///< empty: without a default the key may be missing
    std::vector<Schema> keys;          ///< of a section
    std::vector<Schema> element;       ///< of a list or map: exactly one
    std::vector<std::string> choices;  ///< of a choice
    std::uint64_t min = 0;             ///< of a count
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    bool may_be_empty = false;  ///< of a path: "" means none
    bool required = false;      ///< in a list item: must be there
    bool secret = false;        ///< explain.hpp prints ***

    /// One key of a section; nullptr if it has none of that name.
    [[nodiscard]] const Schema* find(std::string_view key) const noexcept;
};

/// The whole tree; its root is a section.
[[nodiscard]] const Schema& schema();

}  // namespace weft::config
