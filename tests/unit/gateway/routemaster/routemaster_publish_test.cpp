// Publishing, and whose a topic is.

#include <thread>

#include "gateway/routemaster/event.hpp"
#include "tests/unit/gateway/routemaster/routemaster_world.hpp"

namespace weft::gateway::routemaster {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RoutemasterPublish : public RoutemasterWorld {
protected:
    std::size_t stored() { return static_cast<std::size_t>(bridge.memory().info().head); }
};

TEST_F(RoutemasterPublish, AnEventIsStoredAndAnsweredWithoutABody) {  // M1, M31
    const auto response = ask("POST", "/topics/widgets", shop, event);
    EXPECT_EQ(response.status, 204U);
    EXPECT_THAT(response.body, IsEmpty());
    EXPECT_EQ(stored(), 1U);
    EXPECT_EQ(get("/topics", shop),
              json::array({{{"name", "widgets"}, {"publisher", shop}, {"events", 1}}}));
}

TEST_F(RoutemasterPublish, WhatTheGemSendsIsTaken) {  // M42, M43
    EXPECT_EQ(
        publish("widgets", R"({"type":"create","url":"https://a.example/1","timestamp":null})"),
        204U);
    EXPECT_EQ(publish("widgets", R"({"type":"update","url":"https://a.example/1?x=1",)"
                                 R"("timestamp":1609459200123,"data":{"a":1}})"),
              204U);
}

TEST_F(RoutemasterPublish, AnotherClientIsForbiddenBeforeItsEventIsLookedAt) {  // M32
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(publish("widgets", event, mail), 403U);
    EXPECT_EQ(publish("widgets", "rubbish", mail), 403U);
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(stored(), 2U);
    EXPECT_EQ(topic("widgets")["publisher"], shop);
}

TEST_F(RoutemasterPublish, OfManyThatPublishAtOnceOneOwnsTheTopic) {  // M32
    handler();
    for (int round = 0; round < 20; ++round) {
        const std::string name = "race_" + std::string(1, static_cast<char>('a' + round));
        std::vector<unsigned> seen(6);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < seen.size(); ++i) {
            threads.emplace_back([&, i] {
                seen[i] = status("POST", "/topics/" + name, i % 2 == 0 ? shop : mail, event);
            });
        }
        for (auto& thread : threads) thread.join();
        const std::string owner = topic(name)["publisher"];
        for (std::size_t i = 0; i < seen.size(); ++i) {
            EXPECT_EQ(seen[i], (i % 2 == 0 ? shop : mail) == owner ? 204U : 403U);
        }
        EXPECT_EQ(topic(name)["events"], 3);
    }
}

TEST_F(RoutemasterPublish, AClaimOutlivesARestart) {  // M32
    EXPECT_EQ(publish("widgets"), 204U);
    restart();
    EXPECT_EQ(publish("widgets", event, mail), 403U);
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(topic("widgets")["events"], 2);
}

TEST_F(RoutemasterPublish, AClaimIsOnTheDiskBeforeItsFirstEvent) {  // M32
    handler();
    room.holds = true;
    const auto first = begin(request("POST", "/topics/widgets", shop, event));
    const auto second = begin(request("POST", "/topics/widgets", mail, event));
    const auto third = begin(request("POST", "/topics/widgets", shop, event));
    EXPECT_EQ(first->answers() + third->answers(), 0);
    EXPECT_EQ(bridge.published(), 0U);
    room.let_go();
    EXPECT_EQ(first->wait()->status, 204U);
    EXPECT_EQ(second->wait()->status, 403U);
    EXPECT_EQ(third->wait()->status, 204U);
}

TEST_F(RoutemasterPublish, WhatIsRefusedLeavesNothingBehind) {  // M33
    const auto before = [this] {
        handler();
        return state_keys();
    }();
    EXPECT_EQ(publish("widgets", "{}"), 400U);
    EXPECT_EQ(publish("widgets", R"({"type":"x","url":"https://a"})"), 400U);
    EXPECT_EQ(publish("Widgets"), 400U);
    EXPECT_EQ(publish("foo%0ABAR"), 400U);
    EXPECT_EQ(publish("widgets", std::string(70'000, 'x')), 413U);
    EXPECT_EQ(get("/topics", root_key), json::array());
    EXPECT_EQ(state_keys(), before);
    EXPECT_EQ(publish("widgets", event, mail), 204U) << "nobody had claimed it";
}

TEST_F(RoutemasterPublish, AClaimIsTakenBackIfItsFirstEventWasNotStored) {  // M33
    using Kind = BridgeError::Kind;
    const std::pair<Kind, unsigned> cases[] = {{Kind::not_granted, 403U},  {Kind::invalid, 400U},
                                               {Kind::too_large, 413U},    {Kind::busy, 503U},
                                               {Kind::journal_away, 503U}, {Kind::disk_full, 507U},
                                               {Kind::stopped, 503U}};
    for (const auto& [kind, status] : cases) {
        bridge.fail_publish(BridgeError{kind, "no"});
        EXPECT_EQ(publish("widgets"), status);
        EXPECT_EQ(get("/topics", root_key), json::array());
        EXPECT_THAT(state_keys(), Not(Contains("routemaster/topic/widgets")));
    }
    bridge.fail_publish(std::nullopt);
    EXPECT_EQ(publish("widgets", event, mail), 204U);
    bridge.fail_publish(BridgeError{Kind::busy, "no"});
    EXPECT_EQ(publish("widgets", event, mail), 503U);
    bridge.fail_publish(std::nullopt);
    EXPECT_EQ(publish("widgets"), 403U) << "an owner stays one";
}

TEST_F(RoutemasterPublish, AClaimOfATopicThatWasSubscribedIsTakenBackToo) {  // M31, M33
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    EXPECT_EQ(topic("widgets"), (json{{"name", "widgets"}, {"publisher", nullptr}, {"events", 0}}));
    bridge.fail_publish(BridgeError{BridgeError::Kind::busy, "no"});
    EXPECT_EQ(publish("widgets"), 503U);
    EXPECT_EQ(topic("widgets")["publisher"], nullptr);
    bridge.fail_publish(std::nullopt);
    restart();
    EXPECT_EQ(topic("widgets")["publisher"], nullptr);
    EXPECT_EQ(publish("widgets", event, mail), 204U);
    EXPECT_EQ(topic("widgets")["publisher"], mail);
}

TEST_F(RoutemasterPublish, WithoutTheStateNothingIsPromised) {
    EXPECT_EQ(status("GET", "/topics", shop), 200U);
    room.full = true;
    EXPECT_EQ(publish("widgets"), 503U);
    room.full = false;
    EXPECT_EQ(publish("widgets", event, mail), 204U);
}

TEST_F(RoutemasterPublish, ABodyAboveItsBoundIsTooLarge) {  // M46
    EXPECT_EQ(publish("widgets", std::string(65'536, ' ')), 400U);
    EXPECT_EQ(publish("widgets", std::string(65'537, ' ')), 413U);
    EXPECT_EQ(status("POST", "/subscription", shop, std::string(65'537, ' ')), 413U);
    EXPECT_EQ(status("POST", "/api_tokens", root_key, std::string(65'537, ' ')), 413U);
}

TEST_F(RoutemasterPublish, TheBoundOfDataIsConfigured) {  // M43
    const auto with = [](std::size_t bytes) {
        return json{{"type", "create"}, {"url", "https://a"}, {"data", std::string(bytes, 'x')}}
            .dump();
    };
    EXPECT_EQ(publish("widgets", with(62)), 204U);
    EXPECT_EQ(publish("widgets", with(63)), 400U);
    settings.event_data_max = 1000;
    restart();
    EXPECT_EQ(publish("widgets", with(900)), 204U);
}

TEST_F(RoutemasterPublish, HostileBytesNeverLookLikeOurFault) {
    const std::string deep(60'000, '[');
    for (const std::string& body :
         {std::string{}, std::string{"\0", 1}, std::string{"\xFF\xFE\xFD"}, deep,
          std::string{R"({"type":"create","url":)"} + deep, std::string{"{\"a\":1e999999}"},
          std::string{R"({"type":"\ud800","url":"https://a"})"},
          std::string{R"({"type":"create","url":"https://a","data":"\ud800"})"},
          std::string{R"({"type":"create","type":1,"url":"https://a"})"}}) {
        const unsigned got = publish("widgets", body);
        EXPECT_GE(got, 400U);
        EXPECT_LT(got, 500U) << body.substr(0, 60);
        EXPECT_EQ(status("POST", "/subscription", shop, body), 400U);
        EXPECT_EQ(status("POST", "/api_tokens", root_key, body), 400U);
    }
    for (const char* name : {"%0A", "a%0Ab", "%00", "%FF", "..", ".", "%2F", "a.b", "*", "**", "",
                             "%F0%9F%98%80", "A", "a%20b"}) {
        const unsigned got = publish(name);
        EXPECT_EQ(got, 400U) << name;
        for (const char* path : {"/topics/", "/subscriber/topics/", "/topic/"}) {
            const unsigned gone = status("DELETE", std::string{path} + name, shop);
            EXPECT_TRUE(gone == 404U || gone == 400U) << path << name;
        }
    }
    EXPECT_EQ(get("/topics", root_key), json::array());
}

TEST_F(RoutemasterPublish, TimesThatTheBusSetsRiseWithinATopic) {  // M74
    EXPECT_EQ(subscribe(mail, {"widgets", "gadgets"}), 204U);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(publish("gadgets"), 204U);
    const auto batches = delivered(mail);
    ASSERT_EQ(batches.size(), 1U);
    std::int64_t last = 0;
    for (int i = 0; i < 5; ++i) {
        EXPECT_GT(batches[0][i]["t"], last) << "the clock stands still";
        last = batches[0][i]["t"];
    }
    EXPECT_EQ(batches[0][5]["t"], support::WallClock::begin_us / 1000);
}

TEST_F(RoutemasterPublish, TimesGoOnRisingAfterARestart) {  // M74
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(publish("widgets"), 204U);
    look();
    restart();
    EXPECT_EQ(publish("widgets"), 204U);
    const auto batches = delivered(mail);
    EXPECT_GT(batches[0][5]["t"], batches[0][4]["t"]);
}

TEST_F(RoutemasterPublish, TimesThatRanAheadOfTheClockGoOnRisingAfterAKill) {  // M74
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"max", 1000}}), 204U);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(publish("widgets"), 204U);
    restart();  // nothing of them was counted yet
    for (int i = 0; i < 5; ++i) EXPECT_EQ(publish("widgets"), 204U);
    const auto batches = delivered(mail);
    ASSERT_EQ(batches.size(), 1U);
    for (std::size_t i = 1; i < batches[0].size(); ++i) {
        EXPECT_LT(batches[0][i - 1]["t"], batches[0][i]["t"]) << i;
    }
}

TEST_F(RoutemasterPublish, ATimeFarAheadIsNotTakenFromAStranger) {  // M74
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    support::PlainMessage forged{settings.topic_root + ".widgets", event};
    forged.headers.emplace_back(std::string{time_header}, "9223372036854775807");
    bridge.store(forged);
    look();
    EXPECT_EQ(publish("widgets"), 204U);
    const auto batches = delivered(mail);
    ASSERT_EQ(batches.size(), 1U);
    for (const json& one : batches[0]) {
        EXPECT_LT(one["t"], support::WallClock::begin_us / 1000 + 1000);
    }
}

TEST_F(RoutemasterPublish, ConcurrentEventsOfATopicAreStoredInTheOrderOfTheirTimes) {  // M74
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"max", 10'000}}), 204U);
    EXPECT_EQ(publish("widgets"), 204U);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 25; ++n) EXPECT_EQ(publish("widgets"), 204U);
        });
    }
    for (auto& thread : threads) thread.join();
    const auto batches = delivered(mail);
    ASSERT_EQ(batches.size(), 1U);
    ASSERT_EQ(batches[0].size(), 101U);
    for (std::size_t i = 1; i < batches[0].size(); ++i) {
        EXPECT_LT(batches[0][i - 1]["t"], batches[0][i]["t"]);
    }
}

TEST_F(RoutemasterPublish, ThePublishersTimeIsKept) {  // M42, M60
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    EXPECT_EQ(publish("widgets", R"({"type":"create","url":"https://a","timestamp":17})"), 204U);
    EXPECT_EQ(delivered(mail)[0][0]["t"], 17);
}

TEST_F(RoutemasterPublish, EventsOfTheFabricCountAndWhatIsNoEventIsPassedOver) {
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    const std::string root = settings.topic_root;
    bridge.store({root + ".widgets", R"({"type":"update","url":"https://a/1","data":[1]})"});
    bridge.store({root + ".widgets", R"({"type":"update"})"});
    bridge.store({root + ".widgets", "no json"});
    bridge.store({root + ".widgets", event, "text/plain"});
    bridge.store({root + ".Widgets", event});
    bridge.store({root + ".gadgets", event});
    bridge.store({root + ".widgets.deep", event});
    EXPECT_THAT(urls(mail), ElementsAre("https://a/1"));
    EXPECT_EQ(topic("widgets"), (json{{"name", "widgets"}, {"publisher", nullptr}, {"events", 1}}));
    EXPECT_EQ(topic("gadgets")["events"], 1);
    EXPECT_EQ(service().tally.stats().malformed, 4U);
    EXPECT_EQ(publish("gadgets", event, mail), 204U) << "the first publisher claims it";
    EXPECT_EQ(topic("gadgets")["publisher"], mail);
    EXPECT_EQ(topic("gadgets")["events"], 2);
}

TEST_F(RoutemasterPublish, CountsAreExactOverARestart) {  // section 9
    for (int i = 0; i < 3; ++i) EXPECT_EQ(publish("widgets"), 204U);
    bridge.store({settings.topic_root + ".gadgets", event});
    look();
    EXPECT_EQ(topic("widgets")["events"], 3);
    EXPECT_EQ(publish("widgets"), 204U);
    restart();
    EXPECT_EQ(topic("widgets")["events"], 4);
    EXPECT_EQ(topic("gadgets"), (json{{"name", "gadgets"}, {"publisher", nullptr}, {"events", 1}}));
    restart();
    EXPECT_EQ(topic("widgets")["events"], 4);
}

}  // namespace
}  // namespace weft::gateway::routemaster
