// The promises of responder.hpp under thousands of random orders of events: what is said is written
// down beside what has happened, and compared.

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "tests/unit/reliability/ack/responder_fixture.hpp"

namespace weft::reliability {
namespace {

/// What has happened to one message, as its recipient's host knows.
struct History {
    AckCall call;
    int deliveries = 0, turned_away = 0, starts = 0;
    bool queued = false, processed = false, stored = false;
    bool arrived = false;
    bool gone = false;  ///< Out of the queue, and nobody will start it.
    fabric::Instant deadline{};
    std::string final_word;
};

class World {
public:
    explicit World(std::uint64_t seed) : random_(seed) {
        ResponderSettings settings;
        settings.name = "web1.host1";
        settings.stores = pick(2) == 0;
        settings.entries_max = 1 + pick(12);
        settings.grace = std::chrono::milliseconds{pick(300)};
        entries_max_ = settings.entries_max;
        responder_ = std::make_unique<AckResponder>(settings);
        for (int i = 0; i < 16; ++i) {
            History history;
            history.call = call_of(i, static_cast<AckLevel>(1 + pick(3)));
            history.call.timeout = std::chrono::milliseconds{1 + pick(500)};
            history.call.time_us += 1000 * pick(1500);
            messages_.push_back(history);
        }
    }

    void run(int steps) {
        for (int i = 0; i < steps && !::testing::Test::HasFatalFailure(); ++i) step();
        const AckResponder::Stats& stats = responder_->stats();
        EXPECT_EQ(stats.calls, stats.delivered + stats.repeated + (stats.late - late_starts_) +
                                   stats.full + stats.unknown_repeated + stats.other_subject +
                                   stats.not_a_journal);
        EXPECT_EQ(stats.acks + stats.rejections, given_);
    }

private:
    std::uint64_t pick(std::uint64_t count) { return random_() % count; }

    void step() {
        now_ += std::chrono::milliseconds{pick(4) == 0 ? pick(60) : 0};
        History& message = messages_[pick(messages_.size())];
        const Nonce& nonce = message.call.subject.nonce;
        switch (pick(9)) {
            case 0:
            case 1:
            case 2:
                arrive(message);
                break;
            case 3:
                start(message);
                break;
            case 4:
                if (message.starts == 0) break;
                message.processed = true;
                check(message, responder_->on_processed(nonce, now()));
                break;
            case 5:
                if (message.starts == 0) break;
                message.stored = true;
                check(message, responder_->on_stored(nonce, now()));
                break;
            case 6:
                if (!message.queued) break;
                message.gone = true;
                check(message, responder_->on_rejected(nonce, "will not", now()));
                break;
            case 7:
                responder_->expire(now().steady);
                break;
            default:
                confuse(message);
                break;
        }
        ASSERT_LE(responder_->entries(), entries_max_);
    }

    void arrive(History& message) {
        message.call.repeated = message.arrived;
        if (!message.arrived) {
            message.deadline = now().steady + message.call.timeout;
        }
        message.arrived = true;
        const auto arrived = responder_->on_arrival(message.call, now());
        check(message, arrived.ack);
        if (!arrived.deliver) return;
        ++message.deliveries;
        ASSERT_EQ(message.deliveries, 1 + message.turned_away);
        ASSERT_EQ(message.final_word, "");
        if (pick(3) == 0) {
            ++message.turned_away;
            responder_->on_not_queued(message.call.subject.nonce);
            return;
        }
        // The consumer may be faster.
        message.queued = true;
        if (pick(4) == 0) start(message);
        check(message, responder_->on_queued(message.call.subject.nonce, now()));
    }
    void start(History& message) {
        if (!message.queued || message.gone) return;
        const auto started = responder_->may_start(message.call.subject.nonce, now());
        if (started.ack) ++late_starts_;
        check(message, started.ack);
        message.gone = !started.go;
        if (!started.go) return;
        ++message.starts;
        // One that was started and forgotten may be tried again; nobody hears of it.
        if (message.starts > 1 || message.call.level == AckLevel::received) return;
        ASSERT_LT(now().steady, message.deadline) << "started after its deadline";
    }
    /// Another message under the same nonce.
    void confuse(const History& message) {
        AckCall other = message.call;
        other.subject.digest[1] ^= 1;
        other.repeated = true;
        const auto arrived = responder_->on_arrival(other, now());
        ASSERT_FALSE(arrived.deliver || arrived.ack);
    }

    void check(History& message, const std::optional<Ack>& ack) {
        if (!ack) return;
        ++given_;
        const std::string word = said(ack);
        ASSERT_EQ(ack->subject, message.call.subject);
        ASSERT_EQ(ack->publisher, message.call.publisher);
        ASSERT_TRUE(message.final_word.empty() || word == message.final_word) << word;
        switch (ack->level) {
            case AckLevel::received:
                ASSERT_TRUE(message.queued);
                break;
            case AckLevel::processed:
                ASSERT_TRUE(message.processed);
                break;
            case AckLevel::stored:
                ASSERT_TRUE(message.stored);
                break;
            case AckLevel::rejected:
                ASSERT_NE(ack->reason, "");
                break;
        }
        const bool final = ack->level == AckLevel::rejected || ack->level == message.call.level;
        ASSERT_TRUE(final || ack->level == AckLevel::received) << word;
        if (final) message.final_word = word;
    }

    [[nodiscard]] Now now() const { return at(now_); }

    std::mt19937_64 random_;
    std::size_t entries_max_ = 0;
    std::unique_ptr<AckResponder> responder_;
    std::vector<History> messages_;
    std::chrono::microseconds now_{};
    std::uint64_t late_starts_ = 0, given_ = 0;
};

// A6, and every other promise of the header.
TEST(AckResponderPromises, HoldInEveryOrderOfEvents) {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World{seed}.run(150);
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace weft::reliability
