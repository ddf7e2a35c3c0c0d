// What is said when, and what only once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/reliability/ack/responder_fixture.hpp"

namespace weft::reliability {
namespace {

using ::testing::StartsWith;
using namespace std::chrono_literals;

// A6
TEST_F(AckResponderTest, ReceivedIsSaidWhenTheMessageIsInTheQueueAndNotBefore) {
    EXPECT_EQ(arrive(call_of(1, received)), "deliver ");
    EXPECT_EQ(queue(1), "received");
    EXPECT_EQ(start(1), "go ");
    EXPECT_EQ(process(1), "");
}

// A6
TEST_F(AckResponderTest, ProcessedIsSaidWhenTheHandlerHasReturnedAndNotBefore) {
    EXPECT_EQ(arrive(call_of(1)), "deliver ");
    EXPECT_EQ(queue(1), "");
    EXPECT_EQ(start(1), "go ");
    EXPECT_EQ(process(1), "processed");
}

// A2: an ACK says for which publish it counts.
TEST_F(AckResponderTest, AnAckIsAboutTheMessageAsItCame) {
    const AckCall call = call_of(1);
    static_cast<void>(arrive(call));
    const auto ack = responder_->on_processed(call.subject.nonce, at(1ms));
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->subject, call.subject);
    EXPECT_EQ(ack->publisher, "git.host1");
    const AckStatement statement = responder_->statement_of(*ack);
    EXPECT_EQ(statement.recipient, "web1.host1");
    EXPECT_EQ(statement.level, processed);
    EXPECT_EQ(statement.reason, "");
    EXPECT_EQ(statement.subject, call.subject);
}

TEST_F(AckResponderTest, AMessageIsDeliveredOnceHoweverOftenItComes) {
    EXPECT_EQ(arrive(call_of(1)), "deliver ");
    queue(1);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(arrive(again(call_of(1))), "received");
    // Also where nobody noticed that it was here before.
    EXPECT_EQ(arrive(call_of(1)), "received");
    start(1);
    EXPECT_EQ(arrive(again(call_of(1))), "received");
    process(1);
    EXPECT_EQ(arrive(again(call_of(1))), "processed");
    EXPECT_EQ(stats().delivered, 1U);
    EXPECT_EQ(stats().repeated, 8U);
}

TEST_F(AckResponderTest, ARepetitionIsAnsweredWithWhatWasSaid) {
    arrive(call_of(1, received)), queue(1);
    EXPECT_EQ(arrive(again(call_of(1, received))), "received");
    start(1), process(1);
    EXPECT_EQ(arrive(again(call_of(1, received))), "received");

    arrive(call_of(2)), queue(2), reject(2, "no such repository");
    EXPECT_EQ(arrive(again(call_of(2))), "rejected: no such repository");
    EXPECT_EQ(arrive(again(call_of(2))), "rejected: no such repository");
    EXPECT_EQ(stats().delivered, 2U);
}

// A6: it may be dropped yet, so that nothing may be said.
TEST_F(AckResponderTest, ARepetitionBeforeTheQueueTookItIsNotAnswered) {
    arrive(call_of(1));
    EXPECT_EQ(arrive(again(call_of(1))), "");
    arrive(call_of(2, received));
    EXPECT_EQ(arrive(again(call_of(2, received))), "");
    EXPECT_EQ(queue(2), "received");
}

TEST_F(AckResponderTest, WhatFoundNoRoomIsDeliveredAgainAndSaysNothing) {
    EXPECT_EQ(arrive(call_of(1)), "deliver ");
    responder_->on_not_queued(nonce_of(1));
    EXPECT_EQ(arrive(again(call_of(1)), at(60ms)), "deliver ");
    responder_->on_not_queued(nonce_of(1));
    EXPECT_EQ(arrive(call_of(1), at(120ms)), "deliver ");
    EXPECT_EQ(queue(1), "");
    EXPECT_EQ(arrive(again(call_of(1)), at(200ms)), "received");
    EXPECT_EQ(stats().delivered, 3U);
}

TEST_F(AckResponderTest, WhatFoundNoRoomIsNotStartedByAnybodyElse) {
    arrive(call_of(1));
    responder_->on_not_queued(nonce_of(1));
    EXPECT_EQ(start(1), "");
    EXPECT_EQ(queue(1), "");
}

TEST_F(AckResponderTest, OnceQueuedItIsNeverSaidNotToBe) {
    arrive(call_of(1)), queue(1);
    responder_->on_not_queued(nonce_of(1));
    EXPECT_EQ(arrive(again(call_of(1))), "received");
    start(1);
    responder_->on_not_queued(nonce_of(1));
    EXPECT_EQ(arrive(again(call_of(1))), "received");
    EXPECT_EQ(process(1), "processed");
}

// Its replay guard remembers a former life of this process, which we do not.
TEST_F(AckResponderTest, ARepetitionThatNobodyHereKnowsIsNeitherDeliveredNorAnswered) {
    EXPECT_EQ(arrive(again(call_of(1))), "");
    EXPECT_EQ(stats().unknown_repeated, 1U);
    EXPECT_EQ(responder_->entries(), 0U);
    EXPECT_EQ(queue(1), "");
    EXPECT_EQ(process(1), "");
    EXPECT_EQ(reject(1, "no"), "");
}

// A2: a nonce belongs to one publish.
TEST_F(AckResponderTest, AnotherMessageUnderTheSameNonceGetsNoAnswer) {
    arrive(call_of(1)), queue(1), process(1);
    const auto other = [](auto change) {
        AckCall call = call_of(1);
        change(call);
        return call;
    };
    const std::vector<AckCall> others{other([](auto& call) { call.subject.id = {}; }),
                                      other([](auto& call) { call.subject.digest[0] ^= 1; }),
                                      other([](auto& call) { ++call.subject.epoch; }),
                                      other([](auto& call) { call.publisher = "git.host2"; })};
    for (const AckCall& call : others) {
        EXPECT_EQ(arrive(call), "");
        EXPECT_EQ(arrive(again(call)), "");
    }
    EXPECT_EQ(stats().other_subject, 8U);
    EXPECT_EQ(stats().delivered, 1U);
    EXPECT_EQ(arrive(again(call_of(1))), "processed");
}

// Bytes are kept as they are and signed anew when they are sent again.
TEST_F(AckResponderTest, APublisherMayHaveRenewedItsCertificateBetweenTwoSendings) {
    arrive(call_of(1)), queue(1);
    AckCall renewed = again(call_of(1));
    renewed.subject.publisher = digest_of(0x33);
    const auto answer = responder_->on_arrival(renewed, at(60ms)).ack;
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->subject.publisher, digest_of(0x33));
    EXPECT_EQ(responder_->on_processed(nonce_of(1), at(61ms))->subject.publisher, digest_of(0x33));
}

