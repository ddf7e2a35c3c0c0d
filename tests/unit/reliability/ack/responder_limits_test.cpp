// How much is remembered, who may ask for `stored`, and that everything is counted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/reliability/ack/responder_fixture.hpp"

namespace weft::reliability {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

AckCall call_from(std::string_view publisher, int number) {
    AckCall call = call_of(number);
    call.publisher = publisher;
    return call;
}

TEST_F(AckResponderTest, BeyondItsRoomMessagesAreRejectedWithTheNumberAndNotDelivered) {
    use({.entries_max = 3});
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(arrive(call_of(i)), "deliver ");
    EXPECT_EQ(arrive(call_of(4)),
              "rejected: full: 3 messages that asked this recipient wait for it, which is its "
              "limit");
    EXPECT_EQ(responder_->entries(), 3U);
    EXPECT_EQ(stats().full, 1U);
    EXPECT_EQ(stats().delivered, 3U);
    // Those that are here go on.
    queue(1), start(1);
    EXPECT_EQ(process(1), "processed");
    EXPECT_EQ(arrive(again(call_of(4))), "") << "rejected once, and never delivered after that";
}

TEST_F(AckResponderTest, RoomComesBackWithTime) {
    use({.entries_max = 2});
    arrive(call_of(1)), queue(1), start(1);
    arrive(call_of(2)), queue(2), start(2);
    EXPECT_THAT(arrive(call_of(3), at(240ms)), StartsWith("rejected: full"));
    AckCall later = call_of(4);
    later.time_us += 5'250'000;
    EXPECT_EQ(arrive(later, at(5250ms)), "deliver ");
    EXPECT_EQ(responder_->entries(), 1U);
}

TEST_F(AckResponderTest, OnePublisherDoesNotTakeAllTheRoom) {
    use({.entries_max = 4, .entries_per_publisher_max = 3});
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(arrive(call_from("greedy", i)), "deliver ");
    EXPECT_EQ(arrive(call_from("greedy", 4)),
              "rejected: full: 3 messages of yours wait for this recipient, which is its limit for "
              "one publisher");
    EXPECT_EQ(arrive(call_from("modest", 5)), "deliver ");
    EXPECT_THAT(arrive(call_from("modest", 6)), HasSubstr("4 messages that asked this recipient"));
    for (int i = 1; i <= 3; ++i) start(i);
    start(5);
    responder_->expire(at(1h).steady);
    AckCall later = call_from("greedy", 7);
    later.time_us += 3'600'000'000;
    EXPECT_EQ(arrive(later, at(1h)), "deliver ");
}

TEST_F(AckResponderTest, WhatWasAnsweredForGoodMakesRoomTheOldestFirst) {
    use({.entries_max = 2});
    for (int i = 1; i <= 5; ++i) {
        EXPECT_EQ(arrive(call_of(i)), "deliver ") << i;
        queue(i), start(i);
        EXPECT_EQ(process(i), "processed");
    }
    EXPECT_EQ(responder_->entries(), 2U);
    EXPECT_EQ(stats().forgotten_early, 3U);
    EXPECT_EQ(stats().full, 0U);
    EXPECT_EQ(arrive(again(call_of(5))), "processed");
    EXPECT_EQ(arrive(again(call_of(3))), "") << "forgotten: nothing is said, and nothing delivered";
}

TEST_F(AckResponderTest, WhoIsAtWorkIsNeverForgottenToMakeRoom) {
    use({.entries_max = 2});
    arrive(call_of(1)), queue(1), start(1);
    for (int i = 2; i <= 5; ++i) arrive(call_of(i)), queue(i), start(i), process(i);
    EXPECT_EQ(process(1), "processed");
}

TEST_F(AckResponderTest, OneRejectedAsLateInTheQueueIsRememberedUntilItsTurn) {
    use({.entries_max = 2});
    arrive(call_of(1)), queue(1);
    EXPECT_THAT(arrive(again(call_of(1)), at(300ms)), StartsWith("rejected: late"));
    for (int i = 2; i <= 5; ++i) {
        arrive(call_of(i)), queue(i), start(i), process(i);
    }
    EXPECT_EQ(start(1, at(301ms)), "");
}

TEST_F(AckResponderTest, APublisherAtItsLimitForgetsItsOwnAndNobodyElses) {
    use({.entries_max = 4, .entries_per_publisher_max = 2});
    arrive(call_from("modest", 1)), queue(1), start(1), process(1);
    for (int i = 2; i <= 9; ++i) {
        arrive(call_from("greedy", i)), queue(i), start(i), process(i);
    }
    EXPECT_EQ(arrive(again(call_from("modest", 1))), "processed");
    EXPECT_EQ(responder_->entries(), 3U);
}

TEST_F(AckResponderTest, ANewcomerGetsItsRoomFromWhoHasTheMost) {
    use({.entries_max = 4, .entries_per_publisher_max = 3});
    arrive(call_from("modest", 1)), queue(1), start(1), process(1);
    for (int i = 2; i <= 4; ++i) {
        arrive(call_from("greedy", i)), queue(i), start(i), process(i);
    }
    EXPECT_EQ(arrive(call_from("new", 5)), "deliver ");
    EXPECT_EQ(arrive(again(call_from("modest", 1))), "processed");
    EXPECT_EQ(arrive(again(call_from("greedy", 2))), "");
}

// Rejections are remembered as well, and must not be a way around the limit.
TEST_F(AckResponderTest, RejectionsOnArrivalTakeNoMoreThanTheRoomThereIs) {
    use({.entries_max = 2});
    for (int i = 1; i <= 10; ++i) {
        EXPECT_THAT(arrive(call_of(i), at(1h)), StartsWith("rejected: late"));
        EXPECT_THAT(arrive(call_of(20 + i, stored)), StartsWith("rejected: this recipient"));
    }
    EXPECT_EQ(responder_->entries(), 2U);
}

TEST_F(AckResponderTest, WhoIsNoJournalRejectsToStoreAtOnce) {
    EXPECT_EQ(arrive(call_of(1, stored)),
              "rejected: this recipient is no journal: it cannot say `stored`");
    EXPECT_EQ(arrive(again(call_of(1, stored))),
              "rejected: this recipient is no journal: it cannot say `stored`");
    EXPECT_EQ(start(1), "");
    EXPECT_EQ(stats().not_a_journal, 1U);
    EXPECT_EQ(stats().delivered, 0U);
}

// A6
TEST_F(AckResponderTest, AJournalSaysStoredWhenItIsAndNothingBefore) {
    use({.stores = true});
    EXPECT_EQ(arrive(call_of(1, stored)), "deliver ");
    EXPECT_EQ(queue(1), "");
    EXPECT_EQ(arrive(again(call_of(1, stored))), "");
    EXPECT_EQ(start(1), "go ");
    EXPECT_EQ(process(1), "");
    EXPECT_EQ(arrive(again(call_of(1, stored))), "");
    EXPECT_EQ(said(responder_->on_stored(nonce_of(1), at(2ms))), "stored");
    EXPECT_EQ(said(responder_->on_stored(nonce_of(1), at(2ms))), "");
    EXPECT_EQ(arrive(again(call_of(1, stored))), "stored");

    arrive(call_of(2, stored)), queue(2);
    EXPECT_EQ(reject(2, "disk full"), "rejected: disk full");
    EXPECT_EQ(said(responder_->on_stored(nonce_of(2), at(2ms))), "");
}

TEST_F(AckResponderTest, StoredIsNotSaidToWhoAskedForSomethingElse) {
    use({.stores = true});
    arrive(call_of(1)), queue(1);
    EXPECT_EQ(said(responder_->on_stored(nonce_of(1), at(1ms))), "");
    EXPECT_EQ(process(1), "processed");
}

TEST_F(AckResponderTest, EverythingIsCounted) {
    arrive(call_of(1)), queue(1), arrive(again(call_of(1))), process(1), arrive(call_of(1));
    AckCall old = call_of(2);
    old.time_us -= 10'000'000;
    arrive(old);
    arrive(call_of(3, stored));
    arrive(again(call_of(5)));
    AckCall other = call_of(1);
    other.publisher = "git.host2";
    arrive(other);

    EXPECT_EQ(stats().calls, 7U);
    EXPECT_EQ(stats().delivered, 1U);
    EXPECT_EQ(stats().repeated, 2U);
    EXPECT_EQ(stats().late, 1U);
    EXPECT_EQ(stats().not_a_journal, 1U);
    EXPECT_EQ(stats().unknown_repeated, 1U);
    EXPECT_EQ(stats().other_subject, 1U);
    EXPECT_EQ(stats().acks, 3U) << "received, processed, processed";
    EXPECT_EQ(stats().rejections, 2U) << "late, no journal";
}

}  // namespace
}  // namespace weft::reliability
