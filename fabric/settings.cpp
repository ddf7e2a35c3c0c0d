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
    settings.curve = fabric.flag("curve");
    settings.relay_name = fabric.text("relay.name", "");
    if (!settings.relay_name.empty()) {
        if (const std::string wrong = signing::name_error(settings.relay_name); !wrong.empty()) {
            fabric.refuse("relay.name", wrong);
        }
    }
    settings.flush = fabric.duration("flush");
    settings.srv = fabric.texts("srv");
    settings.name_servers = fabric.texts("name_servers");
    settings.replay_past = fabric.duration("replay.past");
    settings.replay_future = fabric.duration("replay.future");
    settings.replay_state = fabric.path("replay.state");
    if (settings.replay_past < std::chrono::seconds{1}) {
        fabric.refuse("replay.past", "it must be at least 1s: no message arrives in no time");
    }
    read_endpoints(settings, fabric);
    return settings;
}

std::string bind_refusal(const config::Endpoint& endpoint, const Settings& settings) {
    if (settings.curve || settings.insecure || endpoint.is_loopback()) return "";
    return "will not bind " + endpoint.text() +
           ": other machines can reach it and it is not encrypted. Set `fabric.curve: on`, bind a "
           "loopback address, or set `fabric.insecure: true` if the network is trusted";
}

std::string bind_warning(const config::Endpoint& endpoint, const Settings& settings) {
    if (settings.curve || endpoint.is_loopback()) return "";
    return "fabric.insecure is on: " + endpoint.text() +
           " is bound without CURVE, and any host that reaches it may connect";
}

std::vector<config::Endpoint> Settings::own_endpoints() const {
    if (const auto own = endpoints.find(name); own != endpoints.end() && !own->second.empty()) {
        return own->second;
    }
    config::Endpoint free_port;
    free_port.host = curve || insecure ? "*" : "127.0.0.1";
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
