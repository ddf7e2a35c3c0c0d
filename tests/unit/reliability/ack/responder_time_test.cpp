// Deadlines: what is late, by which clock, and how long a message is remembered.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/reliability/ack/responder_fixture.hpp"

namespace weft::reliability {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

/// The wall clock is `ahead` of the publisher's.
Now with_clock(std::chrono::microseconds ahead, std::chrono::microseconds after = 0ms) {
    Now now = at(after);
    now.utc_us = static_cast<std::uint64_t>(static_cast<std::int64_t>(now.utc_us) + ahead.count());
    return now;
}

TEST_F(AckResponderTest, WhatComesAfterItsDeadlineIsRejectedWithTheTimeAndWhoseClock) {
    EXPECT_EQ(arrive(call_of(1), with_clock(5050ms)),
              "rejected: late: its deadline passed 4.8 s ago by this host's clock, which may "
              "differ from the publisher's");
    EXPECT_EQ(arrive(again(call_of(1)), with_clock(5060ms)),
              "rejected: late: its deadline passed 4.8 s ago by this host's clock, which may "
              "differ from the publisher's");
    EXPECT_EQ(start(1), "");
    EXPECT_EQ(stats().late, 1U);
    EXPECT_EQ(stats().delivered, 0U);
}

TEST_F(AckResponderTest, ClocksMayDifferByTheSkewBeforeAMessageIsLate) {
    EXPECT_EQ(arrive(call_of(1), with_clock(1249ms)), "deliver ");
    EXPECT_THAT(arrive(call_of(2), with_clock(1250ms)),
                HasSubstr("late: its deadline passed 1.0 s ago"));
    use({.clock_skew = 0ms});
    EXPECT_EQ(arrive(call_of(1), with_clock(249ms)), "deliver ");
    EXPECT_THAT(arrive(call_of(2), with_clock(250ms)),
                HasSubstr("late: its deadline passed 1 ms ago"));
}

TEST_F(AckResponderTest, APublisherWhoseClockIsAheadGetsItsTimeoutAndNoMore) {
    EXPECT_EQ(arrive(call_of(1), with_clock(-1h)), "deliver ");
    queue(1);
    EXPECT_EQ(start(1, with_clock(-1h, 249ms)), "go ");
    EXPECT_EQ(arrive(call_of(2), with_clock(-1h)), "deliver ");
    queue(2);
    EXPECT_THAT(start(2, with_clock(-1h, 250ms)), StartsWith("rejected: late"));
}

TEST_F(AckResponderTest, WhatWasLongOnItsWayHasLessTimeHere) {
    // 1 s of skew and 250 ms of timeout, of which 1.2 s are over.
    EXPECT_EQ(arrive(call_of(1), with_clock(1200ms)), "deliver ");
    queue(1);
    EXPECT_EQ(start(1, with_clock(1200ms, 49ms)), "go ");
    EXPECT_EQ(arrive(call_of(2), with_clock(1200ms)), "deliver ");
    queue(2);
    EXPECT_THAT(start(2, with_clock(1200ms, 50ms)), StartsWith("rejected: late"));
}

TEST_F(AckResponderTest, WhoseTurnComesAfterTheDeadlineIsRejectedAndNotStarted) {
    arrive(call_of(1)), queue(1);
    EXPECT_EQ(start(1, at(370ms)),
              "rejected: late: its deadline passed 120 ms ago while it waited here");
    EXPECT_EQ(process(1, at(380ms)), "");
    EXPECT_EQ(start(1, at(390ms)), "");
    EXPECT_EQ(arrive(again(call_of(1)), at(400ms)),
              "rejected: late: its deadline passed 120 ms ago while it waited here");
    EXPECT_EQ(stats().late, 1U);
}

// It has been told that the message is here; nobody says when it will be handled.
TEST_F(AckResponderTest, WhoOnlyAskedForReceivedIsStartedHoweverLate) {
    arrive(call_of(1, received)), queue(1);
    EXPECT_EQ(start(1, at(370ms)), "go ");
    arrive(call_of(2, received)), queue(2);
    responder_->expire(at(24h).steady);
    EXPECT_EQ(responder_->entries(), 0U);
    EXPECT_EQ(start(2, at(25h)), "go ") << "also when it is forgotten";
}

TEST_F(AckResponderTest, ARepetitionAfterTheDeadlineEndsTheWait) {
    arrive(call_of(1)), queue(1);
    EXPECT_THAT(arrive(again(call_of(1)), at(260ms)), StartsWith("rejected: late"));
    EXPECT_EQ(start(1, at(261ms)), "");
    // One that found no room is not delivered any more.
    arrive(call_of(2));
    responder_->on_not_queued(nonce_of(2));
    EXPECT_THAT(arrive(again(call_of(2)), at(260ms)), StartsWith("rejected: late"));
    EXPECT_EQ(stats().delivered, 2U);
}

// It may be done in a moment, and then that is what happened.
TEST_F(AckResponderTest, WhatIsAtWorkIsNotRejectedAsLate) {
    arrive(call_of(1)), queue(1), start(1);
    EXPECT_EQ(arrive(again(call_of(1)), at(260ms)), "received");
    EXPECT_EQ(process(1, at(300ms)), "processed");
}

// P7
TEST_F(AckResponderTest, AJumpOfTheWallClockChangesNoDeadlineOfWhatIsHere) {
    arrive(call_of(1)), queue(1);
    arrive(call_of(2)), queue(2);
    EXPECT_EQ(start(1, with_clock(+1h, 249ms)), "go ");
    EXPECT_THAT(start(2, with_clock(-1h, 250ms)), StartsWith("rejected: late"));
    arrive(call_of(3)), queue(3);
    EXPECT_EQ(arrive(again(call_of(3)), with_clock(+1h, 100ms)), "received");
}

TEST_F(AckResponderTest, TimesThatAFewAdditionsCannotHoldAreNoTrouble) {
    AckCall call = call_of(1);
    call.time_us = std::numeric_limits<std::uint64_t>::max();
    call.timeout = ack_timeout_max;
    EXPECT_EQ(arrive(call), "deliver ");
    call = call_of(2);
    call.time_us = 0;
    EXPECT_THAT(arrive(call), StartsWith("rejected: late"));
    call = call_of(3);
    EXPECT_THAT(arrive(call, {1h, std::numeric_limits<std::uint64_t>::max()}),
                StartsWith("rejected: late"));
    call = call_of(4);
    EXPECT_EQ(arrive(call, {1h, 0}), "deliver ");
}

TEST_F(AckResponderTest, AMessageIsForgottenWhenItsDeadlineAndTheGraceHavePassed) {
    arrive(call_of(1)), queue(1), start(1), process(1);
    responder_->expire(at(5249ms).steady);
    EXPECT_EQ(responder_->entries(), 1U);
    EXPECT_EQ(arrive(again(call_of(1)), at(5249ms)), "processed");
    responder_->expire(at(5250ms).steady);
    EXPECT_EQ(responder_->entries(), 0U);
    EXPECT_EQ(arrive(again(call_of(1)), at(5250ms)), "");
    EXPECT_EQ(stats().unknown_repeated, 1U);
}

// A publisher whose clock is behind waits on while we think that its time is over.
TEST_F(AckResponderTest, ARejectionAsLateIsRememberedAsLongAsThePublisherMayWait) {
    AckCall call = call_of(1);
    call.timeout = 10s;
    EXPECT_THAT(arrive(call, with_clock(1h)), StartsWith("rejected: late"));
    EXPECT_THAT(arrive(again(call), with_clock(1h, 14s)), StartsWith("rejected: late"));
    EXPECT_EQ(arrive(again(call), with_clock(1h, 15s)), "");
}

// Otherwise it would be started late: who is forgotten is not known to be late.
TEST_F(AckResponderTest, WhatWaitsForItsTurnIsRememberedUntilThat) {
    arrive(call_of(1)), queue(1);
    arrive(call_of(2));
    responder_->expire(at(1h).steady);
    EXPECT_EQ(responder_->entries(), 2U);
    EXPECT_THAT(start(1, at(1h)), StartsWith("rejected: late: its deadline passed 3599.7 s ago"));
    responder_->on_not_queued(nonce_of(2));
    EXPECT_THAT(arrive(again(call_of(1)), at(1h + 4s)), StartsWith("rejected: late"));
    responder_->expire(at(1h + 6s).steady);
    EXPECT_EQ(responder_->entries(), 0U);
}

TEST_F(AckResponderTest, WhatWasRejectedWhileItWaitedIsNotStartedHoweverLateItsTurnComes) {
    arrive(call_of(1)), queue(1);
    EXPECT_THAT(arrive(again(call_of(1)), at(260ms)), StartsWith("rejected: late"));
    responder_->expire(at(1h).steady);
    EXPECT_EQ(start(1, at(1h)), "");
    responder_->expire(at(1h + 5s).steady);
    EXPECT_EQ(responder_->entries(), 0U);
}

TEST_F(AckResponderTest, WhatWasStartedIsForgottenEvenIfItNeverEnds) {
    arrive(call_of(1)), queue(1), start(1);
    responder_->expire(at(1h).steady);
    EXPECT_EQ(responder_->entries(), 0U);
    EXPECT_EQ(process(1, at(1h)), "");
}

}  // namespace
}  // namespace weft::reliability
