// Posting: what is stored, what is refused, and what the answers say.

#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = BridgeError::Kind;

class RsePublish : public RseWorld {};

TEST_F(RsePublish, APostIs201WithoutABodyAndTellsItsId) {  // R1, R58, R151, R161
    const auto response = post("/a/b", R"({"x":1})");
    EXPECT_EQ(response.status, 201U);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(id_of(response), 1U);
    EXPECT_EQ(id_of(post("/c", "[]")), 2U) << "one sequence for all channels (R150)";
}

TEST_F(RsePublish, TheContentTypeIsNotLookedAt) {  // R45, R46, R47
    EXPECT_EQ(send(request("POST", "/a", "[1]",
                           {{"User-Agent", agent},
                            {"Content-Type", "application/x-www-form-urlencoded"},
                            {"X-RSE-Version", "2011-05-01"},
                            {"X-Agent-Key", "k"}}))
                  .status,
              201U);
}

TEST_F(RsePublish, ThroughGetWithAMethodAndData) {  // R3, R29
    EXPECT_EQ(get("/a?method=POST&post-data=%7B%22x%22:%22a+b%22%7D").status, 201U);
    EXPECT_THAT(get("/a", other).body, HasSubstr(R"("data":{"x":"a b"})"));
    EXPECT_EQ(get("/a?method=post&post-data=[]").status, 204U) << "another method is a poll";
    EXPECT_THAT(get("/a?method=POST").body, HasSubstr("Missing query parameter: post-data"));
    EXPECT_EQ(send(request("HEAD", "/a?method=POST&post-data=[]")).status, 204U);
    EXPECT_EQ(bridge.published(), 1U);
}

