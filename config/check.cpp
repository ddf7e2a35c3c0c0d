#include "config/check.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/address.hpp"
#include "config/decimal.hpp"
#include "config/duration.hpp"
#include "config/endpoint.hpp"
#include "config/flag.hpp"
#include "config/nearest.hpp"
#include "config/size.hpp"
#include "config/yaml_reader.hpp"

namespace weft::config {

namespace {

using Type = Schema::Type;

std::string below(const std::string& key, std::string_view name) {
    return key.empty() ? std::string(name) : key + "." + std::string(name);
}

/// What to write for a type, for messages.
std::string expectation(const Schema& schema) {
    switch (schema.type) {
        case Type::text:
            return "text";
        case Type::flag:
            return "true or false";
        case Type::count:
            return "a whole number";
        case Type::duration:
            return "a duration such as 250ms or 3s";
        case Type::size:
            return "a size such as 512 or 4MiB";
        case Type::endpoint:
            return "an endpoint such as tcp://127.0.0.1:9940";
        case Type::address:
            return "an address such as 127.0.0.1:8080";
        case Type::choice:
            return "one word";
        case Type::path:
            return "the name of a file or directory";
        case Type::list:
            return schema.element.front().type == Type::section
                       ? "a list of maps such as [{name: value}]"
                       : "a list such as [first, second]";
        case Type::map:
        case Type::section:
            return "a map of keys to values";
        case Type::free:
            break;
    }
    return "anything";
}

bool expects(const Schema& schema, Value::Kind kind) {
    switch (schema.type) {
        case Type::free:
            return true;
        case Type::list:
            return kind == Value::Kind::list;
        case Type::map:
        case Type::section:
            return kind == Value::Kind::map;
        default:
            return kind == Value::Kind::scalar;
    }
}

/// The dotted key of a known key of that name anywhere but in a list: somebody may have put it at
/// the wrong place.
std::optional<std::string> find_elsewhere(std::string_view name, const Schema& section,
                                          const std::string& key) {
    for (const Schema& known : section.keys) {
        const std::string known_key = below(key, known.name);
        if (known.name == name) return known_key;
        if (auto found = find_elsewhere(name, known, known_key)) return found;
    }
    return std::nullopt;
}

std::string one_of(const std::vector<std::string>& choices) {
    std::string text;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (i != 0) text += i + 1 == choices.size() ? " or " : ", ";
        text += choices[i];
    }
    return text;
}

template <typename Parsed>
std::optional<std::string> error_of(Parsed parsed) {
    if (parsed) return std::nullopt;
    return std::move(parsed.error());
}

std::optional<std::string> count_error(const std::string& text, const Schema& schema) {
    const auto number = parse_decimal(text);
    if (!number) return number.error();
    if (*number >= schema.min && *number <= schema.max) return std::nullopt;
    return in_quotes(text) + " is out of range: write a number from " + std::to_string(schema.min) +
           " to " + std::to_string(schema.max);
}

std::optional<std::string> choice_error(const std::string& text, const Schema& schema) {
    const auto& choices = schema.choices;
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return std::nullopt;
    const Nearest guess = nearest(text, choices);
    std::string sentence = in_quotes(text) + " is not a choice: write " + one_of(choices);
    if (guess.close) sentence += "; did you mean " + in_quotes(guess.word) + "?";
    return sentence;
}

std::optional<std::string> path_error(const std::string& text, const Schema& schema) {
    if (text.empty() && !schema.may_be_empty) {
        return "a name of a file or directory is needed here, not empty text";
    }
    if (text.find('\0') != std::string::npos) {
        return in_quotes(text) + " has a null character in it: no file can have that name";
    }
    if (text == "~" || text.starts_with("~/")) {
        return in_quotes(text) +
               " begins with '~', which only a shell understands: write the "
               "directory out";
    }
    return std::nullopt;
}

/// What is wrong with the text of a scalar; nothing if it is right.
std::optional<std::string> scalar_error(const Value& value, const Schema& schema) {
    const std::string& text = value.text;
    switch (schema.type) {
        case Type::flag:
            if (value.quoted) return in_quotes(text) + " is text in quotes: write true or false";
            return error_of(parse_flag(text));
        case Type::count:
            if (value.quoted) {
                return in_quotes(text) + " is text in quotes: write a number without quotes";
            }
            return count_error(text, schema);
        case Type::duration:
            return error_of(parse_duration(text));
        case Type::size:
            return error_of(parse_size(text));
        case Type::endpoint:
            return error_of(Endpoint::parse(text));
        case Type::address:
            return error_of(Address::parse(text));
        case Type::choice:
            return choice_error(text, schema);
        case Type::path:
            return path_error(text, schema);
        default:
            return std::nullopt;
    }
}

class Checker {
public:
    explicit Checker(Problems& problems) : problems_(problems) {}

