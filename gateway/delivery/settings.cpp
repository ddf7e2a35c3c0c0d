#include "gateway/delivery/settings.hpp"

#include "config/section.hpp"
#include "gateway/delivery/address_guard.hpp"

namespace weft::gateway::delivery {

Settings Settings::read(const config::Configuration& configuration, config::Problems& problems) {
    const config::Section section(configuration, "gateway.webhooks", problems);
    Settings settings;
    settings.timeout = section.duration("timeout");
    if (settings.timeout.count() <= 0) section.refuse("timeout", "more than 0s is needed");
    settings.connect_timeout = std::min(settings.connect_timeout, settings.timeout);
    settings.concurrency = section.count("concurrency");
    settings.ca = section.path("ca");
    settings.allow_http = section.flag("allow_http");
    settings.allow_networks = section.texts("allow_networks");
    if (auto guard = AddressGuard::make(settings.allow_http, settings.allow_networks); !guard) {
        section.refuse("allow_networks", guard.error());
    }
    return settings;
}

}  // namespace weft::gateway::delivery