TEST_F(RsePublish, WhatIsNotAJsonObjectOrArrayIs400AndStoresNothing) {  // R70, R71, R72, R74, R78
    for (const std::string& body : std::vector<std::string>{
             "", "1", "\"a\"", "null", "{", "[1,]", "[\"a\nb\"]", "[-01]", "\xEF\xBB\xBF{}",
             "[\"\xFF\"]", "[\"\xED\xA0\x80\"]", std::string(100'000, '['), "[NaN]", "{} x"}) {
        EXPECT_EQ(post("/a", body).status, 400U) << body.substr(0, 20);
    }
    EXPECT_THAT(post("/a", "[1,]").body, HasSubstr("Invalid JSON: at byte 4"));
    EXPECT_EQ(bridge.published(), 0U);
}

TEST_F(RsePublish, ABodyBeyondTheLimitIs413) {  // R77
    EXPECT_EQ(post("/a", "[\"" + std::string(1 << 20, 'x') + "\"]").status, 201U);
    EXPECT_EQ(post("/a", "[\"" + std::string(5 << 20, 'x') + "\"]").status, 413U);
}

TEST_F(RsePublish, EverythingIsCheckedBeforeAnythingIsStored) {  // R78, R112
    settings.test_mode = true;
    EXPECT_EQ(get("/a?method=POST&post-data=[]&callback=alert(1)//").status, 400U);
    EXPECT_EQ(post("/a?callback=a.b", "[]").status, 400U);
    EXPECT_EQ(post("/a?x=%ff", "[]").status, 400U);
    EXPECT_EQ(post("/a%20b", "[]").status, 400U);
    EXPECT_EQ(post("/a", "[]", "").status, 400U);
    EXPECT_EQ(bridge.published(), 0U);
}

TEST_F(RsePublish, ACallbackGetsAnEmptyObject) {  // R3, R79, R111, R161
    settings.test_mode = true;
    for (const auto& response :
         {get("/a?method=POST&post-data=[]&callback=cb"), post("/a?callback=cb", "[]")}) {
        EXPECT_EQ(response.status, 200U);
        EXPECT_EQ(response.body, "cb({});");
        EXPECT_EQ(response.headers.find("Content-Type"), "text/javascript; charset=utf-8");
        EXPECT_EQ(response.headers.find("X-Content-Type-Options"), "nosniff");
        EXPECT_NE(id_of(response), 0U);
    }
}

TEST_F(RsePublish, ThroughJsonpASortMeansNothingAndIsNotLookedAt) {  // R30
    settings.test_mode = true;
    for (const char* sort : {"1", "-1", "none"}) {
        const std::string target =
            "/a?method=POST&post-data=[]&callback=cb&sort=" + std::string{sort};
        EXPECT_EQ(get(target).body, "cb({});") << sort;
    }
    EXPECT_EQ(bridge.published(), 3U);
}

TEST_F(RsePublish, AMemberCalledEventIsAMemberAsAnyOther) {  // R80
    for (const char* body : {R"({"Event":"agent.connected"})", R"({"Event":[1]})"}) {
        post("/a", body);
        EXPECT_THAT(get("/a", other).body, HasSubstr(std::string{"\"data\":"} + body + "}"));
    }
}

TEST_F(RsePublish, InLiveModeJsonpIsOffAndAPostIsAPost) {  // R79, R114
    EXPECT_EQ(get("/a?method=POST&post-data=[]&callback=cb").status, 403U);
    EXPECT_EQ(bridge.published(), 0U);
    EXPECT_EQ(post("/a?callback=cb", "[]").status, 201U);
}

TEST_F(RsePublish, TheMessageCarriesBytesPosterAndClient) {  // R52, R55, H3
    post("/a/b", " {\"x\": 1.0} ");
    support::Answer<BridgeResult<EventPage>> answer;
    bridge.read({}, [&](auto page) { answer.give(std::move(page)); });
    const auto page = answer.take();
    ASSERT_TRUE(page && *page);
    const auto& message = (*page)->events.at(0).message;
    EXPECT_EQ(message.topic(), "org.weft.dev.rse.a.b");
    EXPECT_EQ(message.body(), " {\"x\": 1.0} ");
    EXPECT_EQ(message.content_type(), "application/json");
    EXPECT_EQ(message.header("rse-user-agent"), agent);
    EXPECT_EQ(message.header("rse-uuid"), "0190a5c4-0000-4000-8000-00000000000a");
    EXPECT_EQ(message.header("via"), "http:anonymous");
}

TEST_F(RsePublish, WhatTheFabricAnswersHasAStatusOfItsOwn) {  // R60, R131
    const std::vector<std::pair<Kind, unsigned>> statuses = {
        {Kind::invalid, 400}, {Kind::not_granted, 403},      {Kind::too_large, 413},
        {Kind::busy, 503},    {Kind::journal_away, 503},     {Kind::disk_full, 507},
        {Kind::stopped, 503}, {Kind::not_acknowledged, 503},
    };
    for (const auto& [kind, status] : statuses) {
        bridge.fail_publish(BridgeError{kind, "/var/journal: input/output error"});
        const auto response = post("/a", "[]");
        EXPECT_EQ(response.status, status) << name_of(kind);
        EXPECT_EQ(response.headers.find("Retry-After").has_value(), status >= 500);
        if (status >= 500) {
            EXPECT_THAT(response.body, Not(HasSubstr("/var/journal")));
        }
    }
    bridge.fail_publish(std::nullopt);
    EXPECT_EQ(post("/a", "[]").status, 201U);
}

TEST_F(RsePublish, AChannelOf255BytesAndMoreWorks) {  // R94
    const std::string channel = "/agents/" + std::string(300, 'x');
    EXPECT_EQ(post(channel, "[1]").status, 201U);
    EXPECT_EQ(post(channel + "y", "[2]").status, 201U);
    EXPECT_THAT(ids(get(channel, other)), ElementsAre(1));
    EXPECT_THAT(ids(get("/agents?events=all", other)), ElementsAre(1, 2));
    EXPECT_THAT(ids(get(channel + "?events=all", other)), ElementsAre(1));
    EXPECT_THAT(ids(get(channel + "/z?events=parent", other)), ElementsAre(1));
    EXPECT_EQ(post("/" + std::string(2000, 'x'), "[]").status, 400U);
}

}  // namespace
}  // namespace weft::gateway::rse
