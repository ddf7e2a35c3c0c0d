#include "gateway/settings.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "config/section.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway {
namespace {

using config::Section;
using config::Value;

constexpr std::array<std::string_view, 6> names{"native", "metrics", "console",
                                                "rse",    "esub",    "routemaster"};

std::optional<Protocol> protocol_named(std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Protocol>(found - names.begin());
}

/// Those whose paths begin with whatever their clients say.
bool takes_every_path(Protocol protocol) {
    return protocol == Protocol::rse || protocol == Protocol::esub ||
           protocol == Protocol::routemaster;
}

/// One entry of `serve`: a name, or {protocol: rse, prefix: /events}.
std::optional<MountSettings> read_mount(const Section& listener, const std::string& key,
                                        const Value& entry) {
    const Value* name = entry.is_map() ? entry.find("protocol") : &entry;
    const auto protocol =
        name != nullptr && name->is_scalar() ? protocol_named(name->text) : std::nullopt;
    if (!protocol) {
        listener.refuse(key,
                        "one of native, metrics, console, rse, esub, routemaster is needed, or "
                        "{protocol: rse, prefix: /events}");
        return std::nullopt;
    }
    MountSettings mount{*protocol, ""};
    for (const config::Entry& member : entry.entries) {
        if (member.key != "protocol" && member.key != "prefix") {
            listener.refuse(key, "unknown key '" + signing::escape(member.key, 40) +
                                     "': protocol and prefix are known");
        }
    }
    if (const Value* prefix = entry.find("prefix")) {
        mount.prefix = prefix->text;
        const bool good = mount.prefix.size() > 1 && mount.prefix.front() == '/' &&
                          mount.prefix.back() != '/' &&
                          mount.prefix.find_first_of("?# %") == std::string::npos;
        if (!good) {
            listener.refuse(key,
                            "prefix: a path such as /events is needed, without a slash at its "
                            "end");
        }
    }
    return mount;
}

void require_room(const Section& listener, const std::vector<MountSettings>& mounts) {
    for (const MountSettings& mount : mounts) {
        if (mounts.size() > 1 && takes_every_path(mount.protocol) && mount.prefix.empty()) {
            listener.refuse("serve", std::string{name_of(mount.protocol)} +
                                         " takes every path: with others on the same port it needs "
                                         "a prefix, {protocol: " +
                                         std::string{name_of(mount.protocol)} + ", prefix: /" +
                                         std::string{name_of(mount.protocol)} + "}");
        }
    }
}

GatewaySettings::Listener read_listener(const Section& section) {
    GatewaySettings::Listener listener;
    listener.address = section.address("address").text();
    listener.where = section.origin("address").text();
    const Value* serve = section.find("serve");
    if (serve == nullptr || !serve->is_list() || serve->items.empty()) {
        section.refuse("serve", "a list of protocols is needed, such as [native, metrics]");
        return listener;
    }
    for (std::size_t i = 0; i < serve->items.size(); ++i) {
        if (auto mount = read_mount(section, "serve." + std::to_string(i), serve->items[i])) {
            listener.mounts.push_back(std::move(*mount));
        }
    }
    require_room(section, listener.mounts);
    return listener;
}

void read_access_log(const Section& gateway, GatewaySettings& settings) {
    AccessLogSettings& log = settings.access_log;
    log.path = gateway.text("access_log.path");
    if (!log.path.empty() && log.path != "-") log.path = gateway.path("access_log.path").string();
    if (gateway.text("access_log.format") == "json") log.format = AccessFormat::json;
    const std::vector<std::string> networks = gateway.texts("trusted_proxies");
    for (std::size_t i = 0; i < networks.size(); ++i) {
        if (auto network = Network::parse(networks[i])) {
            settings.trusted_proxies.push_back(*network);
        } else {
            gateway.refuse("trusted_proxies." + std::to_string(i),
                           config::in_quotes(networks[i]) +
                               " is no network; write an address, or one with as many bits as "
                               "count and zeros behind them, such as 10.0.0.0/8");
        }
    }
}

Limits read_limits(const Section& gateway) {
    const Section section = gateway.section("limits");
    // Nothing can be asked for with less, and nobody could come to change it.
    const auto size = [&](const char* key, std::uint64_t least) {
        const std::uint64_t bytes = section.size(key);
        if (bytes < least) {
            section.refuse(key, "at least " + std::to_string(least) + " bytes are needed");
        }
        return static_cast<std::size_t>(bytes);
    };
    const auto time = [&](const char* key) {
        const auto span = section.duration(key);
        if (span.count() <= 0) section.refuse(key, "more than 0s is needed, such as 30s");
        return span;
    };
    Limits limits;
    limits.body = size("body", 1);
    limits.bodies = size("bodies", 1);
    limits.header = size("header", 256);
    limits.line = size("line", 64);
    limits.header_count = section.count("header_count");
    limits.connections = section.count("connections");
    limits.requests = section.count("requests");
    limits.stream_queue = size("stream_queue", 1024);
    limits.idle = time("idle");
    limits.header_time = time("header_time");
    limits.body_time = time("body_time");
    if (limits.bodies < limits.body) {
        section.refuse("bodies", "all bodies together need room for one: at least limits.body");
    }
    return limits;
}

BridgeLimits read_bridge(const Section& gateway) {
    const Section section = gateway.section("bridge");
    BridgeLimits limits;
    limits.read_threads = section.count("read_threads");
    limits.reads_waiting = section.count("reads");
    limits.acknowledged_waiting = section.count("acknowledged");
    limits.room_waiting = section.count("cursors");
    limits.waiters = section.count("waiters");
    limits.durable.publishes = section.count("publishes");
    limits.durable.bytes = section.size("publish_bytes");
    limits.durable.timeout = section.duration("publish_timeout");
    if (limits.durable.timeout.count() <= 0) {
        section.refuse("publish_timeout", "more than 0s is needed, such as 5s");
    }
    return limits;
}

/// Where esub has a listener of its own it moves there; else it gets one.
void serve_esub_at(GatewaySettings& settings, std::uint64_t port, std::string where) {
    const std::string address = "0.0.0.0:" + std::to_string(port);
    for (auto& listener : settings.listeners) {
        if (listener.mounts.size() == 1 && listener.mounts.front().protocol == Protocol::esub) {
            listener.address = address;
            listener.where = std::move(where);
            return;
        }
    }
    settings.listeners.push_back({address, {{Protocol::esub, ""}}, std::move(where)});
}

}  // namespace

