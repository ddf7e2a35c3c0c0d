#include "gateway/esub/cluster/settings.hpp"

#include "config/section.hpp"
#include "gateway/esub/cluster/announcement.hpp"

namespace weft::gateway::esub {

ClusterSettings ClusterSettings::read(const config::Configuration& configuration,
                                      config::Problems& problems) {
    const config::Section esub(configuration, "gateway.esub", problems);
    ClusterSettings settings;
    settings.topic_root = esub.text("topic_root");
    settings.cluster_token = esub.text("cluster_token");
    settings.advertise = esub.text("advertise");
    if (!settings.advertise.empty() && !is_address(settings.advertise)) {
        esub.refuse("advertise", "others cannot reach it there; write host:port");
    }
    settings.redirect = esub.text("wrong_node") == "redirect";
    settings.keep_unclaimed = esub.duration("keep_unclaimed");
    settings.keep = esub.text("keep") == "all" ? Keep::all : Keep::undelivered;
    return settings;
}

}  // namespace weft::gateway::esub
