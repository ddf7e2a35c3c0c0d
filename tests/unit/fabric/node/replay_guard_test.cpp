#include "fabric/node/replay_guard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <memory>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace weft::fabric {

void PrintTo(ReplayGuard::Verdict verdict, std::ostream* out) {
    static constexpr const char* names[] = {"accept",  "replayed",    "too_old",
                                            "too_new", "no_sequence", "promise_first"};
    *out << names[static_cast<std::size_t>(verdict)];
}

namespace {

using Verdict = ReplayGuard::Verdict;

constexpr std::uint64_t second = 1'000'000;
constexpr std::uint64_t minute = 60 * second;
constexpr std::uint64_t start = 1'800'000'000 * second;
constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();

class ReplayGuardTest : public ::testing::Test {
protected:
    /// A message that arrives `now_`, published a moment ago unless it says otherwise.
    ReplayGuard::Judgement judge(std::uint64_t seq, std::uint64_t time = 0,
                                 const std::string& topic = "a", std::uint64_t epoch = 1,
                                 const std::string& signer = "git") {
        guard_.begin(signer, topic, now_);
        return guard_.judge(epoch, seq, time == 0 ? now_ : time);
    }
    Verdict verdict(std::uint64_t seq, std::uint64_t time = 0, const std::string& topic = "a",
                    std::uint64_t epoch = 1, const std::string& signer = "git") {
        return judge(seq, time, topic, epoch, signer).verdict;
    }
    std::uint64_t missing() const { return guard_.counters().missing; }

