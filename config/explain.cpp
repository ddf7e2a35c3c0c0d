#include "config/explain.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "config/check.hpp"
#include "config/nearest.hpp"
#include "config/schema.hpp"
#include "config/yaml_writer.hpp"

namespace weft::config {

namespace {

using Type = Schema::Type;

/// Free-form settings have no schema; a secret in them can only be told by its name.
bool is_named_like_a_secret(std::string_view name) {
    static constexpr std::array<std::string_view, 6> marks = {"password", "passwd", "passphrase",
                                                              "secret",   "token",  "credential"};
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (lower.ends_with("key")) return true;
    return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) {
        return lower.find(mark) != std::string::npos;
    });
}

void mask_all(Value& value) {
    // Empty text hides nothing, and it helps to see that nothing is set.
    if (value.is_scalar() && !value.text.empty()) value.text = secret_mask;
    for (Value& item : value.items) mask_all(item);
    for (Entry& entry : value.entries) mask_all(entry.value);
}

void mask_free(Value& value) {
    for (Value& item : value.items) mask_free(item);
    for (Entry& entry : value.entries) {
        if (is_named_like_a_secret(entry.key)) {
            mask_all(entry.value);
        } else {
            mask_free(entry.value);
        }
    }
}

void mask(Value& value, const Schema& schema) {
    if (schema.secret) return mask_all(value);
    switch (schema.type) {
        case Type::free:
            mask_free(value);
            return;
        case Type::list:
            for (Value& item : value.items) mask(item, schema.element.front());
            return;
        case Type::map: {
            const Schema& element = schema.element.front();
            if (element.type == Type::free) return mask_free(value);
            for (Entry& entry : value.entries) mask(entry.value, element);
            return;
        }
        case Type::section:
            for (Entry& entry : value.entries) {
                if (const Schema* known = schema.find(entry.key)) mask(entry.value, *known);
            }
            return;
        default:
            return;
    }
}

Value masked(const Configuration& configuration) {
    Value root = configuration.root();
    mask(root, schema());
    return root;
}

/// Why `step` is not found in `value`, which `known` describes as far as it does.
std::string missing(std::string_view step, const Value& value, const Schema* known) {
    if (known != nullptr && known->type == Type::section) {
        if (known->find(step) == nullptr) return unknown_key(step, *known);
        return in_quotes(step) + " has no value here, and no default";
    }
    if (value.is_list()) {
        return "there is no item " + in_quotes(step) + ": the list has " +
               std::to_string(value.items.size()) + " items, counted from 0";
    }
    if (!value.is_map())
        return "there is nothing below a single value: leave out " + in_quotes(step);
    std::vector<std::string> names;
    for (const Entry& entry : value.entries) names.push_back(entry.key);
    const Nearest guess = nearest(step, names);
    std::string sentence = "there is no key " + in_quotes(step) + " here";
    if (guess.close) return sentence + ": did you mean " + in_quotes(guess.word) + "?";
    if (guess.word.empty()) return sentence + ": this map is empty";
    return sentence + ": the nearest key is " + in_quotes(guess.word);
}

Problem not_found(const Configuration& configuration, std::string_view key) {
    const Value* value = &configuration.root();
    const Schema* known = &schema();
    std::string_view rest = key;
    std::string sentence;
    while (true) {
        const std::size_t dot = rest.find('.');
        const bool is_free_map = known != nullptr && known->type == Type::map;
        const std::string step(is_free_map ? rest : rest.substr(0, dot));
        const Value* next = value->find_path(step);
        if (next == nullptr || step.empty() || step.size() == rest.size()) {
            sentence = missing(step, *value, known);
            break;
        }
        if (known != nullptr) {
            known = known->type == Type::section ? known->find(step)
                    : known->element.empty()     ? nullptr
                                                 : &known->element.front();
        }
        value = next;
        rest.remove_prefix(step.size() + 1);
    }
    return {Origin::option("--query " + std::string(key)), std::string(key), std::move(sentence)};
}

bool has_leaves_below(const Value& value) {
    if (value.is_map()) return !value.entries.empty();
    return value.is_list() && std::any_of(value.items.begin(), value.items.end(),
                                          [](const Value& item) { return item.is_map(); });
}

void write_origins(const Value& value, const std::string& key, std::string& out) {
    if (!has_leaves_below(value)) {
        out += key + ": " + yaml_flow(value) + "   # " + value.origin.text() + '\n';
        return;
    }
    const std::string prefix = key.empty() ? "" : key + ".";
    for (const Entry& entry : value.entries) write_origins(entry.value, prefix + entry.key, out);
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        write_origins(value.items[i], prefix + std::to_string(i), out);
    }
}

}  // namespace

std::string effective_yaml(const Configuration& configuration) {
    return yaml_block(masked(configuration));
}

tl::expected<std::string, Problem> query(const Configuration& configuration, std::string_view key) {
    const Value root = masked(configuration);
    const Value* value = root.find_path(key);
    if (value == nullptr) return tl::make_unexpected(not_found(configuration, key));
    if (value->is_scalar()) return value->text + '\n';
    if (!value->is_list()) return yaml_block(*value);
    std::string lines;
    for (const Value& item : value->items) {
        lines += (item.is_scalar() ? item.text : yaml_flow(item)) + '\n';
    }
    return lines;
}

tl::expected<std::string, Problem> origins(const Configuration& configuration,
                                           std::string_view key) {
    const Value root = masked(configuration);
    const Value* value = root.find_path(key);
    if (value == nullptr) return tl::make_unexpected(not_found(configuration, key));
    std::string lines;
    write_origins(*value, std::string(key), lines);
    return lines;
}

}  // namespace weft::config
