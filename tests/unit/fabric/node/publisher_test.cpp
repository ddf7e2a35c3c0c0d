#include "fabric/node/publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "fabric/message/body.hpp"
#include "tests/unit/fabric/node/node_world.hpp"
#include "tests/unit/fabric/node/scripted_port.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Reason = PublishError::Reason;

class PublisherTest : public ::testing::Test {
protected:
    std::unique_ptr<Publisher> open(PublisherSettings settings,
                                    std::shared_ptr<const signing::Identity> who = nullptr) {
        return support::must(
            Publisher::open(scripted_, clock_, std::move(settings), std::move(who), nullptr));
    }
    Reason reason_of(Publisher& publisher, std::string_view topic, const Body& body = {{"x", 1}},
                     const PublishOptions& options = {}) {
        const auto published = publisher.try_publish(topic, body.view(), options);
        EXPECT_FALSE(published);
        sentence_ = published ? "" : published.error().sentence;
        return published ? Reason::stopped : published.error().reason;
    }

    WorldClock clock_;
    ScriptedTransport scripted_;
    Line& line_ = *scripted_.line;
    std::string sentence_;
};

TEST_F(PublisherTest, ATopicThatIsNoneIsRefusedWithASentence) {
    const auto publisher = open(bound_at("inproc://a"));

    EXPECT_EQ(reason_of(*publisher, "a..b"), Reason::invalid_topic);
    EXPECT_THAT(sentence_, HasSubstr("a..b"));
    EXPECT_EQ(reason_of(*publisher, ""), Reason::invalid_topic);
    EXPECT_EQ(reason_of(*publisher, std::string(256, 'x')), Reason::invalid_topic);
    EXPECT_EQ(reason_of(*publisher, "\xFFweft.barrier.x"), Reason::invalid_topic);
    EXPECT_EQ(publisher->stats().accepted, 0u);
}

TEST_F(PublisherTest, PublishThrowsWhatTryPublishReturns) {
    const auto publisher = open(bound_at("inproc://a"));

    try {
        publisher->publish("a..b", {{"x", 1}});
        FAIL() << "nothing was thrown";
    } catch (const PublishFailed& failed) {
        EXPECT_EQ(failed.error().reason, Reason::invalid_topic);
        EXPECT_EQ(failed.error().sentence, failed.what());
    }
}

TEST_F(PublisherTest, AMessageAboveTheLimitIsRefusedAndOneAtTheLimitIsNot) {
    auto settings = bound_at("inproc://a");
    settings.content_bytes_max = 10'000;
    const auto publisher = open(settings);
    const auto body_of = [](std::size_t bytes) {
        return Body::raw(std::string(bytes, 'x'), "a/b");
    };
    std::size_t fits = 9'000;
    while (publisher->try_publish("a", body_of(fits + 1).view())) ++fits;

    EXPECT_EQ(reason_of(*publisher, "a", body_of(fits + 1)), Reason::too_large);
    EXPECT_THAT(sentence_, HasSubstr("10001 bytes"));
    EXPECT_THAT(sentence_, HasSubstr("the limit is 10000"));
    EXPECT_TRUE(publisher->try_publish("a", body_of(fits).view()));
}

TEST_F(PublisherTest, HeadersThatReceiversWouldRefuseAreRefusedHere) {
    const auto publisher = open(bound_at("inproc://a"));
    PublishOptions options;
    options.headers = {{"", "x"}};
    EXPECT_EQ(reason_of(*publisher, "a", {{"x", 1}}, options), Reason::invalid_header);

    options.headers = {{"name", "\xFF"}};
    EXPECT_EQ(reason_of(*publisher, "a", {{"x", 1}}, options), Reason::invalid_header);
    EXPECT_THAT(sentence_, HasSubstr("name"));

    options.headers.assign(65, {"name", "x"});
    EXPECT_EQ(reason_of(*publisher, "a", {{"x", 1}}, options), Reason::invalid_header);

    const auto body = Body::raw("x", std::string(300, 'x'));
    EXPECT_EQ(reason_of(*publisher, "a", body), Reason::invalid_header);
    EXPECT_THAT(sentence_, HasSubstr("content type"));
}

