// Which messages a webhook wants, by the fields of their bodies.

#include "gateway/webhooks/condition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fabric/message/json_form.hpp"

namespace weft::gateway::webhooks {
namespace {

using ::testing::HasSubstr;

tl::expected<Conditions, std::string> parse(const std::string& text) {
    return Conditions::parse(nlohmann::json::parse(text));
}

constexpr const char* body = R"({"commit": {"branch": "main", "files": [{"name": "a.cpp"}],
    "lines": 12, "ratio": 0.5, "merge": false, "by": null}, "big": 9007199254740993})";

TEST(Conditions, HoldOrNotForTheFieldsOfABody) {
    const struct {
        const char* condition;
        bool holds;
    } table[] = {
        {R"({"path":"commit.branch","eq":"main"})", true},
        {R"({"path":"commit.branch","eq":"dev"})", false},
        {R"({"path":"commit.nothing","eq":"main"})", false},
        {R"({"path":"commit.branch","ne":"dev"})", true},
        {R"({"path":"commit.branch","ne":"main"})", false},
        {R"({"path":"commit.nothing","ne":"main"})", true},
        {R"({"path":"commit.branch","in":["dev","main"]})", true},
        {R"({"path":"commit.branch","in":["dev",1]})", false},
        {R"({"path":"commit.lines","eq":12.0})", true},
        {R"({"path":"commit.lines","eq":"12"})", false},
        {R"({"path":"commit.merge","eq":false})", true},
        {R"({"path":"commit.by","eq":null})", true},
        {R"({"path":"commit.nothing","eq":null})", false},
        {R"({"path":"commit.files","eq":null})", false},
        {R"({"path":"commit.lines","gt":11})", true},
        {R"({"path":"commit.lines","gt":12})", false},
        {R"({"path":"commit.lines","ge":12})", true},
        {R"({"path":"commit.ratio","lt":1})", true},
        {R"({"path":"commit.ratio","le":0.4})", false},
        {R"({"path":"commit.lines","gt":"1"})", false},
        {R"({"path":"commit.branch","gt":"lain"})", true},
        {R"({"path":"big","eq":9007199254740992})", false},
        {R"({"path":"big","gt":9007199254740992})", true},
        {R"({"path":"commit.files","exists":true})", true},
        {R"({"path":"commit.by","exists":true})", true},
        {R"({"path":"commit.nothing","exists":false})", true},
        {R"({"path":"commit.nothing","exists":true})", false},
        {R"({"path":"commit.files.0.name","matches":"*.cpp"})", true},
        {R"({"path":"commit.files.0.name","matches":"?.cpp"})", true},
        {R"({"path":"commit.files.0.name","matches":"*.hpp"})", false},
        {R"({"path":"commit.files.0.name","prefix":"a."})", true},
        {R"({"path":"commit.files.0.name","prefix":"b"})", false},
        {R"({"path":"commit.lines","matches":"*"})", false},
        {R"({"path":"commit.files.1.name","exists":true})", false},
    };
    const auto value = *fabric::from_json(body);
    for (const auto& row : table) {
        const auto conditions = parse("[" + std::string{row.condition} + "]");
        ASSERT_TRUE(conditions) << row.condition << ": " << conditions.error();
        EXPECT_EQ(conditions->hold(value), row.holds) << row.condition;
    }
}

TEST(Conditions, AllOfThemMustHold) {
    const auto value = *fabric::from_json(body);
    EXPECT_TRUE(parse("[]")->hold(value));
    EXPECT_TRUE(parse(R"([{"path":"big","gt":1},{"path":"commit.lines","lt":13}])")->hold(value));
    EXPECT_FALSE(parse(R"([{"path":"big","gt":1},{"path":"commit.lines","lt":12}])")->hold(value));
}

TEST(Conditions, ABodyThatIsNoObjectHasNoFields) {
    EXPECT_FALSE(parse(R"([{"path":"a","eq":1}])")->hold(fabric::Value("text")));
    EXPECT_TRUE(parse(R"([{"path":"a","exists":false}])")->hold(fabric::Value{}));
}

TEST(Conditions, SayWhatWouldBeRight) {
    for (const char* text :
         {R"({})", R"([1])", R"([{"eq":1}])", R"([{"path":"","eq":1}])", R"([{"path":"a"}])",
          R"([{"path":"a","eq":1,"ne":2}])", R"([{"path":"a","regex":".*"}])",
          R"([{"path":"a","eq":[1]}])", R"([{"path":"a","eq":{}}])", R"([{"path":"a","in":[]}])",
          R"([{"path":"a","in":[[1]]}])", R"([{"path":"a","gt":true}])",
          R"([{"path":"a","exists":1}])", R"([{"path":"a","matches":1}])",
          R"([{"path":"a","prefix":null}])", R"([{"path":1,"eq":1}])"}) {
        const auto conditions = parse(text);
        ASSERT_FALSE(conditions) << text;
        EXPECT_THAT(conditions.error(), HasSubstr("where")) << text;
    }
}

TEST(Conditions, AreBounded) {
    using nlohmann::json;
    const json one{{"path", "a"}, {"eq", 1}};
    EXPECT_TRUE(Conditions::parse(json(16, one)));
    EXPECT_FALSE(Conditions::parse(json(17, one)));
    EXPECT_FALSE(Condition::parse({{"path", std::string(256, 'a')}, {"eq", 1}}));
    EXPECT_FALSE(Condition::parse({{"path", "a"}, {"eq", std::string(1025, 'a')}}));
    EXPECT_FALSE(Condition::parse({{"path", "a"}, {"in", json(101, json(1))}}));
}

TEST(Conditions, ReadBackWhatTheyWrite) {
    const auto conditions = parse(R"([{"path":"a","in":[1,"b",null]}])");
    EXPECT_EQ(Conditions::parse(conditions->json())->json(), conditions->json());
}

TEST(MatchesWhole, KnowsStarsAndQuestionMarks) {
    EXPECT_TRUE(matches_whole("*", ""));
    EXPECT_TRUE(matches_whole("a*b*c", "aXbXbXc"));
    EXPECT_FALSE(matches_whole("a*b*c", "aXbXbX"));
    EXPECT_FALSE(matches_whole("", "a"));
    EXPECT_TRUE(matches_whole("", ""));
    EXPECT_FALSE(matches_whole("?", ""));
    EXPECT_TRUE(matches_whole("?", "\xC3\xA4"));
    EXPECT_FALSE(matches_whole("??", "\xC3\xA4"));
    EXPECT_TRUE(matches_whole("*?b",
                              "\xC3\xA4"
                              "b"));
    EXPECT_TRUE(matches_whole("a**", "abc"));
}

}  // namespace
}  // namespace weft::gateway::webhooks
