#pragma once
// Whose token it is. Every protocol asks here, whatever it calls the token.
// Threads: any number of io threads at once; must not block.

#include <optional>
#include <string_view>

#include "gateway/principal.hpp"

namespace weft::gateway {

class Authenticator {
public:
    virtual ~Authenticator() = default;
    /// `token` as the client sent it: any bytes. Nothing: refused or unknown, which look alike and
    /// cost alike (H2). Never the anonymous principal.
    [[nodiscard]] virtual std::optional<Principal> find(std::string_view token) = 0;
};

}  // namespace weft::gateway
