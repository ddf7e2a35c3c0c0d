#include "gateway/rse/settings.hpp"

#include "config/section.hpp"
#include "signing/topic_glob.hpp"

namespace weft::gateway::rse {
namespace {

/// Leaves room for a token, and for the hash of a long channel.
constexpr std::size_t root_bytes_max = 160;

std::string read_root(const config::Section& whole) {
    std::string root = whole.text("topic_prefix") + "." + whole.text("environment");
    if (const std::string below = whole.text("gateway.rse.topic_root"); !below.empty()) {
        root += "." + below;
    }
    const auto glob = signing::TopicGlob::parse(root);
    if (!glob || !glob->is_literal() || root.size() > root_bytes_max) {
        whole.refuse("gateway.rse.topic_root",
                     "the topics of channels would begin with " + config::in_quotes(root) +
                         "; that must be tokens between dots, without wildcards, of at most " +
                         std::to_string(root_bytes_max) + " bytes");
    }
    return root;
}

}  // namespace

Settings Settings::read(const config::Configuration& configuration, config::Problems& problems) {
    const config::Section whole(configuration, "", problems);
    const config::Section rse(configuration, "gateway.rse", problems);
    Settings settings;
    settings.topic_root = read_root(whole);
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
