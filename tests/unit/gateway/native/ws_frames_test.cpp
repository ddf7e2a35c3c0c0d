// The frames of the native WebSocket: what is understood, and what is said to what is not.

#include "gateway/native/ws_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fabric/message/json_form.hpp"

namespace weft::gateway::native {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Bad {
    const char* frame;
    const char* says;
};

class WsFramesThatAreRefused : public ::testing::TestWithParam<Bad> {};

TEST_P(WsFramesThatAreRefused, SayWhatWouldBeRight) {
    const auto request = ws_request(GetParam().frame);
    ASSERT_FALSE(request) << GetParam().frame;
    EXPECT_THAT(request.error().sentence, HasSubstr(GetParam().says));
    EXPECT_EQ(json::parse(ws_error(request.error()))["op"], "error");
}

INSTANTIATE_TEST_SUITE_P(
    All, WsFramesThatAreRefused,
    ::testing::Values(Bad{"", "not JSON"}, Bad{"[1", "not JSON"}, Bad{"[]", "a JSON object"},
                      Bad{"{}", "`op` is missing"}, Bad{R"({"op":7})", "`op` is missing"},
                      Bad{R"({"op":"\u0000shout"})", "is not known"},
                      Bad{R"({"op":"subscribe"})", "id: the name"},
                      Bad{R"({"op":"subscribe","id":""})", "id: the name"},
                      Bad{R"({"op":"subscribe","id":7})", "id: the name"},
                      Bad{R"({"op":"unsubscribe"})", "id: the name"},
                      Bad{R"({"op":"subscribe","id":"s","topics":7})", "a list of globs"},
                      Bad{R"({"op":"subscribe","id":"s","topics":["a",7]})", "a list of globs"},
                      Bad{R"({"op":"subscribe","id":"s","after":-1})", "after:"},
                      Bad{R"({"op":"subscribe","id":"s","after":[]})", "after:"},
                      Bad{R"({"op":"subscribe","id":"s","credit":"x"})", "credit:"},
                      Bad{R"({"op":"subscribe","id":"s","credit":-1})", "credit:"},
                      Bad{R"({"op":"subscribe","id":"s","cursor":1})", "cursor:"},
                      Bad{R"({"op":"subscribe","id":"s","member":1})", "member:"},
                      Bad{R"({"op":"subscribe","id":"s","credits":1})", "'credits' is no member"},
                      Bad{R"({"op":"credit","id":"s"})", "at least 1"},
                      Bad{R"({"op":"credit","id":"s","messages":0})", "at least 1"},
                      Bad{R"({"op":"credit","id":"s","messages":1.5})", "at least 1"},
                      Bad{R"({"op":"ack","id":"s"})", "through:"},
                      Bad{R"({"op":"ack","id":"s","through":0})", "through:"},
                      Bad{R"({"op":"publish","body":{}})", "topic:"},
                      Bad{R"({"op":"publish","topic":"a","bodies":1})", "'bodies' is no member"}));

TEST(WsFrames, ThatAreNoJsonAreToldFromThoseThatAreWrong) {
    EXPECT_FALSE(ws_request("{\"op\":").error().is_json);
    EXPECT_TRUE(ws_request("7").error().is_json);
    EXPECT_FALSE(ws_request(std::string(40, '[') + std::string(40, ']')).error().is_json)
        << "deeper than our JSON";
}

TEST(WsFrames, RefusalsNameTheFrameThatIsMeant) {
    const auto refused = ws_request(R"({"op":"what","ref":{"n":1},"id":"s1"})");
    const json error = json::parse(ws_error(refused.error()));
    EXPECT_EQ(error["ref"], (json{{"n", 1}}));
    EXPECT_EQ(error["id"], "s1");
    EXPECT_EQ(error["status"], 400);
    const auto long_ref = ws_request(R"({"op":"ping","ref":")" + std::string(300, 'x') + "\"}");
    EXPECT_THAT(long_ref.error().sentence, HasSubstr("at most 256 bytes"));
    const auto long_id = ws_request(R"({"op":"unsubscribe","id":")" + std::string(65, 'x') + "\"}");
    EXPECT_THAT(long_id.error().sentence, HasSubstr("1 to 64 bytes"));
}

TEST(WsFrames, SubscribeHasTopicsAPlaceAndCredit) {
    const auto request = ws_request(
        R"({"op":"subscribe","id":"s1","topics":["git.*","a"],"after":"last:5","credit":0})");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->op, WsRequest::Op::subscribe);
    EXPECT_EQ(request->id, "s1");
    EXPECT_EQ(request->about, R"("id":"s1")");
    EXPECT_THAT(request->topics, ElementsAre("git.*", "a"));
    EXPECT_EQ(request->after, "last:5");
    EXPECT_EQ(request->credit, 0U);
    EXPECT_EQ(ws_request(R"({"op":"subscribe","id":"s","after":17})")->after, "17");
    EXPECT_THAT(ws_request(R"({"op":"subscribe","id":"s","topics":"a"})")->topics,
                ElementsAre("a"));
    EXPECT_FALSE(ws_request(R"({"op":"subscribe","id":"s"})")->credit);
}

TEST(WsFrames, CreditAndAckHaveNumbers) {
    EXPECT_EQ(ws_request(R"({"op":"credit","id":"s","messages":9})")->credit, 9U);
    EXPECT_EQ(ws_request(R"({"op":"ack","id":"s","through":4711})")->through, 4711U);
}

TEST(WsFrames, HowToPublishBecomesTheQueryOfTheRoute) {
    const auto query = [](const char* text) { return ws_publish_query(*fabric::from_json(text)); };
    EXPECT_EQ(query(R"({"topic":"a","durable":true})"), "durable=true");
    EXPECT_EQ(query(R"({"recipients":["a","b"],"level":"stored","ack_timeout":"1s"})"),
              "recipients=a%2Cb&level=stored&ack_timeout=1s");
    EXPECT_EQ(query(R"({"recipients":"any(a, b)&durable=true"})"),
              "recipients=any%28a%2C%20b%29%26durable%3Dtrue");
}

TEST(WsFrames, OfTheServerAreJson) {
    const json message = json::parse(ws_message(ws_about_id("s\"1"), R"({"topic":"a"})"));
    EXPECT_EQ(message, (json{{"op", "message"}, {"id", "s\"1"}, {"message", {{"topic", "a"}}}}));
    EXPECT_EQ(json::parse(ws_gap("\"id\":\"s\"", {1, 9, 5})),
              (json{{"op", "gap"}, {"id", "s"}, {"from", 1}, {"to", 9}, {"lost", 5}}));
    EXPECT_EQ(json::parse(ws_gap("\"id\":\"s\"", {1, 9, std::nullopt}))["lost"], nullptr);
    EXPECT_EQ(json::parse(ws_end("stops\n")), (json{{"op", "end"}, {"reason", "stops\n"}}));
    EXPECT_EQ(json::parse(ws_verdict("\"ref\":1", true, R"({"id":"x"})")),
              (json{{"op", "published"}, {"ref", 1}, {"id", "x"}}));
    EXPECT_EQ(json::parse(ws_said("pong", {})), (json{{"op", "pong"}}));
}

}  // namespace
}  // namespace weft::gateway::native
