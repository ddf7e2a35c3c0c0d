#include "gateway/routemaster/settings.hpp"

#include "config/section.hpp"
#include "gateway/routemaster/names.hpp"
#include "gateway/topic_root.hpp"

namespace weft::gateway::routemaster {
Settings Settings::read(const config::Configuration& configuration, config::Problems& problems) {
    const config::Section whole(configuration, "", problems);
    const config::Section own(configuration, "gateway.routemaster", problems);
    Settings settings;
    settings.topic_root = read_topic_root(whole, "routemaster");
    settings.root_key = own.text("root_key");
    settings.clients = own.texts("clients");
    constexpr std::string_view needed =
        "1 to 64 of a-z, 0-9, '_' and '-' are needed, such as shop--0f3a91";
    if (!settings.root_key.empty() && !is_client_name(settings.root_key)) {
        own.refuse("root_key", std::string{needed});
    }
    for (std::size_t i = 0; i < settings.clients.size(); ++i) {
        const std::string& token = settings.clients[i];
        const std::string key = "clients." + std::to_string(i);
        if (!is_client_name(token))
            own.refuse("clients", "entry " + std::to_string(i + 1) + ": " + std::string{needed});
        if (token == settings.root_key)
            own.refuse("clients", "the root key cannot be a client too");
    }
    settings.event_data_max = own.size("max_event_data");
    settings.journal_bytes_max = own.size("max_bytes");
    settings.journal_bytes_free = own.size("min_free");
    if (settings.journal_bytes_max != 0 &&
        settings.journal_bytes_max <= 2 * settings.journal_bytes_free) {
        own.refuse("min_free",
                   "twice as much as this is freed: it must be less than half of max_bytes");
    }
    settings.require_https = own.flag("require_https");
    settings.allow_http = whole.flag("gateway.webhooks.allow_http");
    return settings;
}

}  // namespace weft::gateway::routemaster
