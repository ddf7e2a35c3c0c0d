// compact_json() and from_json(): JSON text that others wrote. The only file that sees simdjson.
//
// The whole text is walked with simdjson's On-Demand API, because its DOM refuses numbers that do
// not fit a double, and these must keep their digits. On-Demand checks only what it is asked for,
// so every key, string and number is asked for here, numbers and literals by a grammar of our own.

#include <simdjson.h>

#include <algorithm>

#include "fabric/message/json_form.hpp"
#include "fabric/message/json_number.hpp"
#include "fabric/message/utf8_text.hpp"

namespace weft::fabric {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t depth_default = 32;

std::string at_place(std::string_view text, std::size_t offset, std::string_view what) {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return "line " + std::to_string(lines + 1) + ", column " +
           std::to_string(before.size() - line_start + 1) + ": " + std::string{what};
}

/// simdjson tells of a bad or missing end of a string before it can tell where.
std::string string_error(std::string_view text) {
    bool inside = false;
    std::size_t opened = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') {
            inside = !inside;
            opened = i;
        } else if (inside && text[i] == '\\') {
            ++i;
        } else if (inside && static_cast<unsigned char>(text[i]) < 0x20) {
            return at_place(text, i, "a string has a raw control character; escape it, as in \\n");
        }
    }
    return at_place(text, opened, "this string is never closed; put a quote at its end");
}

/// One pass over one document. The text stands in a list of its own, "[text]", so that a number
/// alone is a value like any other and what follows the value is noticed.
class Walk {
public:
    Walk(std::string_view text, std::size_t depth_max) : text_(text), depth_max_(depth_max) {
        padded_.reserve(text.size() + 2 + simdjson::SIMDJSON_PADDING);
        padded_.append("[").append(text).append("]");
    }

    /// Makes the value too unless `out` is null. False: error() says why.
    bool run(Value* out) {
        if (const std::size_t valid = utf8_prefix(text_); valid < text_.size()) {
            return fail(at_place(text_, valid, "this byte is not UTF-8"));
        }
        const auto failed =
            parser_.iterate(padded_.data(), padded_.size(), padded_.capacity()).get(document_);
        if (failed == simdjson::UNCLOSED_STRING || failed == simdjson::UNESCAPED_CHARS) {
            return fail(string_error(text_));
        }
        if (failed) return fail(simdjson::error_message(failed));
        return single_value(out);
    }

    [[nodiscard]] std::string take_error() { return std::move(error_); }

private:
    bool single_value(Value* out) {
        ondemand::array list;
        if (const auto failed = document_.get_array().get(list)) return fail(failed);
        std::size_t count = 0;
        for (auto element : list) {
            ondemand::value value;
            if (const auto failed = element.get(value)) return fail(failed);
            if (++count > 1) return fail_here("one JSON value is expected, and a second follows");
            if (!any(value, 0, out)) return false;
        }
        if (count == 0) return fail("there is no JSON value; it is empty");
        // Once all is read, there is no place any more to be at.
        const char* place = nullptr;
        if (document_.current_location().get(place) != simdjson::OUT_OF_BOUNDS) {
            return fail_here("something follows the JSON value");
        }
        return true;
    }

    // Recursion ends at depth_max_, which the caller chose and no input can raise.
    bool any(ondemand::value& value, std::size_t depth, Value* out) {
        ondemand::json_type type{};
        if (const auto failed = value.type().get(type)) return fail(failed);
        switch (type) {
            case ondemand::json_type::array:
                return deeper(depth) && list(value, depth + 1, out);
            case ondemand::json_type::object:
                return deeper(depth) && map(value, depth + 1, out);
            case ondemand::json_type::string:
                return string(value, out);
            case ondemand::json_type::number:
            case ondemand::json_type::boolean:
            case ondemand::json_type::null:
                break;
        }
        return token(value.raw_json_token(), out);
    }

    bool deeper(std::size_t depth) {
        return depth < depth_max_ ||
               fail_here("more than " + std::to_string(depth_max_) +
                         " lists and objects stand in one another; flatten it");
    }

