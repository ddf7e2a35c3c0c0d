#include "gateway/routemaster/event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/routemaster/address.hpp"
#include "gateway/routemaster/names.hpp"

namespace weft::gateway::routemaster {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Event good(const std::string& json, std::uint64_t data_max = 64) {
    auto event = Event::parse(json, data_max);
    if (!event) throw std::runtime_error(event.error() + " in " + json);
    return *event;
}

std::string bad(const std::string& json, std::uint64_t data_max = 64) {
    const auto event = Event::parse(json, data_max);
    EXPECT_FALSE(event) << json;
    return event ? "" : event.error();
}

std::string with(const std::string& members) {
    return R"({"type":"create","url":"https://a.example/1",)" + members + "}";
}

TEST(RoutemasterNames, OfTopicsAreOneToSixtyFourSmallLettersAndUnderscores) {  // M30
    EXPECT_TRUE(is_topic_name("widgets"));
    EXPECT_TRUE(is_topic_name("_"));
    EXPECT_TRUE(is_topic_name(std::string(64, 'a')));
    for (const std::string& name :
         {std::string{}, std::string(65, 'a'), std::string{"Widgets"}, std::string{"a-b"},
          std::string{"a1"}, std::string{"a.b"}, std::string{"foo\nBAR"}, std::string{"foo\n"},
          std::string{"a\0b", 3}, std::string{"\xC3\xA4"}}) {
        EXPECT_FALSE(is_topic_name(name)) << name;
    }
}

TEST(RoutemasterNames, OfClientsHaveNoColonThatBasicCouldNotCarry) {  // M23
    EXPECT_TRUE(is_client_name("shop--0f3a_91"));
    EXPECT_TRUE(is_client_name(std::string(64, '9')));
    for (const std::string& name : {std::string{}, std::string(65, 'a'), std::string{"a:b"},
                                    std::string{"A"}, std::string{"a b"}, std::string{"a\n"}}) {
        EXPECT_FALSE(is_client_name(name)) << name;
    }
    EXPECT_EQ(public_part("shop--0f3a91"), "shop");
    EXPECT_EQ(public_part("audit"), "audit");
    EXPECT_EQ(public_part("--0f3a91"), "client") << "the secret is never the name";
}

TEST(RoutemasterNames, AreTopicsBelowTheRoot) {
    EXPECT_EQ(topic_of("org.weft.dev.routemaster", "widgets"), "org.weft.dev.routemaster.widgets");
    EXPECT_EQ(name_in("a.b", "a.b.widgets"), "widgets");
    for (const char* topic : {"a.b", "a.b.", "a.bwidgets", "a.b.c.d", "a.b.C", "x.b.widgets"}) {
        EXPECT_FALSE(name_in("a.b", topic)) << topic;
    }
}

TEST(RoutemasterEvents, HaveOneOfFourTypesInTheirVeryLetters) {  // M40
    for (const std::string type : {"create", "update", "delete", "noop"}) {
        EXPECT_EQ(good(R"({"type":")" + type + R"(","url":"https://a.example"})").type, type);
    }
    for (const char* type :
         {R"("Create")", R"("")", "null", "1", R"(["create"])", R"("creates")"}) {
        EXPECT_THAT(bad(std::string{R"({"url":"https://a.example","type":)"} + type + "}"),
                    HasSubstr("create, update, delete, noop"));
    }
    EXPECT_THAT(bad(R"({"url":"https://a.example"})"), HasSubstr("type"));
}

TEST(RoutemasterEvents, NameAnAbsoluteHttpsUrlOfAtMost1024Bytes) {  // M41
    for (const char* url : {"https://a", "https://a.example/x?y=1&z=%20#f", "HTTPS://a.example",
                            "https://[::1]:8443/", "https://user:pw@a.example:443/x",
                            "https://a.example?q", "https://127.0.0.1/"}) {
        EXPECT_EQ(good(R"({"type":"create","url":")" + std::string{url} + "\"}").url, url);
    }
    for (const char* url : {"",
                            "http://a.example",
                            "a.example/x",
                            "/x",
                            "//a.example",
                            "https:a.example",
                            "https://",
                            "https:///x",
                            "https://:443/",
                            "https://a b",
                            "https://a/\\\\x",
                            "https://a/%zz",
                            "https://a/%2",
                            "https://a:port/",
                            "https://a:99999/",
                            "https://a:0/",
                            "https://[::1/",
                            "https://[zz]/",
                            "https://a/\\u0000",
                            "https://a/\\n",
                            "https://\\u00e4.example",
                            "https://a/[x]",
                            "https://a#b#c",
                            "https://@",
                            "ftp://a",
                            "javascript:alert(1)"}) {
        EXPECT_THAT(bad(R"({"type":"create","url":")" + std::string{url} + "\"}"), HasSubstr("url"))
            << url;
    }
    for (const char* url : {"1", "null", "true", "{}", R"(["https://a"])"}) {
        EXPECT_THAT(bad(std::string{R"({"type":"create","url":)"} + url + "}"), HasSubstr("url"));
    }
    const std::string longest = "https://a.example/" + std::string(1024 - 18, 'x');
    EXPECT_EQ(good(R"({"type":"create","url":")" + longest + "\"}").url, longest);
    EXPECT_THAT(bad(R"({"type":"create","url":")" + longest + "x\"}"), HasSubstr("1024"));
}

TEST(RoutemasterEvents, MayHaveATimestampThatIsAWholeNumberOfMilliseconds) {  // M42
    EXPECT_EQ(good(with(R"("timestamp":1609459200123)")).timestamp, 1609459200123);
    EXPECT_EQ(good(with(R"("timestamp":1609459200123.0)")).timestamp, 1609459200123);
    EXPECT_EQ(good(with(R"("timestamp":1.5e3)")).timestamp, 1500);
    EXPECT_EQ(good(with(R"("timestamp":null)")).timestamp, std::nullopt);
    for (const char* value : {R"("1609459200123")", "1.5", "true", "[]", "{}", "1e300",
                              "18446744073709551615", "99999999999999999999", "-1e300"}) {
        EXPECT_THAT(bad(with(R"("timestamp":)" + std::string{value})), HasSubstr("timestamp"));
    }
}

TEST(RoutemasterEvents, MayHaveDataOfAnyJsonWithinABoundInMsgpack) {  // M43
    for (const char* data : {"{}", "[]", R"({"a":[1,2.50,null]})", "1", "0", "false", R"("x")",
                             "12345678901234567890123"}) {
        EXPECT_EQ(good(with(R"("data":)" + std::string{data})).data, data);
    }
    EXPECT_EQ(good(with(R"("data":null)")).data, std::nullopt);
    // A text of 62 bytes has 64 as msgpack.
    EXPECT_TRUE(good(with(R"("data":")" + std::string(62, 'x') + "\"")).data);
    EXPECT_THAT(bad(with(R"("data":")" + std::string(63, 'x') + "\"")), HasSubstr("65 bytes"));
    EXPECT_TRUE(good(with(R"("data":")" + std::string(63, 'x') + "\""), 65).data);
    // {"a": <60 bytes of text>}: 1 + 2 + 2 + 59.
    EXPECT_TRUE(good(with(R"("data":{"a":")" + std::string(59, 'x') + "\"}")).data);
    EXPECT_FALSE(Event::parse(with(R"("data":{"a":")" + std::string(60, 'x') + "\"}"), 64));
}

