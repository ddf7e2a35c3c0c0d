#include "fabric/settings.hpp"

#include <utility>

#include "config/section.hpp"
#include "signing/certificate.hpp"
#include "signing/topic_glob.hpp"

namespace weft::fabric {
namespace {

void check_space(const Settings& settings, const config::Section& root) {
    for (const auto& [key, text] :
         {std::pair<const char*, const std::string&>{"topic_prefix", settings.space.prefix},
          {"environment", settings.space.environment}}) {
        if (const std::string wrong = signing::topic_error(text); !wrong.empty()) {
            root.refuse(key, wrong);
        }
    }
    if (settings.name.empty()) return;
    if (const std::string wrong = signing::name_error(settings.name); !wrong.empty()) {
        root.refuse("name", wrong);
    }
}

void read_endpoints(Settings& settings, const config::Section& fabric) {
    for (const std::string& name : fabric.keys("endpoints")) {
        if (const std::string wrong = signing::name_error(name); !wrong.empty()) {
            fabric.refuse("endpoints." + name, wrong);
        }
        settings.endpoints[name] = fabric.endpoints("endpoints." + name);
    }
}

void refuse_what_is_missing(const config::Section& fabric) {
    if (fabric.flag("curve")) {
        fabric.refuse("curve",
                      "CURVE is not built into this version: set `curve: off` and keep "
                      "every socket on loopback or on a network you trust");
    }
    if (!fabric.texts("srv").empty()) {
        fabric.refuse("srv",
                      "SRV records are not looked up by this version: list the publishers "
                      "under fabric.endpoints");
    }
}

}  // namespace

Settings read_settings(const config::Configuration& configuration, config::Problems& problems) {
    const config::Section root(configuration, "", problems);
    const config::Section fabric(configuration, "fabric", problems);
    Settings settings;
    settings.space.prefix = root.text("topic_prefix");
    settings.space.environment = root.text("environment");
    settings.name = root.text("name", "");
    check_space(settings, root);
    settings.relay_inbound = fabric.endpoint("relay.inbound");
    settings.relay_outbound = fabric.endpoint("relay.outbound");
    settings.mode = fabric.text("mode") == "bind" ? Settings::Mode::bind : Settings::Mode::relay;
    settings.high_water_mark = fabric.count("high_water_mark");
    settings.insecure = fabric.flag("insecure");
    settings.flush = fabric.duration("flush");
    settings.replay_past = fabric.duration("replay.past");
    settings.replay_future = fabric.duration("replay.future");
    settings.replay_state = fabric.path("replay.state");
    if (settings.replay_past < std::chrono::seconds{1}) {
        fabric.refuse("replay.past", "it must be at least 1s: no message arrives in no time");
    }
    read_endpoints(settings, fabric);
    refuse_what_is_missing(fabric);
    return settings;
}

std::string bind_refusal(const config::Endpoint& endpoint, bool insecure) {
    if (insecure || endpoint.is_loopback()) return "";
    return "will not bind " + endpoint.text() +
           ": other machines can reach it and it is not encrypted. Bind a loopback address, or set "
           "`fabric.insecure: true` if the network is trusted";
}

std::vector<config::Endpoint> Settings::own_endpoints() const {
    if (const auto own = endpoints.find(name); own != endpoints.end() && !own->second.empty()) {
        return own->second;
    }
    config::Endpoint free_port;
    free_port.host = insecure ? "*" : "127.0.0.1";
    free_port.port = 0;
    return {free_port};
}

std::vector<std::string> Settings::mesh_endpoints() const {
    std::vector<std::string> all;
    for (const auto& [publisher, list] : endpoints) {
        for (const config::Endpoint& endpoint : list) {
            if (!endpoint.is_wildcard_port() && !endpoint.is_wildcard_host()) {
                all.push_back(endpoint.text());
            }
        }
    }
    return all;
}

}  // namespace weft::fabric
