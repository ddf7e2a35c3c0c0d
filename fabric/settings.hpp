#pragma once
// What the configuration says about the fabric, as types. Read once, at the edge.
// Threads: a value.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/endpoint.hpp"
#include "config/problem.hpp"
#include "fabric/message/topic.hpp"

namespace weft::fabric {

struct Settings {
    enum class Mode { relay, bind };

    TopicSpace space;
    std::string
        name;  ///< Who we are: the name on our certificate. May be empty for who only reads.
    Mode mode = Mode::relay;
    config::Endpoint relay_inbound, relay_outbound;
    std::map<std::string, std::vector<config::Endpoint>> endpoints;  ///< Of publishers that bind.
    std::vector<std::string> srv;           ///< Domains whose SRV records name more of them.
    std::vector<std::string> name_servers;  ///< Empty: those of the system.
    std::uint64_t high_water_mark = 100'000;
    bool insecure = false;
    bool curve = false;      ///< CurveZMQ on every socket.
    std::string relay_name;  ///< Name on the relay's certificate; "": the only one with the role.
    std::chrono::milliseconds flush{5000};
    std::chrono::milliseconds replay_past{300'000}, replay_future{30'000};
    std::filesystem::path replay_state;  ///< Directory; empty: receivers remember nothing.

    /// Where publishers of this name may bind; without an entry of its own, a free port that is
    /// announced: tcp://127.0.0.1:0, or tcp://*:0 where `curve` or `insecure` allows it.
    [[nodiscard]] std::vector<config::Endpoint> own_endpoints() const;
    /// Every endpoint of the mesh that can be connected to.
    [[nodiscard]] std::vector<std::string> mesh_endpoints() const;
};

/// Problems name file and line.
[[nodiscard]] Settings read_settings(const config::Configuration& configuration,
                                     config::Problems& problems);

/// "" or why this endpoint must not be bound: it is reachable from other machines, there is no
/// CURVE, and `fabric.insecure` is not set (rule N1).
[[nodiscard]] std::string bind_refusal(const config::Endpoint& endpoint, const Settings& settings);
/// "" or what must be said aloud when this endpoint is bound: that anybody may connect.
[[nodiscard]] std::string bind_warning(const config::Endpoint& endpoint, const Settings& settings);

}  // namespace weft::fabric
