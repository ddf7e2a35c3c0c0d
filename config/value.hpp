#pragma once
// A configuration tree: what a YAML document says, with the place of every part. Scalars stay the
// text that was written; only the typed reads (section.hpp) give them a meaning.
// Threads: a plain value; no shared state.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/origin.hpp"

namespace weft::config {

struct Entry;

struct Value {
    enum class Kind { null, scalar, list, map };

    Kind kind = Kind::null;
    Origin origin;
    std::string text;            ///< of a scalar
    bool quoted = false;         ///< a quoted scalar is text, whatever it looks like
    std::vector<Value> items;    ///< of a list
    std::vector<Entry> entries;  ///< of a map, in the order written; keys are unique

    [[nodiscard]] static Value scalar(std::string text, Origin origin, bool quoted = false);
    [[nodiscard]] static Value list(Origin origin);
    [[nodiscard]] static Value map(Origin origin);

    [[nodiscard]] bool is_null() const noexcept { return kind == Kind::null; }
    [[nodiscard]] bool is_scalar() const noexcept { return kind == Kind::scalar; }
    [[nodiscard]] bool is_list() const noexcept { return kind == Kind::list; }
    [[nodiscard]] bool is_map() const noexcept { return kind == Kind::map; }

    /// The value of one key of this map; nullptr when there is none or this is not a map.
    [[nodiscard]] const Value* find(std::string_view key) const noexcept;
    [[nodiscard]] Value* find(std::string_view key) noexcept;

    /// Follows a dotted key: `a.b` is key b of key a, `a.0` the first item of list a. A key that
    /// itself has dots (a glob, say) is found too: the longest key that fits is tried first.
    [[nodiscard]] const Value* find_path(std::string_view path) const noexcept;

    /// The same content; origins and quotes do not count.
    [[nodiscard]] bool same_content(const Value& other) const noexcept;
};

struct Entry {
    std::string key;
    Origin origin;  ///< where the key stands; its value may begin lines below
    Value value;
};

/// What the value is, for messages: `a list`, `a map`, `nothing`, `a single value`.
[[nodiscard]] std::string_view kind_name(Value::Kind kind) noexcept;

}  // namespace weft::config