    bool list(ondemand::value& value, std::size_t depth, Value* out) {
        ondemand::array elements;
        if (const auto failed = value.get_array().get(elements)) return fail(failed);
        Value::List made;
        for (auto element : elements) {
            ondemand::value next;
            if (const auto failed = element.get(next)) return fail(failed);
            Value child;
            if (!any(next, depth, out != nullptr ? &child : nullptr)) return false;
            if (out != nullptr) made.push_back(std::move(child));
        }
        if (out != nullptr) *out = Value{std::move(made)};
        return true;
    }

    bool map(ondemand::value& value, std::size_t depth, Value* out) {
        ondemand::object fields;
        if (const auto failed = value.get_object().get(fields)) return fail(failed);
        Value::Map made;
        for (auto entry : fields) {
            ondemand::field field;
            if (const auto failed = std::move(entry).get(field)) return fail(failed);
            std::string_view key;
            if (const auto failed = field.unescaped_key().get(key)) return fail(failed);
            // simdjson's own buffer holds the key only as long as the parser is not moved on.
            std::string kept{out != nullptr ? key : std::string_view{}};
            Value child;
            if (!any(field.value(), depth, out != nullptr ? &child : nullptr)) return false;
            if (out != nullptr) made.emplace_back(std::move(kept), std::move(child));
        }
        if (out != nullptr) *out = Value{std::move(made)};
        return true;
    }

    bool string(ondemand::value& value, Value* out) {
        std::string_view text;
        if (const auto failed = value.get_string().get(text)) return fail(failed);
        if (out != nullptr) *out = Value{text};
        return true;
    }

    bool token(std::string_view token, Value* out) {
        const std::size_t last = token.find_last_not_of(" \t\r\n");
        token = token.substr(0, last == std::string_view::npos ? 0 : last + 1);
        const auto offset = static_cast<std::size_t>(token.data() - padded_.data()) - 1;
        Value made;
        if (token == "true" || token == "false") {
            made = Value{token == "true"};
        } else if (token != "null") {
            if (!is_json_number(token)) {
                return fail(at_place(text_, offset, "this is no JSON value"));
            }
            if (out != nullptr) {
                auto number = number_value(token);
                if (!number) return fail(at_place(text_, offset, "this number is beyond a double"));
                made = *std::move(number);
            }
        }
        if (out != nullptr) *out = std::move(made);
        return true;
    }

    bool fail(std::string error) {
        error_ = "The text is not JSON: " + std::move(error) + ".";
        return false;
    }
    bool fail(simdjson::error_code code) {
        switch (code) {
            case simdjson::STRING_ERROR:
                return fail_here(
                    "the string before this place has an escape that JSON does not have, or half "
                    "of a surrogate pair");
            case simdjson::TAPE_ERROR:
            case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
            case simdjson::INCORRECT_TYPE:
                return fail_here(
                    "a comma, colon, quote or bracket is missing, superfluous or misplaced here");
            default:
                return fail_here(simdjson::error_message(code));
        }
    }
    bool fail_here(std::string_view what) {
        const char* place = nullptr;
        if (document_.current_location().get(place) || place == nullptr) {
            return fail(at_place(text_, text_.size(), what));
        }
        const auto offset = place - padded_.data() - 1;
        return fail(at_place(text_, offset < 0 ? 0 : static_cast<std::size_t>(offset), what));
    }

    std::string_view text_;
    std::size_t depth_max_;
    std::string padded_;
    ondemand::parser parser_;
    ondemand::document document_;
    std::string error_;
};

}  // namespace

tl::expected<std::string, std::string> compact_json(std::string_view text, std::size_t depth_max) {
    Walk walk{text, depth_max};
    if (!walk.run(nullptr)) return tl::make_unexpected(walk.take_error());
    // minify() stores whole blocks, so it may touch some bytes beyond what it keeps.
    std::string compact(text.size() + simdjson::SIMDJSON_PADDING, '\0');
    std::size_t kept = 0;
    if (const auto failed = simdjson::minify(text.data(), text.size(), compact.data(), kept)) {
        return tl::make_unexpected(std::string{"The text is not JSON: "} +
                                   simdjson::error_message(failed) + ".");
    }
    compact.resize(kept);
    return compact;
}

tl::expected<Value, std::string> from_json(std::string_view text) {
    Walk walk{text, depth_default};
    Value value;
    if (!walk.run(&value)) return tl::make_unexpected(walk.take_error());
    return value;
}

}  // namespace weft::fabric