    std::uint64_t now_ = start;
    ReplayGuard guard_{ReplayLimits{}};
};

// P1
TEST_F(ReplayGuardTest, AMessageThatWasHereIsRefusedAtOnceAndLater) {
    EXPECT_EQ(verdict(1, start), Verdict::accept);
    EXPECT_EQ(verdict(1, start), Verdict::replayed);
    EXPECT_EQ(verdict(2, start), Verdict::accept);
    now_ += 4 * minute;
    EXPECT_EQ(verdict(1, start), Verdict::replayed);
    now_ += 2 * minute;
    EXPECT_EQ(verdict(1, start), Verdict::too_old);
    guard_.forget_old(now_);
    EXPECT_EQ(guard_.streams(), 0u);
    EXPECT_EQ(verdict(1, start), Verdict::too_old);
    EXPECT_EQ(verdict(2, start), Verdict::too_old);
}

// P3: a live copy of what a journal brought.
TEST_F(ReplayGuardTest, WhatCameAnotherWayIsRefusedAndStillCountsAsMissing) {
    EXPECT_EQ(verdict(1, start), Verdict::accept);
    EXPECT_EQ(judge(5, start).missing, 3u);
    guard_.begin("git", "a", now_);

    EXPECT_TRUE(guard_.had(1, 3, start));
    EXPECT_TRUE(guard_.had(1, 5, start));
    EXPECT_TRUE(guard_.had(1, 9, start));  // above what the stream knows: that is not told
    EXPECT_TRUE(guard_.had(2, 3, start));  // another stream

    EXPECT_EQ(verdict(3, start), Verdict::replayed);
    EXPECT_EQ(verdict(2, start), Verdict::accept);
    EXPECT_EQ(missing(), 2u);
    EXPECT_EQ(verdict(9, start), Verdict::accept);
    EXPECT_EQ(guard_.streams(), 1u);
}

TEST_F(ReplayGuardTest, WhatCameAnotherWayIsPromisedLikeWhatCameLive) {
    ReplayGuard guard(ReplayLimits{}, true);
    guard.begin("git", "a", now_);
    guard.promise(now_);
    ASSERT_EQ(guard.judge(1, 1, now_).verdict, Verdict::accept);
    EXPECT_EQ(guard.tail(1, 3, now_).missing, 2u);
    const std::uint64_t later = now_ + 2 * ReplayGuard::promise_us;

    EXPECT_FALSE(guard.had(1, 2, later));
    guard.promise(later);
    EXPECT_TRUE(guard.had(1, 2, later));
    EXPECT_TRUE(guard.had(1, 3, now_ - 10 * minute));

    EXPECT_EQ(guard.judge(1, 2, later).verdict, Verdict::replayed);
}

TEST_F(ReplayGuardTest, TimesAreTakenFromFiveMinutesBackToHalfAMinuteAhead) {
    EXPECT_EQ(verdict(1, now_ - 5 * minute), Verdict::accept);
    EXPECT_EQ(verdict(2, now_ - 5 * minute - 1), Verdict::too_old);
    EXPECT_EQ(verdict(2, now_ + 30 * second), Verdict::accept);
    EXPECT_EQ(verdict(3, now_ + 30 * second + 1), Verdict::too_new);
    EXPECT_EQ(verdict(3, 1), Verdict::too_old);
    EXPECT_EQ(verdict(3, huge), Verdict::too_new);
    now_ = second;  // before the window has a beginning
    EXPECT_EQ(verdict(1, second, "b"), Verdict::accept);
}

// P2: each start of a publisher has its own epoch; many run beside each other.
TEST_F(ReplayGuardTest, ARunOfAnEarlierEpochCannotBeReplayedNorItsNeighboursSilenced) {
    for (std::uint64_t seq = 1; seq <= 5; ++seq)
        EXPECT_EQ(verdict(seq, start, "a", 7), Verdict::accept);
    now_ += second;
    EXPECT_EQ(verdict(1, now_, "a", 9), Verdict::accept);
    EXPECT_EQ(verdict(1, now_, "a", 8), Verdict::accept) << "a lower epoch that runs beside it";
    for (std::uint64_t seq = 1; seq <= 5; ++seq) {
        EXPECT_EQ(verdict(seq, start, "a", 7), Verdict::replayed);
    }
    EXPECT_EQ(verdict(6, now_, "a", 7), Verdict::accept);
}

// P1, from another topic: the topic is part of the stream (and of what is signed).
TEST_F(ReplayGuardTest, StreamsAreApartByTopicEpochAndSigner) {
    EXPECT_EQ(verdict(1), Verdict::accept);
    EXPECT_EQ(verdict(1, 0, "b"), Verdict::accept);
    EXPECT_EQ(verdict(1, 0, "a", 2), Verdict::accept);
    EXPECT_EQ(verdict(1, 0, "a", 1, "web"), Verdict::accept);
    EXPECT_EQ(guard_.streams(), 4u);
    EXPECT_EQ(guard_.signers(), 2u);
    EXPECT_EQ(verdict(1), Verdict::replayed);
}

// P4, P2: what is forgotten for want of room cannot come back.
TEST_F(ReplayGuardTest, AStreamThatWasPushedOutCannotBeReplayed) {
    std::vector<std::uint64_t> times;
    for (std::uint64_t i = 0; i < 1'000'000; ++i) {
        now_ += 10;
        ASSERT_EQ(verdict(1, now_, "t" + std::to_string(i)), Verdict::accept) << i;
        if (i < 3) times.push_back(now_);
    }
    EXPECT_LE(guard_.streams(), 10'000u);
    EXPECT_GE(guard_.counters().streams_evicted, 990'000u);
    for (std::uint64_t i = 0; i < times.size(); ++i) {
        EXPECT_EQ(verdict(1, times[i], "t" + std::to_string(i)), Verdict::replayed);
    }
    // Its stream lives again, and still the old ones do not pass.
    EXPECT_EQ(verdict(5, now_ + 1, "t0"), Verdict::accept);
    EXPECT_EQ(verdict(1, times[0], "t0"), Verdict::replayed);
    EXPECT_EQ(verdict(4, times[0], "t0"), Verdict::replayed);
}

// P4: one signer's flood of topics is its own trouble.
TEST_F(ReplayGuardTest, ASignerWithManyTopicsPushesOutItsOwn) {
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(verdict(1, start, "x" + std::to_string(i), 1, "quiet"), Verdict::accept);
    }
    for (int i = 0; i < 50'000; ++i) {
        ++now_;
        ASSERT_EQ(verdict(1, 0, "t" + std::to_string(i), 1, "loud"), Verdict::accept);
    }
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(judge(3, 0, "x" + std::to_string(i), 1, "quiet").missing, 1u) << i;
    }
}

// P4
TEST_F(ReplayGuardTest, TenThousandSignersAreFollowedWithinBoundsAndNoneIsReplayed) {
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        ++now_;
        ASSERT_EQ(verdict(1, now_, "a", 1, "s" + std::to_string(i)), Verdict::accept) << i;
    }
    EXPECT_LE(guard_.signers(), 4'096u);
    EXPECT_GT(guard_.counters().signers_evicted, 5'000u);
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        ASSERT_EQ(verdict(1, start + 1 + i, "a", 1, "s" + std::to_string(i)), Verdict::replayed)
            << i;
    }
}

// P5
TEST_F(ReplayGuardTest, NumbersAtTheirEndsHurtOnlyTheirOwnStream) {
    EXPECT_EQ(verdict(0), Verdict::no_sequence);
    EXPECT_EQ(guard_.streams(), 0u);
    EXPECT_EQ(verdict(1), Verdict::accept);
    const auto jump = judge(std::uint64_t{1} << 63);
    EXPECT_EQ(jump.verdict, Verdict::accept);
    EXPECT_EQ(jump.missing, (std::uint64_t{1} << 63) - 2);
    EXPECT_EQ(missing(), (std::uint64_t{1} << 63) - 2);
    EXPECT_EQ(verdict(2), Verdict::replayed) << "below the window";
    EXPECT_EQ(verdict(huge), Verdict::accept);
    EXPECT_EQ(verdict(huge), Verdict::replayed);
    EXPECT_EQ(verdict(huge - 1), Verdict::accept);
    EXPECT_EQ(verdict(huge - 1023), Verdict::accept);
    EXPECT_EQ(verdict(huge - 1024), Verdict::replayed);
    EXPECT_EQ(verdict(0), Verdict::no_sequence);
    EXPECT_EQ(verdict(huge, 0, "b"), Verdict::accept) << "as the first of a stream";
    EXPECT_EQ(judge(1, 0, "c").missing, 0u);
    EXPECT_EQ(judge(huge, 0, "c").missing, huge - 2);
    EXPECT_EQ(missing(), huge) << "it saturates";
    EXPECT_EQ(verdict(huge - 5, 0, "c"), Verdict::accept);
}

TEST_F(ReplayGuardTest, TheFirstNumberIsTheBaselineAndWhatIsBeforeItIsNoGap) {
    EXPECT_EQ(judge(500).missing, 0u);
    EXPECT_EQ(verdict(499), Verdict::accept);
    EXPECT_EQ(missing(), 0u);
    const auto gap = judge(504);
    EXPECT_EQ(gap.missing, 3u);
    EXPECT_EQ(missing(), 3u);
    EXPECT_EQ(verdict(502), Verdict::accept);
    EXPECT_EQ(missing(), 2u);
    EXPECT_EQ(guard_.counters().gaps, 1u);
}

TEST_F(ReplayGuardTest, ATailBeaconShowsWhatIsMissingAtTheEndAndPassesNothing) {
    EXPECT_EQ(verdict(1), Verdict::accept);
    guard_.begin("git", "a", now_);
    EXPECT_EQ(guard_.tail(1, 1, now_).missing, 0u);
    EXPECT_EQ(guard_.tail(1, 4, now_).missing, 3u);
    EXPECT_EQ(guard_.tail(1, 4, now_).missing, 0u) << "said again";
    EXPECT_EQ(guard_.tail(1, 2, now_).missing, 0u) << "an old one";
    EXPECT_EQ(missing(), 3u);
    EXPECT_EQ(verdict(1), Verdict::replayed);
    EXPECT_EQ(verdict(4), Verdict::accept) << "it was only late";
    EXPECT_EQ(verdict(4), Verdict::replayed);
    EXPECT_EQ(missing(), 2u);
    EXPECT_EQ(judge(5).missing, 0u);
    guard_.begin("git", "a", now_);
    EXPECT_EQ(guard_.tail(2, 9, now_).missing, 0u) << "a stream that nobody follows";
    EXPECT_EQ(guard_.tail(1, 9, now_ - 6 * minute).verdict, Verdict::too_old);
    EXPECT_EQ(guard_.streams(), 1u);
    EXPECT_EQ(guard_.tail(1, huge, now_).missing, huge - 5);
}

// The count is exact whatever the network does, as long as nothing is later than the window.
TEST_F(ReplayGuardTest, WhatIsCountedAsMissingIsWhatIsMissing) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        const auto chance = [&](int of_hundred) {
            return std::uniform_int_distribution<int>(0, 99)(random) < of_hundred;
        };
        const std::uint64_t first = seed % 3 == 0 ? 1 : random();
        std::vector<std::pair<std::uint64_t, std::uint64_t>> wire;  // when, number
        for (std::uint64_t i = 0; i < 3000; ++i) {
            if (i > 0 && chance(10)) continue;
            const std::uint64_t late = i > 0 && chance(20) ? random() % 1000 : 0;
            wire.emplace_back(i + late, first + i);
            if (chance(10)) wire.emplace_back(i + late + random() % 2000, first + i);
        }
        std::stable_sort(wire.begin(), wire.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        ReplayGuard guard{ReplayLimits{}};
        guard.begin("git", "a", now_);
        std::set<std::uint64_t> had;
        std::uint64_t high = 0;
        for (const auto& [when, seq] : wire) {
            const auto judged = guard.judge(1, seq, now_);
            ASSERT_EQ(judged.verdict, had.insert(seq).second ? Verdict::accept : Verdict::replayed)
                << "seed " << seed << " number " << seq - first;
            high = std::max(high, seq);
        }
        const std::uint64_t really = high - first + 1 - had.size();
        ASSERT_EQ(guard.counters().missing, really) << "seed " << seed;
    }
}

