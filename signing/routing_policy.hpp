#pragma once
// Which names may publish under which topics, as the operator of this host wrote it (rule T7).
// Certificate globs say what a CA granted; this says what we accept. Both must allow.
// Threads: values; const use from any thread.

#include <string>
#include <string_view>
#include <vector>

#include "signing/topic_glob.hpp"

namespace weft::signing {

class RoutingPolicy {
public:
    struct Rule {
        TopicGlob glob;
        std::vector<std::string> names;  ///< None: nobody may publish what the glob matches.
    };
    enum class Decision {
        allowed,   ///< A rule that matches names the signer.
        denied,    ///< Rules match, and none names the signer.
        unlisted,  ///< No rule matches: `nitpicky` decides.
    };

    RoutingPolicy() = default;
    explicit RoutingPolicy(std::vector<Rule> rules) : rules_(std::move(rules)) {}

    /// Looks at every rule whose glob matches; their order does not count, nor which is narrower.
    [[nodiscard]] Decision evaluate(std::string_view topic, std::string_view name) const noexcept;
    [[nodiscard]] const std::vector<Rule>& rules() const noexcept { return rules_; }

private:
    std::vector<Rule> rules_;
};

}  // namespace weft::signing
