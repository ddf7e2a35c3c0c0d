// Subscriptions: what they get and what they do not, and what is shown of them.

#include "tests/unit/gateway/routemaster/routemaster_world.hpp"

namespace weft::gateway::routemaster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using RoutemasterSubscriptions = RoutemasterWorld;

TEST_F(RoutemasterSubscriptions, AreMadeAndReplacedUnderBothNames) {  // M4
    for (const char* path : {"/subscription", "/subscriber"}) {
        const auto response =
            ask("POST", path, mail, R"({"topics":["widgets"],"callback":"https://r.example"})");
        EXPECT_EQ(response.status, 204U);
        EXPECT_THAT(response.body, IsEmpty());
    }
    EXPECT_EQ(get("/subscribers", mail).size(), 1U) << "one of each client (M50)";
    EXPECT_EQ(get("/subscribers", mail), get("/subscriptions", mail));
}

TEST_F(RoutemasterSubscriptions, AreOrderedAndTriedForEver) {  // M62, M73, M82
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    const auto made = engine.of(id_of(mail)).subscription;
    EXPECT_TRUE(made.ordered);
    EXPECT_EQ(made.concurrency, 1U);
    EXPECT_THAT(made.retry.pauses, IsEmpty());
    EXPECT_FALSE(made.retry.disable_after);
    EXPECT_EQ(made.batching.max, 100U);
    EXPECT_EQ(made.batching.timeout, std::chrono::milliseconds(500));
}

TEST_F(RoutemasterSubscriptions, MakeTheTopicsThatTheyName) {  // M31
    EXPECT_EQ(subscribe(mail, {"widgets", "gadgets"}), 204U);
    EXPECT_EQ(get("/topics", mail),
              json::array({{{"name", "gadgets"}, {"publisher", nullptr}, {"events", 0}},
                           {{"name", "widgets"}, {"publisher", nullptr}, {"events", 0}}}));
    restart();
    EXPECT_EQ(get("/topics", mail).size(), 2U);
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(topic("widgets")["publisher"], shop);
}

TEST_F(RoutemasterSubscriptions, ThatAreRefusedMakeNothing) {  // M57, M33
    engine.refuse("https://10.0.0.1/");
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"callback", "https://10.0.0.1/"}}), 400U);
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"callback", "http://r.example"}}), 400U);
    EXPECT_EQ(subscribe(mail, {"widgets", "Bad"}), 400U);
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"max", 0}}), 400U);
    EXPECT_EQ(get("/topics", mail), json::array());
    EXPECT_EQ(get("/subscriptions", mail), json::array());
}

TEST_F(RoutemasterSubscriptions, MayBePlainHttpWithTheSwitch) {  // M51
    settings.allow_http = true;
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"callback", "http://127.0.0.1:9000/x"}}), 204U);
}

TEST_F(RoutemasterSubscriptions, GetNothingFromBefore) {  // M46
    EXPECT_EQ(publish("widgets", event_of("https://a/1")), 204U);
    EXPECT_EQ(publish("gadgets", event_of("https://a/2")), 204U);
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/3")), 204U);
    EXPECT_EQ(publish("gadgets", event_of("https://a/4")), 204U);
    EXPECT_EQ(subscribe(mail, {"widgets", "gadgets"}), 204U);
    EXPECT_EQ(publish("gadgets", event_of("https://a/5")), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/6")), 204U);
    EXPECT_THAT(urls(mail), ElementsAre("https://a/3", "https://a/5", "https://a/6"));
}

TEST_F(RoutemasterSubscriptions, AggregateTheirTopicsInOrder) {  // M73
    EXPECT_EQ(subscribe(mail, {"widgets", "gadgets"}, {{"max", 2}}), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/1")), 204U);
    EXPECT_EQ(publish("gadgets", event_of("https://a/2"), plain), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/3")), 204U);
    const auto batches = delivered(mail);
    ASSERT_EQ(batches.size(), 2U);
    EXPECT_EQ(batches[0][0]["topic"], "widgets");
    EXPECT_EQ(batches[0][1]["topic"], "gadgets");
    EXPECT_EQ(batches[1][0]["url"], "https://a/3");
}

TEST_F(RoutemasterSubscriptions, KeepTheirTimeoutAndMaxWhereAReplacementSaysNothing) {  // M56
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"timeout", 50}, {"max", 7}, {"uuid", "u"}}), 204U);
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    const json seen = subscription(mail, mail);
    EXPECT_EQ(seen["timeout"], 50);
    EXPECT_EQ(seen["max_events"], 7);
    EXPECT_EQ(seen["uuid"], nullptr) << "a credential is not kept in silence";
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"max", 8}}), 204U);
    EXPECT_EQ(subscription(mail, mail)["timeout"], 50);
    EXPECT_EQ(subscription(mail, mail)["max_events"], 8);
}