TEST_F(ReplayGuardTest, AClockThatWentBackOpensNothing) {
    EXPECT_EQ(verdict(1, start), Verdict::accept);
    now_ += 60 * minute;
    guard_.forget_old(now_);
    now_ -= 60 * minute;
    EXPECT_EQ(verdict(1, start), Verdict::replayed);
    EXPECT_EQ(verdict(2, start + 1), Verdict::accept);
}

// P2, after a clean restart: exact.
TEST_F(ReplayGuardTest, AReceiverThatStoppedKnowsWhatItHadWhenItStartsAgain) {
    for (const std::uint64_t seq : {1, 2, 5}) EXPECT_EQ(verdict(seq, start + seq), Verdict::accept);
    EXPECT_EQ(verdict(1, start, "b", 1, "web"), Verdict::accept);
    const auto state = replay_state_from(to_bytes(guard_.state()));
    ASSERT_TRUE(state);
    ReplayGuard again{ReplayLimits{}};
    again.restore(*state);
    again.begin("git", "a", now_);
    for (const std::uint64_t seq : {1, 2, 5}) {
        EXPECT_EQ(again.judge(1, seq, start + seq).verdict, Verdict::replayed);
    }
    EXPECT_EQ(again.judge(1, 3, start + 3).verdict, Verdict::accept) << "it was not here";
    EXPECT_EQ(again.judge(1, 9, start + 9).missing, 0u) << "what passed meanwhile is not ours";
    EXPECT_EQ(again.judge(1, 11, start + 11).missing, 1u);
    EXPECT_EQ(again.counters().missing, 1u);
    again.begin("web", "b", now_);
    EXPECT_EQ(again.judge(1, 1, start).verdict, Verdict::replayed);
}

