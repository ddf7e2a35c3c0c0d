// Operators hear on the fabric what happens to deliveries.

#include "gateway/webhooks/notices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fake_bridge.hpp"

namespace weft::gateway::webhooks {
namespace {

using delivery::Notice;

TEST(Notices, SayOnTheFabricWhichSubscriptionFailsAndWhy) {
    const support::WallClock clock;
    support::FakeBridge bridge(clock);
    const Notices notices(bridge, clock, {"org.weft", "dev"}, {});

    notices.publish({"wh_1", Notice::Kind::disabled_soon, "no answer since yesterday"});

    static_cast<void>(bridge.memory().wait(0, std::chrono::seconds(10)));  // stored soon
    support::Answer<BridgeResult<EventPage>> page;
    bridge.read({}, [&](BridgeResult<EventPage> got) { page.give(std::move(got)); });
    const auto read = *page.take();
    ASSERT_EQ(read->events.size(), 1U);
    const auto& message = read->events[0].message;
    EXPECT_EQ(message.topic(), "org.weft.dev.webhooks.disabled_soon");
    const auto body = nlohmann::json::parse(message.body());
    EXPECT_EQ(body["subscription"], "wh_1");
    EXPECT_EQ(body["reason"], "no answer since yesterday");
}

TEST(Notices, ThatCannotBePublishedAreWarnedOf) {
    const support::WallClock clock;
    support::FakeBridge bridge(clock);
    bridge.fail_publish(BridgeError{BridgeError::Kind::not_granted, "not granted", {}, {}});
    std::string warned;
    const Notices notices(bridge, clock, {"org.weft", "dev"},
                          [&](const std::string& line) { warned = line; });
    notices.publish({"wh_1", Notice::Kind::failing, "x"});
    EXPECT_THAT(warned, ::testing::HasSubstr("not granted"));
}

}  // namespace
}  // namespace weft::gateway::webhooks
