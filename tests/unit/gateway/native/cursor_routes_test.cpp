// Cursors and consumer groups over HTTP, over a journal in memory.

#include "gateway/native/cursor_routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gateway/grants.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/same_thread_room.hpp"
#include "tests/support/streaming_exchange.hpp"

namespace weft::gateway::native {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using support::StreamingExchange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<signing::TopicGlob> globs(const std::vector<std::string>& texts) {
    std::vector<signing::TopicGlob> all;
    for (const std::string& text : texts) all.push_back(*signing::TopicGlob::parse(text));
    return all;
}

TEST(Covers, SaysYesOnlyWhereEverythingIsGranted) {
    const auto yes = [](const char* grant, const char* glob) {
        return covers(globs({grant}), *signing::TopicGlob::parse(glob));
    };
    EXPECT_TRUE(yes("**", "a.*"));
    EXPECT_TRUE(yes("a.**", "a"));
    EXPECT_TRUE(yes("a.**", "a.b.*"));
    EXPECT_TRUE(yes("a.?", "a.?"));
    EXPECT_FALSE(yes("a.?", "a.*"));
    EXPECT_FALSE(yes("a.b.**", "a.*"));
    EXPECT_FALSE(yes("a.**", "ab.c"));
    EXPECT_FALSE(yes("*.b.**", "a.b.c"));
    EXPECT_FALSE(yes("a.**", "**"));
    EXPECT_FALSE(covers({}, *signing::TopicGlob::parse("a")));
}

class CursorsOverHttp : public ::testing::Test {
protected:
    CursorsOverHttp() {
        stop_ = add_cursor_routes(table_, room_, bridge_, clock_, {"org.weft", "dev"});
        anybody_.everything = true;
        ci_.name = "ci";
        ci_.read = globs({"org.weft.dev.git.**"});
    }

    std::shared_ptr<StreamingExchange> send(const std::string& method, const std::string& target,
                                            const std::string& body, const Principal& who) {
        Request request;
        request.method = method;
        request.target = target;
        request.body = body;
        auto exchange = std::make_shared<StreamingExchange>(std::move(request));
        const auto path = path_segments(exchange->request().raw_path());
        const auto query = Query::parse(exchange->request().raw_query().value_or(""));
        table_.serve(*path, {exchange, *query, who, {}});
        return exchange;
    }
    Response ask(const std::string& method, const std::string& target, const std::string& body,
                 const Principal& who) {
        auto response = send(method, target, body, who)->wait();
        if (!response) throw std::runtime_error("no answer to " + method + " " + target);
        return *response;
    }
    Response ask(const std::string& method, const std::string& target,
                 const std::string& body = "") {
        return ask(method, target, body, anybody_);
    }
    void store(int count, const std::string& topic = "git.commit") {
        for (int i = 0; i < count; ++i) bridge_.store({"org.weft.dev." + topic, "{}"});
    }
    static std::vector<int> ids(const Response& response) {
        std::vector<int> ids;
        const json parsed = json::parse(response.body);
        for (const auto& one : parsed["messages"]) {
            ids.push_back(one["journal_id"]);
        }
        return ids;
    }

    support::WallClock clock_;
    support::FakeBridge bridge_{clock_};
    reliability::CursorStore cursors_{bridge_.memory(), clock_};
    reliability::GroupService groups_{cursors_};
    reliability::StoredVerifier verifier_{nullptr};
    support::SameThreadRoom room_{{bridge_.memory(), cursors_, groups_, verifier_}};
    RouteTable table_;
    std::function<void()> stop_;
    Principal anybody_, ci_;
};

TEST_F(CursorsOverHttp, WhoWaitsIsAnsweredAtOnceWhenTheGatewayStops) {
    EXPECT_EQ(ask("PUT", "/v1/cursors/work", R"({"mode": "shared"})").status, 201U);
    const auto waits = send("POST", "/v1/cursors/work/next?wait=60s", "", anybody_);
    EXPECT_FALSE(waits->wait(std::chrono::milliseconds{20}));
    stop_();
    const auto answered = waits->wait(std::chrono::milliseconds{0});
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->status, 200U);
    EXPECT_THAT(ids(*answered), ElementsAre());
    EXPECT_THAT(ids(ask("POST", "/v1/cursors/work/next?wait=60s")), ElementsAre());
}