class PromisingGuard : public ::testing::Test {
protected:
    static constexpr std::uint64_t step = 10'000;

    /// As ReplayCheck does it; what is on disk is `disk_`.
    Verdict take(ReplayGuard& guard, const std::string& signer, std::uint64_t seq,
                 std::uint64_t time) {
        guard.begin(signer, "a", now_);
        auto verdict = guard.judge(1, seq, time).verdict;
        if (verdict == Verdict::promise_first) {
            guard.promise(time);
            disk_ = to_bytes(guard.promises());
            ++written_;
            verdict = guard.judge(1, seq, time).verdict;
        }
        return verdict;
    }
    ReplayGuard after_a_kill() const {
        ReplayGuard again{ReplayLimits{}, true};
        if (const auto state = replay_state_from(disk_)) again.restore(*state);
        return again;
    }

    std::uint64_t now_ = start;
    std::string disk_;
    int written_ = 0;
};

// P1, after kill -9 of the receiver at any moment: nothing passes twice; what is published a
// quarter of a second later passes.
TEST_F(PromisingGuard, AReceiverThatWasKilledAcceptsNothingTwice) {
    ReplayGuard guard{ReplayLimits{}, true};
    std::vector<std::pair<std::string, std::pair<std::uint64_t, std::uint64_t>>> had;
    std::mt19937 random(1);
    // One clock is right, one is behind, one ahead, one far ahead.
    const std::vector<std::pair<std::string, std::int64_t>> signers{
        {"right", 0}, {"behind", -20'000'000}, {"ahead", 2'300'000}, {"far", 29'900'000}};
    for (std::uint64_t i = 1; i <= 2000; ++i) {
        now_ += random() % 100 == 0 ? 3 * second : step;
        const auto& [name, off] = signers[random() % signers.size()];
        const auto time = static_cast<std::uint64_t>(static_cast<std::int64_t>(now_) + off);
        ASSERT_EQ(take(guard, name, i, time), Verdict::accept) << i;
        had.push_back({name, {i, time}});
        if (i % 50 != 0) continue;
        ReplayGuard again = after_a_kill();
        for (const auto& [signer, message] : had) {
            again.begin(signer, "a", now_);
            const auto verdict = again.judge(1, message.first, message.second).verdict;
            ASSERT_TRUE(verdict == Verdict::replayed || verdict == Verdict::too_old)
                << signer << " " << message.first << " of " << i;
        }
    }
    ReplayGuard again = after_a_kill();
    now_ += ReplayGuard::promise_us + 1;
    EXPECT_EQ(take(again, "right", 5000, now_), Verdict::accept);
    now_ += second;
    EXPECT_EQ(take(again, "ahead", 5000, now_ + 2'300'000), Verdict::accept);
    EXPECT_EQ(take(again, "far", 5000, now_ + 29'900'000), Verdict::accept);
}

