// What somebody with a socket, a certificate or a recording can do to a publish that waits: nothing
// but be named (A1, A2, A4).

#include <optional>
#include <string>
#include <vector>

#include "reliability/ack_consumer.hpp"
#include "reliability/reliable_publisher.hpp"
#include "tests/unit/reliability/reliable_world.hpp"

namespace weft::reliability {
namespace {

using fabric::Body;
using signing::Role;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Verdict = Outcome::Verdict;
using State = RecipientAnswer::State;

const std::string ack_topic = "org.weft.dev.ack.git";

/// `c` overhears what git publishes; whoever holds mallory's port answers in a's place.
class ForgedAcks : public ReliableWorld {
protected:
    ForgedAcks() {
        issue("git");
        issue("a");
        issue("b");
        git_ = open("git");
        ear_ = open("c");
        overheard_ = ear_.fabric->subscribe({"deploy"});
        reliable_.emplace(*git_.fabric);
        port_ = mallory(ack_topic);
        static_cast<void>(
            git_.fabric->publisher().wait_for_subscriber("org.weft.dev.deploy", patience));
    }

    struct Waiting {
        PendingAcks acks;
        fabric::Message message;
    };
    Waiting publish(const std::string& recipients, AckLevel level = AckLevel::processed) {
        ReliableOptions options;
        options.recipients = recipients;
        options.level = level;
        options.ack_timeout = long_timeout;
        auto acks = reliable_->publish_async("deploy", Body::text("x").view(), options);
        if (!acks) throw std::runtime_error(acks.error().sentence);
        auto message = overheard_->receive(patience);
        if (!message) throw std::runtime_error("nothing was published");
        return {*acks, *message};
    }
    void send(const support::Frames& frames) {
        port_->send(frames.topic, frames.contents, frames.proof);
    }
    /// Everything that was sent at mallory's port before has been judged.
    [[nodiscard]] bool judged(std::uint64_t acks, std::uint64_t refused = 0) {
        if (!eventually([&] {
                return reliable_->stats().acks >= acks &&
                       reliable_->ack_stats().refused_total() >= refused;
            })) {
            return false;
        }
        if (refused == 0) return true;
        // What is refused is counted first and noted then: one more, of no publish, comes behind.
        const auto before = reliable_->stats().acks_unmatched;
        AckStatement behind;
        behind.recipient = "b";
        send(ack_frames(identity_of("b"), ack_topic, behind));
        return eventually([&] { return reliable_->stats().acks_unmatched > before; });
    }
    std::shared_ptr<const Outcome> end(const Waiting& waiting) {
        EXPECT_FALSE(waiting.acks.done());
        reliable_->close();
        return waiting.acks.wait();
    }

