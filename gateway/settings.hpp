#pragma once
// What the configuration says about the gateway as a whole, as types; each protocol reads its own
// part. Read once, at the edge. Threads: values.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"
#include "gateway/access_log/access_line.hpp"
#include "gateway/access_log/client_address.hpp"
#include "gateway/bridge/bridge_limits.hpp"
#include "gateway/http/limits.hpp"

namespace weft::gateway {

enum class Protocol : std::uint8_t { native, metrics, console, rse, esub, routemaster };
[[nodiscard]] std::string_view name_of(Protocol protocol) noexcept;

struct MountSettings {
    Protocol protocol = Protocol::native;
    std::string prefix;  ///< "" or "/events": in front of the paths of the protocol.
};

struct AccessLogSettings {
    std::string path;  ///< "": none; "-": stderr; else absolute.
    AccessFormat format = AccessFormat::text;
};

struct GatewaySettings {
    struct Listener {
        std::string address;
        std::vector<MountSettings> mounts;
        std::string where;  ///< "weft.d/60-gateway.yaml:4", for sentences.
    };

    std::vector<Listener> listeners;
    std::filesystem::path certificate, key;  ///< Empty: no TLS.
    bool tls_only = false;
    bool auth_required = false;
    std::filesystem::path tokens;
    Limits limits;
    BridgeLimits bridge;
    AccessLogSettings access_log;
    unsigned io_threads = 0;               ///< 0: as many as there are cores.
    std::vector<Network> trusted_proxies;  ///< Whose X-Forwarded-For is believed.
};

/// Problems name file and line.
[[nodiscard]] GatewaySettings read_gateway_settings(const config::Configuration& configuration,
                                                    config::Problems& problems);

}  // namespace weft::gateway
