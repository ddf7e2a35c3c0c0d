#pragma once
// A beacon is a signed message of kind 2, topic `<prefix>.<environment>.beacon.<name>`, by which
// the holder of the certificate `<name>` speaks about itself. Today it says where it publishes:
// body {"endpoints": ["tcp://host:port", …]}.
// Threads: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/body.hpp"
#include "fabric/message/message.hpp"
#include "fabric/message/topic.hpp"

namespace weft::fabric {

[[nodiscard]] inline std::string beacon_root(const TopicSpace& space) {
    return space.root() + ".beacon.";
}
[[nodiscard]] inline Body endpoint_beacon(const std::vector<std::string>& endpoints) {
    Value::List list(endpoints.begin(), endpoints.end());
    return {{"endpoints", std::move(list)}};
}
/// The endpoints in a beacon's body; at most 16 are looked at.
[[nodiscard]] inline std::vector<std::string> announced_endpoints(const Message& beacon) {
    std::vector<std::string> endpoints;
    const Value body = beacon.value();
    if (const Value::List* list = body["endpoints"].list()) {
        for (const Value& entry : *list) {
            if (entry.text() != nullptr && endpoints.size() < 16)
                endpoints.push_back(*entry.text());
        }
    }
    return endpoints;
}

}  // namespace weft::fabric
