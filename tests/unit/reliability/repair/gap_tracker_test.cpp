#include "reliability/repair/gap_tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "fabric/node/replay_guard.hpp"
#include "tests/unit/reliability/repair/stream_message.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using fabric::Instant;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
const std::string a = "org.weft.dev.a", b = "org.weft.dev.b";

/// What came out, as "3" for message 3 and "lost 1-2 waited".
class GapTrackerTest : public ::testing::Test {
protected:
    using Texts = std::vector<std::string>;

    Texts take(GapTracker::Events events) {
        Texts texts;
        for (const GapTracker::Event& event : events) {
            if (const auto* message = std::get_if<fabric::Message>(&event)) {
                texts.push_back((message->topic() == a ? "" : "b") +
                                std::to_string(message->seq()));
                continue;
            }
            const Lost& lost = std::get<Lost>(event);
            EXPECT_EQ(lost.count, lost.to - lost.from + 1);
            texts.push_back("lost " + std::to_string(lost.from) + "-" + std::to_string(lost.to) +
                            " " + std::string{name_of(lost.reason)});
        }
        return texts;
    }
    Texts gap(std::uint64_t from, std::uint64_t to, const std::string& topic = a) {
        GapTracker::Events events;
        tracker_->on_gap({"", sample_epoch, topic, from, to, to - from + 1}, now_, events);
        return take(std::move(events));
    }
    Texts live(std::uint64_t seq, const std::string& topic = a) {
        GapTracker::Events events;
        const auto message = message_of(topic, seq);
        if (tracker_->on_message(message, now_, events)) {
            EXPECT_THAT(events, IsEmpty());
            events.emplace_back(message);
        }
        return take(std::move(events));
    }
    Texts repaired(std::uint64_t seq, const std::string& topic = a) {
        GapTracker::Events events;
        tracker_->on_repaired(message_of(topic, seq), now_, events);
        return take(std::move(events));
    }
    Texts answered(const StreamRange& question, GapTracker::Answer answer) {
        GapTracker::Events events;
        tracker_->on_answered(question, answer, now_, events);
        return take(std::move(events));
    }
    Texts tick() {
        GapTracker::Events events;
        tracker_->tick(now_, events);
        return take(std::move(events));
    }
    Texts finish() {
        GapTracker::Events events;
        tracker_->finish(now_, events);
        return take(std::move(events));
    }
    std::optional<StreamRange> question() { return tracker_->next_question(now_); }
    [[nodiscard]] RepairStats stats() const { return tracker_->stats(); }

    std::optional<GapTracker> tracker_{std::in_place, RepairLimits{}};
    Instant now_ = 1h;
};

using Answer = GapTracker::Answer;

TEST_F(GapTrackerTest, WithoutAHoleEverythingPassesAndNothingIsKept) {
    EXPECT_TRUE(tracker_->idle());
    EXPECT_THAT(live(1), ElementsAre("1"));
    EXPECT_THAT(live(2), ElementsAre("2"));
    EXPECT_TRUE(tracker_->idle());
    EXPECT_FALSE(question());
}

TEST_F(GapTrackerTest, AHoleHoldsBackItsOwnStreamOnlyUntilAJournalFillsIt) {
    gap(2, 3);

    EXPECT_THAT(live(4), IsEmpty());
    EXPECT_THAT(live(5), IsEmpty());
    EXPECT_THAT(live(1, b), ElementsAre("b1"));
    EXPECT_EQ(stats().held, 2u);
    EXPECT_THAT(repaired(2), ElementsAre("2"));
    EXPECT_THAT(repaired(3), ElementsAre("3", "4", "5"));
    EXPECT_THAT(live(6), ElementsAre("6"));

    EXPECT_EQ(stats().repaired, 2u);
    EXPECT_EQ(stats().held, 0u);
    EXPECT_EQ(stats().held_bytes, 0u);
    EXPECT_EQ(stats().holes_open, 0u);
}

TEST_F(GapTrackerTest, ALateArrivalFillsAsAJournalDoes) {
    gap(2, 3);
    EXPECT_THAT(live(4), IsEmpty());

    EXPECT_THAT(live(3), IsEmpty());
    EXPECT_THAT(live(2), ElementsAre("2", "3", "4"));

    EXPECT_EQ(stats().late, 2u);
    EXPECT_EQ(stats().repaired, 0u);
}