    /// False: the value is wrong or says nothing, and is to be taken out.
    bool check(Value& value, const Schema& schema, const std::string& key) {
        if (schema.type == Type::free) return true;
        if (value.is_null()) return check_null(value, schema, key);
        if (!expects(schema, value.kind)) {
            refuse(value.origin, key,
                   expectation(schema) + " is needed here, but this is " +
                       std::string(kind_name(value.kind)));
            return false;
        }
        switch (schema.type) {
            case Type::section:
                check_section(value, schema, key);
                return true;
            case Type::map:
                check_map(value, schema, key);
                return true;
            case Type::list:
                return check_list(value, schema, key);
            default:
                break;
        }
        auto error = scalar_error(value, schema);
        if (!error) return true;
        refuse(value.origin, key, std::move(*error));
        return false;
    }

private:
    void refuse(const Origin& origin, const std::string& key, std::string sentence) {
        problems_.push_back({origin, key, std::move(sentence)});
    }

    bool check_null(const Value& value, const Schema& schema, const std::string& key) {
        // `fabric:` with everything below it commented out says nothing, and that is fine.
        if (schema.type == Type::section || schema.type == Type::map) return false;
        std::string instead;
        if (schema.type == Type::list) instead = ", or [] for an empty list";
        if (schema.type == Type::text || schema.may_be_empty) {
            instead = ", or \"\" for empty text";
        }
        refuse(value.origin, key,
               "there is no value: write " + expectation(schema) + instead + ", or remove the key");
        return false;
    }

    void check_section(Value& value, const Schema& schema, const std::string& key) {
        std::erase_if(value.entries, [&](Entry& entry) {
            const std::string entry_key = below(key, entry.key);
            const Schema* known = schema.find(entry.key);
            if (known != nullptr) return !check(entry.value, *known, entry_key);
            refuse(entry.origin, entry_key, unknown_key(entry.key, schema));
            return true;
        });
    }

    void check_map(Value& value, const Schema& schema, const std::string& key) {
        std::erase_if(value.entries, [&](Entry& entry) {
            return !check(entry.value, schema.element.front(), below(key, entry.key));
        });
    }

    /// A list with a wrong item is wrong as a whole: half a list is not what anybody wrote.
    bool check_list(Value& value, const Schema& schema, const std::string& key) {
        const std::size_t before = problems_.size();
        const Schema& element = schema.element.front();
        for (std::size_t i = 0; i < value.items.size(); ++i) {
            Value& item = value.items[i];
            const std::string item_key = below(key, std::to_string(i));
            if (check(item, element, item_key)) {
                if (element.type == Type::section) complete(item, element, item_key, before);
            } else if (item.is_null() && problems_.size() == before) {
                refuse(item.origin, item_key, "this item is empty: remove it");
            }
        }
        return problems_.size() == before;
    }

    /// `before`: how many problems there were before this list.
    void complete(Value& item, const Schema& section, const std::string& key, std::size_t before) {
        for (const Schema& known : section.keys) {
            if (item.find(known.name) != nullptr) continue;
            if (known.required && !was_refused(below(key, known.name), before)) {
                refuse(item.origin, key, "the key " + in_quotes(known.name) + " is missing here");
            }
            if (known.default_yaml.empty()) continue;
            Value value = read_yaml(known.default_yaml, Origin::defaults()).value;
            item.entries.push_back({known.name, Origin::defaults(), std::move(value)});
        }
    }

    /// A key that was there, but wrong, is not missing.
    [[nodiscard]] bool was_refused(const std::string& key, std::size_t before) const {
        const auto first = problems_.begin() + static_cast<std::ptrdiff_t>(before);
        return std::any_of(first, problems_.end(), [&](const Problem& problem) {
            return problem.key == key || problem.key.starts_with(key + ".");
        });
    }

    Problems& problems_;
};

}  // namespace

std::string unknown_key(std::string_view key, const Schema& section) {
    std::vector<std::string> names;
    for (const Schema& known : section.keys) names.push_back(known.name);
    const Nearest guess = nearest(key, names);
    std::string sentence = "unknown key " + in_quotes(key);
    if (guess.close) return sentence + ": did you mean " + in_quotes(guess.word) + "?";
    if (const auto elsewhere = find_elsewhere(key, schema(), {})) {
        return sentence + " here: did you mean " + in_quotes(*elsewhere) + "?";
    }
    return sentence + ": the nearest known key is " + in_quotes(guess.word);
}

void check_layer(Value& layer, const Schema& schema, Problems& problems) {
    if (Checker(problems).check(layer, schema, {})) return;
    layer = Value::map(layer.origin);
}

Value default_values(const Schema& schema) {
    Value values = Value::map(Origin::defaults());
    for (const Schema& known : schema.keys) {
        Value value;
        if (known.type == Type::section) {
            value = default_values(known);
        } else if (!known.default_yaml.empty()) {
            ReadYaml read = read_yaml(known.default_yaml, Origin::defaults());
            assert(read.problems.empty() && "a built-in default is YAML");
            value = std::move(read.value);
        } else {
            continue;
        }
        values.entries.push_back({known.name, Origin::defaults(), std::move(value)});
    }
    return values;
}

}  // namespace weft::config