TEST_F(PromisingGuard, PromisesAreFewAndSmall) {
    ReplayGuard guard{ReplayLimits{}, true};
    for (std::uint64_t i = 1; i <= 100'000; ++i) {
        now_ += 100;
        ASSERT_EQ(take(guard, "git", i, now_), Verdict::accept);
    }
    EXPECT_LE(written_, 41);  // ten seconds
    EXPECT_LT(disk_.size(), 200u);
}

TEST_F(PromisingGuard, AKillBeforeAnythingWasAcceptedCostsNothing) {
    ReplayGuard guard{ReplayLimits{}, true};
    EXPECT_EQ(take(guard, "git", 1, now_), Verdict::accept);
    disk_ = to_bytes(guard.state());
    ReplayGuard again = after_a_kill();
    EXPECT_EQ(take(again, "git", 1, start), Verdict::replayed);
    const std::string before = disk_;
    ReplayGuard third = after_a_kill();
    EXPECT_EQ(disk_, before);
    EXPECT_EQ(take(third, "git", 2, start), Verdict::accept);
    // From the first one on the file says that it runs.
    EXPECT_FALSE(replay_state_from(disk_)->closed);
    EXPECT_EQ(take(*std::make_unique<ReplayGuard>(after_a_kill()), "git", 2, start),
              Verdict::replayed);
}

TEST_F(PromisingGuard, WhatAnotherReceiverHadIsNotAcceptedEither) {
    ReplayGuard other{ReplayLimits{}, true};
    EXPECT_EQ(take(other, "git", 1, now_), Verdict::accept);
    const ReplayState closed = other.state();
    const auto open = replay_state_from(disk_);
    ASSERT_TRUE(open);
    for (const ReplayState& state : {closed, *open}) {
        ReplayGuard guard{ReplayLimits{}, true};
        guard.restore_floors(state);
        EXPECT_EQ(take(guard, "git", 1, start), Verdict::replayed);
        EXPECT_EQ(take(guard, "git", 2, start + second), Verdict::accept);
    }
}

TEST(ReplayState, WhatIsNoStateIsNone) {
    ReplayGuard guard{ReplayLimits{}};
    guard.begin("git", "a", start);
    EXPECT_EQ(guard.judge(1, 1, start).verdict, Verdict::accept);
    const std::string bytes = to_bytes(guard.state());
    ASSERT_TRUE(replay_state_from(bytes));
    EXPECT_TRUE(replay_state_from(bytes + "what was longer before"));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        EXPECT_FALSE(replay_state_from(bytes.substr(0, i))) << i;
        std::string flipped = bytes;
        flipped[i] = static_cast<char>(flipped[i] ^ 0x40);
        EXPECT_FALSE(replay_state_from(flipped)) << i;
    }
    EXPECT_FALSE(replay_state_from(std::string(100'000, '\xFF')));
}

TEST(ReplayState, CountsThatNothingStandsBehindReserveNothing) {
    ReplayState many;
    many.signers.push_back({"git", 0, 0});
    std::string bytes = to_bytes(many);
    // A genuine checksum over a lie needs the writer itself: take the counts from the outside.
    many.streams.resize(1);
    many.streams[0].topic = "a";
    many.streams[0].signer = 7;
    EXPECT_FALSE(replay_state_from(to_bytes(many))) << "a signer that is not there";
    EXPECT_TRUE(replay_state_from(bytes));
}

}  // namespace
}  // namespace weft::fabric
