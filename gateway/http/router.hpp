#pragma once
// Which handler serves a path: that of the longest prefix. Several protocols share one port so.
// Threads: immutable once made.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/exchange.hpp"

namespace weft::gateway {

struct Mount {
    /// "/" is everything; "/v1" is "/v1" and what is below "/v1/", not "/v1x".
    std::string prefix = "/";
    std::shared_ptr<Handler> handler;
};

class Router {
public:
    explicit Router(std::vector<Mount> mounts);
    /// nullptr: nothing is mounted there. The path as it stands in the target, not decoded.
    [[nodiscard]] Handler* find(std::string_view raw_path) const noexcept;

private:
    std::vector<Mount> mounts_;  ///< Longest prefix first.
};

}  // namespace weft::gateway
