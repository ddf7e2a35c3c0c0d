#pragma once
// What a protocol adds to delivering: which of the messages count, and the request that is sent.
// Threads: of the engine, one call at a time for a subscription; must not block or throw.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/delivery/subscription.hpp"

namespace weft::gateway::delivery {

struct OutgoingRequest {
    std::vector<std::pair<std::string, std::string>> headers;  ///< Without Content-Length, Host.
    std::string body;
};

struct AttemptContext {
    std::string_view delivery;  ///< The same for each attempt of one batch; unique, no '.'.
    std::uint64_t attempt = 1;
    std::uint64_t now_us = 0;  ///< Calendar, of this attempt.
};

class Presenter {
public:
    virtual ~Presenter() = default;
    [[nodiscard]] virtual std::string_view kind() const noexcept = 0;
    /// Somebody looks at the attempts of its subscriptions, also at those from before a restart.
    [[nodiscard]] virtual bool shows_attempts() const noexcept { return false; }
    /// Asked once for each message that an interest matches; what is not wanted is passed over.
    [[nodiscard]] virtual bool wants(const Subscription& subscription,
                                     const StoredEvent& event) const = 0;
    /// Made anew for each attempt (the timestamp of a signature is the attempt's). `events` has at
    /// least one, at most Batching::max.
    [[nodiscard]] virtual OutgoingRequest request(const Subscription& subscription,
                                                  std::span<const StoredEvent> events,
                                                  const AttemptContext& context) const = 0;
};

}  // namespace weft::gateway::delivery
