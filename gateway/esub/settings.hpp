#pragma once
// What esub can be told; docs/esub.md explains each. Threads: a value; read() is pure.

#include <chrono>
#include <cstddef>
#include <string>

#include "config/configuration.hpp"
#include "config/problem.hpp"

namespace weft::gateway::esub {

struct Settings {
    std::string name;      ///< This host, as /info says it.
    std::string node_ip;   ///< As /info says it; read() finds the first IPv4 that is not loopback.
    bool confirm = false;  ///< Receipt mode.
    std::chrono::milliseconds ping{60'000};
    bool close_connections = false;  ///< After every answer.
    std::string metric_prefix = "esub";
    std::size_t key_bytes_max = 4096;    ///< Of a key, and of a token: 414.
    std::size_t waiters_per_client = 0;  ///< Subs and psubs: 429; 0: any number.

    // Fixed, except for tests.
    std::chrono::milliseconds receipt_time{1000};  ///< For one member to confirm.
    std::chrono::milliseconds stall_time{5000};    ///< Without progress a reader is cut off.

    [[nodiscard]] static Settings read(const config::Configuration& configuration,
                                       config::Problems& problems);
};

}  // namespace weft::gateway::esub