// P3: a replayed copy of a message that was seen is never shown, nor is a live copy of what was
// repaired.
TEST_F(GapTrackerTest, WhatWasRepairedOrSeenDoesNotComeAgain) {
    gap(2, 3);
    live(4);
    EXPECT_THAT(repaired(4), IsEmpty());  // held
    repaired(2);
    EXPECT_THAT(repaired(2), IsEmpty());
    EXPECT_THAT(live(2), IsEmpty());
    repaired(3);
    EXPECT_THAT(live(3), IsEmpty());
    EXPECT_THAT(repaired(1), IsEmpty());
    EXPECT_THAT(repaired(9, b), IsEmpty());

    EXPECT_EQ(stats().duplicates_dropped, 2u);
    EXPECT_EQ(stats().unasked_dropped, 4u);
    now_ += 359s;
    tick();
    EXPECT_THAT(live(3), IsEmpty());
    now_ += 1s;
    tick();
    EXPECT_TRUE(tracker_->idle());
}

TEST_F(GapTrackerTest, WhatDoesNotComeIsGivenUpAfterTheWaitAndToldBeforeWhatIsBehindIt) {
    gap(2, 3);
    live(4);
    now_ += 4999ms;
    EXPECT_THAT(tick(), IsEmpty());
    now_ += 1ms;

    EXPECT_THAT(tick(), ElementsAre("lost 2-3 waited", "4"));

    EXPECT_EQ(stats().given_up_messages, 2u);
    EXPECT_THAT(live(3), IsEmpty());  // order is kept
    EXPECT_EQ(stats().late_dropped, 1u);
    EXPECT_THAT(live(5), ElementsAre("5"));
}

TEST_F(GapTrackerTest, TheWaitBeginsAnewWithEachMessageThatComes) {
    gap(2, 4);
    live(5);
    now_ += 4s;
    EXPECT_THAT(repaired(3), IsEmpty());
    now_ += 4s;
    EXPECT_THAT(tick(), IsEmpty());
    EXPECT_THAT(repaired(2), ElementsAre("2", "3"));
    now_ += 5s;
    EXPECT_THAT(tick(), ElementsAre("lost 4-4 waited", "5"));
}

TEST_F(GapTrackerTest, LostTailsAreFilledAlthoughNothingIsBehindThem) {
    gap(2, 3);
    now_ += 20ms;
    const auto asked = question();
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->from, 2u);
    EXPECT_EQ(asked->to, 3u);
    EXPECT_EQ(asked->topic, a);
    EXPECT_EQ(asked->epoch, sample_epoch);
    EXPECT_THAT(repaired(2), ElementsAre("2"));
    EXPECT_TRUE(tracker_->is_missing(*asked));
    EXPECT_THAT(repaired(3), ElementsAre("3"));
    EXPECT_FALSE(tracker_->is_missing(*asked));
    EXPECT_THAT(answered(*asked, Answer::complete), IsEmpty());
    EXPECT_FALSE(question());
}

TEST_F(GapTrackerTest, JournalsAreAskedSoonButNotAtOnceAndEachStreamByOneQuestionAtATime) {
    gap(2, 3);
    gap(5, 5);
    gap(7, 7, b);
    EXPECT_FALSE(question());
    now_ += 20ms;

    const auto first = question();
    const auto second = question();
    ASSERT_TRUE(first && second);
    EXPECT_NE(first->topic, second->topic);
    EXPECT_FALSE(question());
    EXPECT_EQ(stats().questions, 2u);
}

TEST_F(GapTrackerTest, WhatNoJournalHasIsAskedForAgainUntilThatIsSureAndThenGivenUp) {
    gap(2, 3);
    live(4);
    now_ += 20ms;
    Instant until = now_ + 480ms;
    Texts out;
    int questions = 0;
    while (out.empty() && questions < 100) {
        if (const auto asked = question()) {
            ++questions;
            out = answered(*asked, Answer::complete);
        }
        if (out.empty()) now_ += 10ms;
    }

    EXPECT_THAT(out, ElementsAre("lost 2-3 not_stored", "4"));
    EXPECT_GE(now_, until);
    EXPECT_LE(now_, until + 500ms);
    EXPECT_GT(questions, 2);
    EXPECT_LT(questions, 10);
}

TEST_F(GapTrackerTest, AJournalThatDoesNotAnswerIsNoReasonToGiveUpBeforeTheWait) {
    gap(2, 3);
    live(4);
    const Instant opened = now_;
    int questions = 0;
    Texts out;
    while (out.empty() && questions < 1000) {
        if (const auto asked = question()) {
            ++questions;
            EXPECT_THAT(answered(*asked, Answer::unsure), IsEmpty());
        }
        out = tick();
        if (out.empty()) now_ += 10ms;
    }

    EXPECT_THAT(out, ElementsAre("lost 2-3 waited", "4"));
    EXPECT_EQ(now_ - opened, 5s);
    EXPECT_LT(questions, 12);
}

