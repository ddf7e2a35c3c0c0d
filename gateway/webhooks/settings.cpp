#include "gateway/webhooks/settings.hpp"

#include "config/section.hpp"

namespace weft::gateway::webhooks {

Settings Settings::read(const config::Configuration& configuration, config::Problems& problems) {
    const config::Section section(configuration, "gateway.webhooks", problems);
    Settings settings;
    settings.schedule = section.durations("schedule");
    settings.disable_after = section.duration("disable_after", settings.disable_after);
    settings.rotation_overlap = section.duration("rotation_overlap", settings.rotation_overlap);
    return settings;
}

}  // namespace weft::gateway::webhooks
