#include "gateway/http/uri.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(PercentDecode, TurnsEscapesOfEitherCaseIntoBytes) {
    EXPECT_EQ(percent_decode("a%C3%a4%2Fb"), "a\xC3\xA4/b");
    EXPECT_EQ(percent_decode(""), "");
    EXPECT_EQ(percent_decode("%25"), "%");
}

TEST(PercentDecode, LeavesPlusAloneUnlessItStandsForSpace) {
    EXPECT_EQ(percent_decode("a+b"), "a+b");
    EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
}

TEST(PercentDecode, RefusesEscapesThatAreNone) {
    for (const char* text : {"%", "a%", "%4", "%zz", "%4g", "%%41", "%+1", "% 1"}) {
        const auto decoded = percent_decode(text);
        ASSERT_FALSE(decoded) << text;
        EXPECT_THAT(decoded.error(), HasSubstr("is no escape")) << text;
    }
}

TEST(PercentDecode, RefusesTextThatIsNotUtf8) {
    for (const char* text : {"%FF", "%C3", "%C0%AF", "%ED%A0%80", "\xFF"}) {
        EXPECT_FALSE(percent_decode(text)) << text;
    }
    EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
}

TEST(PercentEncode, EscapesAllButUnreservedBytesAndIsDecodedToTheSame) {
    EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
    EXPECT_EQ(percent_encode("a b/\xC3\xA4+"), "a%20b%2F%C3%A4%2B");

    const std::string text = "x&y=z?\x01#%";
    EXPECT_EQ(percent_decode(percent_encode(text), true), text);
}

TEST(Query, KeepsParametersInTheirOrderDecoded) {
    const auto query = Query::parse("b=2&a=1%261&&c&d=&e=f=g&x+y=+");
    ASSERT_TRUE(query);
    EXPECT_THAT(query->list(), ElementsAre(Pair("b", "2"), Pair("a", "1&1"), Pair("c", ""),
                                           Pair("d", ""), Pair("e", "f=g"), Pair("x y", " ")));
}

TEST(Query, FindsTheLastOfAName) {
    const auto query = Query::parse("a=1&b=2&a=3");
    ASSERT_TRUE(query);
    EXPECT_EQ(query->find("a"), "3");
    EXPECT_EQ(query->find("A"), std::nullopt);
    EXPECT_THAT(query->all("a"), ElementsAre("1", "3"));
}

TEST(Query, OfNothingHasNoParameters) {
    EXPECT_THAT(Query::parse("")->list(), IsEmpty());
    EXPECT_THAT(Query::parse("&&")->list(), IsEmpty());
}

TEST(Query, RefusesBadEscapesInNamesAndValues) {
    EXPECT_FALSE(Query::parse("%zz=1"));
    EXPECT_FALSE(Query::parse("a=%C3"));
}

TEST(Query, HoldsABoundedNumberOfParameters) {
    std::string text = "a";
    for (std::size_t i = 1; i < Query::parameters_max; ++i) text += "&a";
    EXPECT_EQ(Query::parse(text)->list().size(), Query::parameters_max);

    const auto query = Query::parse(text + "&a");
    ASSERT_FALSE(query);
    EXPECT_THAT(query.error(), HasSubstr("256"));
}

TEST(PathSegments, AreDecodedOneByOne) {
    EXPECT_THAT(*path_segments("/v1/topics/a.b"), ElementsAre("v1", "topics", "a.b"));
    EXPECT_THAT(*path_segments("/a%2Fb/c+d"), ElementsAre("a/b", "c+d"));
}

TEST(PathSegments, KeepEmptyOnesApartFromTheRoot) {
    EXPECT_THAT(*path_segments("/"), IsEmpty());
    EXPECT_THAT(*path_segments("/a/"), ElementsAre("a", ""));
    EXPECT_THAT(*path_segments("//a"), ElementsAre("", "a"));
}

TEST(PathSegments, RefuseWhatIsNoPath) {
    EXPECT_FALSE(path_segments(""));
    EXPECT_FALSE(path_segments("a/b"));
    EXPECT_FALSE(path_segments("/a/%f"));
}

}  // namespace
}  // namespace weft::gateway
