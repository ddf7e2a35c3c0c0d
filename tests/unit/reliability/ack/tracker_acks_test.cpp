// Which ACK counts.
#include "reliability/ack/tracker.hpp"

#include "tests/unit/reliability/ack/tracker_fixture.hpp"

namespace weft::reliability {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using AckTrackerAcksTest = AckTrackerTest;

TEST_F(AckTrackerAcksTest, AnAckByAnotherKeyDoesNotCountAndIsToldOf) {  // A1
    publish(1, "a, b");
    ack_signed(subject(1), "a", AckLevel::received, {"mallory", true, true});
    ack_signed(subject(1), "a", AckLevel::received, {"b", true, true});
    ack(1, "b");
    tick(seconds{1});

    const Outcome ended = outcome();
    EXPECT_EQ(ended.verdict(), Verdict::unknown);
    EXPECT_EQ(ended.answers()[0].ignored.wrong_signer, 2U);
    EXPECT_EQ(ended.answers()[0].ignored.last, "it is signed by b");
    EXPECT_EQ(ended.answers()[1].ignored.wrong_signer, 0U);
    EXPECT_EQ(tracker_.stats().acks_wrong_signer, 2U);
    expect_nothing_kept();
}

TEST_F(AckTrackerAcksTest, AnAckByOneWhoIsNotRequiredDoesNotCount) {  // A1
    publish(1, "a");
    ack(1, "mallory");
    ack(1, "");
    tick(seconds{1});
    EXPECT_THAT(verdicts(), ElementsAre("1 unknown"));
    EXPECT_EQ(tracker_.stats().acks_not_required, 2U);
}

TEST_F(AckTrackerAcksTest, TheSameOneTwiceIsNotTwo) {  // A1: twice from A while B is silent
    publish(1, "a, b");
    publish(2, "2 of (a, b, c)");
    for (int i = 0; i < 5; ++i) {
        ack(1, "a");
        ack(2, "a");
    }
    tick(seconds{1});
    EXPECT_THAT(verdicts(), ElementsAre("1 unknown", "2 unknown"));
    EXPECT_EQ(tracker_.stats().acks_repeated, 8U);
}

TEST_F(AckTrackerAcksTest, AnAckForOtherBytesAnotherIdEpochOrPublisherDoesNotCount) {  // A2
    publish(1, "a");
    AckSubject digest = subject(1), id = digest, older = digest, newer = digest, other = digest;
    digest.digest[31] ^= 1;
    id.id = id_of(2);
    older.epoch -= 1;
    newer.epoch += 1;
    other.publisher = digest_of(77);
    for (const AckSubject& wrong : {digest, id, older, newer, other}) {
        ack(wrong, "a", AckLevel::received);
        ack(wrong, "a", AckLevel::rejected);
    }
    EXPECT_THAT(verdicts(), IsEmpty());
    EXPECT_EQ(tracker_.stats().acks_wrong_bytes, 10U);
    tick(seconds{1});
    const Outcome ended = outcome();
    EXPECT_EQ(ended.verdict(), Verdict::unknown);
    EXPECT_EQ(ended.answers()[0].ignored.wrong_bytes, 10U);
    EXPECT_EQ(ended.answers()[0].ignored.last, "it is about a message of another publisher");
}

TEST_F(AckTrackerAcksTest, AnAckWithAnotherNonceMatchesNothing) {  // A2
    publish(1, "a");
    AckSubject replayed = subject(1);
    replayed.nonce = nonce_of(99);
    ack(replayed, "a", AckLevel::received);
    tick(seconds{1});
    EXPECT_THAT(verdicts(), ElementsAre("1 unknown"));
    EXPECT_EQ(tracker_.stats().acks_unmatched, 1U);
}

TEST_F(AckTrackerAcksTest, AnAckBeforeTheBytesExistDoesNotCount) {  // A2
    EXPECT_TRUE(open(1, "a"));
    ack(1, "a");
    EXPECT_EQ(tracker_.stats().acks_wrong_bytes, 1U);
    bind(1);
    EXPECT_THAT(verdicts(), IsEmpty());
    ack(1, "a");
    EXPECT_THAT(verdicts(), ElementsAre("1 acknowledged"));
}

TEST_F(AckTrackerAcksTest, WeAreKnownByOurLastSixteenCertificates) {  // A2
    for (std::uint64_t i = 0; i < 16; ++i) tracker_.add_publisher(digest_of(500 + i));
    for (int again = 0; again < 100; ++again) tracker_.add_publisher(digest_of(501));
    const auto counts = [&](std::uint64_t number, std::uint64_t fingerprint) {
        publish(number, "a");
        AckSubject about = subject(number);
        about.publisher = digest_of(fingerprint);
        ack(about, "a", AckLevel::received);
        return !verdicts().empty();
    };
    EXPECT_FALSE(counts(1, our_fingerprint));
    for (std::uint64_t i = 0; i < 16; ++i) EXPECT_TRUE(counts(10 + i, 500 + i));
    tracker_.add_publisher(digest_of(600));
    EXPECT_FALSE(counts(30, 500));
    EXPECT_TRUE(counts(31, 501));
    EXPECT_TRUE(counts(32, 600));
}

TEST_F(AckTrackerAcksTest, OnlyAJournalStoresAndOnlyRoleAckReceivesOrProcesses) {  // A1
    const AckSigner neither{"a", false, false}, acks{"a", true, false}, stores{"a", false, true};
    const auto ends = [&](AckLevel asked, AckLevel said, const AckSigner& signer) {
        static std::uint64_t number = 100;
        publish(++number, "a", asked, seconds{1}, now_);
        ack_signed(subject(number), "a", said, signer);
        const bool ended = !verdicts().empty();
        tracker_.cancel(nonce_of(number));
        return ended;
    };
    using enum AckLevel;
    EXPECT_TRUE(ends(received, received, acks));
    EXPECT_TRUE(ends(received, stored, stores));
    EXPECT_TRUE(ends(stored, stored, stores));
    EXPECT_TRUE(ends(processed, processed, acks));
    EXPECT_TRUE(ends(stored, rejected, stores));
    EXPECT_TRUE(ends(stored, rejected, acks));
    EXPECT_EQ(tracker_.stats().acks_wrong_role, 0U);

    EXPECT_FALSE(ends(received, received, stores));
    EXPECT_FALSE(ends(received, processed, stores));
    EXPECT_FALSE(ends(processed, processed, stores));
    EXPECT_FALSE(ends(stored, stored, acks));
    EXPECT_FALSE(ends(received, stored, acks));
    for (const AckLevel said : {rejected, received, stored, processed}) {
        EXPECT_FALSE(ends(received, said, neither));
    }
    EXPECT_FALSE(ends(received, static_cast<AckLevel>(9), {"a", true, true}));
    EXPECT_EQ(tracker_.stats().acks_wrong_role, 10U);
}

TEST_F(AckTrackerAcksTest, AWrongRoleIsToldOf) {
    publish(1, "a", AckLevel::stored);
    ack_signed(subject(1), "a", AckLevel::stored, {"a", true, false});
    tick(seconds{1});
    EXPECT_THAT(outcome().sentence(),
                HasSubstr("1 ACK in its name did not count: its certificate may not say "
                          "\"stored\""));
}

TEST_F(AckTrackerAcksTest, TooWeakIsToldOfAndTheWaitStaysOpen) {  // A4
    publish(1, "a, b", AckLevel::processed);
    now_ = milliseconds{1};
    ack(1, "a", AckLevel::stored);
    now_ = milliseconds{2};
    ack(1, "a", AckLevel::received);
    ack(1, "b", AckLevel::processed);
    EXPECT_THAT(verdicts(), IsEmpty());
    tick(seconds{1});

    const Outcome ended = outcome();
    EXPECT_EQ(ended.verdict(), Verdict::unknown);
    EXPECT_EQ(ended.answers()[0].state, RecipientAnswer::State::unknown);
    EXPECT_EQ(ended.answers()[0].level, AckLevel::stored);
    EXPECT_EQ(ended.answers()[0].after, milliseconds{2});
    EXPECT_EQ(tracker_.stats().acks_too_weak, 2U);
}

TEST_F(AckTrackerAcksTest, AfterTooWeakComesStrongEnough) {  // A4
    publish(1, "a", AckLevel::processed);
    ack(1, "a", AckLevel::received);
    now_ = milliseconds{7};
    ack(1, "a", AckLevel::processed);
    const Outcome ended = outcome();
    EXPECT_TRUE(ended.ok());
    EXPECT_EQ(ended.answers()[0].level, AckLevel::processed);
    EXPECT_EQ(ended.answers()[0].after, milliseconds{7});
}

TEST_F(AckTrackerAcksTest, OneThatIsNeededAndRejectsEndsTheWaitWithItsReason) {  // A4
    publish(1, "a, b");
    ack(1, "a");
    ack(1, "b", AckLevel::rejected, "disk full");
    const Outcome ended = outcome();
    EXPECT_EQ(ended.verdict(), Verdict::rejected);
    EXPECT_EQ(ended.answers()[1].state, RecipientAnswer::State::rejected);
    EXPECT_EQ(ended.answers()[1].level, std::nullopt);
    EXPECT_EQ(ended.answers()[1].reason, "disk full");
    expect_nothing_kept();
}

TEST_F(AckTrackerAcksTest, OneOfSeveralThatRejectsLeavesTheOthers) {
    publish(1, "any(a, b, c)");
    ack(1, "a", AckLevel::rejected, "no");
    ack(1, "b", AckLevel::rejected);
    EXPECT_THAT(verdicts(), IsEmpty());
    ack(1, "c");
    const Outcome ended = outcome();
    EXPECT_TRUE(ended.ok());
    EXPECT_EQ(ended.answers()[0].state, RecipientAnswer::State::rejected);
    EXPECT_EQ(ended.answers()[0].reason, "no");
}

TEST_F(AckTrackerAcksTest, TheFirstFinalAnswerOfARecipientStands) {  // A4: contradictory
    publish(1, "a, b");
    ack(1, "a");
    ack(1, "a", AckLevel::rejected, "changed my mind");
    publish(2, "any(a, b)");
    ack(2, "a", AckLevel::rejected);
    ack(2, "a", AckLevel::processed);
    EXPECT_THAT(verdicts(), IsEmpty());
    EXPECT_EQ(tracker_.stats().acks_repeated, 2U);
    ack(1, "b");
    EXPECT_THAT(verdicts(), ElementsAre("1 acknowledged"));
    ack(2, "b", AckLevel::rejected);
    EXPECT_THAT(verdicts(), ElementsAre("2 rejected"));
}

TEST_F(AckTrackerAcksTest, RefusedAcksAreToldOfWhereTheNameIsMissing) {  // A1: revoked, expired
    publish(1, "a, b");
    publish(2, "b");
    tracker_.on_refused_ack("a", "certificate_expired");
    tracker_.on_refused_ack("a", "certificate_revoked");
    publish(3, "a");  // they came before it began
    ack(1, "b");
    tick(seconds{1});

    ASSERT_EQ(settled_.size(), 3U);
    EXPECT_EQ(settled_[0].outcome.answers()[0].ignored.refused, 2U);
    EXPECT_EQ(settled_[0].outcome.answers()[0].ignored.last, "certificate_revoked");
    EXPECT_EQ(settled_[0].outcome.answers()[1].ignored.refused, 0U);
    EXPECT_EQ(settled_[1].outcome.answers()[0].ignored.refused, 0U);
    EXPECT_EQ(settled_[2].outcome.answers()[0].ignored.refused, 0U);
    EXPECT_EQ(settled_[2].outcome.answers()[0].ignored.last, "");
    expect_nothing_kept();
}

TEST_F(AckTrackerAcksTest, RefusedAcksOfNamesThatNobodyWaitsForLeaveNothing) {
    publish(1, "a");
    for (int i = 0; i < 1000; ++i) {
        tracker_.on_refused_ack("stranger" + std::to_string(i), std::string(10'000, 'x'));
    }
    EXPECT_EQ(tracker_.names(), 1U);
    EXPECT_EQ(tracker_.notes_bytes(), 0U);
    tracker_.on_refused_ack("a", std::string(10'000, 'x'));
    EXPECT_LE(tracker_.notes_bytes(), 200U);
    tick(seconds{1});
    tracker_.on_refused_ack("a", "late");
    expect_nothing_kept();
}

TEST_F(AckTrackerAcksTest, AFloodOfForgedAcksIsNotedWithinABudget) {
    AckTracker tracker({.notes_bytes_max = 1000});
    std::vector<std::string> names;
    for (int i = 0; i < 64; ++i) names.push_back("name" + std::to_string(i));
    std::string all;
    for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
    ASSERT_TRUE(
        tracker.open(nonce_of(1), {.recipients = recipients(all), .timeout = seconds{1}}, 1));
    for (int round = 0; round < 10; ++round) {
        for (const auto& name : names) {
            tracker.on_ack({name, AckLevel::received, "", subject(1)}, {"mallory", true, true}, {},
                           settled_);
            tracker.on_refused_ack(name, "signature_bad");
        }
    }
    EXPECT_LE(tracker.notes_bytes(), 1000U);
    EXPECT_EQ(tracker.stats().acks_wrong_signer, 640U);
    tracker.tick(seconds{1}, sent_again_, settled_);
    EXPECT_EQ(outcome().verdict(), Verdict::unknown);
    EXPECT_EQ(tracker.notes_bytes(), 0U);
    EXPECT_EQ(tracker.names(), 0U);
}

TEST_F(AckTrackerAcksTest, ARejectionCountsAlsoWhenThereIsNoRoomForItsReason) {
    AckTracker tracker({.notes_bytes_max = 0});
    ASSERT_TRUE(
        tracker.open(nonce_of(1), {.recipients = recipients("a"), .timeout = seconds{1}}, 1));
    tracker.add_publisher(digest_of(our_fingerprint));
    tracker.bind(nonce_of(1), std::make_shared<const SentMessage>(
                                  SentMessage{"org.weft.dev.deploy", "content", subject(1)}));
    tracker.on_ack({"a", AckLevel::rejected, "because", subject(1)}, {"a", true, false}, {},
                   settled_);
    const Outcome ended = outcome();
    EXPECT_EQ(ended.verdict(), Verdict::rejected);
    EXPECT_EQ(ended.answers()[0].reason, "");
}

}  // namespace
}  // namespace weft::reliability
