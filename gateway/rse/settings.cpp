#include "gateway/rse/settings.hpp"

#include "config/section.hpp"
#include "gateway/topic_root.hpp"

namespace weft::gateway::rse {
Settings Settings::read(const config::Configuration& configuration, config::Problems& problems) {
    const config::Section whole(configuration, "", problems);
    const config::Section rse(configuration, "gateway.rse", problems);
    Settings settings;
    settings.topic_root = read_topic_root(whole, "rse");
    settings.ttl = rse.duration("ttl");
    settings.max_events = rse.count("max_events");
    settings.test_mode = rse.flag("test_mode");
    settings.auth_required = whole.flag("gateway.auth.required");
    const std::string jsonp = rse.text("jsonp");
    if (jsonp != "auto") settings.jsonp = jsonp == "on";
    settings.cors_origins = rse.texts("cors_origins");
    settings.require_https = rse.flag("require_https");
    settings.trust_forwarded_proto = rse.flag("trust_forwarded_proto");
    settings.path_prefix = rse.text("path_prefix");
    const std::string& prefix = settings.path_prefix;
    if (!prefix.empty() && (prefix.front() != '/' || prefix.back() == '/')) {
        rse.refuse("path_prefix", config::in_quotes(prefix) +
                                      " is no place for channels; write one such as /events, "
                                      "without a slash at its end");
    }
    settings.extra_characters = rse.text("extra_characters");
    settings.body_bytes_max = whole.size("gateway.limits.body");
    return settings;
}

}  // namespace weft::gateway::rse
