#include "fabric/node/subscriber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "fabric/message/body.hpp"
#include "fabric/node/control.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Refusal;
using std::chrono::milliseconds;
using support::Frames;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string topic = "org.weft.dev.a";

/// A subscriber, and a bare port that sends it whatever the test wants.
class SubscriberTest : public ::testing::Test {
protected:
    /// These tests send the same message again and again; see subscriber_replay_test.cpp.
    void subscribe(SubscriberSettings settings = connected_to({NodeWorld::endpoint})) {
        settings.replay.on = false;
        subscriber_ = world_.subscriber(std::move(settings), received_.hooks());
    }
    void send(const Frames& frames) { port_->send(frames.topic, frames.contents, frames.proof); }
    Frames good(std::vector<std::string> contents) {
        return support::sign(git_, topic, std::move(contents));
    }
    /// What a publisher would have encoded.
    static std::string content(std::uint64_t seq = 1) {
        ContentHeader header = sample_header();
        header.seq = seq;
        return encoded(header, "\xC0");
    }
    /// The subscriber looks at clock and trust at least once. It does so after each 64 arrivals.
    void let_it_tick() {
        clock_.advance(milliseconds{250});
        const std::size_t before = received_.messages().size();
        for (int i = 0; i < 65; ++i) send(good({content()}));
        ASSERT_TRUE(received_.wait_for(before + 65));
    }
    /// Genuine but for the signature, which is another each time.
    void send_failing(std::size_t count) {
        Frames bad = good({content(2)});
        for (std::size_t i = 0; i < count; ++i) {
            bad.proof[12 + i % 64] = static_cast<char>(bad.proof[12 + i % 64] + 1);
            send(bad);
        }
    }
    /// Everything sent before has been dealt with.
    void settle() { settle_over(*port_); }
    void settle_over(PublishPort& port) {
        const std::size_t before = received_.messages().size();
        const Frames frames = good({content(999)});
        port.send(frames.topic, frames.contents, frames.proof);
        ASSERT_TRUE(received_.wait_for(before + 1));
        EXPECT_EQ(received_.messages().back().seq(), 999u);
    }

    ManualClock clock_;
    NodeWorld world_{clock_};
    const support::Identity git_ = world_.signing.identity("git");
    std::unique_ptr<PublishPort> port_ = world_.bare_port();
    Received received_;
    std::unique_ptr<Subscriber> subscriber_;
};

TEST_F(SubscriberTest, EachMessageOfARunIsDelivered) {
    subscribe();

    send(good({content(1), content(2), content(3)}));

    ASSERT_TRUE(received_.wait_for(3));
    std::vector<std::uint64_t> seqs;
    for (const Message& message : received_.messages()) seqs.push_back(message.seq());
    EXPECT_THAT(seqs, ElementsAre(1, 2, 3));
    EXPECT_TRUE(eventually([&] { return subscriber_->stats().delivered == 3; }));
    EXPECT_EQ(subscriber_->stats().runs, 1u);
}

// As a journal replays them: neighbours are left out, their digests stay.
TEST_F(SubscriberTest, OfARunWithGapsWhatIsThereIsDelivered) {
    subscribe();

    send(support::alone(good({content(1), content(2), content(3)}), 1));

    ASSERT_TRUE(received_.wait_for(1));
    settle();
    EXPECT_EQ(received_.messages().at(0).seq(), 2u);
    EXPECT_TRUE(received_.messages().at(0).verified());
}

TEST_F(SubscriberTest, ASignedContentThatCannotBeDecodedIsRefusedAloneNotItsNeighbours) {
    subscribe();

    send(good({content(1), "this is no msgpack", content(3), ""}));

    ASSERT_TRUE(received_.wait_for_refusals(2));
    EXPECT_THAT(received_.reasons(), Each(Refusal::content_undecodable));
    ASSERT_TRUE(received_.wait_for(2));
    EXPECT_EQ(received_.messages().at(1).seq(), 3u);
    EXPECT_NE(received_.refused().at(0).detail, "");
}

