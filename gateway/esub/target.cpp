#include "gateway/esub/target.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "gateway/http/message.hpp"
#include "gateway/http/uri.hpp"

namespace weft::gateway::esub {
namespace {

struct Known {
    std::string_view name, method;
    bool has_key;
};
/// In the order of Route.
constexpr std::array<Known, 8> routes = {{{"info", "GET", false},
                                          {"keys", "GET", false},
                                          {"sub", "GET", true},
                                          {"psub", "GET", true},
                                          {"rep", "POST", true},
                                          {"prep", "GET", false},
                                          {"ping", "GET", false},
                                          {"metrics", "GET", false}}};

int hex_digit(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/// Into any bytes, UTF-8 or not; nothing: an escape is none.
std::optional<std::string> decoded(std::string_view text, bool plus_is_space) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0) return std::nullopt;
            bytes += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            bytes += plus_is_space && text[i] == '+' ? ' ' : text[i];
        }
    }
    return bytes;
}

/// Of each name the first counts; a pair that cannot be read is none.
void read_query(std::string_view query, Target& target) {
    bool has_shared = false, has_psub = false;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const auto name = decoded(pair.substr(0, equals), true);
        auto value = decoded(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value) continue;
        if (*name == "token" && !std::exchange(target.has_token, true)) {
            target.token = std::move(*value);
        } else if (*name == "shared" && !std::exchange(has_shared, true)) {
            target.shared = *value == "1";
        } else if (*name == "psub" && !std::exchange(has_psub, true)) {
            target.psub = *value == "1";
        }
    }
    target.has_token = !target.token.empty();
}

}  // namespace

std::string_view name_of(Route route) noexcept {
    return routes[static_cast<std::size_t>(route)].name;
}

std::string_view method_of(Route route) noexcept {
    return routes[static_cast<std::size_t>(route)].method;
}

std::variant<Target, Moved, Unknown, Malformed> read_target(std::string_view raw_path,
                                                            std::string_view raw_query) {
    auto path = decoded(raw_path, false);
    if (!path) return Malformed{};
    std::string_view rest = *path;
    if (rest.empty() || rest.front() != '/') return Unknown{};
    rest.remove_prefix(1);
    const std::size_t first_end = rest.find('/');
    const std::string_view first = rest.substr(0, first_end);
    const auto* const known = std::find_if(routes.begin(), routes.end(), [&](const Known& route) {
        return same_name(route.name, first);
    });
    if (known == routes.end()) return Unknown{};
    const bool right_case = known->name == first;
    rest = first_end == std::string_view::npos ? "" : rest.substr(first_end + 1);
    if (!known->has_key) {
        if (!rest.empty()) return Unknown{};
        if (!right_case || first_end != std::string_view::npos) {
            return Moved{"/" + std::string{known->name}};
        }
    } else {
        const std::size_t key_end = rest.find('/');
        if (rest.empty() || key_end == 0) return Unknown{};
        if (key_end != std::string_view::npos && key_end + 1 != rest.size()) return Unknown{};
        if (!right_case || key_end != std::string_view::npos) {
            return Moved{"/" + std::string{known->name} + "/" +
                         percent_encode(rest.substr(0, key_end))};
        }
    }
    Target target;
    target.route = static_cast<Route>(known - routes.begin());
    target.key = rest;
    read_query(raw_query, target);
    return target;
}

}  // namespace weft::gateway::esub
