#include "gateway/routemaster/subscribe_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::gateway::routemaster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

auto parse(const std::string& json) {
    return SubscribeRequest::parse(json, Schemes::https, 5);
}
SubscribeRequest good(const std::string& json) {
    auto request = parse(json);
    if (!request) throw std::runtime_error(request.error());
    return *request;
}
std::string bad(const std::string& json) {
    const auto request = parse(json);
    EXPECT_FALSE(request) << json;
    return request ? "" : request.error();
}
std::string with(const std::string& members) {
    return R"({"topics":["a"],"callback":"https://r.example/x",)" + members + "}";
}

TEST(RoutemasterSubscribe, ListsTopicsEachOnce) {  // M50
    EXPECT_THAT(good(R"({"topics":["b","a","b"],"callback":"https://r"})").topics,
                ElementsAre("b", "a"));
    EXPECT_THAT(good(R"({"topics":[],"callback":"https://r"})").topics, IsEmpty());
    for (const char* topics : {R"("a")", "null", "{}", "1", R"(["A"])", R"([""])", "[1]", "[null]",
                               R"(["a",["b"]])", R"(["a\nb"])", R"(["a.b"])", R"(["**"])"}) {
        EXPECT_THAT(bad(std::string{R"({"callback":"https://r","topics":)"} + topics + "}"),
                    HasSubstr("topics"))
            << topics;
    }
    EXPECT_THAT(bad(R"({"callback":"https://r"})"), HasSubstr("topics"));
    EXPECT_THAT(bad(R"({"callback":"https://r","topics":["a","b","c","d","e","f"]})"),
                HasSubstr("at most 5"));
}

TEST(RoutemasterSubscribe, NamesACallbackWithTls) {  // M51
    EXPECT_EQ(good(R"({"topics":[],"callback":"https://r.example/x?y=1"})").callback,
              "https://r.example/x?y=1");
    for (const char* callback : {R"("http://r")", "1", "null", R"("")", R"("r")", "[]"}) {
        EXPECT_THAT(bad(std::string{R"({"topics":[],"callback":)"} + callback + "}"),
                    HasSubstr("callback"));
    }
    EXPECT_TRUE(
        SubscribeRequest::parse(R"({"topics":[],"callback":"http://r"})", Schemes::http_too, 5));
}

TEST(RoutemasterSubscribe, MayHaveACredentialForDeliveries) {  // M52
    EXPECT_EQ(good(with(R"("uuid":"s3cret")")).uuid, "s3cret");
    EXPECT_EQ(good(with(R"("uuid":null)")).uuid, std::nullopt);
    for (const char* uuid : {"1", "[]", "true", "{}"}) {
        EXPECT_THAT(bad(with(R"("uuid":)" + std::string{uuid})), HasSubstr("uuid"));
    }
    EXPECT_THAT(bad(with(R"("uuid":")" + std::string(2000, 'x') + "\"")), HasSubstr("uuid"));
}

TEST(RoutemasterSubscribe, BoundsTimeoutAndMax) {  // M53, M54
    EXPECT_EQ(good(with(R"("timeout":0)")).timeout, std::chrono::milliseconds(0));
    EXPECT_EQ(good(with(R"("timeout":3600000)")).timeout, std::chrono::hours(1));
    EXPECT_EQ(good(with(R"("timeout":null)")).timeout, std::nullopt);
    EXPECT_EQ(good(with(R"("max":1)")).max, 1U);
    EXPECT_EQ(good(with(R"("max":10000)")).max, 10'000U);
    for (const char* value :
         {"-1", "3600001", R"("500")", "500.0", "1.5", "true", "1e99", "18446744073709551615"}) {
        EXPECT_THAT(bad(with(R"("timeout":)" + std::string{value})), HasSubstr("timeout"));
    }
    for (const char* value : {"0", "-1", "10001", R"("1")", "1.0", "[]"}) {
        EXPECT_THAT(bad(with(R"("max":)" + std::string{value})), HasSubstr("max"));
    }
}

TEST(RoutemasterSubscribe, HasNoOtherMembersAndIsAnObject) {  // M55
    EXPECT_THAT(bad(with(R"("retain":1)")), HasSubstr("retain"));
    for (const char* text : {"", "[]", "1", "null", "{", "\xFF"}) {
        EXPECT_THAT(bad(text), HasSubstr("body"));
    }
}

}  // namespace
}  // namespace weft::gateway::routemaster
