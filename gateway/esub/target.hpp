#pragma once
// What a request asks of esub: route, key and token out of its target. A key is one decoded segment
// of the path, any bytes; decoding comes before routing, so that an escaped slash makes two
// segments. Threads: pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace weft::gateway::esub {

enum class Route : std::uint8_t { info, keys, sub, psub, rep, prep, ping, metrics };
[[nodiscard]] std::string_view name_of(Route route) noexcept;
/// The one method of the route: "GET", or "POST" of rep.
[[nodiscard]] std::string_view method_of(Route route) noexcept;

struct Target {
    Route route = Route::ping;
    std::string key, token;  ///< "" where there is none.
    bool has_token = false;
    bool shared = false, psub = false;
};
/// The right spelling of the path, escaped.
struct Moved {
    std::string path;
};
struct Unknown {};
struct Malformed {};

/// `raw_path` without the prefix of the mount, `raw_query` without '?'.
[[nodiscard]] std::variant<Target, Moved, Unknown, Malformed> read_target(
    std::string_view raw_path, std::string_view raw_query);

}  // namespace weft::gateway::esub
