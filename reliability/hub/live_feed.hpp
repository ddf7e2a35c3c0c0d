#pragma once
// Feeds a consumer with what passes now (`durable: false`): what is published while it does not run
// is not seen. Holes are repaired from the journals where there are any. Failures are retried from
// memory; what does not find room is dropped, and counted.
// Threads: those of the subscriber. Ownership: as Feed.

#include <memory>
#include <unordered_map>
#include <vector>

#include "reliability/ack_consumer.hpp"
#include "reliability/hub/consumer_settings.hpp"
#include "reliability/hub/feed.hpp"
#include "reliability/repair/repairing_subscriber.hpp"

namespace weft::reliability::hub {

class LiveFeed final : public Feed {
public:
    struct Parts {
        const ConsumerSettings& settings;
        Bench& bench;
        Surroundings& surroundings;
        fabric::Fabric& fabric;
        RepairOptions repair{};
        BuryHook bury{};  ///< May be empty.
    };
    explicit LiveFeed(Parts parts);
    ~LiveFeed() override;

    /// A subscription that cannot be opened is a failure for good.
    void start() override;
    [[nodiscard]] std::string waiting_for() const override;
    [[nodiscard]] bool failed() const override;
    [[nodiscard]] bool begins(std::size_t worker, const Work& work) override;
    void ends(std::size_t worker, Work work, Verdict verdict) override;
    void stop_taking() override;
    std::size_t finish(fabric::Instant deadline) override;
    [[nodiscard]] FeedStats stats() const override;

private:
    void add(const fabric::Message& message, const Delivery* delivery);
    void answer(std::uint64_t number, const Verdict& verdict);
    void look_whether_ready() const;

    Parts parts_;
    const std::size_t room_;
    // Guarded by bench.mutex:
    std::uint64_t numbers_ = 0;
    bool stopping_ = false;
    std::unordered_map<std::uint64_t, Delivery> asked_;
    FeedStats stats_;

    mutable std::mutex state_mutex_;
    mutable std::string waiting_for_ = "it starts";
    mutable bool was_ready_ = false;
    bool failed_ = false;

    std::unique_ptr<AckConsumer> ack_consumer_;        // with `ack`,
    std::unique_ptr<RepairingSubscriber> subscriber_;  // or without
};

}  // namespace weft::reliability::hub