TEST_F(GapTrackerTest, OfAPartlyStoredHoleOnlyWhatIsNotThereIsLost) {
    gap(2, 6);
    live(7);
    now_ += 1s;
    const auto asked = question();
    ASSERT_TRUE(asked);
    repaired(3);
    repaired(5);

    EXPECT_THAT(answered(*asked, Answer::complete),
                ElementsAre("lost 2-2 not_stored", "3", "lost 4-4 not_stored", "5",
                            "lost 6-6 not_stored", "7"));
}

// P5: 10,000 at a time, and no more questions than a constant.
TEST_F(GapTrackerTest, AHugeHoleIsAskedForInPiecesAndGivenUpWhereNothingComesOfIt) {
    gap(1, most - 1);
    EXPECT_THAT(live(most), IsEmpty());
    now_ += 1s;
    Texts out;
    std::uint64_t questions = 0;
    while (out.empty()) {
        const auto asked = question();
        ASSERT_TRUE(asked);
        ASSERT_EQ(asked->from, 1 + questions * 10'000);
        ASSERT_EQ(asked->to, asked->from + 9'999);
        ++questions;
        out = answered(*asked, Answer::complete);
    }

    EXPECT_EQ(questions, 100u);
    EXPECT_THAT(out, ElementsAre("lost 1-" + std::to_string(most - 1) + " not_stored",
                                 std::to_string(most)));
    EXPECT_EQ(stats().given_up_messages, most - 1);
}

// P5
TEST_F(GapTrackerTest, NumbersAtTheEndsOfTheRangeAreNumbersLikeOthers) {
    EXPECT_THAT(gap(0, 5), IsEmpty());
    EXPECT_TRUE(tracker_->idle());
    gap(std::uint64_t{1} << 63, most);
    EXPECT_THAT(gap(5, most), IsEmpty());
    EXPECT_THAT(repaired(most), IsEmpty());
    EXPECT_THAT(live(0), ElementsAre("0"));
    EXPECT_THAT(finish(), ElementsAre("lost " + std::to_string(std::uint64_t{1} << 63) + "-" +
                                          std::to_string(most - 1) + " stopped",
                                      std::to_string(most)));
}

TEST_F(GapTrackerTest, WhereThereIsMoreToComeAQuestionFollowsAtOnce) {
    gap(1, 25'000);
    now_ += 1s;
    for (std::uint64_t from = 1; from <= 25'000; from += 10'000) {
        const auto asked = question();
        ASSERT_TRUE(asked);
        EXPECT_EQ(asked->from, from);
        for (std::uint64_t seq = asked->from; seq <= asked->to; ++seq) repaired(seq);
        answered(*asked, Answer::complete);
    }
    EXPECT_FALSE(question());
    EXPECT_EQ(stats().repaired, 25'000u);
    EXPECT_EQ(stats().given_up_messages, 0u);
}

TEST_F(GapTrackerTest, BeyondWhatMayBeHeldTheOldestHoleIsGivenUpFirst) {
    RepairLimits limits;
    limits.held_max = 3;
    tracker_.emplace(limits);
    gap(2, 2);
    gap(5, 5, b);
    live(3);
    live(6, b);
    EXPECT_THAT(live(7, b), IsEmpty());

    EXPECT_THAT(live(8, b), ElementsAre("lost 2-2 held_full", "3"));
    EXPECT_THAT(live(9, b), ElementsAre("lost 5-5 held_full", "b6", "b7", "b8", "b9"));

    EXPECT_EQ(stats().given_up_holes[static_cast<std::size_t>(LossReason::held_full)], 2u);
}

TEST_F(GapTrackerTest, TheBytesOfWhatIsHeldAreBounded) {
    RepairLimits limits;
    limits.held_bytes_max = 20;  // a content has 7
    tracker_.emplace(limits);
    gap(2, 2);
    live(3);
    live(4);
    EXPECT_THAT(live(5), ElementsAre("lost 2-2 held_full", "3", "4", "5"));
}

TEST_F(GapTrackerTest, HolesAreBoundedAlsoWhereFillingOneMakesTwo) {
    RepairLimits limits;
    limits.holes_max = 2;
    tracker_.emplace(limits);
    gap(1, 9);
    repaired(3);
    EXPECT_EQ(stats().holes_open, 2u);
    EXPECT_THAT(repaired(5), ElementsAre("lost 1-2 no_room", "3"));
    EXPECT_EQ(stats().holes_open, 2u);
    EXPECT_THAT(gap(11, 11), ElementsAre("lost 4-4 no_room", "5"));
}

TEST_F(GapTrackerTest, StreamsAreBoundedAndThoseWithoutHolesGoFirst) {
    RepairLimits limits;
    limits.streams_max = 2;
    tracker_.emplace(limits);
    gap(2, 2);
    repaired(2);
    gap(2, 2, b);
    gap(2, 2, "c");
    EXPECT_EQ(stats().streams_forgotten, 1u);
    EXPECT_EQ(stats().streams_waiting, 2u);
    live(3, b);

    EXPECT_THAT(gap(2, 2, "d"), ElementsAre("lost 2-2 no_room", "b3"));
    EXPECT_EQ(stats().streams_waiting, 2u);
    EXPECT_EQ(stats().streams_remembered, 0u);
}

TEST_F(GapTrackerTest, EpochsAndSignersAreStreamsOfTheirOwn) {
    gap(2, 2);
    GapTracker::Events events;
    EXPECT_TRUE(tracker_->on_message(message_of(a, 3, sample_epoch + 1), now_, events));
    EXPECT_TRUE(tracker_->on_message(message_of(a, 3, sample_epoch, fabric::certificate_of("git")),
                                     now_, events));
    EXPECT_FALSE(tracker_->on_message(message_of(a, 3), now_, events));
    EXPECT_THAT(events, IsEmpty());
}

TEST_F(GapTrackerTest, WhatIsOlderThanItsFirstHolePassesAsItWould) {
    gap(10, 10);
    EXPECT_THAT(live(9), ElementsAre("9"));
}

TEST_F(GapTrackerTest, AStreamThatWasWholeAgainMayHaveHolesAgain) {
    gap(2, 2);
    repaired(2);
    live(3);
    EXPECT_EQ(stats().streams_remembered, 1u);
    gap(4, 5);
    EXPECT_EQ(stats().streams_remembered, 0u);
    EXPECT_THAT(live(6), IsEmpty());
    EXPECT_THAT(live(2), IsEmpty());
    repaired(4);
    EXPECT_THAT(repaired(5), ElementsAre("5", "6"));
}

TEST_F(GapTrackerTest, AtTheEndWhatIsHeldComesOut) {
    gap(2, 2);
    gap(4, 4);
    live(5);
    live(3);
    EXPECT_THAT(finish(), ElementsAre("lost 2-2 stopped", "3", "lost 4-4 stopped", "5"));
    EXPECT_FALSE(tracker_->waiting());
}

TEST_F(GapTrackerTest, HolesSideBySideThatAreLostForDifferentReasonsAreToldApart) {
    RepairLimits limits;
    limits.holes_max = 1;
    tracker_.emplace(limits);
    gap(2, 3);
    EXPECT_THAT(gap(4, 5), IsEmpty());
    EXPECT_THAT(finish(), ElementsAre("lost 2-3 no_room", "lost 4-5 stopped"));
}

/// All orders in which five messages can arrive behind the replay guard, each live or, where it is
/// missing by then, from a journal first.
TEST_F(GapTrackerTest, EveryOrderOfArrivalComesOutInOrder) {
    std::vector<std::uint64_t> order{2, 3, 4, 5, 6};
    do {
        for (unsigned journal = 0; journal < 32; ++journal) {
            tracker_.emplace(RepairLimits{});
            fabric::ReplayGuard guard({});
            Texts out;
            const auto arrives = [&](std::uint64_t seq) {
                guard.begin("", a, 1'000'000'000);
                const auto judged = guard.judge(sample_epoch, seq, 1'000'000'000);
                ASSERT_EQ(judged.verdict, fabric::ReplayGuard::Verdict::accept);
                if (judged.missing > 0) gap(seq - judged.missing, seq - 1);
                const Texts more = live(seq);
                out.insert(out.end(), more.begin(), more.end());
            };
            arrives(1);
            for (const std::uint64_t seq : order) {
                if ((journal >> (seq - 2) & 1) != 0 &&
                    tracker_->is_missing({"", sample_epoch, a, seq, seq})) {
                    const Texts more = repaired(seq);
                    out.insert(out.end(), more.begin(), more.end());
                }
                arrives(seq);
            }
            ASSERT_THAT(out, ElementsAre("1", "2", "3", "4", "5", "6"));
            ASSERT_FALSE(tracker_->waiting());
            ASSERT_EQ(stats().held, 0u);
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace
}  // namespace weft::reliability
