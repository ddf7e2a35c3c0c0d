#include "signing/routing_policy.hpp"

#include <algorithm>

namespace weft::signing {

RoutingPolicy::Decision RoutingPolicy::evaluate(std::string_view topic,
                                                std::string_view name) const noexcept {
    Decision decision = Decision::unlisted;
    for (const Rule& rule : rules_) {
        if (!rule.glob.matches(topic)) continue;
        if (std::find(rule.names.begin(), rule.names.end(), name) != rule.names.end()) {
            return Decision::allowed;
        }
        decision = Decision::denied;
    }
    return decision;
}

}  // namespace weft::signing
