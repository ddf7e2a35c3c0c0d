#pragma once
// The body of a webhook and the headers that belong to it: CloudEvents 1.0 in their three modes, or
// the one JSON form of a message. In a CloudEvent `id` is the message's, `type` its topic, `source`
// the program that spoke, `time` its time; signer, place in the journal, number and parent are
// extensions `weft…`. What a publisher of CloudEvents set beside these goes on as it was.
// A body that is msgpack becomes JSON: who receives a webhook need not know msgpack.
// Threads: pure functions.

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/webhooks/details.hpp"

namespace weft::gateway::webhooks {

struct Payload {
    std::vector<std::pair<std::string, std::string>> headers;  ///< Content-Type, and ce-….
    std::string body;
};

/// `as_list`: Format::weft as a list. Binary and structured take one event, asserted.
[[nodiscard]] Payload payload_of(Format format, bool as_list, std::span<const StoredEvent> events);

}  // namespace weft::gateway::webhooks
