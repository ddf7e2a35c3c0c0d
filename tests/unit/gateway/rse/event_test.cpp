#include "gateway/rse/event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fabric/message/value.hpp"

namespace {

using namespace weft;
using namespace weft::gateway::rse;

constexpr std::uint64_t second = 1'000'000;

fabric::Message message(std::string_view body, std::string_view content_type,
                        fabric::HeaderList headers = {}) {
    fabric::DecodedContent content;
    content.header.content_type = content_type;
    content.header.headers = std::move(headers);
    content.header.source = "service";
    content.body = body;
    return {std::make_shared<fabric::RunBytes>("org.weft.dev.rse.a", "", ""), content, {}, {}};
}

std::string written(const gateway::StoredEvent& event, std::uint64_t now_us,
                    const std::optional<std::string>& channel = std::nullopt) {
    std::string out;
    append_event(event, now_us, 512, channel, out);
    return out;
}

TEST(RseEvent, IsTheTopicsMessageWithThePostersWords) {
    const ChannelTopics topics("org.weft.dev.rse");
    const auto request = event_of(*Channel::parse("/a/b"), topics, {"App/1 uuid/X", "x"}, "[ 1 ]");
    EXPECT_EQ(request.topic, "org.weft.dev.rse.a.b");
    EXPECT_EQ(request.body, "[ 1 ]");
    EXPECT_EQ(request.content_type, "application/json");
    EXPECT_EQ(request.mode, gateway::PublishRequest::Mode::durable);
    EXPECT_THAT(request.headers,
                ::testing::ElementsAre(::testing::Pair("rse-user-agent", "App/1 uuid/X"),
                                       ::testing::Pair("rse-uuid", "x")));
}

TEST(RseEvent, IsOwnByUuidWithoutRegardToCaseAndNobodysWithoutOne) {  // R41, R141, R157
    const auto posted = message("[]", "application/json", {{uuid_header, "aB"}});
    EXPECT_TRUE(is_own(posted, "ab"));
    EXPECT_FALSE(is_own(posted, "abc"));
    EXPECT_FALSE(is_own(posted, ""));
    EXPECT_FALSE(is_own(message("[]", "application/json"), ""));
    EXPECT_FALSE(is_own(message("[]", "application/json"), "e"));
}

TEST(RseEvent, IsWrittenWithItsFiveMembers) {  // R51, R52, R53, R54
    const gateway::StoredEvent event{
        274, 1'237'209'929 * second + 999'999,
        message("{ \"a\" : 1.0 }", "application/json", {{user_agent_header, "App \"x\"\t\\"}})};
    EXPECT_EQ(written(event, event.stored_us + 72 * second),
              R"({"id":274,"user_agent":"App \"x\"\t\\","created_at":"2009-03-16 13:25:29Z",)"
              R"("age":72,"data":{ "a" : 1.0 }})");
}

TEST(RseEvent, AgeIsNeverNegativeAndDoesNotWrap) {  // R54
    const gateway::StoredEvent event{1, 1000 * second, message("[]", "application/json")};
    EXPECT_THAT(written(event, 1), ::testing::HasSubstr(R"("age":0,)"));
    EXPECT_THAT(written(event, 1000 * second + 3 * 86'400 * second),
                ::testing::HasSubstr(R"("age":259200,)"));
}

TEST(RseEvent, SaysItsChannelWhereSeveralAreRead) {  // R50
    const gateway::StoredEvent event{1, 1, message("[]", "application/json")};
    EXPECT_THAT(written(event, 1, "/a"), ::testing::HasSubstr(R"("channel":"/a","data":[])"));
}

TEST(RseEvent, PostedTextComesBackByteForByte) {  // R55, R73, R75, R76
    for (const char* text : {" {\"a\":1,\"a\":2}\n", "[1.50, -0, 1e+3]", "[\"\\ud800\\/\"]"}) {
        EXPECT_EQ(data_of(message(text, "application/json"), 512), text);
    }
    const std::string deep = std::string(200, '[') + std::string(200, ']');
    EXPECT_EQ(data_of(message(deep, "application/json"), 512), deep);
}

TEST(RseEvent, AnyBodyOfTheFabricIsJsonForPollers) {
    EXPECT_EQ(data_of(message("42", "application/json"), 512), "42");
    EXPECT_EQ(data_of(message("42", "text/plain"), 512), "\"42\"");
    EXPECT_EQ(data_of(message("{broken", "application/json"), 512), "\"{broken\"");
    EXPECT_EQ(data_of(message("\xFF\x00", "image/png"), 512), R"({"base64":"/w=="})");
    const std::string msgpack = *fabric::to_msgpack({{"files", 3}});
    EXPECT_EQ(data_of(message(msgpack, ""), 512), R"({"files":3})");
    EXPECT_EQ(user_agent_of(message("1", "")), "service");
}

TEST(RseEvent, ACallbackGetsNoLineEndsThatOldScriptsSee) {  // R110, R111, R113
    EXPECT_EQ(with_callback("cb", "{}"), "cb({});");
    EXPECT_EQ(with_callback("cb", "[\"a\u2028b\u2029c\u2027\"]"),
              "cb([\"a\\u2028b\\u2029c\u2027\"]);");
    EXPECT_EQ(with_callback("cb", "[\"\xE2"), "cb([\"\xE2);");
}

}  // namespace