// S1, the parser spy: these contents could not be decoded, and nobody tries, because the proof does
// not hold.
TEST_F(SubscriberTest, NoByteOfAMessageWithABadProofIsParsed) {
    subscribe();
    const std::string garbage(50, '\xC1');
    Frames frames = good({garbage});
    frames.contents[10] = static_cast<char>(frames.contents[10] ^ 1);
    send(frames);
    Frames moved = good({garbage});
    moved.topic = "org.weft.dev.b";  // S8
    send(moved);
    Frames stranger = support::sign(support::SigningFixture::stranger("git"), topic, {garbage});
    send(stranger);

    ASSERT_TRUE(received_.wait_for_refusals(3));
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::signature_bad, Refusal::signature_bad,
                                                 Refusal::issuer_unknown));
    EXPECT_THAT(received_.messages(), IsEmpty());
    const auto refused = received_.refused().at(0);
    EXPECT_EQ(refused.topic, frames.topic);
    EXPECT_EQ(refused.contents, frames.contents);
    EXPECT_EQ(refused.proof, frames.proof);
    EXPECT_EQ(refused.peer, "inproc#inproc://publisher");
}

TEST_F(SubscriberTest, EachRefusalIsCountedUnderItsReasonAndSaidOnceASecond) {
    subscribe();
    Frames frames = good({content()});
    frames.proof.back() = static_cast<char>(frames.proof.back() ^ 1);
    for (int i = 0; i < 20; ++i) send(frames);
    send({topic, "", ""});

    ASSERT_TRUE(received_.wait_for_refusals(21));
    settle();
    const auto stats = subscriber_->stats();
    EXPECT_EQ(stats.refused_total(), 21u);
    EXPECT_EQ(stats.refused[static_cast<std::size_t>(Refusal::unsigned_message)], 1u);
    EXPECT_EQ(received_.lines_with("refused "), 2u);  // L1
    EXPECT_EQ(received_.lines_with(topic), 2u);
}

// C5: the connection is the relay's, and honest publishers stand behind it.
TEST_F(SubscriberTest, AStrangersFailuresThroughTheRelayDoNotSilenceWhoIsKnown) {
    SubscriberSettings settings = connected_to({});
    settings.relay_outbound = NodeWorld::endpoint;
    subscribe(settings);
    send(good({content(1)}));
    ASSERT_TRUE(received_.wait_for(1));
    send_failing(5100);

    ASSERT_TRUE(received_.wait_for_refusals(5100));
    const auto reasons = received_.reasons();
    EXPECT_EQ(std::count(reasons.begin(), reasons.end(), Refusal::signature_bad), 5000);
    EXPECT_EQ(std::count(reasons.begin(), reasons.end(), Refusal::peer_over_budget), 100);
    EXPECT_EQ(subscriber_->stats().hung_up, 0u);
    clock_.advance(std::chrono::seconds{1});
    settle();
}

// C5: 200 failures a second, then the connection ends.
TEST_F(SubscriberTest, APeerWithoutRelayIsHungUpOnOverItsBudgetAndHeardAgainLater) {
    subscribe();
    send_failing(200);
    ASSERT_TRUE(received_.wait_for_refusals(200));
    EXPECT_THAT(received_.reasons(), Each(Refusal::signature_bad));
    EXPECT_EQ(subscriber_->stats().hung_up, 0u);

    send_failing(1);
    ASSERT_TRUE(received_.wait_for_line("hung up on "));
    EXPECT_EQ(received_.reasons().back(), Refusal::peer_over_budget);
    for (std::size_t i = 1; i <= 10; ++i) {
        // What is under way when the connection ends is lost with it.
        ASSERT_TRUE(eventually([&] { return subscriber_->stats().hung_up == i; }));
        send_failing(1);
        ASSERT_TRUE(received_.wait_for_refusals(201 + i));
    }

    EXPECT_EQ(received_.lines_with("hung up on "), 1u);  // L1
    EXPECT_TRUE(eventually([&] { return subscriber_->stats().hung_up == 11; }));
    clock_.advance(std::chrono::seconds{1});
    settle();
}

// C5: beside a relay everybody else is still a peer of its own.
TEST_F(SubscriberTest, BesideARelayAPeerOfItsOwnIsHungUpOnAndTheRelayIsNot) {
    const auto relay = world_.bare_port("inproc://relay");
    SubscriberSettings settings = connected_to({NodeWorld::endpoint});
    settings.relay_outbound = "inproc://relay";
    subscribe(settings);
    Frames bad = good({content()});
    for (int i = 0; i < 300; ++i) relay->send(bad.topic, bad.contents, std::string(100, 'x'));
    ASSERT_TRUE(received_.wait_for_refusals(300));
    EXPECT_EQ(subscriber_->stats().hung_up, 0u);

    send_failing(300);

    EXPECT_TRUE(eventually([&] { return subscriber_->stats().hung_up > 0; }));
    settle_over(*relay);
}

