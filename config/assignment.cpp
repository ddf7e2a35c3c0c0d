#include "config/assignment.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/nearest.hpp"
#include "config/utf8.hpp"
#include "config/yaml_reader.hpp"

namespace weft::config {

namespace {

using Type = Schema::Type;
using Steps = std::vector<std::string>;

constexpr std::string_view set_option = "--set ";

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

std::string upper_case(std::string_view text) {
    std::string upper(text);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return upper;
}

std::string dotted(const Steps& steps) {
    std::string key;
    for (const std::string& step : steps) key += (key.empty() ? "" : ".") + step;
    return key;
}

/// The keys of a map whose values are not maps: what is left of a dotted key is one of them.
bool takes_the_rest(const Schema* schema) {
    if (schema == nullptr || schema->type != Type::map) return false;
    const Type element = schema->element.front().type;
    return element != Type::section && element != Type::map && element != Type::free;
}

const Schema* step_into(const Schema* schema, std::string_view step) {
    if (schema == nullptr) return nullptr;
    if (schema->type == Type::section) return schema->find(step);
    return schema->type == Type::map ? &schema->element.front() : nullptr;
}

Steps split(std::string_view key, std::string_view separator, const Schema& schema) {
    Steps steps;
    const Schema* here = &schema;
    while (true) {
        const std::size_t end = takes_the_rest(here) ? std::string_view::npos : key.find(separator);
        steps.emplace_back(key.substr(0, end));
        if (end == std::string_view::npos) return steps;
        here = step_into(here, steps.back());
        key.remove_prefix(end + separator.size());
    }
}

Assignment refused(const Origin& origin, std::string key, std::string sentence) {
    Assignment assignment;
    assignment.problems.push_back({origin, std::move(key), std::move(sentence)});
    return assignment;
}

std::optional<std::string> steps_error(const Steps& steps) {
    if (steps.size() > yaml_depth_max) return "the key is nested too deep: no setting needs that";
    const bool empty_step = std::any_of(steps.begin(), steps.end(),
                                        [](const std::string& step) { return step.empty(); });
    if (empty_step) return "a part of the key is empty: name each level, such as fabric.mode";
    return std::nullopt;
}

Assignment assign(const Steps& steps, std::string_view text, const Origin& origin) {
    const std::string key = dotted(steps);
    if (auto error = steps_error(steps)) return refused(origin, key, std::move(*error));
    Value value = Value::scalar({}, origin, true);
    if (!text.empty()) {
        ReadYaml read = read_yaml(text, origin);
        if (!read.problems.empty()) {
            Assignment assignment;
            assignment.problems = std::move(read.problems);
            for (Problem& problem : assignment.problems) {
                problem.key = problem.key.empty() ? key : key + "." + problem.key;
            }
            return assignment;
        }
        value = std::move(read.value);
        value.origin = origin;
    }
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        Value map = Value::map(origin);
        map.entries.push_back({*step, origin, std::move(value)});
        value = std::move(map);
    }
    return {std::move(value), {}};
}

/// WEFT_FABRIC_MODE instead of WEFT_FABRIC__MODE.
std::optional<std::string> single_underscore_error(const std::string& first, const Schema& schema) {
    if (schema.find(first) != nullptr) return std::nullopt;
    for (const Schema& known : schema.keys) {
        if (known.type != Type::section || !first.starts_with(known.name + "_")) continue;
        const std::string rest = first.substr(known.name.size() + 1);
        return "unknown key " + in_quotes(first) + ": did you mean " + in_quotes(known.name) +
               "? Two underscores separate the levels: " + std::string(variable_prefix) +
               upper_case(known.name) + "__" + upper_case(rest);
    }
    return std::nullopt;
}

}  // namespace

Assignment read_setting(std::string_view setting, const Schema& schema) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string_view::npos || equals == 0 ||
        find_bad_text(setting.substr(0, equals))) {
        // Only the key is repeated: the value may be a secret.
        const std::string_view key = setting.substr(0, equals);
        return refused(Origin::option("--set"), {},
                       in_quotes(key) +
                           " is not a setting: write key=value, such as "
                           "--set fabric.mode=bind");
    }
    const std::string key(setting.substr(0, equals));
    return assign(split(key, ".", schema), setting.substr(equals + 1),
                  Origin::option(std::string(set_option) + key));
}

Assignment read_variable(std::string_view variable, std::string_view value, const Schema& schema) {
    return read_variable_as(Origin::environment(std::string(variable)), variable, value, schema);
}

Assignment read_variable_as(const Origin& origin, std::string_view variable, std::string_view value,
                            const Schema& schema) {
    const std::string key = lower_case(variable.substr(variable_prefix.size()));
    const Steps steps = split(key, "__", schema);
    if (auto error = single_underscore_error(steps.front(), schema)) {
        return refused(origin, dotted(steps), std::move(*error));
    }
    return assign(steps, value, origin);
}

}  // namespace weft::config
