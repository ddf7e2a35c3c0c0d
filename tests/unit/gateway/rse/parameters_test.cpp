#include "gateway/rse/parameters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace weft::gateway;
using namespace weft::gateway::rse;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

tl::expected<PollParameters, std::string> parsed(std::string_view query) {
    return poll_parameters(*Query::parse(query), Settings{});
}
PollParameters good(std::string_view query) {
    auto parameters = parsed(query);
    EXPECT_TRUE(parameters) << query << ": " << (parameters ? "" : parameters.error());
    return parameters.value_or(PollParameters{});
}

TEST(PollParameters, HaveTheDefaultsOfTheProtocol) {  // R20, R21, R22, R24, R25, R27
    const auto parameters = good("_=1234&unknown=x");
    EXPECT_EQ(parameters.last_known_id, 0U);
    EXPECT_EQ(parameters.max_events, 200U);
    EXPECT_FALSE(parameters.newest_first);
    EXPECT_FALSE(parameters.echo);
    EXPECT_EQ(parameters.scope, Scope::exact);
    EXPECT_EQ(parameters.wait, 0ms);
}

TEST(PollParameters, LastKnownIdIsADecimalIntegerOf63Bits) {  // R20
    EXPECT_EQ(good("last-known-id=274").last_known_id, 274U);
    EXPECT_EQ(good("last-known-id=007").last_known_id, 7U);
    EXPECT_EQ(good("last-known-id=-1").last_known_id, 0U);
    EXPECT_EQ(good("last-known-id=-99999999999999999999999").last_known_id, 0U);
    EXPECT_EQ(good("last-known-id=9223372036854775807").last_known_id, 9223372036854775807U);
    for (const char* wrong : {"", "1.5", "0x1", "1_0", "abc", "-", "--1", "1e3", "+5", "%2B5", "5+",
                              "9223372036854775808", "99999999999999999999999999"}) {
        EXPECT_FALSE(parsed("last-known-id=" + std::string{wrong})) << wrong;
    }
}

TEST(PollParameters, MaxEventsIsCutAtTheCapAndNeverUnlimited) {  // R21
    EXPECT_EQ(good("max-events=1").max_events, 1U);
    EXPECT_EQ(good("max-events=500").max_events, 500U);
    EXPECT_EQ(good("max-events=501").max_events, 500U);
    EXPECT_EQ(good("max-events=" + std::string(400, '9')).max_events, 500U);
    for (const char* wrong : {"0", "-1", "-0", "-5", "", "1.5", "x"}) {
        EXPECT_FALSE(parsed("max-events=" + std::string{wrong})) << wrong;
    }
    Settings few;
    few.max_events = 10;
    EXPECT_EQ(poll_parameters(*Query::parse(""), few)->max_events, 10U);
}

TEST(PollParameters, SortIsDescendingForMinusOneAlone) {  // R22
    EXPECT_TRUE(good("sort=-1").newest_first);
    for (const char* other : {"1", "0", "5", "-5", "99999999999999999999999"}) {
        EXPECT_FALSE(good("sort=" + std::string{other}).newest_first) << other;
    }
    EXPECT_FALSE(parsed("sort="));
    EXPECT_FALSE(parsed("sort=desc"));
}

TEST(PollParameters, EchoIsExactlyTrue) {  // R24
    EXPECT_TRUE(good("echo=true").echo);
    for (const char* other : {"True", "1", "yes", "", "true%20"}) {
        EXPECT_FALSE(good("echo=" + std::string{other}).echo) << other;
    }
}

TEST(PollParameters, EventsChoosesTheScopeAndUnknownMeansExact) {  // R25
    EXPECT_EQ(good("events=parent").scope, Scope::parent);
    EXPECT_EQ(good("events=all").scope, Scope::all);
    EXPECT_EQ(good("events=exact").scope, Scope::exact);
    EXPECT_EQ(good("events=children").scope, Scope::exact);
}

TEST(PollParameters, TheLastOfARepeatedParameterCounts) {  // R28
    EXPECT_EQ(good("last-known-id=x&last-known-id=3").last_known_id, 3U);
}

TEST(PollParameters, WaitIsDecimalSecondsAndIsCapped) {  // R160
    EXPECT_EQ(good("wait=0").wait, 0ms);
    EXPECT_EQ(good("wait=20").wait, 20s);
    EXPECT_EQ(good("wait=1.5").wait, 1500ms);
    EXPECT_EQ(good("wait=0.0019").wait, 1ms);
    EXPECT_EQ(good("wait=60.9").wait, 60s);
    EXPECT_EQ(good("wait=" + std::string(300, '9')).wait, 60s);
    for (const char* wrong : {"", "-1", "x", "1.", ".5", "1e3", "inf", "nan", "1.5.5", "0x1"}) {
        EXPECT_FALSE(parsed("wait=" + std::string{wrong})) << wrong;
    }
}

TEST(PollParameters, AnErrorNamesTheParameterAndWhatWouldBeRight) {
    EXPECT_THAT(parsed("max-events=0").error(), HasSubstr("max-events='0'"));
    EXPECT_THAT(parsed("max-events=0").error(), HasSubstr("1 to 500"));
}

TEST(Callback, IsAPlainIdentifierOrAbsent) {  // R26, R112
    EXPECT_EQ(callback_of(*Query::parse("")), "");
    EXPECT_EQ(callback_of(*Query::parse("callback=")), "");
    EXPECT_EQ(callback_of(*Query::parse("callback=cb_1")), "cb_1");
    EXPECT_EQ(callback_of(*Query::parse("callback=1cb")), "1cb");
    EXPECT_TRUE(callback_of(*Query::parse("callback=" + std::string(128, 'a'))));
    EXPECT_FALSE(callback_of(*Query::parse("callback=" + std::string(129, 'a'))));
    for (const char* wrong : {"a.b", "$", "a[0]", "alert(1)//", "a%0Ab", "%C3%A4", "a-b", "%20"}) {
        EXPECT_FALSE(callback_of(*Query::parse("callback=" + std::string{wrong}))) << wrong;
    }
}

TEST(BooleanWord, KnowsTheWordsAndNoOthers) {  // R6, R130
    for (const char* yes : {"y", "yes", "T", "True", "on", "1"}) {
        EXPECT_EQ(boolean_word(yes), true) << yes;
    }
    for (const char* no : {"n", "NO", "f", "false", "off", "0"}) {
        EXPECT_EQ(boolean_word(no), false) << no;
    }
    EXPECT_FALSE(boolean_word("maybe"));
    EXPECT_FALSE(boolean_word(""));
}

}  // namespace