TEST_F(PublisherTest, NothingAtAllIsNoMsgpackObjectAndIsRefused) {
    const auto publisher = open(bound_at("inproc://a"));
    const auto refused = publisher->try_publish("a", BodyView{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::invalid_header);
    EXPECT_THAT(refused.error().sentence, HasSubstr("content type"));

    EXPECT_TRUE(publisher->try_publish("a", BodyView{.bytes = "", .content_type = "text/plain"}));
}

TEST_F(PublisherTest, ASourceThatReceiversWouldRefuseIsAnErrorAtOnce) {
    for (const std::string& source : {std::string(256, 'x'), std::string{"\xC3"}}) {
        auto settings = bound_at("inproc://a");
        settings.source = source;

        const auto opened = Publisher::open(scripted_, clock_, settings, nullptr, nullptr);

        ASSERT_FALSE(opened);
        EXPECT_THAT(opened.error(), HasSubstr("source"));
    }
}

TEST_F(PublisherTest, WhatCannotBeBoundIsAnErrorThatNamesIt) {
    const auto transport = make_memory_transport();
    const auto first =
        Publisher::open(*transport, clock_, bound_at("inproc://a"), nullptr, nullptr);
    ASSERT_TRUE(first);
    EXPECT_EQ((*first)->bound(), "inproc://a");

    const auto second =
        Publisher::open(*transport, clock_, bound_at("inproc://a"), nullptr, nullptr);

    ASSERT_FALSE(second);
    EXPECT_THAT(second.error(), HasSubstr("inproc://a"));
}

TEST_F(PublisherTest, WhileTheRelayIsAwayMessagesWaitAndThenGoOutInOrder) {
    const auto publisher = open(through_relay());
    EXPECT_EQ(publisher->bound(), "");
    for (int i = 0; i < 500; ++i) publisher->publish("a", {{"i", i}});
    EXPECT_THAT(line_.messages(), IsEmpty());
    EXPECT_EQ(publisher->stats().accepted, 500u);

    line_.join();

    ASSERT_TRUE(line_.wait_for_messages(2));
    std::size_t items = 0;
    for (const support::Frames& run : line_.messages()) {
        for (signing::ItemReader reader(run.contents); !reader.at_end(); ++items) {
            ASSERT_TRUE(reader.next());
        }
    }
    EXPECT_EQ(items, 500u);  // in two runs of 256 and 244
    EXPECT_EQ(line_.messages().size(), 2u);
}

TEST_F(PublisherTest, WhatGatheredIsSignedOnce) {
    support::SigningFixture world;
    const ManualClock still;  // else a tail beacon would be signed, too, where a second passes
    const auto publisher = support::must(
        Publisher::open(scripted_, still, through_relay(), shared(world.identity("git")), nullptr));
    for (int i = 0; i < 300; ++i) publisher->publish(i % 2 == 0 ? "a" : "b", {{"i", i}});

    line_.join();

    ASSERT_TRUE(line_.wait_for_messages(300));
    EXPECT_TRUE(eventually([&] { return publisher->stats().sent == 300; }));
    EXPECT_EQ(publisher->stats().runs, 300u);
    EXPECT_EQ(publisher->stats().signatures, 2u);  // trees of 256 and 44 runs
    support::Receiver receiver(world.trust());
    for (const support::Frames& run : line_.messages()) EXPECT_TRUE(receiver.take(run));
}

TEST_F(PublisherTest, WhileTheRelayHasNoSubscribersNothingIsSent) {
    const auto publisher = open(through_relay());
    publisher->publish("a", {{"i", 1}});

    line_.join({"b"});
    ASSERT_TRUE(publisher->wait_for_subscriber("b", patience));
    publisher->publish("b", {{"i", 2}});

    ASSERT_TRUE(line_.wait_for_messages(1));
    EXPECT_EQ(line_.messages().at(0).topic, "b");
    EXPECT_TRUE(eventually([&] { return publisher->stats().unwanted == 1; }));
}

TEST_F(PublisherTest, AfterTheRelayWentAwayMessagesWaitAgain) {
    const auto publisher = open(through_relay());
    line_.join();
    ASSERT_TRUE(publisher->wait_for_peer(patience));
    publisher->publish("a", {{"i", 1}});
    ASSERT_TRUE(line_.wait_for_messages(1));

    line_.leave();
    ASSERT_TRUE(eventually([&] { return publisher->stats().peers == 0; }));
    publisher->publish("a", {{"i", 2}});
    line_.join();

    ASSERT_TRUE(line_.wait_for_messages(2));
    EXPECT_EQ(publisher->stats().unwanted, 0u);
}

TEST_F(PublisherTest, WhenNobodyTakesAFullQueueFailsWithinTheTimeout) {
    auto settings = through_relay();
    settings.room_timeout = milliseconds{5};
    settings.close_timeout = milliseconds{0};
    const auto publisher = open(settings);
    const auto body = Body::raw(std::string(4'000'000, 'x'), "a/b");
    std::size_t accepted = 0;
    while (publisher->try_publish("a", body.view())) ++accepted;

    EXPECT_EQ(accepted, OutgoingQueue::bytes_max / 4'000'000);
    EXPECT_EQ(publisher->stats().refused_full, 1u);
    EXPECT_EQ(reason_of(*publisher, "a", body), Reason::queue_full);
    EXPECT_THAT(sentence_, HasSubstr("is the relay running?"));
    EXPECT_EQ(publisher->stats().refused_full, 2u);
    EXPECT_EQ(publisher->stats().accepted, accepted);
}

TEST_F(PublisherTest, WhoWaitsForRoomGetsItWhenTheRelayComes) {
    const auto publisher = open(through_relay());
    const auto body = Body::raw(std::string(4'000'000, 'x'), "a/b");
    const std::size_t fits = OutgoingQueue::bytes_max / 4'000'000;
    for (std::size_t i = 0; i < fits; ++i) ASSERT_TRUE(publisher->try_publish("a", body.view()));
    std::atomic<bool> published{false};
    std::jthread waiting([&] { published = publisher->try_publish("a", body.view()).has_value(); });

    line_.join();
    waiting.join();

    EXPECT_TRUE(published);
    EXPECT_TRUE(line_.wait_for_messages(fits + 1));
    EXPECT_EQ(publisher->stats().refused_full, 0u);
}

TEST_F(PublisherTest, WhatIsLeftAtCloseIsCountedAsDropped) {
    auto settings = through_relay();
    settings.close_timeout = milliseconds{0};
    const auto publisher = open(settings);
    for (int i = 0; i < 5000; ++i) publisher->publish("a", {{"i", i}});

    publisher->close();

    EXPECT_EQ(publisher->stats().dropped_at_close, 5000u);
    EXPECT_EQ(publisher->stats().sent, 0u);
    EXPECT_THAT(line_.messages(), IsEmpty());
}

TEST_F(PublisherTest, AClosedPublisherTakesNothingMoreAndSaysSo) {
    const auto publisher = open(bound_at("inproc://a"));
    line_.join();
    ASSERT_TRUE(publisher->wait_for_peer(patience));
    publisher->publish("a", {{"x", 1}});

    publisher->close();
    publisher->close();

    EXPECT_EQ(reason_of(*publisher, "a"), Reason::stopped);
    EXPECT_THAT(sentence_, HasSubstr("closed"));
    EXPECT_EQ(line_.messages().size(), 1u);
    const FlushResult flush = publisher->flush(patience);
    EXPECT_FALSE(flush.complete);
    EXPECT_THAT(flush.sentence, HasSubstr("closed"));
}

TEST_F(PublisherTest, WaitingForASubscriberEndsWhenOneComes) {
    const auto publisher = open(bound_at("inproc://a"));
    EXPECT_FALSE(publisher->wait_for_subscriber("a.b", milliseconds{1}));
    std::atomic<bool> found{false};
    std::jthread waiting([&] { found = publisher->wait_for_subscriber("a.b", patience); });

    line_.join({"c"});
    line_.join({"a."});
    waiting.join();

    EXPECT_TRUE(found);
    EXPECT_FALSE(publisher->wait_for_subscriber("b", milliseconds{1}));
}

TEST_F(PublisherTest, ThroughARelayASubscriberCountsOnlyWithTheLink) {
    const auto publisher = open(through_relay());
    line_.subscribe("a");
    ASSERT_TRUE(line_.wait_until_read());
    EXPECT_FALSE(publisher->wait_for_subscriber("a", milliseconds{0}));
    EXPECT_FALSE(publisher->wait_for_peer(milliseconds{0}));

    line_.subscribe(barrier_prefix);

    EXPECT_TRUE(publisher->wait_for_subscriber("a", patience));
    EXPECT_TRUE(publisher->wait_for_peer(patience));
}

TEST_F(PublisherTest, AProbeIsAnsweredOnItsOwnTopic) {
    const auto publisher = open(bound_at("inproc://a"));
    const std::string probe = std::string{probe_prefix} + make_nonce();

    line_.subscribe(probe);
    line_.unsubscribe(probe);
    line_.subscribe(std::string{probe_prefix} + "too short");

    ASSERT_TRUE(line_.wait_for_messages(1));
    ASSERT_TRUE(line_.wait_until_read());
    ASSERT_EQ(line_.messages().size(), 1u);
    EXPECT_EQ(line_.messages().at(0).topic, probe);
    EXPECT_EQ(line_.messages().at(0).contents, "");
}

// Anybody who reaches a bound publisher can ask for this in another's name.
TEST_F(PublisherTest, WhereStrangersConnectAnUnsubscriptionOnRequestEndsNothing) {
    const auto publisher = open(bound_at("inproc://a"));
    line_.join({"a"});
    ASSERT_TRUE(publisher->wait_for_subscriber("a", patience));

    line_.unsubscribe("a");
    line_.unsubscribe(barrier_prefix);
    ASSERT_TRUE(line_.wait_until_read());
    EXPECT_TRUE(publisher->wait_for_subscriber("a", milliseconds{0}));
    EXPECT_EQ(publisher->stats().peers, 1u);

    line_.leave({"a"});
    ASSERT_TRUE(eventually([&] { return publisher->stats().peers == 0; }));
    EXPECT_FALSE(publisher->wait_for_subscriber("a", milliseconds{0}));
}

TEST_F(PublisherTest, ARelayTellsWhatIsNoLongerWanted) {
    const auto publisher = open(through_relay());
    line_.join({"a", "b"});
    ASSERT_TRUE(publisher->wait_for_subscriber("a", patience));

    line_.unsubscribe("a");

    ASSERT_TRUE(line_.wait_until_read());
    EXPECT_FALSE(publisher->wait_for_subscriber("a", milliseconds{0}));
    EXPECT_TRUE(publisher->wait_for_subscriber("b", milliseconds{0}));
}

TEST_F(PublisherTest, TicksWhileItIsIdle) {
    ManualClock clock;
    std::atomic<int> ticks{0};
    auto settings = bound_at("inproc://a");
    settings.on_tick = [&] { ++ticks; };
    const auto publisher =
        support::must(Publisher::open(scripted_, clock, settings, nullptr, nullptr));
    line_.join();
    ASSERT_TRUE(publisher->wait_for_peer(patience));  // its thread runs
    EXPECT_EQ(ticks, 0);

    clock.advance(milliseconds{250});
    EXPECT_TRUE(eventually([&] { return ticks == 1; }));
    clock.advance(milliseconds{250});
    EXPECT_TRUE(eventually([&] { return ticks == 2; }));
}

}  // namespace
}  // namespace weft::fabric
