#pragma once
// What the configuration says about delivering (gateway.webhooks). Threads: values.

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"

namespace weft::gateway::delivery {

struct Settings {
    std::chrono::milliseconds connect_timeout{2000};
    std::chrono::milliseconds timeout{15'000};  ///< Of a request, with everything.
    std::size_t concurrency = 64;               ///< Requests under way, of all subscriptions.
    std::filesystem::path ca{};                 ///< PEM; empty: whom the system trusts.
    bool allow_http = false;
    std::vector<std::string> allow_networks{};  ///< "10.1.0.0/16", "fd00::/8".

    /// Problems name file and line.
    [[nodiscard]] static Settings read(const config::Configuration& configuration,
                                       config::Problems& problems);
};

}  // namespace weft::gateway::delivery
