#include "config/yaml_writer.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace weft::config {

namespace {

constexpr std::size_t step = 2;

bool is_letter_or_digit(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Whether the text means itself without quotes, in block and in flow style.
bool is_plain(std::string_view text) {
    static constexpr std::array<std::string_view, 4> nulls = {"null", "Null", "NULL", "~"};
    if (text.empty() || std::find(nulls.begin(), nulls.end(), text) != nulls.end()) return false;
    const bool number = text.size() > 1 && text[0] == '-' && text[1] >= '0' && text[1] <= '9';
    if (!number && !is_letter_or_digit(text.front()) && text.front() != '_' &&
        text.front() != '/') {
        return false;
    }
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_letter_or_digit(c) || std::string_view("_./+-").find(c) != std::string_view::npos;
    });
}

std::string double_quoted(std::string_view text) {
    static constexpr std::string_view hex = "0123456789abcdef";
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            result += {'\\', c};
        } else if (c == '\n') {
            result += "\\n";
        } else if (c == '\t') {
            result += "\\t";
        } else if (byte < 0x20 || byte == 0x7F) {
            result += {'\\', 'x', hex[byte >> 4U], hex[byte & 0xFU]};
        } else {
            result += c;
        }
    }
    return result + '"';
}

std::string scalar_text(std::string_view text, bool quoted) {
    return !quoted && is_plain(text) ? std::string(text) : double_quoted(text);
}

bool in_block(const Value& value) {
    if (value.is_map()) return !value.entries.empty();
    return value.is_list() && std::any_of(value.items.begin(), value.items.end(),
                                          [](const Value& item) { return item.is_map(); });
}

void write_block(const Value& value, std::size_t indent, std::string& out);

/// What follows `key:` or `-` on the same line or on the lines below.
void write_entry(const Value& value, std::size_t indent, std::string& out) {
    if (in_block(value)) {
        out += '\n';
        write_block(value, indent, out);
    } else {
        out += ' ' + yaml_flow(value) + '\n';
    }
}

void write_item(const Value& item, std::size_t indent, std::string& out) {
    const std::string margin(indent, ' ');
    if (!item.is_map() || item.entries.empty()) {
        out += margin + "- " + yaml_flow(item) + '\n';
        return;
    }
    std::string block;
    write_block(item, indent + step, block);
    // The first key stands beside the dash.
    block[indent] = '-';
    out += block;
}

void write_block(const Value& value, std::size_t indent, std::string& out) {
    for (const Entry& entry : value.entries) {
        out += std::string(indent, ' ') + scalar_text(entry.key, false) + ':';
        write_entry(entry.value, indent + step, out);
    }
    for (const Value& item : value.items) write_item(item, indent, out);
}

}  // namespace

std::string yaml_flow(const Value& value) {
    std::string out;
    switch (value.kind) {
        case Value::Kind::null:
            return "null";
        case Value::Kind::scalar:
            return scalar_text(value.text, value.quoted);
        case Value::Kind::list:
            for (const Value& item : value.items) {
                out += (out.empty() ? "" : ", ") + yaml_flow(item);
            }
            return '[' + out + ']';
        case Value::Kind::map:
            break;
    }
    for (const Entry& entry : value.entries) {
        out += (out.empty() ? "" : ", ") + scalar_text(entry.key, false) + ": " +
               yaml_flow(entry.value);
    }
    return '{' + out + '}';
}

std::string yaml_block(const Value& value) {
    if (value.is_map() && value.entries.empty()) return {};
    if (!in_block(value)) return yaml_flow(value) + '\n';
    std::string out;
    write_block(value, 0, out);
    return out;
}

}  // namespace weft::config