std::string_view name_of(Protocol protocol) noexcept {
    return names[static_cast<std::size_t>(protocol)];
}

GatewaySettings read_gateway_settings(const config::Configuration& configuration,
                                      config::Problems& problems) {
    const Section section(configuration, "gateway", problems);
    GatewaySettings settings;
    for (const Section& listener : section.items("listeners")) {
        settings.listeners.push_back(read_listener(listener));
    }
    if (const std::uint64_t port = section.count("esub.port"); port != 0) {
        serve_esub_at(settings, port, section.origin("esub.port").text());
    }
    settings.certificate = section.path("tls.certificate");
    settings.key = section.path("tls.key");
    settings.tls_only = section.flag("tls.only");
    if (settings.certificate.empty() != settings.key.empty()) {
        section.refuse("tls", "certificate and key belong together: name both, or neither");
    }
    if (settings.tls_only && settings.certificate.empty()) {
        section.refuse("tls.only", "without tls.certificate and tls.key nothing could be served");
    }
    settings.auth_required = section.flag("auth.required");
    settings.tokens = section.path("auth.tokens");
    settings.io_threads = static_cast<unsigned>(section.count("io_threads"));
    read_access_log(section, settings);
    settings.limits = read_limits(section);
    settings.bridge = read_bridge(section);
    return settings;
}

}  // namespace weft::gateway
