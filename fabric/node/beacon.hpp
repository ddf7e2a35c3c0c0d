#pragma once
// A beacon is a signed message of kind 2, topic `<prefix>.<environment>.beacon.<name>`, by which
// the holder of the certificate `<name>` speaks about itself: where it publishes, body
// {"endpoints": ["tcp://host:port", …]}. On any other topic it is a tail beacon: the number of the
// last message of that topic that its signer has sent, body {"last": 17}, so that those who follow
// the topic see what they missed although nothing further comes.
// Threads: pure functions.

#include <cstdint>
#include <optional>
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

[[nodiscard]] inline Body tail_beacon(std::uint64_t last) {
    return {{"last", last}};
}
/// What a tail beacon says, or nothing: it is none.
[[nodiscard]] inline std::optional<std::uint64_t> last_announced(const Message& beacon) {
    const Value body = beacon.value();
    const Value& last = body["last"];
    if (const std::uint64_t* large = last.unsigned_number()) return *large;
    const std::int64_t* number = last.signed_number();
    if (number == nullptr || *number < 0) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
}

}  // namespace weft::fabric
