#include "fabric/node/relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "fabric/message/body.hpp"
#include "fabric/node/control.hpp"
#include "tests/support/zmtp_stranger.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;
using support::Frames;
using support::ZmtpStranger;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A relay and the thread that it runs in.
class RunningRelay {
public:
    explicit RunningRelay(const std::string& inbound = "tcp://127.0.0.1:0",
                          const std::string& outbound = "tcp://127.0.0.1:0")
        : relay_(support::must(Relay::open({inbound, outbound, {}}))),
          thread_([this] { relay_->run(); }) {}
    ~RunningRelay() {
        relay_->stop();
        thread_.join();
    }
    RunningRelay(const RunningRelay&) = delete;
    RunningRelay& operator=(const RunningRelay&) = delete;
    Relay* operator->() const { return relay_.get(); }

private:
    std::unique_ptr<Relay> relay_;
    std::jthread thread_;
};

/// Reads events until this one comes.
bool sees(PublishPort& port, bool subscribed, const std::string& prefix) {
    return eventually([&] {
        SubscriptionEvent event;
        return port.next_subscription(event) && event.subscribed == subscribed &&
               event.prefix == prefix;
    });
}

std::optional<Frames> next(SubscribePort& port) {
    Arrival arrival;
    if (!eventually([&] { return port.receive(arrival); })) return std::nullopt;
    return Frames{std::string{arrival.topic}, std::string{arrival.contents},
                  std::string{arrival.proof}};
}

class RelayTest : public ::testing::Test {
protected:
    std::unique_ptr<SubscribePort> subscriber(const std::string& prefix) {
        auto port = support::must(transport_->open_subscriber());
        port->subscribe(prefix);
        support::must(port->connect(relay_->outbound()));
        return port;
    }
    std::unique_ptr<PublishPort> publisher() {
        return support::must(transport_->connect_publisher(relay_->inbound()));
    }

    RunningRelay relay_;
    std::unique_ptr<Transport> transport_ = make_zmq_transport({});
};

TEST_F(RelayTest, SaysWhichFreePortsItTook) {
    EXPECT_THAT(relay_->inbound(), HasSubstr("tcp://127.0.0.1:"));
    EXPECT_THAT(relay_->outbound(), HasSubstr("tcp://127.0.0.1:"));
    EXPECT_NE(relay_->inbound(), relay_->outbound());
}