TEST_F(CursorsOverHttp, MembersOfAGroupShareItsMessagesAndAcknowledgeThem) {
    store(4);
    store(1, "other");
    EXPECT_EQ(ask("PUT", "/v1/cursors/work",
                  R"({"topics": ["git.*"], "start": "beginning", "mode": "shared",
                      "lease": "10s", "max_attempts": 2})")
                  .status,
              201U);
    EXPECT_EQ(ids(ask("POST", "/v1/cursors/work/next?max=2&member=a")), (std::vector<int>{1, 2}));
    EXPECT_EQ(ids(ask("POST", "/v1/cursors/work/next?max=9&member=b")), (std::vector<int>{3, 4}));
    const json answers =
        json::parse(ask("POST", "/v1/cursors/work/ack", R"({"ids": [1, 3], "member": "a"})").body);
    EXPECT_EQ(answers["answers"][0]["is"], "done");
    EXPECT_EQ(answers["answers"][1]["is"], "lost");
    const json view = json::parse(ask("GET", "/v1/cursors/work").body);
    EXPECT_EQ(view["mode"], "shared");
    EXPECT_EQ(view["leased"], 3);
    EXPECT_EQ(view["members"], 2);
}

TEST_F(CursorsOverHttp, WhatIsRefusedTooOftenIsADeadLetterAndComesBackWhenAsked) {
    store(2);
    ask("PUT", "/v1/cursors/work", R"({"start": "beginning", "mode": "shared"})");
    EXPECT_EQ(ids(ask("POST", "/v1/cursors/work/next?max=2")), (std::vector<int>{1, 2}));
    ask("POST", "/v1/cursors/work/nack", R"({"id": 1, "reason": "no such host", "dead": true})");
    ask("POST", "/v1/cursors/work/nack", R"({"id": 2, "reason": "later"})");
    const json dead = json::parse(ask("GET", "/v1/cursors/work/dead").body)["dead"];
    ASSERT_EQ(dead.size(), 1U);
    EXPECT_EQ(dead[0]["id"], 1);
    EXPECT_EQ(dead[0]["reason"], "no such host");
    const Response again = ask("POST", "/v1/cursors/work/next?max=2");
    EXPECT_EQ(ids(again), (std::vector<int>{2}));
    EXPECT_EQ(json::parse(again.body)["messages"][0]["attempt"], 2);
    EXPECT_EQ(ask("POST", "/v1/cursors/work/dead", R"({"retry": [1]})").status, 200U);
    EXPECT_EQ(ids(ask("POST", "/v1/cursors/work/next?max=2")), (std::vector<int>{1}));
}

