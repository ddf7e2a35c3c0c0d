#pragma once
// GET /subscription/events: events for who fetches them, in place of a callback; for receivers that
// nobody can call. The queue, its order and its place are those of deliveries: a poll gives what
// follows the place, and the place moves when a later poll acknowledges. So an answer that was lost
// is given again.
//
// Threads:   any; nothing blocks.
// Ownership: engine, bridge and clock outlive it and its callbacks; it outlives them: stop() first.
// Limits:    polls that wait are bounded by the bridge; beyond, they are answered at once.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/delivery/engine.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/routemaster/clients.hpp"

namespace weft::gateway::routemaster {

/// The query of a poll.
struct PollRequest {
    static constexpr std::chrono::milliseconds wait_most{60'000};
    static constexpr std::uint64_t max_most = 10'000;

    std::chrono::milliseconds wait{0};   ///< How long an answer without events may take.
    std::optional<std::uint64_t> max{};  ///< Nothing: as subscribed. 0: acknowledges only.
    std::optional<reliability::JournalId> ack{};

    /// The error is a sentence.
    [[nodiscard]] static tl::expected<PollRequest, std::string> parse(std::string_view query);
};

class EventPolls {
public:
    EventPolls(std::string root, delivery::Engine& engine, FabricBridge& bridge,
               const fabric::Clock& clock)
        : root_(std::move(root)), engine_(engine), bridge_(bridge), clock_(clock) {}

    /// Answers 200 `{"events", "ack"}`; 404: no subscription; 409: it has a callback.
    void begin(std::shared_ptr<Exchange> exchange, const Client& client,
               const PollRequest& request);
    /// What waits is answered without events.
    void stop();

private:
    struct Poll;
    using PollRef = std::shared_ptr<Poll>;
    using Status = delivery::SubscriptionStatus;

    void look(const PollRef& poll);
    void acknowledge(const PollRef& poll, const Status& status);
    void read(const PollRef& poll, const Status& status);
    void wait(const PollRef& poll, reliability::JournalId after,
              const reliability::TopicFilter& filter);
    [[nodiscard]] bool take(const PollRef& poll);
    [[nodiscard]] ReadRequest request_for(const Poll& poll, const Status& status) const;

    const std::string root_;
    delivery::Engine& engine_;
    FabricBridge& bridge_;
    const fabric::Clock& clock_;
    std::mutex mutex_;
    bool stopped_ = false;
    std::set<PollRef> waiting_;
};

}  // namespace weft::gateway::routemaster