// S1: what was signed is what arrives, whatever a codec would have made of it.
TEST_F(RelayTest, PassesOnTheVeryBytesThatItGot) {
    support::SigningFixture world;
    const auto git = world.identity("git");
    const auto receiving = subscriber("");
    const auto sending = publisher();
    ASSERT_TRUE(sees(*sending, true, ""));
    // An integer in more bytes than it needs, keys out of order, a float, and bytes that are no
    // msgpack at all.
    const std::vector<std::string> contents{std::string("\x92\x99\xD3\0\0\0\0\0\0\0\x01", 11),
                                            "\x82\xA1z\x01\xA1"
                                            "a\x02",
                                            std::string("\xCB\x7F\xF8\0\0\0\0\0\0", 9),
                                            "\xC1\xC1\xC1", ""};
    std::vector<Frames> sent = support::sign_batch(
        git, {{"org.weft.dev.a", contents, signing::Kind::message},
              {"org.weft.dev.b", {std::string(300'000, '\0')}, signing::Kind::message}});
    sent.push_back({"x", "", ""});
    sent.push_back({std::string(255, 't'), "anything", "at all"});

    for (const Frames& frames : sent) sending->send(frames.topic, frames.contents, frames.proof);

    support::Receiver verifier(world.trust());
    std::uint64_t bytes = 0;
    for (const Frames& frames : sent) {
        const auto got = next(*receiving);
        ASSERT_TRUE(got);
        EXPECT_TRUE(got->topic == frames.topic && got->contents == frames.contents &&
                    got->proof == frames.proof);
        if (frames.proof.size() > signing::proof_fixed_bytes) {
            EXPECT_TRUE(verifier.take(*got));
        }
        bytes += frames.topic.size() + frames.contents.size() + frames.proof.size();
    }
    EXPECT_EQ(relay_->stats().messages, sent.size());
    EXPECT_EQ(relay_->stats().bytes, bytes);
}

TEST_F(RelayTest, TellsPublishersWhatIsWantedAndWhatNoLongerIs) {
    const auto sending = publisher();
    ASSERT_TRUE(sees(*sending, true, std::string{barrier_prefix}));

    auto one = subscriber("a.");
    ASSERT_TRUE(sees(*sending, true, "a."));
    auto other = subscriber("b");
    ASSERT_TRUE(sees(*sending, true, "b"));
    one.reset();

    EXPECT_TRUE(sees(*sending, false, "a."));
}

TEST_F(RelayTest, APublisherThatComesLaterLearnsWhatIsWantedBeforeTheBarrier) {
    const auto one = subscriber("a.");
    const auto two = subscriber("b.");
    const auto early = publisher();
    ASSERT_TRUE(sees(*early, true, "b."));

    const auto late = publisher();

    std::vector<std::string> events;
    SubscriptionEvent event;
    ASSERT_TRUE(eventually([&] {
        while (late->next_subscription(event)) events.push_back(event.prefix);
        return events.size() >= 3;
    }));
    EXPECT_THAT(events, ::testing::ElementsAre("a.", "b.", std::string{barrier_prefix}));
}

TEST_F(RelayTest, AnswersABarrierToEveryPublisherAndPassesNoneOn) {
    const auto receiving = subscriber("");
    const auto sending = publisher();
    ASSERT_TRUE(sees(*sending, true, ""));
    const std::string nonce = make_nonce();

    sending->send(std::string{barrier_prefix} + nonce, "", "");
    sending->send("a", "after", "");

    EXPECT_TRUE(sees(*sending, true, std::string{echo_prefix} + nonce));
    EXPECT_TRUE(sees(*sending, false, std::string{echo_prefix} + nonce));
    const auto got = next(*receiving);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->topic, "a");
}

TEST_F(RelayTest, AnswersAProbeToWhoAskedAndAsksNoPublisher) {
    const std::string probe = std::string{probe_prefix} + make_nonce();
    const auto sending = publisher();
    ASSERT_TRUE(sees(*sending, true, std::string{barrier_prefix}));
    const auto receiving = subscriber(probe);

    const auto got = next(*receiving);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->topic, probe);
    receiving->subscribe("z");
    SubscriptionEvent event;
    ASSERT_TRUE(eventually([&] { return sending->next_subscription(event); }));
    EXPECT_EQ(event.prefix, "z");
}

TEST_F(RelayTest, DropsWhatIsNoMessageAndCountsIt) {
    const auto receiving = subscriber("");
    zmq::context_t context;
    zmq::socket_t foreign(context, zmq::socket_type::xpub);
    foreign.set(zmq::sockopt::linger, 0);
    foreign.connect(relay_->inbound());
    ASSERT_TRUE(eventually([&] {
        zmq::message_t event;
        return foreign.recv(event, zmq::recv_flags::dontwait).has_value() &&
               event.to_string() == "\x01";
    }));
    const auto send = [&](const std::vector<std::string>& frames) {
        for (std::size_t i = 0; i < frames.size(); ++i) {
            foreign.send(zmq::buffer(frames[i]),
                         i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
        }
    };

    send({"a"});
    send({"a", "b"});
    send({"a", "b", "c", "d"});
    send({"", "b", "c"});
    send({std::string(256, 'x'), "b", "c"});
    send({"\xFFstrange", "b", "c"});
    send({"a", "the one good message", "c"});

    const auto got = next(*receiving);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->contents, "the one good message");
    EXPECT_EQ(relay_->stats().not_three_frames, 3u);
    EXPECT_EQ(relay_->stats().topic_invalid, 2u);
    EXPECT_EQ(relay_->stats().messages, 1u);
}

// libzmq hands on the unsubscription of one that never subscribed. Passed on to the publishers, it
// would end what others asked for.
TEST_F(RelayTest, AStrangerCannotUnsubscribeForOthers) {
    const auto receiving = subscriber("a.");
    const auto sending = publisher();
    ASSERT_TRUE(sees(*sending, true, "a."));
    ZmtpStranger stranger(relay_->outbound(), "SUB");

    stranger.unsubscribe("a.");
    stranger.subscribe("z");

    std::vector<std::string> ended;
    SubscriptionEvent event;
    ASSERT_TRUE(eventually([&] {
        if (!sending->next_subscription(event)) return false;
        if (!event.subscribed) ended.push_back(event.prefix);
        return event.prefix == "z";
    }));
    EXPECT_THAT(ended, IsEmpty());
    sending->send("a.b", "still wanted", "");
    EXPECT_TRUE(next(*receiving));
}

TEST_F(RelayTest, ASubscriptionLongerThanAnyTopicIsNotPassedOn) {
    const auto sending = publisher();
    ASSERT_TRUE(sees(*sending, true, std::string{barrier_prefix}));

    const auto receiving = subscriber(std::string(256, 'x'));
    receiving->subscribe("z");

    SubscriptionEvent event;
    ASSERT_TRUE(eventually([&] { return sending->next_subscription(event); }));
    EXPECT_EQ(event.prefix, "z");
    EXPECT_EQ(relay_->stats().subscriptions_too_long, 1u);
}

TEST(Relay, APortInUseIsNamedWithWhoHasIt) {
    const RunningRelay first;

    const auto second = Relay::open({first->inbound(), "tcp://127.0.0.1:0", {}});

    ASSERT_FALSE(second);
    EXPECT_THAT(second.error(), HasSubstr(first->inbound()));
    EXPECT_THAT(second.error(), HasSubstr("pid " + std::to_string(::getpid())));
}

TEST(Relay, StoppedBeforeItRunsItDoesNotRun) {
    const auto relay = support::must(Relay::open({"tcp://127.0.0.1:0", "tcp://127.0.0.1:0", {}}));

    relay->stop();
    relay->run();

    EXPECT_EQ(relay->stats().messages, 0u);
}

/// Publishers and subscribers of weft, with a relay between them.
class RelayWithNodes : public ::testing::Test {
protected:
    RelayWithNodes() { world_.transport = make_zmq_transport({}); }

    std::unique_ptr<Publisher> publisher_to(const std::string& inbound,
                                            std::chrono::milliseconds close_timeout = patience) {
        PublisherSettings settings = bound_at("");
        settings.close_timeout = close_timeout;
        settings.mode = PublisherSettings::Mode::relay;
        settings.relay_inbound = inbound;
        return world_.publisher(shared(git_), settings);
    }
    std::unique_ptr<Subscriber> subscriber_to(const std::string& outbound) {
        auto settings = connected_to({});
        settings.relay_outbound = outbound;
        return world_.subscriber(settings, received_.hooks());
    }

    WorldClock clock_;
    NodeWorld world_{clock_};
    const support::Identity git_ = world_.signing.identity("git");
    Received received_;
};

TEST_F(RelayWithNodes, AMessageReachesTheSubscriberVerifiedAndFlushConfirmsTheRelay) {
    const RunningRelay relay;
    const auto subscriber = subscriber_to(relay->outbound());
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    const auto publisher = publisher_to(relay->inbound());
    ASSERT_TRUE(publisher->wait_for_subscriber("org.weft.dev.a", patience));
    for (int i = 0; i < 1000; ++i) publisher->publish("org.weft.dev.a", {{"i", i}});

    const FlushResult flush = publisher->flush(patience);

    EXPECT_TRUE(flush.complete) << flush.sentence;
    EXPECT_EQ(flush.peers, 1u);
    ASSERT_TRUE(received_.wait_for(1000));
    std::uint64_t seq = 0;
    for (const Message& message : received_.messages()) {
        ASSERT_EQ(message.seq(), ++seq);
        ASSERT_TRUE(message.verified());
    }
    EXPECT_THAT(received_.refused(), IsEmpty());
}

TEST_F(RelayWithNodes, ARelayThatIsNotThereIsNamedByFlush) {
    const auto publisher = publisher_to("ipc:///nowhere/relay", milliseconds{0});
    publisher->publish("a", {{"x", 1}});

    const FlushResult flush = publisher->flush(milliseconds{50});

    EXPECT_FALSE(flush.complete);
    EXPECT_THAT(flush.sentence, HasSubstr("ipc:///nowhere/relay cannot be reached"));
    EXPECT_FALSE(publisher->wait_for_peer(milliseconds{0}));
    EXPECT_EQ(publisher->stats().sent, 0u);
}

// The relay goes away and comes back; the publisher keeps what it is given meanwhile. A link that
// the test lays decides when the publisher finds the new relay: after the subscriber did.
TEST_F(RelayWithNodes, WhatIsPublishedWhileTheRelayIsAwayGoesOutWhenItIsBack) {
    const support::TemporaryDirectory directory;
    const auto path = [&](const std::string& name) { return directory.path() / name; };
    const auto ipc = [&](const std::string& name) { return "ipc://" + path(name).string(); };
    auto relay = std::make_unique<RunningRelay>(ipc("inbound"), ipc("outbound"));
    std::filesystem::create_symlink(path("inbound"), path("link"));
    const auto subscriber = subscriber_to(ipc("outbound"));
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    const auto publisher = publisher_to(ipc("link"));
    ASSERT_TRUE(publisher->wait_for_subscriber("a", patience));
    publisher->publish("a", {{"n", 1}});
    ASSERT_TRUE(received_.wait_for(1));

    std::filesystem::remove(path("link"));
    relay.reset();
    ASSERT_TRUE(eventually([&] { return publisher->stats().peers == 0; }));
    publisher->publish("a", {{"n", 2}});
    publisher->publish("a", {{"n", 3}});
    EXPECT_FALSE(publisher->flush(milliseconds{50}).complete);
    EXPECT_EQ(publisher->stats().sent, 1u);

    relay = std::make_unique<RunningRelay>(ipc("inbound-again"), ipc("outbound"));
    const auto watching = support::must(world_.transport->connect_publisher(ipc("inbound-again")));
    ASSERT_TRUE(sees(*watching, true, ""));  // the subscriber is back
    std::filesystem::create_symlink(path("inbound-again"), path("link"));

    ASSERT_TRUE(received_.wait_for(3));
    std::vector<std::uint64_t> seqs;
    for (const Message& message : received_.messages()) seqs.push_back(message.seq());
    EXPECT_THAT(seqs, ::testing::ElementsAre(1, 2, 3));
    EXPECT_EQ(publisher->stats().unwanted, 0u);
    EXPECT_TRUE(publisher->flush(patience).complete);
}

// The other way round: the publisher is back first. Links that the test lays decide that.
TEST_F(RelayWithNodes, WhatIsPublishedBeforeTheSubscribersAreBackIsKeptForThem) {
    const support::TemporaryDirectory directory;
    const auto path = [&](const std::string& name) { return directory.path() / name; };
    const auto ipc = [&](const std::string& name) { return "ipc://" + path(name).string(); };
    auto relay = std::make_unique<RunningRelay>(ipc("inbound"), ipc("outbound"));
    std::filesystem::create_symlink(path("outbound"), path("link"));
    const auto subscriber = subscriber_to(ipc("link"));
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    PublisherSettings settings = bound_at("");
    settings.mode = PublisherSettings::Mode::relay;
    settings.relay_inbound = ipc("inbound");
    settings.relink_hold = milliseconds{3000};
    const auto publisher = world_.publisher(shared(git_), settings);
    ASSERT_TRUE(publisher->wait_for_subscriber("a", patience));
    publisher->publish("a", {{"n", 1}});
    ASSERT_TRUE(received_.wait_for(1));

    std::filesystem::remove(path("link"));
    relay.reset();
    ASSERT_TRUE(eventually([&] { return publisher->stats().peers == 0; }));
    publisher->publish("a", {{"n", 2}});
    relay = std::make_unique<RunningRelay>(ipc("inbound"), ipc("outbound-again"));
    ASSERT_TRUE(publisher->wait_for_peer(patience));
    publisher->publish("a", {{"n", 3}});
    std::filesystem::create_symlink(path("outbound-again"), path("link"));

    EXPECT_TRUE(received_.wait_for(3));
    EXPECT_EQ(publisher->stats().unwanted, 0u);
    EXPECT_TRUE(publisher->flush(patience).complete);
}

// Who is closed meanwhile sends what it has rather than nothing.
TEST_F(RelayWithNodes, AClosingPublisherDoesNotHoldItsMessagesBack) {
    const support::TemporaryDirectory directory;
    const auto path = [&](const std::string& name) { return directory.path() / name; };
    const auto ipc = [&](const std::string& name) { return "ipc://" + path(name).string(); };
    auto relay = std::make_unique<RunningRelay>(ipc("inbound"), ipc("outbound"));
    std::filesystem::create_symlink(path("inbound"), path("link"));
    PublisherSettings settings = bound_at("");
    settings.mode = PublisherSettings::Mode::relay;
    settings.relay_inbound = ipc("link");
    settings.relink_hold = std::chrono::hours{1};
    const auto publisher = world_.publisher(shared(git_), settings);
    ASSERT_TRUE(publisher->wait_for_peer(patience));
    std::filesystem::remove(path("link"));
    relay.reset();
    ASSERT_TRUE(eventually([&] { return publisher->stats().peers == 0; }));
    relay = std::make_unique<RunningRelay>(ipc("inbound-again"), ipc("outbound"));
    // Who comes after a subscriber knows of it as soon as it knows the relay.
    const auto subscriber = subscriber_to(ipc("outbound"));
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    std::filesystem::create_symlink(path("inbound-again"), path("link"));
    ASSERT_TRUE(publisher->wait_for_peer(patience));
    publisher->publish("a", {{"n", 1}});

    publisher->close();

    EXPECT_TRUE(received_.wait_for(1));
    EXPECT_EQ(publisher->stats().dropped_at_close, 0u);
}

}  // namespace
}  // namespace weft::fabric