    Party git_, ear_;
    std::unique_ptr<fabric::Subscription> overheard_;
    std::optional<ReliablePublisher> reliable_;
    std::unique_ptr<fabric::PublishPort> port_;
};

// Else none of what follows proves anything.
TEST_F(ForgedAcks, TheGenuineOneCounts) {
    const Waiting waiting = publish("a");

    send(ack_frames(identity_of("a"), ack_topic,
                    answer_to(waiting.message, "a", AckLevel::processed)));

    ASSERT_TRUE(waiting.acks.wait_for(patience));
    EXPECT_TRUE(waiting.acks.wait()->ok());
}

TEST_F(ForgedAcks, OneSignedByAnotherServiceNeverCountsAndNamesIt) {
    const Waiting waiting = publish("a");

    send(ack_frames(identity_of("b"), ack_topic,
                    answer_to(waiting.message, "a", AckLevel::processed)));

    ASSERT_TRUE(judged(1));
    const auto outcome = end(waiting);
    EXPECT_EQ(outcome->verdict(), Verdict::aborted);
    EXPECT_EQ(outcome->answers()[0].ignored.wrong_signer, 1U);
    EXPECT_THAT(outcome->sentence(), HasSubstr("signed by b"));
}

TEST_F(ForgedAcks, OneOfSomebodyWhoWasNotAskedNeverCounts) {
    const Waiting waiting = publish("a");

    send(ack_frames(identity_of("b"), ack_topic,
                    answer_to(waiting.message, "b", AckLevel::processed)));

    ASSERT_TRUE(judged(1));
    EXPECT_EQ(reliable_->stats().acks_not_required, 1U);
    EXPECT_FALSE(end(waiting)->ok());
}

// A1: twice from a does not stand for b.
TEST_F(ForgedAcks, TheSameRecipientTwiceDoesNotStandForAnother) {
    const Waiting waiting = publish("2 of (a, b, ghost)");
    const auto frames = ack_frames(identity_of("a"), ack_topic,
                                   answer_to(waiting.message, "a", AckLevel::processed));

    send(frames);
    send(frames);

    ASSERT_TRUE(judged(2));
    const auto outcome = end(waiting);
    EXPECT_FALSE(outcome->ok());
    EXPECT_EQ(outcome->answers()[0].state, State::acknowledged);
    EXPECT_EQ(outcome->answers()[1].state, State::unknown);
}

// A2
TEST_F(ForgedAcks, OneAboutOtherBytesAnotherIdEpochOrPublisherNeverCounts) {
    const Waiting waiting = publish("a");
    const AckStatement honest = answer_to(waiting.message, "a", AckLevel::processed);
    std::vector<AckStatement> lies(4, honest);
    lies[0].subject.digest[0] ^= 1;
    lies[1].subject.id = fabric::sample_header().id;
    lies[2].subject.epoch += 1;
    lies[3].subject.publisher = identity_of("b").certificate->fingerprint();

    for (const AckStatement& lie : lies) send(ack_frames(identity_of("a"), ack_topic, lie));

    ASSERT_TRUE(judged(4));
    const auto outcome = end(waiting);
    EXPECT_FALSE(outcome->ok());
    EXPECT_EQ(outcome->answers()[0].ignored.wrong_bytes, 4U);
    EXPECT_THAT(outcome->sentence(), HasSubstr("a message of another publisher"));
}

// A2
TEST_F(ForgedAcks, OneOfAnEarlierPublishOfTheSameBytesNeverCounts) {
    const Waiting earlier = publish("a");
    const auto recorded = ack_frames(identity_of("a"), ack_topic,
                                     answer_to(earlier.message, "a", AckLevel::processed));
    send(recorded);
    ASSERT_TRUE(earlier.acks.wait_for(patience));
    const Waiting waiting = publish("a");

    send(recorded);
    AckStatement spliced = answer_to(earlier.message, "a", AckLevel::processed);
    spliced.subject.nonce = answer_to(waiting.message, "a", AckLevel::processed).subject.nonce;
    send(ack_frames(identity_of("a"), ack_topic, spliced));

    ASSERT_TRUE(judged(3));
    EXPECT_EQ(reliable_->stats().acks_unmatched, 1U);
    EXPECT_FALSE(end(waiting)->ok());
}

// A4
TEST_F(ForgedAcks, AWeakerOneDoesNotCountAndAJournalsWordNeedsItsRole) {
    const Waiting waiting = publish("a");
    const Waiting stored = publish("b", AckLevel::received);

    send(ack_frames(identity_of("a"), ack_topic,
                    answer_to(waiting.message, "a", AckLevel::received)));
    send(ack_frames(identity_of("b"), ack_topic, answer_to(stored.message, "b", AckLevel::stored)));

    ASSERT_TRUE(judged(2));
    EXPECT_FALSE(stored.acks.done());
    const auto outcome = end(waiting);
    EXPECT_FALSE(outcome->ok());
    EXPECT_THAT(outcome->sentence(), HasSubstr("said only \"received\""));
    EXPECT_THAT(stored.acks.wait()->sentence(), HasSubstr("may not say \"stored\""));
}

// A4: the first word counts.
TEST_F(ForgedAcks, AContradictionChangesNothing) {
    const Waiting rejected = publish("a");
    const Waiting acknowledged = publish("a, b");
    AckStatement no = answer_to(rejected.message, "a", AckLevel::rejected);
    no.reason = "no";

    send(ack_frames(identity_of("a"), ack_topic, no));
    send(ack_frames(identity_of("a"), ack_topic,
                    answer_to(rejected.message, "a", AckLevel::processed)));
    send(ack_frames(identity_of("a"), ack_topic,
                    answer_to(acknowledged.message, "a", AckLevel::processed)));
    send(ack_frames(identity_of("a"), ack_topic,
                    answer_to(acknowledged.message, "a", AckLevel::rejected)));
    send(ack_frames(identity_of("b"), ack_topic,
                    answer_to(acknowledged.message, "b", AckLevel::processed)));

    ASSERT_TRUE(rejected.acks.wait_for(patience) && acknowledged.acks.wait_for(patience));
    EXPECT_EQ(rejected.acks.wait()->verdict(), Verdict::rejected);
    EXPECT_TRUE(acknowledged.acks.wait()->ok());
}

// A1
TEST_F(ForgedAcks, WhoMayNotAcknowledgeIsNamedWithTheReason) {
    issue("a", {Role::publish});
    const Waiting waiting = publish("a");

    send(ack_frames(identity_of("a"), ack_topic,
                    answer_to(waiting.message, "a", AckLevel::processed)));

    ASSERT_TRUE(judged(0, 1));
    const auto outcome = end(waiting);
    EXPECT_FALSE(outcome->ok());
    EXPECT_THAT(outcome->sentence(),
                AllOf(HasSubstr("a did not answer"), HasSubstr("1 ACK in its name did not count")));
}

// A1, T5
TEST_F(ForgedAcks, OneOfARevokedSignerNeverCountsAndSaysThatItIsRevoked) {
    const auto revoked = identity_of("a");
    const Waiting waiting = publish("a");
    const auto generation = git_.fabric->trust()->generation();
    world_.signing.revoke(revoked);
    ASSERT_TRUE(eventually([&] { return git_.fabric->trust()->generation() != generation; }));

    send(ack_frames(revoked, ack_topic, answer_to(waiting.message, "a", AckLevel::processed)));

    ASSERT_TRUE(judged(0, 1));
    const auto outcome = end(waiting);
    EXPECT_FALSE(outcome->ok());
    EXPECT_EQ(outcome->answers()[0].ignored.refused, 1U);
    EXPECT_THAT(outcome->sentence(), HasSubstr("certificate_revoked"));
}

TEST_F(ForgedAcks, OneOfAnUnknownAuthorityOrWithABrokenProofNeverCounts) {
    const Waiting waiting = publish("a");
    const AckStatement statement = answer_to(waiting.message, "a", AckLevel::processed);
    auto broken = ack_frames(identity_of("a"), ack_topic, statement);
    broken.proof[20] = static_cast<char>(broken.proof[20] ^ 1);
    auto other_topic = ack_frames(identity_of("a"), "org.weft.dev.ack.b", statement);
    other_topic.topic = ack_topic;

    send(ack_frames(support::SigningFixture::stranger("a"), ack_topic, statement));
    send(broken);
    send(other_topic);

    ASSERT_TRUE(judged(0, 3));
    const auto outcome = end(waiting);
    EXPECT_FALSE(outcome->ok());
    EXPECT_EQ(outcome->answers()[0].ignored.refused, 3U);
}

// A1: kind 1 alone; A7: nothing else is believed there.
TEST_F(ForgedAcks, AnOrdinaryMessageOrABeaconThatSaysTheSameNeverCounts) {
    const Waiting waiting = publish("a");
    const AckStatement statement = answer_to(waiting.message, "a", AckLevel::processed);

    send(ack_frames(identity_of("a"), ack_topic, statement, signing::Kind::message));
    send(ack_frames(identity_of("a"), ack_topic, statement, signing::Kind::beacon));

    ASSERT_TRUE(judged(0, 1));
    EXPECT_EQ(reliable_->stats().acks, 1U) << "the one behind them";
    EXPECT_FALSE(end(waiting)->ok());
}

TEST_F(ForgedAcks, BodiesThatAreNoStatementsAreIgnored) {
    const Waiting waiting = publish("a");
    fabric::ContentHeader header = fabric::sample_header();
    header.time_us = clock_.utc_us();
    for (const std::string& body : {std::string{"\xC0"}, std::string{"\x90"}}) {
        send(support::sign(identity_of("a"), ack_topic, {fabric::encoded(header, body)},
                           signing::Kind::ack));
    }
    header.content_type = "text/plain";
    send(support::sign(identity_of("a"), ack_topic, {fabric::encoded(header, "processed")},
                       signing::Kind::ack));

    ASSERT_TRUE(eventually([&] { return reliable_->ack_stats().acks >= 3; }));
    EXPECT_EQ(reliable_->stats().acks, 0U);
    EXPECT_FALSE(end(waiting)->ok());
}

// A3: many publishes with varying sets, and lies about each between their answers.
TEST_F(ForgedAcks, AmongManyPublishesEachCountsItsOwnAnswersAlone) {
    constexpr int count = 200;
    const auto a = identity_of("a"), b = identity_of("b");
    std::vector<Waiting> all;
    for (int i = 0; i < count; ++i) all.push_back(publish(i % 2 == 0 ? "a" : "a, b"));
    for (int i = 0; i < count; ++i) {
        const auto& message = all[static_cast<std::size_t>(i)].message;
        const auto& next = all[static_cast<std::size_t>((i + 1) % count)].message;
        AckStatement lie = answer_to(next, "a", AckLevel::processed);
        lie.subject.nonce = answer_to(message, "a", AckLevel::processed).subject.nonce;
        send(ack_frames(a, ack_topic, lie));
        send(ack_frames(b, ack_topic, answer_to(message, "a", AckLevel::processed)));
        send(ack_frames(b, ack_topic, answer_to(message, "b", AckLevel::processed)));
    }
    ASSERT_TRUE(judged(3 * count));
    for (const Waiting& one : all) EXPECT_FALSE(one.acks.done());

    // Now a answers every second publish that wants it.
    for (int i = 0; i < count; ++i) {
        if (i % 4 < 2) {
            send(ack_frames(
                a, ack_topic,
                answer_to(all[static_cast<std::size_t>(i)].message, "a", AckLevel::processed)));
        }
    }

    ASSERT_TRUE(judged(3 * count + count / 2));
    reliable_->close();
    for (int i = 0; i < count; ++i) {
        const auto outcome = all[static_cast<std::size_t>(i)].acks.wait();
        EXPECT_EQ(outcome->ok(), i % 4 < 2) << i << ": " << outcome->sentence();
    }
}

}  // namespace
}  // namespace weft::reliability
