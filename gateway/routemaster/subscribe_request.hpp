#pragma once
// The body of a subscribe request (M50 to M55). Threads: a value; parse() is pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/routemaster/address.hpp"

namespace weft::gateway::routemaster {

/// In place of an address: the subscriber fetches its events.
inline constexpr std::string_view polled_callback = "poll";

struct SubscribeRequest {
    static constexpr std::chrono::milliseconds timeout_default{500}, timeout_max{3'600'000};
    static constexpr std::size_t max_default = 100, max_most = 10'000;
    static constexpr std::size_t uuid_bytes_max = 1024;

    std::vector<std::string> topics;  ///< Each once, in their order.
    std::string callback;             ///< "": it is polled (event_polls.hpp).
    std::optional<std::string> uuid{};
    /// Nothing: as it was, or the default where nothing was.
    std::optional<std::chrono::milliseconds> timeout{};
    std::optional<std::size_t> max{};

    /// The error is a sentence.
    [[nodiscard]] static tl::expected<SubscribeRequest, std::string> parse(std::string_view json,
                                                                           Schemes schemes,
                                                                           std::size_t topics_max);
};

}  // namespace weft::gateway::routemaster
