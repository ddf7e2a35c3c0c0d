// Events for who fetches them: GET /subscription/events.

#include "tests/unit/gateway/routemaster/routemaster_world.hpp"

namespace weft::gateway::routemaster {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RoutemasterPoll : public RoutemasterWorld {
protected:
    static constexpr const char* at = "/subscription/events";

    unsigned subscribe_to_poll(const std::vector<std::string>& topics, json more = json::object()) {
        more["callback"] = "poll";
        return subscribe(mail, topics, std::move(more));
    }
    void publish_some(int from, int to) {
        for (int i = from; i < to; ++i) {
            EXPECT_EQ(publish("widgets", event_of("https://a.example/" + std::to_string(i))), 204U);
        }
    }
    static std::vector<std::string> urls_in(const json& answer) {
        std::vector<std::string> urls;
        for (const json& one : answer["events"]) urls.push_back(one["url"]);
        return urls;
    }
    static std::string with(const json& answer) {
        return std::string{at} + "?ack=" + answer["ack"].get<std::string>();
    }
};

TEST_F(RoutemasterPoll, GivesEventsAsTheyAreDeliveredAndAgainUntilTheyAreAcknowledged) {
    ASSERT_EQ(subscribe_to_poll({"widgets"}), 204U);
    publish_some(0, 3);
    const json first = get(at, mail);
    EXPECT_THAT(urls_in(first),
                ElementsAre("https://a.example/0", "https://a.example/1", "https://a.example/2"));
    EXPECT_EQ(first["events"][0]["topic"], "widgets");
    EXPECT_EQ(first["events"][0]["type"], "update");
    EXPECT_TRUE(first["events"][0]["t"].is_number_integer());
    EXPECT_EQ(get(at, mail), first) << "an answer that was lost";
    publish_some(3, 4);
    EXPECT_THAT(urls_in(get(with(first), mail)), ElementsAre("https://a.example/3"));
    EXPECT_THAT(urls_in(get(with(first), mail)), ElementsAre("https://a.example/3")) << "again";
    EXPECT_EQ(subscription(mail, mail)["events"]["sent"], 3);
    EXPECT_EQ(subscription(mail, mail)["events"]["queued"], 1);
    EXPECT_EQ(subscription(mail, mail)["callback"], "poll");
}

TEST_F(RoutemasterPoll, TakesAsManyAsAreAskedForOrWereSubscribed) {
    ASSERT_EQ(subscribe_to_poll({"widgets"}, {{"max", 2}}), 204U);
    publish_some(0, 5);
    EXPECT_EQ(get(at, mail)["events"].size(), 2U);
    EXPECT_EQ(get(std::string{at} + "?max=4", mail)["events"].size(), 4U);
    const json some = get(std::string{at} + "?max=3", mail);
    EXPECT_THAT(get(with(some) + "&max=0", mail)["events"], IsEmpty());
    EXPECT_EQ(subscription(mail, mail)["events"]["sent"], 3) << "max=0 acknowledges only";
    EXPECT_THAT(urls_in(get("/subscriber/events", mail)),
                ElementsAre("https://a.example/3", "https://a.example/4"));
}

TEST_F(RoutemasterPoll, WaitsForAnEventAsLongAsItIsAskedTo) {
    ASSERT_EQ(subscribe_to_poll({"widgets"}), 204U);
    const auto waiting = begin(request("GET", std::string{at} + "?wait=60s", mail));
    while (bridge.waiters() == 0) weft::testing::look_again_after_ms(1);
    EXPECT_EQ(publish("gadgets"), 204U) << "another topic";
    publish_some(0, 1);
    const auto answer = waiting->wait();
    ASSERT_TRUE(answer);
    EXPECT_THAT(urls_in(json::parse(answer->body)), ElementsAre("https://a.example/0"));
    const json now = get(with(json::parse(answer->body)), mail);
    EXPECT_THAT(now["events"], IsEmpty()) << "without `wait` it does not";
    const json later = get(with(now) + "&wait=1ms", mail);
    EXPECT_THAT(later["events"], IsEmpty());
}

TEST_F(RoutemasterPoll, WhatWaitsIsAnsweredWhenTheGatewayStops) {  // M84
    ASSERT_EQ(subscribe_to_poll({"widgets"}), 204U);
    const auto waiting = begin(request("GET", std::string{at} + "?wait=60s", mail));
    while (bridge.waiters() == 0) weft::testing::look_again_after_ms(1);
    handler().stop();
    const auto answer = waiting->wait();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200U);
    EXPECT_EQ(bridge.waiters(), 0U);
    EXPECT_EQ(waiting->answers(), 1);
}

