#include "gateway/http/message.hpp"

#include <algorithm>

namespace weft::gateway {
namespace {

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

}  // namespace

bool same_name(std::string_view one, std::string_view other) noexcept {
    return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
    for (const auto& [known, value] : list_) {
        if (same_name(known, name)) return value;
    }
    return std::nullopt;
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const auto& [known, value] : list_) {
        if (same_name(known, name)) found.emplace_back(value);
    }
    return found;
}

bool Headers::lists(std::string_view name, std::string_view token) const noexcept {
    for (const auto& [known, value] : list_) {
        if (!same_name(known, name)) continue;
        for (std::string_view rest = value; !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (same_name(trimmed(rest.substr(0, comma)), token)) return true;
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return false;
}

void Headers::add(std::string name, std::string value) {
    list_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string name, std::string value) {
    std::erase_if(list_, [&](const auto& header) { return same_name(header.first, name); });
    add(std::move(name), std::move(value));
}

std::string_view trimmed(std::string_view text) noexcept {
    const auto is_blank = [](char byte) { return byte == ' ' || byte == '\t'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view Request::raw_path() const noexcept {
    return std::string_view{target}.substr(0, target.find('?'));
}

std::optional<std::string_view> Request::raw_query() const noexcept {
    const std::size_t mark = target.find('?');
    if (mark == std::string::npos) return std::nullopt;
    return std::string_view{target}.substr(mark + 1);
}

Response Response::of(unsigned status, std::string content_type, std::string body) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", std::move(content_type));
    response.body = std::move(body);
    return response;
}

}  // namespace weft::gateway
