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
              "rejected: full: this recipient remembers 3 messages that asked it, which is its "
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
    arrive(call_of(1)), queue(1), start(1), process(1);
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
              "rejected: full: this recipient remembers 3 messages of yours, which is its limit "
              "for one publisher");
    EXPECT_EQ(arrive(call_from("modest", 5)), "deliver ");
    EXPECT_THAT(arrive(call_from("modest", 6)), HasSubstr("4 messages that asked it"));
    for (int i = 1; i <= 3; ++i) start(i);
    responder_->expire(at(1h).steady);
    AckCall later = call_from("greedy", 7);
    later.time_us += 3'600'000'000;
    EXPECT_EQ(arrive(later, at(1h)), "deliver ");
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
    use({.entries_max = 3});
    arrive(call_of(1)), queue(1), arrive(again(call_of(1))), process(1), arrive(call_of(1));
    AckCall old = call_of(2);
    old.time_us -= 10'000'000;
    arrive(old);
    arrive(call_of(3, stored));
    arrive(call_of(4));
    arrive(again(call_of(5)));
    AckCall other = call_of(1);
    other.publisher = "git.host2";
    arrive(other);

    EXPECT_EQ(stats().calls, 8U);
    EXPECT_EQ(stats().delivered, 1U);
    EXPECT_EQ(stats().repeated, 2U);
    EXPECT_EQ(stats().late, 1U);
    EXPECT_EQ(stats().not_a_journal, 1U);
    EXPECT_EQ(stats().full, 1U);
    EXPECT_EQ(stats().unknown_repeated, 1U);
    EXPECT_EQ(stats().other_subject, 1U);
    EXPECT_EQ(stats().acks, 3U) << "received, processed, processed";
    EXPECT_EQ(stats().rejections, 3U) << "late, no journal, full";
}

}  // namespace
}  // namespace weft::reliability
