// Polling: what comes, in which order, and what is hidden.

#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RsePoll : public RseWorld {
protected:
    void fill(std::size_t count, const std::string& channel = "/a") {
        for (std::size_t i = 0; i < count; ++i) post(channel, "[]", other);
    }
};

TEST_F(RsePoll, GivesTheEventsOfAChannelAsJson) {  // R2, R50, R51, R52, R53, R54, R55
    post("/a/b", "{ \"x\" : 1.50 }", other);
    clock.advance(72s);

    const auto response = get("/a/b");

    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.headers.find("Content-Type"), "application/json; charset=utf-8");
    EXPECT_EQ(response.body,
              R"({"channel":"/a/b","events":[{"id":1,"user_agent":")" + std::string{other} +
                  R"(","created_at":"2027-01-15 08:00:00Z","age":72,"data":{ "x" : 1.50 }}]})");
}

TEST_F(RsePoll, NothingIs204WithoutAContentType) {  // R57, R95
    const auto response = get("/never/used");
    EXPECT_EQ(response.status, 204U);
    EXPECT_EQ(response.body, "");
    EXPECT_FALSE(response.headers.find("Content-Type"));
}

TEST_F(RsePoll, NobodyMayKeepAnAnswer) {  // R164
    EXPECT_EQ(get("/a").headers.find("Cache-Control"), "no-store");
    fill(1);
    EXPECT_EQ(get("/a").headers.find("Cache-Control"), "no-store");
}