TEST(RoutemasterEvents, HaveNoOtherMembers) {  // M44
    EXPECT_THAT(bad(with(R"("topic":"x")")), HasSubstr("topic"));
    EXPECT_THAT(bad(with(R"("":1)")), HasSubstr("unknown key"));
    EXPECT_THAT(bad(with(R"("\u0000\n":1)")), ::testing::Not(HasSubstr("\n")));
}

TEST(RoutemasterEvents, AreJsonObjects) {  // M45
    std::string deep(100'000, '[');
    for (const std::string& text :
         {std::string{}, std::string{"x"}, std::string{"[]"}, std::string{"null"},
          std::string{"\"a\""}, std::string{"{"}, std::string{"{}{}"}, deep,
          with("\"data\":" + deep), std::string{"\xEF\xBB\xBF{}"}, std::string{"\xFF\xFE"},
          std::string{"\0", 1}, with(R"("data":"\ud800")"), with(R"("data":1e400)")}) {
        EXPECT_THAT(bad(text), ::testing::Not(IsEmpty()));
    }
}

TEST(RoutemasterEvents, ComeBackFromTheBodyThatTheyArePublishedWith) {
    const Event event = good(with(R"("timestamp":5,"data":{"b":1,"a":2.50})"));
    const Event again = good(event.body());
    EXPECT_EQ(again.type, event.type);
    EXPECT_EQ(again.url, event.url);
    EXPECT_EQ(again.timestamp, 5);
    EXPECT_EQ(again.data, R"({"b":1,"a":2.50})");
}

TEST(RoutemasterEvents, AreDeliveredWithTopicTypeUrlAndTime) {  // M60
    EXPECT_EQ(good(R"({"type":"noop","url":"https://a/1"})").delivered("widgets", 17),
              R"({"topic":"widgets","type":"noop","url":"https://a/1","t":17})");
    EXPECT_EQ(good(R"({"type":"noop","url":"https://a/1","data":{}})").delivered("widgets", 17),
              R"({"topic":"widgets","type":"noop","url":"https://a/1","t":17,"data":{}})");
}

TEST(RoutemasterAddresses, OfCallbacksMayBePlainForDevelopmentAlone) {  // M51
    EXPECT_THAT(address_error("callback", "http://a.example", Schemes::https), HasSubstr("https"));
    EXPECT_EQ(address_error("callback", "http://a.example", Schemes::http_too), "");
    EXPECT_NE(address_error("callback", "gopher://a.example", Schemes::http_too), "");
}

}  // namespace
}  // namespace weft::gateway::routemaster