TEST_F(RoutemasterSubscriptions, ThatChangeTheirCallbackTakeWhatWaitsWithThem) {  // M58
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"callback", "https://old.example"}}), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/1")), 204U);
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"callback", "https://new.example"}}), 204U);
    EXPECT_EQ(engine.of(id_of(mail)).subscription.url, "https://new.example");
    EXPECT_THAT(urls(mail), ElementsAre("https://a/1"));
}

TEST_F(RoutemasterSubscriptions, StillGetWhatWaitedWhenATopicWasLeftOut) {  // M50, M59
    EXPECT_EQ(subscribe(mail, {"widgets", "gadgets"}), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/1")), 204U);
    EXPECT_EQ(subscribe(mail, {"gadgets"}), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/2")), 204U);
    EXPECT_EQ(subscription(mail, mail)["topics"], json::array({"gadgets"}));
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/3")), 204U);
    EXPECT_THAT(urls(mail), ElementsAre("https://a/1", "https://a/3"));
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    EXPECT_EQ(engine.of(id_of(mail)).subscription.interests.size(), 1U) << "what is over is gone";
}

TEST_F(RoutemasterSubscriptions, DoNotGrowWhenATopicComesAndGoes) {
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    EXPECT_EQ(publish("widgets"), 204U);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(subscribe(mail, {}), 204U);
        EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    }
    EXPECT_LE(engine.of(id_of(mail)).subscription.interests.size(), 2U);
    EXPECT_EQ(urls(mail).size(), 1U);
}

TEST_F(RoutemasterSubscriptions, AreRemovedWhole) {  // M5, M59
    for (const char* path : {"/subscriber", "/subscription"}) {
        EXPECT_EQ(status("DELETE", path, mail), 404U);
        EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
        EXPECT_EQ(publish("widgets"), 204U);
        EXPECT_EQ(status("DELETE", path, mail), 204U);
        EXPECT_EQ(get("/subscriptions", mail), json::array());
    }
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    EXPECT_THAT(urls(mail), IsEmpty()) << "the queue was discarded";
}

TEST_F(RoutemasterSubscriptions, LoseOneTopic) {  // M6
    EXPECT_EQ(status("DELETE", "/subscriber/topics/widgets", mail), 404U);
    EXPECT_EQ(subscribe(mail, {"widgets", "gadgets"}), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/1")), 204U);
    EXPECT_EQ(status("DELETE", "/subscriber/topics/others", mail), 404U);
    EXPECT_EQ(status("DELETE", "/subscriber/topics/Bad", mail), 404U);
    EXPECT_EQ(status("DELETE", "/subscriber/topics/widgets", mail), 204U);
    EXPECT_EQ(status("DELETE", "/subscriber/topics/widgets", mail), 404U);
    EXPECT_EQ(publish("widgets", event_of("https://a/2")), 204U);
    EXPECT_EQ(subscription(mail, mail)["topics"], json::array({"gadgets"}));
    EXPECT_THAT(urls(mail), ElementsAre("https://a/1"));
}

TEST_F(RoutemasterSubscriptions, LoseATopicThatIsDeletedButNotWhatWaits) {  // M3, M34
    EXPECT_EQ(subscribe(mail, {"widgets", "gadgets"}), 204U);
    EXPECT_EQ(publish("widgets", event_of("https://a/1")), 204U);
    EXPECT_EQ(status("DELETE", "/topics/widgets", mail), 403U);
    EXPECT_EQ(status("DELETE", "/topics/nothing", shop), 404U);
    EXPECT_EQ(status("DELETE", "/topics/widgets", shop), 204U);
    EXPECT_EQ(status("DELETE", "/topics/widgets", shop), 404U);
    EXPECT_EQ(subscription(mail, mail)["topics"], json::array({"gadgets"}));
    EXPECT_EQ(topic("widgets"), nullptr);
    EXPECT_EQ(publish("widgets", event_of("https://a/2"), plain), 204U) << "the name is free";
    EXPECT_EQ(topic("widgets"), (json{{"name", "widgets"}, {"publisher", plain}, {"events", 1}}));
    EXPECT_THAT(urls(mail), ElementsAre("https://a/1"));
}

TEST_F(RoutemasterSubscriptions, RootDeletesAnyTopicAlsoUnderTheOldName) {  // M3, M34
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(status("DELETE", "/topic/widgets", root_key), 204U);
    EXPECT_EQ(get("/topics", root_key), json::array());
}

TEST_F(RoutemasterSubscriptions, ADeletedTopicStaysDeletedOverARestart) {  // M34
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(status("DELETE", "/topics/widgets", shop), 204U);
    restart();
    EXPECT_EQ(get("/topics", root_key), json::array());
    EXPECT_EQ(publish("widgets", event, mail), 204U);
    EXPECT_EQ(topic("widgets")["events"], 1);
    look();
    restart();
    EXPECT_EQ(topic("widgets")["events"], 1);
    EXPECT_EQ(topic("widgets")["publisher"], mail);
    EXPECT_EQ(status("DELETE", "/topics/widgets", mail), 204U);
    look();
    EXPECT_THAT(state_keys(), ::testing::Not(::testing::Contains("routemaster/topic/widgets")))
        << "what was counted needs no mark";
    restart();
    EXPECT_EQ(get("/topics", root_key), json::array());
}

TEST_F(RoutemasterSubscriptions, AreShownWithEverythingThatReadersNeed) {  // M7, M90, M91
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"uuid", "s3cret"}, {"max", 1}}), 204U);
    EXPECT_EQ(subscription(mail, mail),
              (json{{"subscriber", mail},
                    {"callback", "https://receiver.example/events"},
                    {"topics", {"widgets"}},
                    {"uuid", "s3cret"},
                    {"max_events", 1},
                    {"timeout", 500},
                    {"events", {{"sent", 0}, {"queued", 0}, {"oldest", nullptr}}}}));
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(publish("widgets"), 204U);
    ASSERT_TRUE(engine.next(id_of(mail)));
    engine.confirm(id_of(mail));
    EXPECT_EQ(
        subscription(mail, mail)["events"],
        (json{{"sent", 1}, {"queued", 1}, {"oldest", support::WallClock::begin_us / 1'000'000}}));
}

