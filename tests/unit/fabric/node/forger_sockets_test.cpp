// What a peer that forges costs those who publish beside it, over real sockets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fabric/node/control.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Refusal;
using ::testing::Contains;
using ::testing::SizeIs;

const std::string topic = "org.weft.dev.a";

/// Reads what subscribers ask for until one wants messages.
bool has_subscriber(PublishPort& port) {
    SubscriptionEvent event;
    while (port.next_subscription(event)) {
        if (event.subscribed && event.prefix == barrier_prefix) return true;
    }
    return false;
}

// C5: the budget is the connection's. All of these have the address 127.0.0.1, as services of one
// host and those behind one gateway have.
TEST(ForgerOverSockets, CannotSpendTheBudgetOfAnHonestPublisherAtTheSameAddress) {
    const WorldClock clock;
    NodeWorld world(clock);
    world.transport = make_zmq_transport({});
    const auto git = world.signing.identity("git");
    auto settings = bound_at("tcp://127.0.0.1:0");
    const auto honest = world.publisher(shared(git), settings);
    const auto forger = world.bare_port("tcp://127.0.0.1:0");
    Received received;
    const auto subscriber =
        world.subscriber(connected_to({honest->bound(), forger->bound()}), received.hooks());
    ASSERT_TRUE(honest->wait_for_subscriber(topic, patience));
    ASSERT_TRUE(eventually([&] { return has_subscriber(*forger); }));
    support::Frames forged = support::sign(git, topic, {"genuine"});

    // Far beyond 200 a second. The honest one speaks one by one: each message has a root of its
    // own.
    const auto over_budget = [&] {
        return subscriber->stats().refused[static_cast<std::size_t>(Refusal::peer_over_budget)];
    };
    std::size_t forgeries = 0, published = 0;
    ASSERT_TRUE(eventually([&] {
        for (int i = 0; i < 1000; ++i) {
            forged.contents.replace(4, 7, std::to_string(1'000'000 + ++forgeries));
            forger->send(forged.topic, forged.contents, forged.proof);
        }
        honest->publish(topic, {{"forgeries", static_cast<std::int64_t>(forgeries)}});
        if (honest->flush(patience).complete) ++published;
        return published >= 10 && over_budget() > 0;
    }));

    EXPECT_THAT(received.messages(), SizeIs(published));
    EXPECT_THAT(received.reasons(), Contains(Refusal::signature_bad));
}

// C5: hung up on, and since libzmq waits before it connects again, who comes back to forge costs
// us a hundred proofs or two a connection and nothing between two of them.
TEST(ForgerOverSockets, IsHungUpOnAgainAndAgainButNotMoreOftenThanItIsConnected) {
    const WorldClock clock;
    NodeWorld world(clock);
    world.transport = make_zmq_transport({});
    const auto git = world.signing.identity("git");
    const auto forger = world.bare_port("tcp://127.0.0.1:0");
    Received received;
    const auto subscriber = world.subscriber(connected_to({forger->bound()}), received.hooks());
    ASSERT_TRUE(eventually([&] { return has_subscriber(*forger); }));
    const Instant begun = clock.steady();
    support::Frames forged = support::sign(git, topic, {"genuine"});

    std::size_t forgeries = 0, connected = 1, ended = 0;
    ASSERT_TRUE(eventually([&] {
        for (int i = 0; i < 100; ++i) {
            forged.contents.replace(4, 7, std::to_string(1'000'000 + ++forgeries));
            forger->send(forged.topic, forged.contents, forged.proof);
        }
        SubscriptionEvent event;
        while (forger->next_subscription(event)) {
            if (event.prefix != barrier_prefix) continue;
            ++(event.subscribed ? connected : ended);
        }
        return ended >= 2 && connected >= 3;
    }));

    const auto stats = subscriber->stats();
    EXPECT_GE(stats.hung_up, 2u);
    EXPECT_LE(stats.hung_up, connected);
    EXPECT_LE(connected, 1 + (clock.steady() - begun) / (reconnect_after_max / 2));
    EXPECT_GT(received.lines_with("hung up on 127.0.0.1"), 0u);
}

// C5: of a relay and a peer of its own at one address, the port tells which is which.
TEST(ForgerOverSockets, ARelayIsNotHungUpOn) {
    const WorldClock clock;
    NodeWorld world(clock);
    world.transport = make_zmq_transport({});
    const auto git = world.signing.identity("git");
    const auto relay = world.bare_port("tcp://127.0.0.1:0");
    const auto forger = world.bare_port("tcp://127.0.0.1:0");
    Received received;
    SubscriberSettings settings = connected_to({forger->bound()});
    settings.relay_outbound = relay->bound();
    const auto subscriber = world.subscriber(settings, received.hooks());
    ASSERT_TRUE(eventually([&] { return has_subscriber(*relay); }));
    ASSERT_TRUE(eventually([&] { return has_subscriber(*forger); }));
    support::Frames forged = support::sign(git, topic, {"genuine"});
    std::size_t forgeries = 0;
    const auto forge = [&](PublishPort& port, int count) {
        for (int i = 0; i < count; ++i) {
            forged.contents.replace(4, 7, std::to_string(1'000'000 + ++forgeries));
            port.send(forged.topic, forged.contents, forged.proof);
        }
    };

    forge(*relay, 1000);
    ASSERT_TRUE(received.wait_for_refusals(1000));
    EXPECT_EQ(subscriber->stats().hung_up, 0u);
    ASSERT_TRUE(eventually([&] {
        forge(*forger, 100);
        return subscriber->stats().hung_up > 0;
    }));

    SubscriptionEvent event;
    while (relay->next_subscription(event)) EXPECT_FALSE(event.gone);
}

}  // namespace
}  // namespace weft::fabric