TEST_F(SubscriberTest, ATopicLongerThanAnyTopicIsRefusedForItsLength) {
    subscribe();
    const std::string endless(1'000'000, 'x');
    for (int i = 0; i < 100; ++i) send({std::to_string(i) + endless, "", ""});
    // It matches no glob, but is not merely filtered: what is filtered is remembered by its topic.
    Received others;
    const auto narrow =
        world_.subscriber(connected_to({NodeWorld::endpoint}, {topic}), others.hooks());
    send({topic + endless, "", ""});
    ASSERT_TRUE(others.wait_for_refusals(1));
    EXPECT_THAT(others.reasons(), ElementsAre(Refusal::topic_invalid));
    EXPECT_EQ(narrow->stats().filtered, 0u);

    ASSERT_TRUE(received_.wait_for_refusals(101));
    EXPECT_THAT(received_.reasons(), Each(Refusal::topic_invalid));
}

TEST_F(SubscriberTest, MoreTopicsThanItRemembersAreStillFilteredRightly) {
    subscribe(connected_to({NodeWorld::endpoint}, {"a.*", topic}));
    for (int i = 0; i < 25'000; ++i) send({"a.b." + std::to_string(i), "", ""});
    settle();

    EXPECT_EQ(subscriber_->stats().filtered, 25'000u);
    EXPECT_THAT(received_.refused(), IsEmpty());
}

TEST_F(SubscriberTest, AcksAndForeignBeaconsAreNoMessages) {
    const auto hub = world_.signing.identity(
        "hub", {.roles = support::roles_of({signing::Role::ack, signing::Role::publish})});
    subscribe();

    send(support::sign(hub, topic, {content()}, signing::Kind::ack));
    send(support::sign(hub, topic, {content()}, signing::Kind::beacon));
    settle();

    EXPECT_EQ(received_.messages().size(), 1u);
    EXPECT_EQ(subscriber_->stats().other_kinds, 2u);
}

TEST_F(SubscriberTest, RequestsAndAnswersThatAreOverheardAreNothing) {
    const auto hub = world_.signing.identity(
        "hub", {.roles = support::roles_of({signing::Role::journal, signing::Role::publish})});
    subscribe();

    send(support::sign(hub, topic, {content()}, signing::Kind::request));
    send(support::sign(hub, topic, {content()}, signing::Kind::answer));
    settle();

    EXPECT_EQ(received_.messages().size(), 1u);
    EXPECT_EQ(subscriber_->stats().other_kinds, 2u);
    EXPECT_THAT(received_.refused(), IsEmpty());
}

TEST_F(SubscriberTest, ValidatingNeedsATrustStore) {
    const auto opened = Subscriber::open(
        *world_.transport, clock_, connected_to({NodeWorld::endpoint}), nullptr, received_.hooks());

    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), HasSubstr("trust store"));
}

TEST_F(SubscriberTest, IsReadyWhenEveryEndpointHasAnswered) {
    port_.reset();
    const auto first = world_.publisher(git_);
    subscribe(connected_to({NodeWorld::endpoint, "inproc://second"}));

    const ReadyResult early = subscriber_->wait_ready(milliseconds{50});
    EXPECT_FALSE(early.ready);
    EXPECT_EQ(early.expected, 2u);
    EXPECT_THAT(early.sentence, HasSubstr("of 2 peers did not answer within 50 ms"));
    const auto second = world_.publisher(shared(git_), bound_at("inproc://second"));

    const ReadyResult late = subscriber_->wait_ready(patience);
    EXPECT_TRUE(late.ready);
    EXPECT_EQ(late.answered, 2u);
    EXPECT_EQ(late.sentence, "");
}

TEST_F(SubscriberTest, AnEndpointThatIsNamedTwiceIsOne) {
    port_.reset();
    const auto publisher = world_.publisher(git_);
    auto settings = connected_to({NodeWorld::endpoint, NodeWorld::endpoint});
    settings.relay_outbound = NodeWorld::endpoint;
    subscribe(settings);

    const ReadyResult ready = subscriber_->wait_ready(patience);
    EXPECT_TRUE(ready.ready);
    EXPECT_EQ(ready.expected, 1u);
}

