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
    settings.body_max = section.size("limits.body");
    settings.header_max = section.size("limits.header");
    settings.connections_max = section.count("limits.connections");
    settings.idle = section.duration("limits.idle");
    return settings;
}

}  // namespace weft::gateway