TEST_F(RoutemasterSubscriptions, ShowTheirCredentialsToTheirOwnerAndRootAlone) {  // M92
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"uuid", "s3cret"}}), 204U);
    EXPECT_EQ(publish("widgets"), 204U);
    EXPECT_EQ(subscription(mail, root_key)["uuid"], "s3cret");
    const json others = get("/subscriptions", shop);
    ASSERT_EQ(others.size(), 1U);
    EXPECT_EQ(others[0]["uuid"], nullptr);
    EXPECT_TRUE(others[0].contains("uuid")) << "readers need the key (M90)";
    EXPECT_EQ(others[0]["subscriber"], "mail") << "a token is a credential too";
    EXPECT_EQ(topic("widgets", mail)["publisher"], "shop");
    EXPECT_EQ(topic("widgets", shop)["publisher"], shop);
    EXPECT_EQ(topic("widgets", root_key)["publisher"], shop);
}

TEST_F(RoutemasterSubscriptions, ThatTheEngineCannotKeepAreToldSo) {
    using Error = delivery::EngineError;
    engine.fail(Error{Error::Kind::journal_away, "away"});
    EXPECT_EQ(subscribe(mail, {"widgets"}), 503U);
    EXPECT_EQ(status("GET", "/subscriptions", mail), 503U);
    EXPECT_EQ(status("DELETE", "/subscriber", mail), 503U);
    engine.fail(Error{Error::Kind::full, "full"});
    EXPECT_EQ(subscribe(mail, {"widgets"}), 503U);
    engine.fail(std::nullopt);
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
}

TEST_F(RoutemasterSubscriptions, AreDeliveredAsTheGemsExpect) {  // M60, M61, M64
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"uuid", "s3cret"}}), 204U);
    EXPECT_EQ(publish("widgets", R"({"type":"create","url":"https://a/1","timestamp":5,)"
                                 R"("data":{"b":1,"a":[2.50]}})"),
              204U);
    EXPECT_EQ(publish("widgets", R"({"type":"noop","url":"https://a/2","timestamp":6,)"
                                 R"("data":null})"),
              204U);
    const auto outgoing = engine.next(id_of(mail));
    ASSERT_TRUE(outgoing);
    EXPECT_THAT(outgoing->headers,
                ElementsAre(std::pair("Content-Type", "application/json"),
                            std::pair("Authorization", "Basic " + signing::to_base64("s3cret:x")),
                            std::pair("User-Agent", "weft-routemaster/test")));
    EXPECT_EQ(outgoing->body, R"([{"topic":"widgets","type":"create","url":"https://a/1","t":5,)"
                              R"("data":{"b":1,"a":[2.50]}},)"
                              R"({"topic":"widgets","type":"noop","url":"https://a/2","t":6}])");
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    EXPECT_EQ(engine.next(id_of(mail))->headers[1].second, "Basic " + signing::to_base64(":x"));
}

}  // namespace
}  // namespace weft::gateway::routemaster
