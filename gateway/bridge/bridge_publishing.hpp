#pragma once
// Publishing through the bridge: what may be published, by whom, and the three ways it goes: at
// once, durably (durable_publishes), or with recipients who acknowledge. Where the sending queue is
// full it waits (publishes_for_room).
//
// Threads:   one for each of the three; publish() from any thread, `done` in any of ours or its
//            own. awaited() and answered() are the recorder's.
// Ownership: what use() names outlives stop().
// Stop:      stop_taking(), then stop(): whoever waits is told.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "gateway/bridge/bridge_health.hpp"
#include "gateway/bridge/bridge_limits.hpp"
#include "gateway/bridge/durable_publishes.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/bridge/publishes_for_room.hpp"
#include "gateway/bridge/workers.hpp"
#include "reliability/reliable_publisher.hpp"

namespace weft::gateway {

class BridgePublishing {
public:
    using OnPublished = FabricBridge::OnPublished;
    struct Counts {
        std::uint64_t published, failed, waited_for_room, sent_again, durable_now;
    };

    /// `recorded` is what can be published durably.
    BridgePublishing(fabric::Fabric& fabric, reliability::TopicFilter recorded,
                     const BridgeLimits& limits);
    BridgePublishing(const BridgePublishing&) = delete;
    BridgePublishing& operator=(const BridgePublishing&) = delete;

    /// Before the first publish.
    void use(reliability::ReliablePublisher& reliable, const BridgeHealth& health) noexcept;

    void publish(const Principal& who, PublishRequest request, OnPublished done);

    [[nodiscard]] bool awaited(const fabric::Message& message) const;
    void answered(const std::vector<reliability::AwaitedMessage>& messages,
                  const reliability::JournalError* error);
    /// "" or that the journal has failed for good: nothing is published durably any more.
    [[nodiscard]] std::string broken() const;

    void stop_taking() noexcept { stopping_ = true; }
    void stop();
    [[nodiscard]] Counts counts() const;

private:
    [[nodiscard]] std::string wrong_with(const PublishRequest& request) const;
    bool publish_now(const PublishRequest& request, OnPublished& done,
                     std::chrono::milliseconds patience);
    void wait_for_room(PublishRequest request, OnPublished done);
    void queue_acknowledged(PublishRequest request, OnPublished done);
    void publish_acknowledged(const PublishRequest& request, const OnPublished& done);
    [[nodiscard]] OnPublished counted(OnPublished done);
    void note_failure(const reliability::JournalError& error);

    fabric::Fabric& fabric_;
    const reliability::TopicFilter recorded_;
    const BridgeLimits limits_;
    reliability::ReliablePublisher* reliable_ = nullptr;
    const BridgeHealth* health_ = nullptr;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> broken_{false};  ///< The journal has failed for good.
    std::atomic<std::uint64_t> published_{0}, failed_{0}, waited_for_room_{0};

    DurablePublishes durable_;
    PublishesForRoom for_room_;
    Workers acknowledged_;  // last: the jobs of these use everything above
};

}  // namespace weft::gateway
