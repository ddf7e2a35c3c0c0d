// How waits live and end.
#include "reliability/ack/tracker.hpp"

#include "tests/unit/reliability/ack/tracker_fixture.hpp"

namespace weft::reliability {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_F(AckTrackerTest, AWaitIsAcknowledgedByTheLastOneThatIsRequired) {
    publish(1, "a, b");

    ack(1, "a");
    EXPECT_THAT(verdicts(), IsEmpty());
    now_ = microseconds{1200};
    ack(1, "b", AckLevel::processed);

    const Outcome ended = outcome();
    EXPECT_TRUE(ended.ok());
    EXPECT_EQ(ended.about().id, id_of(1));
    EXPECT_EQ(ended.about().topic, "org.weft.dev.deploy");
    EXPECT_EQ(ended.about().recipients, "all(a, b)");
    EXPECT_EQ(ended.about().elapsed, microseconds{1200});
    EXPECT_EQ(ended.about().resent, 0U);
    ASSERT_EQ(ended.answers().size(), 2U);
    EXPECT_EQ(ended.answers()[1].name, "b");
    EXPECT_EQ(ended.answers()[1].level, AckLevel::processed);
    EXPECT_EQ(ended.answers()[1].after, microseconds{1200});
    EXPECT_EQ(ended.answers()[0].after, microseconds{0});
    expect_nothing_kept();
}

TEST_F(AckTrackerTest, AWaitEndsAsUnknownAtItsDeadlineAndNotBefore) {
    publish(1, "a, b", AckLevel::received, milliseconds{300}, seconds{5});
    now_ = seconds{5};
    ack(1, "a");

    tick(seconds{5} + milliseconds{300} - fabric::Instant{1});
    EXPECT_THAT(verdicts(), IsEmpty());
    tick(seconds{5} + milliseconds{300});

    const Outcome ended = outcome();
    EXPECT_EQ(ended.verdict(), Verdict::unknown);
    EXPECT_EQ(ended.answers()[0].state, RecipientAnswer::State::acknowledged);
    EXPECT_EQ(ended.answers()[1].state, RecipientAnswer::State::unknown);
    EXPECT_EQ(ended.about().timeout, milliseconds{300});
    EXPECT_EQ(ended.about().elapsed, milliseconds{300});
    expect_nothing_kept();
}

TEST_F(AckTrackerTest, ATickLongAfterTheDeadlineSettlesOnceAndSendsNothing) {
    publish(1, "a");
    publish(2, "b", AckLevel::received, hours{1});
    tick(hours{100});
    EXPECT_THAT(verdicts(), ElementsAre("1 unknown", "2 unknown"));
    tick(hours{200});
    EXPECT_THAT(verdicts(), IsEmpty());
    EXPECT_THAT(sent_again_, IsEmpty());
    expect_nothing_kept();
}

// A4: a process that was stopped finds its ACKs before its clock.
TEST_F(AckTrackerTest, AnAckAfterTheDeadlineChangesNothingAlthoughNoTickHasFoundItYet) {
    publish(1, "a");
    now_ = milliseconds{300};
    ack(1, "a");
    EXPECT_THAT(verdicts(), IsEmpty());
    EXPECT_EQ(tracker_.stats().acks_late, 1U);
    tick(milliseconds{301});
    EXPECT_THAT(verdicts(), ElementsAre("1 unknown"));
}

TEST_F(AckTrackerTest, AnAckJustBeforeTheDeadlineCounts) {
    publish(1, "a");
    now_ = milliseconds{300} - std::chrono::nanoseconds{1};
    ack(1, "a");
    EXPECT_THAT(verdicts(), ElementsAre("1 acknowledged"));
}

TEST_F(AckTrackerTest, AnAckAfterTheWaitEndedChangesNothing) {  // A4: late
    publish(1, "a");
    tick(milliseconds{300});
    EXPECT_THAT(verdicts(), ElementsAre("1 unknown"));
    ack(1, "a");
    EXPECT_THAT(verdicts(), IsEmpty());
    EXPECT_EQ(tracker_.stats().acks_unmatched, 1U);
}

TEST_F(AckTrackerTest, DeadlinesThatWouldOverflowAreAsLateAsCanBe) {
    publish(1, "a", AckLevel::received, microseconds::max(), hours{1});
    publish(2, "a", AckLevel::received, microseconds::max(), fabric::Instant::max() - seconds{1});
    publish(3, "a", AckLevel::received, microseconds{-5}, hours{1});
    tick(hours{1});
    EXPECT_THAT(verdicts(), ElementsAre("3 unknown"));
    tick(fabric::Instant::max() - fabric::Instant{1});
    EXPECT_THAT(verdicts(), IsEmpty());
    tick(fabric::Instant::max());
    EXPECT_THAT(verdicts(), UnorderedElementsAre("1 unknown", "2 unknown"));
    expect_nothing_kept();
}

TEST_F(AckTrackerTest, KnowsOnlyTheTimeThatItIsGiven) {  // P7
    publish(1, "a", AckLevel::received, milliseconds{300}, hours{10});
    // Instants are of the monotonic clock; one that stands still, or is even handed in late, ends
    // nothing early and makes no answer come before its question.
    tick(hours{10});
    tick(hours{9});
    EXPECT_THAT(verdicts(), IsEmpty());
    ack(1, "a");
    EXPECT_EQ(outcome().answers()[0].after, microseconds{0});
}

TEST_F(AckTrackerTest, NextDueIsTheFirstResendThenTheNextThenTheDeadline) {
    EXPECT_EQ(tracker_.next_due(), std::nullopt);
    publish(1, "a");
    EXPECT_EQ(tracker_.next_due(), milliseconds{60});
    tick(milliseconds{60});
    EXPECT_EQ(tracker_.next_due(), milliseconds{180});
    tick(milliseconds{180});
    EXPECT_EQ(tracker_.next_due(), milliseconds{300});
}

TEST_F(AckTrackerTest, CancelledWaitsHaveNoOutcome) {
    EXPECT_TRUE(open(1, "a"));
    tracker_.cancel(nonce_of(1));
    tracker_.cancel(nonce_of(1));
    expect_nothing_kept();
    tick(hours{1});
    EXPECT_THAT(verdicts(), IsEmpty());
    EXPECT_EQ(tracker_.stats().cancelled, 1U);
}

TEST_F(AckTrackerTest, BindingAWaitThatEndedHasNoEffect) {
    EXPECT_TRUE(open(1, "a"));
    tick(hours{1});
    bind(1);
    EXPECT_THAT(verdicts(), ElementsAre("1 unknown"));
    expect_nothing_kept();
}

TEST_F(AckTrackerTest, AWaitThatWasNeverBoundEndsAsUnknownAndSaysThatNothingWasSent) {
    EXPECT_TRUE(open(1, "a"));
    tick(hours{1});
    EXPECT_THAT(outcome().sentence(), ::testing::HasSubstr("had not been sent yet"));
    EXPECT_THAT(sent_again_, IsEmpty());
}

TEST_F(AckTrackerTest, AbortEndsOneWaitAndAbortAllTheRest) {
    publish(1, "a");
    publish(2, "a, b");
    publish(3, "b");
    ack(2, "a");

    tracker_.abort(nonce_of(1), now_, settled_);
    tracker_.abort(nonce_of(1), now_, settled_);
    EXPECT_THAT(verdicts(), ElementsAre("1 aborted"));
    tracker_.abort_all(now_, settled_);
    ASSERT_EQ(settled_.size(), 2U);
    EXPECT_EQ(settled_[0].outcome.answers()[0].state, RecipientAnswer::State::acknowledged);
    EXPECT_EQ(settled_[0].outcome.answers()[1].state, RecipientAnswer::State::unknown);
    EXPECT_THAT(verdicts(), UnorderedElementsAre("2 aborted", "3 aborted"));
    EXPECT_EQ(tracker_.stats().aborted, 3U);
    expect_nothing_kept();
}

TEST_F(AckTrackerTest, SaysNoBeyondItsLimitsAndYesAgainWhenAWaitEnded) {
    for (std::uint64_t i = 0; i < 2000; ++i) EXPECT_TRUE(open(i, "a"));
    EXPECT_FALSE(open(2000, "a"));
    tracker_.cancel(nonce_of(7));
    EXPECT_TRUE(open(2000, "a"));
    EXPECT_EQ(tracker_.stats().refused_full, 1U);
}

TEST_F(AckTrackerTest, SaysNoToMoreBytesThanItMayKeep) {
    EXPECT_TRUE(open(1, "a", AckLevel::received, seconds{1}, {}, 600'000));
    EXPECT_FALSE(open(2, "a", AckLevel::received, seconds{1}, {}, 400'001));
    EXPECT_FALSE(
        open(2, "a", AckLevel::received, seconds{1}, {}, std::numeric_limits<std::size_t>::max()));
    EXPECT_TRUE(open(2, "a", AckLevel::received, seconds{1}, {}, 400'000));
    EXPECT_EQ(tracker_.bytes(), 1'000'000U);
    EXPECT_FALSE(open(3, "a", AckLevel::received, seconds{1}, {}, 1));
    tick(seconds{1});
    EXPECT_EQ(tracker_.bytes(), 0U);
}

TEST_F(AckTrackerTest, TheBytesOfASettledWaitAreFreed) {
    publish(1, "a");
    const auto message = std::make_shared<const SentMessage>(
        SentMessage{"org.weft.dev.deploy", "content", subject(2)});
    EXPECT_TRUE(open(2, "a"));
    tracker_.bind(nonce_of(2), message);
    EXPECT_EQ(message.use_count(), 2);
    ack(2, "a");
    EXPECT_EQ(message.use_count(), 1);
}

TEST_F(AckTrackerTest, CountsHowWaitsEnded) {
    publish(1, "a");
    publish(2, "a");
    publish(3, "a");
    ack(1, "a");
    ack(2, "a", AckLevel::rejected);
    tick(seconds{1});
    EXPECT_EQ(tracker_.stats().opened, 3U);
    EXPECT_EQ(tracker_.stats().acknowledged, 1U);
    EXPECT_EQ(tracker_.stats().rejected, 1U);
    EXPECT_EQ(tracker_.stats().unknown, 1U);
    EXPECT_EQ(tracker_.stats().acks, 2U);
}

// --- resending

TEST_F(AckTrackerTest, SendsAgainTheSameBytesWithGrowingPausesUntilTheDeadline) {
    publish(1, "a", AckLevel::received, seconds{2});
    std::vector<std::int64_t> at;
    while (const auto due = tracker_.next_due()) {
        sent_again_.clear();
        tick(*due);
        if (sent_again_.empty()) continue;
        ASSERT_EQ(sent_again_.size(), 1U);
        EXPECT_EQ(sent_again_[0]->subject, subject(1));
        EXPECT_EQ(sent_again_[0]->content, "content");
        at.push_back(std::chrono::duration_cast<milliseconds>(*due).count());
    }
    EXPECT_THAT(at, ElementsAre(60, 180, 420, 900, 1860));
    EXPECT_EQ(outcome().about().resent, 5U);
    EXPECT_EQ(tracker_.stats().sent_again, 5U);
}

TEST_F(AckTrackerTest, ATickThatComesLateSendsOnce) {
    publish(1, "a", AckLevel::received, hours{1});
    tick(seconds{100});
    EXPECT_EQ(sent_again_.size(), 1U);
    EXPECT_EQ(tracker_.next_due(), seconds{100} + milliseconds{120});
}

TEST_F(AckTrackerTest, WhatIsNotBoundIsNotSentAgainUntilItIs) {
    EXPECT_TRUE(open(1, "a", AckLevel::received, hours{1}));
    tick(milliseconds{60});
    EXPECT_THAT(sent_again_, IsEmpty());
    bind(1);
    tick(milliseconds{120});
    EXPECT_EQ(sent_again_.size(), 1U);
}

TEST_F(AckTrackerTest, WhoSaidSomethingTooWeakIsAskedAgainSeldomOnly) {
    publish(1, "a, b", AckLevel::processed, hours{1});
    ack(1, "a");
    EXPECT_EQ(tracker_.next_due(), milliseconds{60});  // b may not have it yet
    ack(1, "b");
    EXPECT_EQ(tracker_.next_due(), seconds{2});
    tick(seconds{2});
    EXPECT_EQ(sent_again_.size(), 1U);
    EXPECT_EQ(tracker_.next_due(), seconds{4});
}

TEST_F(AckTrackerTest, WhoIsSilentStillIsAskedSoonerThanThat) {
    publish(1, "a, b", AckLevel::processed, hours{1});
    ack(1, "a");
    tick(milliseconds{60});
    EXPECT_EQ(tracker_.next_due(), milliseconds{180});
    ack(1, "b", AckLevel::processed);  // now only a is missing, and it works on it
    EXPECT_EQ(tracker_.next_due(), milliseconds{60} + seconds{2});
}

TEST_F(AckTrackerTest, ResendsOfManyWaitsAreSpreadByTheSeed) {
    RetrySettings retries;
    AckTracker tracker({}, retries, 7);
    std::set<std::int64_t> dues;
    for (std::uint64_t i = 0; i < 50; ++i) {
        ASSERT_TRUE(
            tracker.open(nonce_of(i), {.recipients = recipients("a"), .timeout = hours{1}}, 1));
        dues.insert(tracker.next_due()->count());
        EXPECT_GE(*tracker.next_due(), milliseconds{45});
        EXPECT_LE(*tracker.next_due(), milliseconds{75});
        tracker.cancel(nonce_of(i));
    }
    EXPECT_GT(dues.size(), 40U);
}

}  // namespace
}  // namespace weft::reliability
