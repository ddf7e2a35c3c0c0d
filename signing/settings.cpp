#include "signing/settings.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/topic_glob.hpp"

namespace weft::signing {
namespace {

std::vector<RoutingPolicy::Rule> read_policy(const config::Section& section) {
    std::vector<RoutingPolicy::Rule> rules;
    const config::Section policy = section.section("policy");
    for (const std::string& text : section.keys("policy")) {
        std::vector<std::string> names = policy.texts(text);
        for (const std::string& name : names) {
            if (const std::string error = name_error(name); !error.empty()) {
                policy.refuse(text, "This is not the name of a signer: " + error + ".");
            }
        }
        auto glob = TopicGlob::parse(text);
        if (!glob) {
            policy.refuse(
                text, "'" + escape(text) + "' is not a glob over topics: " + glob.error() + ".");
            continue;
        }
        rules.push_back({std::move(*glob), std::move(names)});
    }
    return rules;
}

WhenListExpired read_when_list_expired(const config::Section& section, bool nitpicky) {
    constexpr std::string_view key = "revocation_expired";
    const std::string text = section.text(key, "warn");
    if (text == "fail") return WhenListExpired::refuse;
    if (text != "warn") {
        section.refuse(key, "It must be 'warn' or 'fail', not '" + escape(text) + "'.");
    }
    const bool written_out =
        section.has(key) && section.origin(key).kind != config::Origin::Kind::defaults;
    return nitpicky && !written_out ? WhenListExpired::refuse : WhenListExpired::warn;
}

}  // namespace

Settings read_settings(const config::Section& section) {
    Settings settings;
    settings.sign = section.flag("sign");
    settings.validate = section.flag("validate");
    settings.directory = section.path("directory");
    settings.trust.directory = settings.directory;
    settings.trust.policy = read_policy(section);
    settings.trust.nitpicky = section.flag("nitpicky");
    settings.trust.when_list_expired = read_when_list_expired(section, settings.trust.nitpicky);
    return settings;
}

}  // namespace weft::signing
