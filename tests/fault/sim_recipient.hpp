#pragma once
// A recipient: a responder, the fabric's replay guard before it, and a consumer behind a queue.

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "tests/fault/network.hpp"
#include "tests/fault/recipient_oracle.hpp"
#include "tests/fault/under_test.hpp"
#include "tests/fault/wire.hpp"

namespace weft::fault {

struct RecipientHabits {
    bool may_acknowledge = true, may_store = false;
    std::size_t queue_max = 4, workers = 1;
    fabric::Instant work_max{};
    std::uint64_t rejects_permille = 0, throws_permille = 0;
    std::size_t entries_max = 1000;
    fabric::Instant grace{};
};

class SimRecipient {
public:
    SimRecipient(std::size_t index, std::string name, RecipientHabits habits, MakeResponder make,
                 Schedule& schedule, Bus& bus, Random& random, RecipientOracle& oracle,
                 RunLog& log);

    void on_message(const Sent& sent);
    /// Its queue, its work and its responder's memory are gone; the replay guard's file is not.
    void restart();
    void expire() { responder_->expire(now().steady); }
    /// So long after everything that nothing may be remembered.
    void end();
    void jump_clock(std::int64_t us) { utc_offset_us_ += us; }

    [[nodiscard]] const std::string& name() const { return name_; }

private:
    struct Item {
        reliability::Nonce nonce{};
        bool to_store = false;
    };
    void begin_life();
    void hand_to_consumer(const Item& item);
    void start_work();
    void finish(const Item& item);
    void say(const std::optional<reliability::Ack>& ack);
    [[nodiscard]] reliability::Now now() const {
        return {log_.now + steady_offset_,
                static_cast<std::uint64_t>(1'700'000'000'000'000 + log_.now.count() / 1000 +
                                           utc_offset_us_)};
    }

    std::size_t index_;
    std::string name_;
    RecipientHabits habits_;
    MakeResponder make_;
    Schedule& schedule_;
    Bus& bus_;
    Random& random_;
    RecipientOracle& oracle_;
    RunLog& log_;

    std::unique_ptr<ResponderUnderTest> responder_;
    std::set<signing::Digest> seen_;  // the replay guard, which outlives restarts
    std::deque<Item> queue_;
    std::size_t working_ = 0;
    std::uint64_t life_ = 0;
    fabric::Instant steady_offset_{};
    std::int64_t utc_offset_us_ = 0;
};

}  // namespace weft::fault