TEST_F(SubscriberTest, WithNowhereToConnectItIsReadyAtOnce) {
    subscribe(connected_to({}));

    EXPECT_TRUE(subscriber_->wait_ready(milliseconds{0}).ready);
}

TEST_F(SubscriberTest, ABarrierIsEchoed) {
    subscribe();
    const std::string nonce = make_nonce();
    SubscriptionEvent event;
    const auto next_is = [&](bool subscribed, const std::string& prefix) {
        return eventually([&] {
            return port_->next_subscription(event) && event.subscribed == subscribed &&
                   event.prefix == prefix;
        });
    };
    ASSERT_TRUE(next_is(true, std::string{barrier_prefix}));

    port_->send(std::string{barrier_prefix} + nonce, "", "");

    EXPECT_TRUE(next_is(true, std::string{echo_prefix} + nonce));
    EXPECT_TRUE(next_is(false, std::string{echo_prefix} + nonce));
}

TEST_F(SubscriberTest, AFloodOfBarriersIsAnsweredOnlySoFar) {
    subscribe();
    for (int i = 0; i < 1500; ++i) port_->send(std::string{barrier_prefix} + make_nonce(), "", "");
    settle();

    EXPECT_EQ(subscriber_->stats().barriers_ignored, 500u);
    int echoes = 0;
    SubscriptionEvent event;
    while (port_->next_subscription(event)) {
        echoes += event.subscribed && event.prefix.starts_with(echo_prefix) ? 1 : 0;
    }
    EXPECT_EQ(echoes, 1000);
}

// T6, L1: what cannot be loaded leaves the old trust in force, and is said when it begins, not four
// times a second.
TEST_F(SubscriberTest, ATrustThatCannotBeReloadedIsSaidOnceAndTheOldOneHolds) {
    subscribe();
    settle();
    const auto list = world_.signing.directory() / "root.revoked";
    ASSERT_TRUE(std::filesystem::exists(list));
    std::filesystem::copy_file(list, world_.signing.directory() / "kept");
    std::ofstream(list) << "nonsense";
    for (int i = 0; i < 4; ++i) let_it_tick();

    ASSERT_TRUE(received_.wait_for_line("trust not reloaded"));
    EXPECT_EQ(received_.lines_with("trust not reloaded"), 1u);
    EXPECT_THAT(received_.refused(), IsEmpty());

    std::filesystem::rename(world_.signing.directory() / "kept", list);
    clock_.advance(milliseconds{250});
    EXPECT_TRUE(received_.wait_for_line("trust reloaded"));
}

// T5
TEST_F(SubscriberTest, AListThatChangedOnDiskIsFoundByTheTick) {
    subscribe();
    settle();
    signing::RevocationListRequest list;
    list.number = 99;
    list.this_update = support::SigningFixture::now;
    list.next_update = support::SigningFixture::now + support::SigningFixture::day;
    list.revocations = {{.serial = git_.certificate->serial(),
                         .revoked_at = support::SigningFixture::now,
                         .reason = signing::RevocationReason::key_compromised}};
    const auto& authority = world_.signing.authority();
    support::must(authority.write_list(world_.signing.directory(), authority.sign_list(list)));

    clock_.advance(milliseconds{250});
    ASSERT_TRUE(received_.wait_for_line("trust reloaded"));
    send(good({content()}));

    ASSERT_TRUE(received_.wait_for_refusals(1));
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::certificate_revoked));
}

TEST_F(SubscriberTest, AConsumerThatThrowsCostsItsMessageAndNothingElse) {
    SubscriberHooks hooks = received_.hooks();
    hooks.deliver = [deliver = hooks.deliver](const Message& message) {
        if (message.seq() == 2) throw std::runtime_error("the consumer stumbled");
        deliver(message);
    };
    auto settings = connected_to({NodeWorld::endpoint});
    settings.replay.on = false;
    subscriber_ = world_.subscriber(settings, std::move(hooks));

    send(good({content(1), content(2), content(3)}));

    ASSERT_TRUE(received_.wait_for(2));
    EXPECT_EQ(received_.messages().at(1).seq(), 3u);
    EXPECT_TRUE(eventually([&] { return subscriber_->stats().delivered == 3; }));
    EXPECT_EQ(subscriber_->stats().consumer_failed, 1u);
}

}  // namespace
}  // namespace weft::fabric
