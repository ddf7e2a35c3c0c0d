// How a subscriber follows publishers that announce themselves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fabric/message/body.hpp"
#include "fabric/node/beacon.hpp"
#include "fabric/node/endpoint_directory.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Kind;
using signing::Refusal;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string relay_endpoint = "tcp://127.0.0.1:9941";
const std::string git_endpoint = "tcp://127.0.0.1:7001";
const TopicSpace space{"org.weft", "dev"};

/// The bare port stands for the relay; publishers have names as if they were tcp endpoints.
class SubscriberBeacon : public ::testing::Test {
protected:
    SubscriberBeacon() {
        auto settings = connected_to({}, {"org.weft.dev.git.**"});
        settings.relay_outbound = relay_endpoint;
        settings.beacon_root = beacon_root(space);
        settings.replay.on = false;  // the same bytes come again and again here
        subscriber_ = world_.subscriber(settings, received_.hooks());
    }

    void announce(const support::Identity& who, const std::vector<std::string>& endpoints,
                  const std::string& name = "git", Kind kind = Kind::beacon) {
        const Body body = endpoint_beacon(endpoints);
        const auto frames = support::sign(who, beacon_root(space) + name,
                                          {encoded(sample_header(), body.bytes())}, kind);
        relay_->send(frames.topic, frames.contents, frames.proof);
    }
    std::unique_ptr<Publisher> publisher_at(const std::string& endpoint) {
        return world_.publisher(shared(git_), bound_at(endpoint));
    }
    /// Time passes, and the subscriber looks at the clock at least once: it does so after each 64
    /// arrivals.
    void pass(Instant time) {
        clock_.advance(time);
        through_relay(65);
    }
    /// Messages through the relay arrive, so everything before them has been dealt with.
    void through_relay(std::size_t count = 1) {
        const std::size_t before = received_.messages().size();
        const auto frames =
            support::sign(git_, "org.weft.dev.git.x", {encoded(sample_header(), "\xC0")});
        for (std::size_t i = 0; i < count; ++i) {
            relay_->send(frames.topic, frames.contents, frames.proof);
        }
        ASSERT_TRUE(received_.wait_for(before + count));
    }

    ManualClock clock_;
    NodeWorld world_{clock_};
    const support::Identity git_ = world_.signing.identity("git");
    std::unique_ptr<PublishPort> relay_ = world_.bare_port(relay_endpoint);
    Received received_;
    std::unique_ptr<Subscriber> subscriber_;
};

TEST_F(SubscriberBeacon, APublisherThatAnnouncesItselfIsHeard) {
    const auto publisher = publisher_at(git_endpoint);
    EXPECT_EQ(publisher->stats().peers, 0u);

    announce(git_, {git_endpoint});

    ASSERT_TRUE(publisher->wait_for_subscriber("org.weft.dev.git.commit", patience));
    publisher->publish("org.weft.dev.git.commit", {{"x", 1}});
    ASSERT_TRUE(received_.wait_for(1));
    EXPECT_EQ(received_.messages().at(0).topic(), "org.weft.dev.git.commit");
    EXPECT_THAT(received_.refused(), IsEmpty());
}

TEST_F(SubscriberBeacon, OneBeaconMayNameSeveralEndpoints) {
    const auto first = publisher_at(git_endpoint);
    const auto second = publisher_at("tcp://127.0.0.1:7002");

    announce(git_, {git_endpoint, "tcp://127.0.0.1:7002"});

    EXPECT_TRUE(first->wait_for_peer(patience));
    EXPECT_TRUE(second->wait_for_peer(patience));
}

TEST_F(SubscriberBeacon, WhoFallsSilentIsLeft) {
    const auto publisher = publisher_at(git_endpoint);
    announce(git_, {git_endpoint});
    ASSERT_TRUE(publisher->wait_for_peer(patience));

    pass(EndpointDirectory::keep + seconds{1});

    EXPECT_TRUE(eventually([&] { return publisher->stats().peers == 0; }));
}

TEST_F(SubscriberBeacon, WhoRepeatsItselfIsKept) {
    const auto publisher = publisher_at(git_endpoint);
    announce(git_, {git_endpoint});
    ASSERT_TRUE(publisher->wait_for_peer(patience));
    for (int second = 0; second < 15; ++second) {
        announce(git_, {git_endpoint});
        pass(seconds{1});
    }

    EXPECT_EQ(publisher->stats().peers, 1u);
}

TEST_F(SubscriberBeacon, NobodySpeaksForAnotherName) {
    const auto mallory = world_.signing.identity("mallory");
    const auto trap = publisher_at("tcp://127.0.0.1:6666");

    announce(mallory, {"tcp://127.0.0.1:6666"}, "git");
    announce(mallory, {"tcp://127.0.0.1:6666"}, "");
    announce(mallory, {"tcp://127.0.0.1:6666"}, "mallory.x");

    ASSERT_TRUE(received_.wait_for_refusals(3));
    // "beacon." with nothing after it is no topic, so it does not come to the name.
    EXPECT_THAT(received_.reasons(), ElementsAre(Refusal::name_mismatch, Refusal::topic_invalid,
                                                 Refusal::name_mismatch));
    EXPECT_EQ(received_.refused().at(0).detail, "mallory");
    EXPECT_EQ(trap->stats().peers, 0u);
}