TEST_F(CursorsOverHttp, APlainCursorIsReadAndMovedByItsReader) {
    store(3);
    EXPECT_EQ(ask("PUT", "/v1/cursors/mine", R"({"start": "beginning"})").status, 201U);
    EXPECT_EQ(ids(ask("POST", "/v1/cursors/mine/next?max=2")), (std::vector<int>{1, 2}));
    EXPECT_EQ(json::parse(ask("POST", "/v1/cursors/mine/ack", R"({"ids": [1, 2]})").body)["lag"],
              1);
    EXPECT_EQ(ids(ask("POST", "/v1/cursors/mine/next?max=9")), (std::vector<int>{3}));
    ask("POST", "/v1/cursors/mine/set", R"({"to": "beginning"})");
    EXPECT_EQ(ids(ask("POST", "/v1/cursors/mine/next?max=9")), (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(json::parse(ask("GET", "/v1/cursors").body)["cursors"].size(), 1U);
    EXPECT_EQ(ask("DELETE", "/v1/cursors/mine").status, 204U);
    EXPECT_EQ(ask("GET", "/v1/cursors/mine").status, 404U);
}

TEST_F(CursorsOverHttp, NextWaitsUntilSomethingComes) {
    ask("PUT", "/v1/cursors/work", R"({"topics": ["git.*"], "mode": "keyed"})");
    std::thread later([this] { store(1); });
    EXPECT_EQ(ids(ask("POST", "/v1/cursors/work/next?wait=9s")), (std::vector<int>{1}));
    later.join();
    EXPECT_TRUE(ids(ask("POST", "/v1/cursors/work/next?wait=20ms")).empty());
}

TEST_F(CursorsOverHttp, ATokenHasCursorsOfWhatItMayReadAndNoOthers) {
    store(1);
    EXPECT_EQ(ask("PUT", "/v1/cursors/all", R"({"start": "beginning"})", ci_).status, 403U);
    EXPECT_EQ(ask("PUT", "/v1/cursors/git", R"({"topics": ["git.*"]})", ci_).status, 201U);
    ask("PUT", "/v1/cursors/wiki", R"({"topics": ["wiki.*"]})");
    for (const char* method : {"GET", "DELETE"}) {
        EXPECT_EQ(ask(method, "/v1/cursors/wiki", "", ci_).status, 403U);
    }
    EXPECT_EQ(ask("PUT", "/v1/cursors/wiki", R"({"topics": ["git.*"]})", ci_).status, 403U)
        << "one of others is not taken over by naming it";
    EXPECT_EQ(ask("POST", "/v1/cursors/wiki/next", "", ci_).status, 403U);
    EXPECT_EQ(json::parse(ask("GET", "/v1/cursors", "", ci_).body)["cursors"].size(), 1U);
}

TEST_F(CursorsOverHttp, SayWhatIsWrong) {
    ask("PUT", "/v1/cursors/work", R"({"mode": "shared"})");
    struct Wrong {
        const char *method, *target, *body, *says;
        unsigned status;
    };
    for (const Wrong& wrong : {
             Wrong{"PUT", "/v1/cursors/Bad", "{}", "lower-case", 400},
             Wrong{"PUT", "/v1/cursors/a", "[]", "JSON object", 400},
             Wrong{"PUT", "/v1/cursors/a", "{", "not JSON", 400},
             Wrong{"PUT", "/v1/cursors/a", R"({"topics": ["a.**b"]})", "topics", 400},
             Wrong{"PUT", "/v1/cursors/a", R"({"start": "then"})", "start", 400},
             Wrong{"PUT", "/v1/cursors/a", R"({"mode": "all"})", "mode", 400},
             Wrong{"PUT", "/v1/cursors/a", R"({"mode": "shared", "lease": "2d"})", "lease", 400},
             Wrong{"PUT", "/v1/cursors/a", R"({"mode": "shared", "max_attempts": 0})",
                   "max_attempts", 400},
             Wrong{"POST", "/v1/cursors/gone/next", "", "gone", 404},
             Wrong{"POST", "/v1/cursors/work/next?max=0", "", "max", 400},
             Wrong{"POST", "/v1/cursors/work/next?wait=2h", "", "wait", 400},
             Wrong{"POST", "/v1/cursors/work/next?lease=0s", "", "lease", 400},
             Wrong{"POST", "/v1/cursors/work/next?member=Bad", "", "member", 400},
             Wrong{"POST", "/v1/cursors/work/ack", R"({"ids": 7})", "ids", 400},
             Wrong{"POST", "/v1/cursors/work/ack", R"({"ids": [-1]})", "ids", 400},
             Wrong{"POST", "/v1/cursors/work/nack", "{}", "id", 400},
             Wrong{"POST", "/v1/cursors/work/nack", R"({"id": 1, "delay": "x"})", "delay", 400},
             Wrong{"POST", "/v1/cursors/work/set", "{}", "to", 400},
         }) {
        const Response refused = ask(wrong.method, wrong.target, wrong.body);
        EXPECT_EQ(refused.status, wrong.status) << wrong.target << " " << refused.body;
        EXPECT_THAT(refused.body, HasSubstr(wrong.says));
    }
}

TEST_F(CursorsOverHttp, WhenTooMuchWaitsThatIsSaid) {
    room_.full = true;
    const Response refused = ask("GET", "/v1/cursors");
    EXPECT_EQ(refused.status, 503U);
    EXPECT_TRUE(refused.headers.find("Retry-After"));
}

}  // namespace
}  // namespace weft::gateway::native
