#pragma once
// A publisher: a tracker, what drives it, and its restarts.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/fault/network.hpp"
#include "tests/fault/publish_oracle.hpp"
#include "tests/fault/under_test.hpp"
#include "tests/fault/wire.hpp"

namespace weft::fault {

struct PublisherHabits {
    std::vector<Expression> expressions;  ///< From a few, so that sets come again.
    std::vector<Expression> journals;     ///< For `stored`; may be empty.
    fabric::Instant timeout_max{};
    fabric::Instant tick{};  ///< How late it may look after its tracker.
    reliability::TrackerLimits limits;
    reliability::RetrySettings retries;
};

class SimPublisher {
public:
    SimPublisher(std::size_t index, std::string name, PublisherHabits habits, MakeTracker make,
                 Schedule& schedule, Bus& bus, Random& random, PublishOracle& oracle, RunLog& log);

    void publish();
    void on_ack(const SignedAck& ack);
    void on_refused_ack(const std::string& name);
    void renew_certificate();
    /// Ends this life, in good order or not, and begins another.
    void restart(bool killed);
    void end();
    void jump_clock(std::int64_t us) { utc_offset_us_ += us; }

    [[nodiscard]] const std::string& name() const { return name_; }

private:
    void begin_life();
    void end_life(bool killed);
    void check_nothing_kept();
    [[nodiscard]] std::shared_ptr<const reliability::SentMessage> message_for(
        const PublishOracle::Publish& publish);
    void bind_and_send(const reliability::Nonce& nonce,
                       std::shared_ptr<const reliability::SentMessage> message);
    void abort(const reliability::Nonce& nonce);
    void tick();
    void wake_when_due();
    void hand_over(TrackerUnderTest::Settled& settled);

    /// Its own monotonic clock: another one than everybody else's.
    [[nodiscard]] fabric::Instant local() const { return log_.now + steady_offset_; }
    [[nodiscard]] std::uint64_t utc_us() const {
        return static_cast<std::uint64_t>(1'700'000'000'000'000 + log_.now.count() / 1000 +
                                          utc_offset_us_);
    }

    std::size_t index_;
    std::string name_;
    PublisherHabits habits_;
    MakeTracker make_;
    Schedule& schedule_;
    Bus& bus_;
    Random& random_;
    PublishOracle& oracle_;
    RunLog& log_;

    Life life_;
    std::unique_ptr<TrackerUnderTest> tracker_;
    signing::Digest fingerprint_{};
    fabric::Instant steady_offset_{};
    std::int64_t utc_offset_us_ = 0;
    std::uint64_t published_ = 0;
    std::vector<fabric::MessageId> ids_;
    std::optional<fabric::Instant> wake_;
};

}  // namespace weft::fault
