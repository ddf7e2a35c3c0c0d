#include "fabric/message/topic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::fabric {
namespace {

using ::testing::HasSubstr;

TEST(Topic, KeepsAValidTextAsItStands) {
    const auto topic = Topic::parse("org.weft.dev.git.commit");

    ASSERT_TRUE(topic);
    EXPECT_EQ(topic->text(), "org.weft.dev.git.commit");
}

TEST(Topic, MayHaveOneTokenOnly) {
    EXPECT_TRUE(Topic::parse("a"));
}

TEST(Topic, TakesUpTo255Bytes) {
    EXPECT_TRUE(Topic::parse(std::string(Topic::bytes_max, 'a')));
    EXPECT_FALSE(Topic::parse(std::string(Topic::bytes_max + 1, 'a')));
}

TEST(Topic, RefusesEmptyTextAndEmptyTokens) {
    for (const char* text : {"", ".", ".a", "a.", "a..b"}) {
        EXPECT_FALSE(Topic::parse(text)) << "'" << text << "'";
    }
}

TEST(Topic, RefusesControlCharactersAndBytesThatAreNotUtf8) {
    for (const char* text : {"a\nb", "a\x7f", "a.\xff", "a.\xc3", "a.\xc2\x85"}) {
        EXPECT_FALSE(Topic::parse(text));
    }
}

TEST(Topic, RefusalNamesTheTextInOneLine) {
    const auto topic = Topic::parse("a\nb");

    ASSERT_FALSE(topic);
    EXPECT_THAT(topic.error(), HasSubstr("a\\x0ab"));
    EXPECT_EQ(topic.error().find('\n'), std::string::npos);
}

TEST(Topic, ComparesByText) {
    EXPECT_EQ(*Topic::parse("a.b"), *Topic::parse("a.b"));
    EXPECT_LT(*Topic::parse("a.b"), *Topic::parse("a.c"));
}

class TopicSpaceTest : public ::testing::Test {
protected:
    TopicSpace space_{.prefix = "org.weft", .environment = "dev"};
};

TEST_F(TopicSpaceTest, PutsShortNamesUnderItsRoot) {
    EXPECT_EQ(space_.root(), "org.weft.dev");
    EXPECT_EQ(space_.complete("git.commit"), "org.weft.dev.git.commit");
}

TEST_F(TopicSpaceTest, KeepsWhatAlreadyStartsWithThePrefix) {
    EXPECT_EQ(space_.complete("org.weft.prod.git"), "org.weft.prod.git");
    EXPECT_EQ(space_.complete("org.weft"), "org.weft");
}

TEST_F(TopicSpaceTest, APrefixEndsAtADotOnly) {
    EXPECT_EQ(space_.complete("org.wefty.a"), "org.weft.dev.org.wefty.a");
}

TEST_F(TopicSpaceTest, CompletesGlobsUnlessTheirFirstTokenHasAWildcard) {
    EXPECT_EQ(space_.complete_glob("git.*"), "org.weft.dev.git.*");
    EXPECT_EQ(space_.complete_glob("git.**"), "org.weft.dev.git.**");
    EXPECT_EQ(space_.complete_glob("org.weft.*.git"), "org.weft.*.git");
    for (const char* wild : {"**", "**.git", "*", "?rg.a", "[a-z].b", "gi*.a"}) {
        EXPECT_EQ(space_.complete_glob(wild), wild);
    }
}

}  // namespace
}  // namespace weft::fabric
