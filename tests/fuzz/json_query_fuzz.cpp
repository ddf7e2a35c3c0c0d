// --query: a path into JSON text finds what walking the parsed value finds, and nothing else.

#include <cassert>
#include <charconv>
#include <string>

#include "fabric/message/json_form.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

const fabric::Value* step_into(const fabric::Value& value, std::string_view step) {
    if (const fabric::Value::Map* map = value.map()) {
        const fabric::Value* found = nullptr;
        for (const auto& [key, element] : *map) {
            if (key == step) found = &element;
        }
        return found;
    }
    const fabric::Value::List* list = value.list();
    if (list == nullptr) return nullptr;
    std::size_t index = 0;
    const auto [end, failed] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (failed != std::errc{} || end != step.data() + step.size()) return nullptr;
    return index < list->size() ? &(*list)[index] : nullptr;
}

const fabric::Value* found_in(const fabric::Value& root, std::string_view path) {
    const fabric::Value* here = &root;
    bool more = !path.empty();
    while (more && here != nullptr) {
        const std::size_t dot = path.find('.');
        here = step_into(*here, path.substr(0, dot));
        more = dot != std::string_view::npos;
        if (more) path.remove_prefix(dot + 1);
    }
    return here;
}

}  // namespace

void json_query(std::string_view input) {
    const std::size_t line_end = input.find('\n');
    const std::string_view path = input.substr(0, line_end);
    const std::string_view json =
        line_end == std::string_view::npos ? "" : input.substr(line_end + 1);

    const auto part = fabric::query_json(json, path);
    if (part) assert(fabric::compact_json(*part, 64) == *part);
    const auto root = fabric::from_json(json);
    if (!root) return;
    const fabric::Value* expected = found_in(*root, path);
    assert(part.has_value() == (expected != nullptr));
    if (part) assert(fabric::from_json(*part) == *expected);
}

}  // namespace weft::fuzz