TEST_F(RoutemasterPoll, AClientThatGoesLeavesNothingBehind) {
    ASSERT_EQ(subscribe_to_poll({"widgets"}), 204U);
    const auto waiting = begin(request("GET", std::string{at} + "?wait=60s", mail));
    while (bridge.waiters() == 0) weft::testing::look_again_after_ms(1);
    // The hook comes right after the waiter.
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (bridge.waiters() != 0 && std::chrono::steady_clock::now() < deadline) {
        waiting->go();
        weft::testing::look_again_after_ms(1);
    }
    EXPECT_EQ(bridge.waiters(), 0U);
    publish_some(0, 1);
    EXPECT_EQ(waiting->answers(), 0);
}

TEST_F(RoutemasterPoll, GoesOnAtItsPlaceWithWhatATopicHadWhenItWasUnsubscribed) {  // M59
    ASSERT_EQ(subscribe_to_poll({"widgets", "gadgets"}), 204U);
    publish_some(0, 2);
    EXPECT_EQ(status("DELETE", "/subscriber/topics/widgets", mail), 204U);
    publish_some(2, 3);
    EXPECT_EQ(publish("gadgets", event_of("https://a.example/9")), 204U);
    const json answer = get(at, mail);
    EXPECT_THAT(urls_in(answer),
                ElementsAre("https://a.example/0", "https://a.example/1", "https://a.example/9"));
    restart();
    EXPECT_THAT(get(with(answer), mail)["events"], IsEmpty());
}

TEST_F(RoutemasterPoll, WhatIsNoEventIsPassedOver) {
    ASSERT_EQ(subscribe_to_poll({"widgets"}), 204U);
    PublishRequest odd;
    odd.topic = "org.weft.dev.routemaster.widgets";
    odd.body = "[]";
    Principal who;
    who.everything = true;
    support::Answer<bool> stored;
    bridge.publish(who, odd, [&](const auto& result) { stored.give(result.has_value()); });
    ASSERT_EQ(stored.take(), true);
    const json answer = get(at, mail);
    EXPECT_THAT(answer["events"], IsEmpty());
    publish_some(0, 1);
    EXPECT_THAT(urls_in(get(with(answer), mail)), ElementsAre("https://a.example/0"));
}

TEST_F(RoutemasterPoll, WithACallbackOrWithoutASubscriptionThereIsNothingToFetch) {
    EXPECT_EQ(status("GET", at, mail), 404U);
    EXPECT_EQ(status("GET", at, ""), 401U);
    EXPECT_EQ(status("GET", at, root_key), 401U);
    EXPECT_EQ(status("POST", at, mail), 405U);
    ASSERT_EQ(subscribe(mail, {"widgets"}), 204U);
    const Response both = ask("GET", at, mail);
    EXPECT_EQ(both.status, 409U);
    EXPECT_THAT(both.body, HasSubstr("callback"));
    ASSERT_EQ(subscribe_to_poll({"widgets"}), 204U);
    EXPECT_EQ(status("GET", at, mail), 200U);
    ASSERT_EQ(subscribe_to_poll({}), 204U);
    EXPECT_EQ(status("GET", std::string{at} + "?wait=60s", mail), 200U) << "nothing can come";
}

TEST_F(RoutemasterPoll, OddQuestionsAreRefused) {
    ASSERT_EQ(subscribe_to_poll({"widgets"}), 204U);
    publish_some(0, 1);
    for (const char* query : {"wait=5", "wait=61s", "wait=-1s", "max=-1", "max=10001", "max=x",
                              "ack=", "ack=x", "ack=99999999999999999999", "ack=1000", "since=1"}) {
        EXPECT_EQ(status("GET", std::string{at} + "?" + query, mail), 400U) << query;
    }
    EXPECT_EQ(get(at, mail)["events"].size(), 1U) << "and nothing was acknowledged";
}

TEST_F(RoutemasterPoll, NoDeliveriesAreDueToWhoPolls) {  // M12
    ASSERT_EQ(subscribe_to_poll({"widgets"}, {{"max", 1}}), 204U);
    engine.set_queue(id_of(mail), 100'000, clock.utc_us());
    EXPECT_EQ(status("GET", "/pulse/scaling", shop), 204U);
}

}  // namespace
}  // namespace weft::gateway::routemaster
