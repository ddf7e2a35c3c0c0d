#include "gateway/http/uri.hpp"

#include <algorithm>

#include "config/problem.hpp"
#include "config/utf8.hpp"

namespace weft::gateway {
namespace {

int hex_digit(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool is_unreserved(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

}  // namespace

tl::expected<std::string, std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            decoded += ' ';
        } else if (text[i] != '%') {
            decoded += text[i];
        } else {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0) {
                return tl::make_unexpected(config::in_quotes(text.substr(i, 3)) +
                                           " is no escape: % stands before two hex digits, and a "
                                           "percent sign itself is written %25");
            }
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    if (!config::is_utf8(decoded)) {
        return tl::make_unexpected(config::in_quotes(text) +
                                   " is not UTF-8 once its escapes are decoded; escape the bytes "
                                   "of UTF-8 text");
    }
    return decoded;
}

std::string percent_encode(std::string_view text) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char byte : text) {
        if (is_unreserved(byte)) {
            encoded += byte;
        } else {
            const auto value = static_cast<unsigned char>(byte);
            encoded += '%';
            encoded += digits[value >> 4U];
            encoded += digits[value & 15U];
        }
    }
    return encoded;
}

tl::expected<Query, std::string> Query::parse(std::string_view text) {
    Query query;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('&'), text.size());
        const std::string_view parameter = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (parameter.empty()) continue;
        if (query.list_.size() == parameters_max) {
            return tl::make_unexpected("more than " + std::to_string(parameters_max) +
                                       " parameters; send fewer");
        }
        const std::size_t equals = std::min(parameter.find('='), parameter.size());
        auto name = percent_decode(parameter.substr(0, equals), true);
        if (!name) return tl::make_unexpected(std::move(name.error()));
        auto value = percent_decode(parameter.substr(std::min(equals + 1, parameter.size())), true);
        if (!value) return tl::make_unexpected(std::move(value.error()));
        query.list_.emplace_back(std::move(*name), std::move(*value));
    }
    return query;
}

std::optional<std::string_view> Query::find(std::string_view name) const noexcept {
    for (auto known = list_.rbegin(); known != list_.rend(); ++known) {
        if (known->first == name) return known->second;
    }
    return std::nullopt;
}

std::vector<std::string_view> Query::all(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const auto& [known, value] : list_) {
        if (known == name) found.emplace_back(value);
    }
    return found;
}

tl::expected<std::vector<std::string>, std::string> path_segments(std::string_view raw_path) {
    if (raw_path.empty() || raw_path.front() != '/') {
        return tl::make_unexpected(config::in_quotes(raw_path) +
                                   " is no path; a path begins with '/'");
    }
    raw_path.remove_prefix(1);
    std::vector<std::string> segments;
    if (raw_path.empty()) return segments;
    for (bool more = true; more;) {
        const std::size_t slash = raw_path.find('/');
        more = slash != std::string_view::npos;
        auto segment = percent_decode(raw_path.substr(0, slash));
        if (!segment) return tl::make_unexpected(std::move(segment.error()));
        segments.push_back(std::move(*segment));
        if (more) raw_path.remove_prefix(slash + 1);
    }
    return segments;
}

}  // namespace weft::gateway
