#include "gateway/routemaster/names.hpp"

#include <algorithm>

namespace weft::gateway::routemaster {
namespace {

constexpr std::size_t bytes_max = 64;

bool is_lower(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || byte == '_';
}

template <class Allowed>
bool is_name(std::string_view text, Allowed allowed) noexcept {
    return !text.empty() && text.size() <= bytes_max &&
           std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace

bool is_topic_name(std::string_view text) noexcept {
    return is_name(text, is_lower);
}

bool is_client_name(std::string_view text) noexcept {
    return is_name(text, [](char byte) {
        return is_lower(byte) || (byte >= '0' && byte <= '9') || byte == '-';
    });
}

std::string_view public_part(std::string_view token) noexcept {
    const std::size_t end = token.find("--");
    return end == 0 ? std::string_view{"client"} : token.substr(0, end);
}

std::string topic_of(std::string_view root, std::string_view name) {
    return std::string{root} + "." + std::string{name};
}

std::optional<std::string_view> name_in(std::string_view root, std::string_view topic) noexcept {
    if (topic.size() <= root.size() + 1 || !topic.starts_with(root) || topic[root.size()] != '.') {
        return std::nullopt;
    }
    const std::string_view name = topic.substr(root.size() + 1);
    if (!is_topic_name(name)) return std::nullopt;
    return name;
}

}  // namespace weft::gateway::routemaster
