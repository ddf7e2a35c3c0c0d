#pragma once
// What esub can be told about the fabric and other gateways; docs/esub.md explains each.
// Threads: a value; read() is pure.

#include <chrono>
#include <cstdint>
#include <string>

#include "config/configuration.hpp"
#include "config/problem.hpp"

namespace weft::gateway::esub {

struct ClusterSettings {
    enum class Keep : std::uint8_t { undelivered, all };

    std::string topic_root = "esub";
    std::string cluster_token;  ///< "": this gateway is alone.
    std::string advertise;      ///< "host:port" that clients reach it by; "": found by itself.
    bool redirect = false;      ///< A reply for another gateway's key is sent there by 307.
    std::chrono::milliseconds keep_unclaimed{0};  ///< 0: replies that nobody waited for are gone.
    Keep keep = Keep::undelivered;

    // Fixed, except for tests.
    std::chrono::milliseconds beat{1000};
    int silent_beats = 3;  ///< Then a gateway is dead.
    std::chrono::milliseconds owner_time{2000}, receipt_time{1000};

    [[nodiscard]] bool clustered() const noexcept { return !cluster_token.empty(); }
    [[nodiscard]] bool keeps() const noexcept { return keep_unclaimed.count() > 0; }
    [[nodiscard]] static ClusterSettings read(const config::Configuration& configuration,
                                              config::Problems& problems);
};

}  // namespace weft::gateway::esub
