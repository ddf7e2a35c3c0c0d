#include "config/value.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace weft::config {

namespace {

const Value* item_at(const Value& list, std::string_view index) noexcept {
    std::size_t position = 0;
    const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), position);
    if (error != std::errc{} || end != index.data() + index.size()) return nullptr;
    return position < list.items.size() ? &list.items[position] : nullptr;
}

const Value* child_at(const Value& value, std::string_view key) noexcept {
    return value.is_list() ? item_at(value, key) : value.find(key);
}

}  // namespace

Value Value::scalar(std::string text, Origin origin, bool quoted) {
    Value value;
    value.kind = Kind::scalar;
    value.origin = std::move(origin);
    value.text = std::move(text);
    value.quoted = quoted;
    return value;
}

Value Value::list(Origin origin) {
    Value value;
    value.kind = Kind::list;
    value.origin = std::move(origin);
    return value;
}

Value Value::map(Origin origin) {
    Value value;
    value.kind = Kind::map;
    value.origin = std::move(origin);
    return value;
}

const Value* Value::find(std::string_view key) const noexcept {
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const Entry& entry) { return entry.key == key; });
    return found == entries.end() ? nullptr : &found->value;
}

Value* Value::find(std::string_view key) noexcept {
    return const_cast<Value*>(std::as_const(*this).find(key));
}

const Value* Value::find_path(std::string_view path) const noexcept {
    if (path.empty()) return this;
    // The longest key first, so that a glob such as `org.weft.*` is one key.
    for (std::size_t end = path.size(); end != std::string_view::npos && end != 0;
         end = path.rfind('.', end - 1)) {
        const Value* child = child_at(*this, path.substr(0, end));
        if (child == nullptr) continue;
        if (end == path.size()) return child;
        const std::string_view rest = path.substr(end + 1);
        if (rest.empty()) continue;
        if (const Value* found = child->find_path(rest)) return found;
    }
    return nullptr;
}

bool Value::same_content(const Value& other) const noexcept {
    if (kind != other.kind || text != other.text) return false;
    if (items.size() != other.items.size() || entries.size() != other.entries.size()) return false;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!items[i].same_content(other.items[i])) return false;
    }
    return std::all_of(entries.begin(), entries.end(), [&](const Entry& entry) {
        const Value* twin = other.find(entry.key);
        return twin != nullptr && entry.value.same_content(*twin);
    });
}

std::string_view kind_name(Value::Kind kind) noexcept {
    switch (kind) {
        case Value::Kind::null:
            return "nothing";
        case Value::Kind::scalar:
            return "a single value";
        case Value::Kind::list:
            return "a list";
        case Value::Kind::map:
            break;
    }
    return "a map";
}

}  // namespace weft::config
