#include "gateway/http/request_grammar.hpp"

#include <algorithm>
#include <charconv>

namespace weft::gateway {
namespace {

bool is_digit(char byte) noexcept {
    return byte >= '0' && byte <= '9';
}

bool is_letter(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

bool all_digits(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), is_digit);
}

bool is_port(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 5 && all_digits(text);
}

}  // namespace

bool is_token(std::string_view text) noexcept {
    static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char byte) {
        return is_letter(byte) || is_digit(byte) || marks.find(byte) != std::string_view::npos;
    });
}

bool is_field_value(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char byte) {
        const auto value = static_cast<unsigned char>(byte);
        return value == '\t' || (value >= 0x20 && value != 0x7F);
    });
}

bool is_target(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char byte) { return byte > 0x20 && byte < 0x7F && byte != '#'; });
}

bool is_host(std::string_view text) noexcept {
    std::string_view name = text;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos || end == 1) return false;
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return false;
        name = text.substr(1, end - 1);
        return std::all_of(name.begin(), name.end(), [](char byte) {
            return is_digit(byte) || is_letter(byte) || byte == ':' || byte == '.';
        });
    }
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        if (!is_port(text.substr(colon + 1))) return false;
        name = text.substr(0, colon);
    }
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char byte) {
        return is_digit(byte) || is_letter(byte) || byte == '-' || byte == '.' || byte == '_';
    });
}

std::optional<std::uint64_t> content_length(std::string_view text) noexcept {
    const bool zero_in_front = text.size() > 1 && text.front() == '0';
    if (text.empty() || text.size() > 18 || zero_in_front || !all_digits(text)) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::optional<std::uint64_t> chunk_size(std::string_view text) noexcept {
    if (text.empty() || text.size() > 8) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace weft::gateway