TEST_F(RsePoll, GivesWhatIsNewerThanTheCursorAndDoesNotConsumeIt) {  // R20, R56, R155
    fill(4);
    EXPECT_THAT(ids(get("/a")), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(ids(get("/a?last-known-id=2")), ElementsAre(3, 4));
    EXPECT_THAT(ids(get("/a?last-known-id=2")), ElementsAre(3, 4));
    EXPECT_THAT(ids(get("/a?last-known-id=-7")), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(get("/a?last-known-id=4").status, 204U);
    EXPECT_EQ(get("/a?last-known-id=9223372036854775807").status, 204U);
}

TEST_F(RsePoll, SortMinusOneGivesTheNewestOfThemFirst) {  // R22, R23, R56
    fill(5);
    EXPECT_THAT(ids(get("/a?sort=-1")), ElementsAre(5, 4, 3, 2, 1));
    EXPECT_THAT(ids(get("/a?sort=-1&max-events=2")), ElementsAre(5, 4));
    EXPECT_THAT(ids(get("/a?sort=-1&max-events=2&last-known-id=4")), ElementsAre(5));
    EXPECT_THAT(ids(get("/a?sort=5&max-events=2")), ElementsAre(1, 2));
}

TEST_F(RsePoll, APageHasTheAskedNumberAndTheNextGoesOnBehindIt) {  // R21
    settings.max_events = 3;
    fill(7);
    EXPECT_THAT(ids(get("/a?max-events=2")), ElementsAre(1, 2));
    EXPECT_THAT(ids(get("/a?max-events=100&last-known-id=2")), ElementsAre(3, 4, 5));
    EXPECT_THAT(ids(get("/a?last-known-id=5")), ElementsAre(6, 7));
}

TEST_F(RsePoll, OwnEventsAreHiddenUnlessEchoIsTrue) {  // R24, R41, R156
    post("/a", "[1]");
    post("/a", "[2]", other);
    post("/a", "[3]");
    post("/a", "[4]", other);
    EXPECT_THAT(ids(get("/a?max-events=2")), ElementsAre(2, 4)) << "they use up no place";
    EXPECT_THAT(ids(get("/a?echo=true")), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(ids(get("/a?echo=True")), ElementsAre(2, 4));
    EXPECT_THAT(ids(get("/a", "X/2 uuid/0190A5C4-0000-4000-8000-00000000000A")), ElementsAre(2, 4));
}

TEST_F(RsePoll, AWriterCalledEIsSeenWithEcho) {  // R157
    post("/a", "[1]", "App uuid/e");
    EXPECT_THAT(ids(get("/a?echo=true")), ElementsAre(1));
}

TEST_F(RsePoll, TestModeClientsWithoutAUuidSeeEverything) {  // R141
    settings.test_mode = true;
    post("/a", "[1]", "curl/7");
    EXPECT_THAT(ids(get("/a", "curl/7")), ElementsAre(1));
}

TEST_F(RsePoll, ChannelsThatDifferShareNothing) {  // R92, R93, R96, R100
    post("/a", "[1]", other);
    post("/A", "[2]", other);
    post("/ab", "[3]", other);
    post("/a/b", "[4]", other);
    EXPECT_THAT(ids(get("/a")), ElementsAre(1));
    EXPECT_THAT(ids(get("/%61")), ElementsAre(1)) << "R91";
    EXPECT_THAT(ids(get("/a%2Fb")), ElementsAre(4)) << "R91";
}

TEST_F(RsePoll, ParentGivesTheAncestorsTooAndSaysWhereEachIsFrom) {  // R50, R97
    post("/a", "[1]", other);
    post("/a/b", "[2]", other);
    post("/a/b/c", "[3]", other);
    post("/a/b/d", "[4]", other);
    post("/x", "[5]", other);
    const auto response = get("/a/b/c?events=parent");
    EXPECT_THAT(ids(response), ElementsAre(1, 2, 3));
    EXPECT_THAT(response.body, ::testing::StartsWith(R"({"channel":"/a/b/c",)"));
    EXPECT_THAT(response.body, HasSubstr(R"("channel":"/a/b","data":[2])"));
}

TEST_F(RsePoll, ParentIsMergedBeforeItIsCutSoThatNothingIsLost) {  // R98, R158
    for (int i = 0; i < 12; ++i) post("/a/b", "[]", other);
    for (int i = 0; i < 12; ++i) post("/a", "[]", other);
    std::vector<std::int64_t> all;
    for (std::int64_t cursor = 0;;) {
        const auto page =
            ids(get("/a/b?events=parent&max-events=5&last-known-id=" + std::to_string(cursor)));
        if (page.empty()) break;
        EXPECT_LE(page.size(), 5U);
        all.insert(all.end(), page.begin(), page.end());
        cursor = page.back();
    }
    EXPECT_EQ(all.size(), 24U);
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_F(RsePoll, AllGivesWhatIsBelowASlashAndNoNeighbours) {  // R99
    post("/foo", "[1]", other);
    post("/foobar", "[2]", other);
    post("/foo/bar", "[3]", other);
    post("/foo/bar/baz", "[4]", other);
    post("/fo", "[5]", other);
    EXPECT_THAT(ids(get("/foo?events=all")), ElementsAre(1, 3, 4));
    EXPECT_THAT(ids(get("/foo?events=exact")), ElementsAre(1));
    EXPECT_EQ(get("/.*?events=all").status, 400U);
    EXPECT_EQ(get("/fo(o?events=all").status, 400U);
}

TEST_F(RsePoll, AnEventIsReadableForItsTtlAndHiddenRightAfter) {  // R154
    fill(1);
    clock.advance(120s);
    EXPECT_THAT(ids(get("/a")), ElementsAre(1));
    clock.advance(1us);
    EXPECT_EQ(get("/a").status, 204U);
    EXPECT_EQ(get("/a?sort=-1").status, 204U);
}

TEST_F(RsePoll, IdsGoOnAfterEverythingHasExpiredOrWasTrimmed) {  // R150, R153
    fill(3);
    clock.advance(10min);
    ASSERT_TRUE(bridge.memory().trim(4));
    EXPECT_EQ(get("/a").status, 204U);
    EXPECT_EQ(id_of(post("/a", "[]", other)), 4U);
    EXPECT_THAT(ids(get("/a?last-known-id=3")), ElementsAre(4));
}

TEST_F(RsePoll, TellsTheWatermarkWhereThePageReachedIt) {  // R162
    fill(3);
    post("/elsewhere", "[]", other);
    EXPECT_EQ(get("/a").headers.find("X-RSE-Last-Id"), "4");
    EXPECT_EQ(get("/none").headers.find("X-RSE-Last-Id"), "4");
    EXPECT_EQ(get("/a?max-events=2").headers.find("X-RSE-Last-Id"), std::nullopt);
    EXPECT_EQ(get("/a?last-known-id=9").headers.find("X-RSE-Last-Id"), std::nullopt);
}

TEST_F(RsePoll, TellsALateReaderWhatItHasMissed) {  // R158, R162
    fill(3);
    post("/elsewhere", "[]", other);
    clock.advance(5min);
    fill(1);
    EXPECT_EQ(get("/a?last-known-id=1").headers.find("X-RSE-Expired-Through"), "3");
    EXPECT_THAT(ids(get("/a?last-known-id=1")), ElementsAre(5));
    EXPECT_EQ(get("/a?last-known-id=3").headers.find("X-RSE-Expired-Through"), std::nullopt);
    EXPECT_EQ(get("/a").headers.find("X-RSE-Expired-Through"), std::nullopt);
}

TEST_F(RsePoll, JsonpIs200AlsoWhenThereIsNothing) {  // R110, R113
    settings.test_mode = true;
    const auto nothing = get("/a?callback=cb");
    EXPECT_EQ(nothing.status, 200U);
    EXPECT_EQ(nothing.body, R"(cb({"channel":"/a","events":[]});)");
    EXPECT_EQ(nothing.headers.find("Content-Type"), "text/javascript; charset=utf-8");
    post("/a", "[\"\u2028\"]", other);
    EXPECT_THAT(get("/a?callback=cb").body, HasSubstr("\\u2028"));
    EXPECT_THAT(get("/a").body, HasSubstr("\u2028"));
}

TEST_F(RsePoll, JsonpCanBeTurnedOnInLiveMode) {  // R114
    EXPECT_EQ(get("/a?callback=cb").status, 403U);
    EXPECT_EQ(get("/a?callback=").status, 204U) << "R26";
    settings.jsonp = true;
    restart();
    EXPECT_EQ(get("/a?callback=cb").status, 200U);
}

TEST_F(RsePoll, WhatTheFabricPublishesReachesPollers) {
    bridge.store({std::string{root} + ".a.b", "{\"from\":\"a service\"}"});
    bridge.store({std::string{root} + ".a.b", "plain", "text/plain"});
    bridge.store({std::string{root} + ".a.b", "\xFF", "application/octet-stream"});
    bridge.store({"org.weft.dev.other.a.b", "{}"});
    const auto response = get("/a/b");
    EXPECT_THAT(ids(response), ElementsAre(1, 2, 3));
    EXPECT_THAT(response.body, HasSubstr(R"("user_agent":"tests")"));
    EXPECT_THAT(response.body, HasSubstr(R"("data":{"from":"a service"})"));
    EXPECT_THAT(response.body, HasSubstr(R"("data":"plain")"));
    EXPECT_THAT(response.body, HasSubstr(R"("data":{"base64":"/w=="})"));
}

TEST_F(RsePoll, EveryAnswerIsValidJsonWhateverTheUserAgent) {  // R42, R43
    const std::string odd = "A\"\\\t\x7F\u2028 uuid/1";
    EXPECT_EQ(post("/a", "[]", odd.c_str()).status, 201U);
    const auto body = fabric::from_json(get("/a").body);
    ASSERT_TRUE(body);
    EXPECT_EQ((*body)["events"].list()->at(0)["user_agent"].text_or(""), odd);
    EXPECT_EQ(post("/a", "[]", "\xE4 uuid/1").status, 400U);
}

TEST_F(RsePoll, NoQueryIsAServersError) {  // R20, R21, R22, R29, R60
    for (const char* query :
         {"last-known-id=", "last-known-id=x", "last-known-id=9223372036854775808", "max-events=0",
          "max-events=-3", "sort=", "wait=x", "callback=a.b", "x=%ff", "x=%", "%zz", "wait=-1"}) {
        EXPECT_EQ(get("/a?" + std::string{query}).status, 400U) << query;
    }
    std::string many;
    for (int i = 0; i < 300; ++i) many += "a=1&";
    EXPECT_EQ(get("/a?" + many).status, 400U);
    EXPECT_EQ(get("/a?&&=&==&?").status, 204U);
}

TEST_F(RsePoll, AJournalThatIsAwayIs503WithRetryAfter) {  // R131
    bridge.fail_read(BridgeError{BridgeError::Kind::journal_away, "gone"});
    const auto response = get("/a");
    EXPECT_EQ(response.status, 503U);
    EXPECT_TRUE(response.headers.find("Retry-After"));
    bridge.fail_read(std::nullopt);
    EXPECT_EQ(get("/a").status, 204U);
}

TEST_F(RsePoll, AHeadIsAnsweredAsAGet) {  // R10: the server leaves the body out
    fill(1);
    const auto response = send(request("HEAD", "/a"));
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.body, get("/a").body);
}

}  // namespace
}  // namespace weft::gateway::rse
