#pragma once
// The addresses that events and subscriptions name: absolute, of http or https, with a host, as
// RFC 3986 writes them. Threads: pure functions.

#include <string>
#include <string_view>

namespace weft::gateway::routemaster {

enum class Schemes { https, http_too };

/// "", or a sentence: what is wrong with it. `what` names it: "url".
[[nodiscard]] std::string address_error(std::string_view what, std::string_view address,
                                        Schemes schemes);

inline constexpr std::size_t address_bytes_max = 1024;  ///< M41

}  // namespace weft::gateway::routemaster