TEST_F(SubscriberBeacon, OnlySignedBeaconsAreFollowed) {
    const auto trap = publisher_at("tcp://127.0.0.1:6666");
    announce(support::SigningFixture::stranger("git"), {"tcp://127.0.0.1:6666"});
    const auto bare = support::unsigned_frames(
        beacon_root(space) + "git",
        {encoded(sample_header(), endpoint_beacon({"tcp://127.0.0.1:6666"}).bytes())});
    relay_->send(bare.topic, bare.contents, bare.proof);

    ASSERT_TRUE(received_.wait_for_refusals(2));
    EXPECT_THAT(received_.reasons(),
                ElementsAre(Refusal::issuer_unknown, Refusal::unsigned_message));
    EXPECT_EQ(trap->stats().peers, 0u);
}

// S2: the kind is signed, and a message is not an announcement, wherever it is published.
TEST_F(SubscriberBeacon, AMessageOnABeaconsTopicIsNoBeacon) {
    const auto trap = publisher_at("tcp://127.0.0.1:6666");

    announce(git_, {"tcp://127.0.0.1:6666"}, "git", Kind::message);
    through_relay();

    EXPECT_EQ(trap->stats().peers, 0u);
    EXPECT_EQ(received_.messages().size(), 1u);
    EXPECT_TRUE(eventually([&] { return subscriber_->stats().filtered == 1; }));
}

TEST_F(SubscriberBeacon, WhatIsNoReachableEndpointIsNotFollowed) {
    const auto publisher = publisher_at(git_endpoint);

    announce(git_, {"", "nonsense", "tcp://*:7001", "tcp://0.0.0.0:7001", "tcp://127.0.0.1:0",
                    "ipc:///tmp/x", "inproc://x", git_endpoint});

    EXPECT_TRUE(publisher->wait_for_peer(patience));
    EXPECT_THAT(received_.refused(), IsEmpty());
}

TEST_F(SubscriberBeacon, OfOneBeaconAtMostSixteenEndpointsAreLookedAt) {
    std::vector<std::string> many;
    for (int i = 0; i < 17; ++i) many.push_back("tcp://127.0.0.1:" + std::to_string(7100 + i));
    const auto sixteenth = publisher_at(many[15]);
    const auto seventeenth = publisher_at(many[16]);

    announce(git_, many);

    EXPECT_TRUE(sixteenth->wait_for_peer(patience));
    through_relay();
    EXPECT_EQ(seventeenth->stats().peers, 0u);
}

TEST_F(SubscriberBeacon, ABodyThatIsNoListOfEndpointsIsIgnored) {
    for (const Value& body : {Value{}, Value{7}, Value{{{"endpoints", "x"}}},
                              Value{{{"endpoints", Value::List{Value{1}, Value{}}}}}}) {
        const auto frames =
            support::sign(git_, beacon_root(space) + "git",
                          {encoded(sample_header(), to_msgpack(body).value())}, Kind::beacon);
        relay_->send(frames.topic, frames.contents, frames.proof);
    }
    through_relay();

    EXPECT_THAT(received_.refused(), IsEmpty());
}

// Otherwise any certificate could cut every subscriber off its relay by announcing it once.
TEST_F(SubscriberBeacon, WhoAnnouncesTheRelayAndFallsSilentDoesNotCutItOff) {
    announce(git_, {relay_endpoint});
    through_relay();

    for (int i = 0; i < 3; ++i) pass(EndpointDirectory::keep + seconds{1});

    EXPECT_EQ(received_.messages().size(), 1u + 3 * 65u);
}

TEST(SubscriberWithoutBeacons, FollowsNobody) {
    WorldClock clock;
    NodeWorld world(clock);
    const auto git = world.signing.identity("git");
    const auto relay = world.bare_port(relay_endpoint);
    const auto trap = world.publisher(shared(git), bound_at(git_endpoint));
    Received received;
    const auto subscriber =
        world.subscriber(connected_to({relay_endpoint}, {"org.weft.dev.**"}), received.hooks());

    const auto beacon = support::sign(
        git, beacon_root(space) + "git",
        {encoded(sample_header(), endpoint_beacon({git_endpoint}).bytes())}, Kind::beacon);
    relay->send(beacon.topic, beacon.contents, beacon.proof);

    EXPECT_TRUE(eventually([&] { return subscriber->stats().other_kinds == 1; }));
    EXPECT_EQ(trap->stats().peers, 0u);
}

}  // namespace
}  // namespace weft::fabric