TEST_F(AckResponderTest, AfterTheFirstFinalWordNothingElseIsSaid) {
    arrive(call_of(1)), queue(1), start(1), process(1);
    EXPECT_EQ(process(1), "");
    EXPECT_EQ(reject(1, "no"), "");
    EXPECT_EQ(queue(1), "");
    EXPECT_EQ(start(1), "") << "once is enough";
    EXPECT_EQ(arrive(again(call_of(1))), "processed");

    arrive(call_of(2)), queue(2), start(2), reject(2, "no");
    EXPECT_EQ(process(2), "");
    EXPECT_EQ(reject(2, "another reason"), "");
    EXPECT_EQ(start(2), "");
    EXPECT_EQ(arrive(again(call_of(2))), "rejected: no");

    arrive(call_of(3, received)), queue(3);
    EXPECT_EQ(reject(3, "no"), "");
    EXPECT_EQ(queue(3), "");
    EXPECT_EQ(arrive(again(call_of(3, received))), "received");
}

// `received` to one who asked for `processed` is a sign of life, no final word.
TEST_F(AckResponderTest, WhoWasToldReceivedMayStillBeRejected) {
    arrive(call_of(1)), queue(1);
    EXPECT_EQ(arrive(again(call_of(1))), "received");
    EXPECT_EQ(reject(1, "disk full"), "rejected: disk full");
}

TEST_F(AckResponderTest, AConsumerMayBeFasterThanTheOneWhoTellsUs) {
    arrive(call_of(1));
    EXPECT_EQ(start(1), "go ");
    EXPECT_EQ(process(1), "processed");
    EXPECT_EQ(queue(1), "");

    arrive(call_of(2, received));
    EXPECT_EQ(start(2), "go ");
    EXPECT_EQ(process(2), "");
    EXPECT_EQ(queue(2), "received");
}

TEST_F(AckResponderTest, AFailedHandlerMayTryAgainUntilTheDeadline) {
    arrive(call_of(1)), queue(1);
    EXPECT_EQ(start(1, at(0ms)), "go ");
    EXPECT_EQ(start(1, at(249ms)), "go ");
    EXPECT_THAT(start(1, at(250ms)), StartsWith("rejected: late"));
}

TEST_F(AckResponderTest, ReasonsAreKeptAsTheyWillBeSent) {
    arrive(call_of(1));
    const std::string reason = reject(1, std::string(100'000, '\xFF'));
    EXPECT_LE(reason.size(), reason_bytes_max + std::string("rejected: ").size());
    EXPECT_THAT(reason, StartsWith("rejected: \\xff\\xff"));
    EXPECT_EQ(arrive(again(call_of(1))), reason);
}

}  // namespace
}  // namespace weft::reliability
