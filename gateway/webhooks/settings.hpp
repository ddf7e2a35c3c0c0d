#pragma once
// What the configuration says about webhooks beside how they are delivered
// (gateway/delivery/settings.hpp): what one begins with. Threads: values.

#include <chrono>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"

namespace weft::gateway::webhooks {

struct Settings {
    /// Pauses before the attempts; one of 0s in front is the first attempt, which never waits.
    std::vector<std::chrono::milliseconds> schedule{};
    std::chrono::milliseconds disable_after = std::chrono::hours{5 * 24};
    std::chrono::milliseconds rotation_overlap = std::chrono::hours{24};

    /// Problems name file and line.
    [[nodiscard]] static Settings read(const config::Configuration& configuration,
                                       config::Problems& problems);
};

}  // namespace weft::gateway::webhooks
