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

}  // namespace
}  // namespace weft::fabric
