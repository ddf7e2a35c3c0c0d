#include "gateway/rse/channel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fabric/message/topic.hpp"

namespace {

using namespace weft::gateway::rse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ChannelTopics topics("org.weft.dev.rse");

Channel channel(std::string_view path) {
    auto parsed = Channel::parse(path);
    if (!parsed) throw std::runtime_error(parsed.error());
    return *parsed;
}

weft::fabric::Message message_of(std::string topic, weft::fabric::HeaderList headers = {}) {
    weft::fabric::DecodedContent content;
    content.header.headers = std::move(headers);
    return {std::make_shared<weft::fabric::RunBytes>(topic, "", ""), content, {}, {}};
}

TEST(Channel, LettersDigitsSlashUnderscoreAndDashMakeAName) {  // R90, R93
    for (const char* path : {"/a", "/acct/42/cmd", "/A_b-9/-/_", "/health2"}) {
        EXPECT_EQ(channel(path).name(), path);
    }
    EXPECT_NE(channel("/a"), channel("/A"));
}

TEST(Channel, EverythingElseIsRefusedAlsoEscaped) {  // R90, R91, R92
    for (const char* path : {"/a%20b",  "/a.b",  "/.",   "/..", "/a/../b", "/a*",   "/a+b",
                             "/%C3%A4", "/a%00", "/a~b", "/a=", "/a%",     "/a%zz", "/%ff",
                             "/",       "",      "a",    "//a", "/a/",     "/a//b", "/a%2F"}) {
        EXPECT_FALSE(Channel::parse(path)) << path;
    }
    EXPECT_THAT(Channel::parse("/a b").error(), HasSubstr("only letters"));
}

TEST(Channel, EscapesAreDecodedFirst) {  // R91
    EXPECT_EQ(channel("/f%6Fo"), channel("/foo"));
    EXPECT_EQ(channel("/a%2Fb"), channel("/a/b"));
}

TEST(Channel, ExtraCharactersAreAllowedWhereConfiguredButNeverThoseOfTopicsAndGlobs) {  // R90
    const auto base64 = Channel::parse("/YQ%3D%3D", "=");
    ASSERT_TRUE(base64);
    EXPECT_EQ(base64->name(), "/YQ==");
    EXPECT_EQ(base64->quoted(), "/YQ%3D%3D");
    for (const char* path : {"/a.b", "/a*", "/a?", "/a[b", "/a~", "/a%25"}) {
        EXPECT_FALSE(Channel::parse(path, ".*?[]~%=")) << path;
    }
}

TEST(Channel, NamesOf255BytesAndMorePassUpToTheLimit) {  // R94
    EXPECT_TRUE(Channel::parse("/" + std::string(254, 'a')));
    EXPECT_TRUE(Channel::parse("/" + std::string(Channel::bytes_max - 1, 'a')));
    EXPECT_FALSE(Channel::parse("/" + std::string(Channel::bytes_max, 'a')));
}

TEST(Channel, AncestorsAreCutAtSlashes) {  // R97
    EXPECT_THAT(channel("/a/b/c").with_ancestors(),
                ElementsAre(channel("/a/b/c"), channel("/a/b"), channel("/a")));
}

TEST(Channel, WithinIsTheChannelAndWhatStandsBelowASlash) {  // R99
    EXPECT_TRUE(is_within("/foo", "/foo"));
    EXPECT_TRUE(is_within("/foo/bar", "/foo"));
    EXPECT_FALSE(is_within("/foobar", "/foo"));
    EXPECT_FALSE(is_within("/fo", "/foo"));
}

TEST(ChannelTopics, MapsBothWays) {
    EXPECT_EQ(topics.topic_of(channel("/a/b")), "org.weft.dev.rse.a.b");
    EXPECT_EQ(topics.channel_of(message_of("org.weft.dev.rse.a.b")), "/a/b");
    EXPECT_EQ(topics.glob_within(channel("/a/b")), "org.weft.dev.rse.a.b.**");
    EXPECT_EQ(topics.channel_of(message_of("org.weft.dev.rse")), std::nullopt);
    EXPECT_EQ(topics.channel_of(message_of("org.weft.dev.rsex.a")), std::nullopt);
}

TEST(ChannelTopics, ATopicThatNoChannelCanHaveIsEscaped) {
    EXPECT_EQ(topics.channel_of(message_of("org.weft.dev.rse.a b.c/d")), "/a%20b/c%2Fd");
}

TEST(ChannelTopics, LongChannelsHaveTopicsOfTheirOwnThatFit) {  // R94
    const Channel one = channel("/a/b/" + std::string(250, 'x'));
    const Channel other = channel("/a/b/" + std::string(249, 'x') + "y");

    for (const Channel& name : {one, other, channel("/" + std::string(1000, 'z'))}) {
        EXPECT_TRUE(topics.is_hashed(name));
        EXPECT_TRUE(weft::fabric::Topic::parse(topics.topic_of(name))) << topics.topic_of(name);
    }
    EXPECT_NE(topics.topic_of(one), topics.topic_of(other));
    EXPECT_TRUE(topics.topic_of(one).starts_with("org.weft.dev.rse.a.b.~"));
}

TEST(ChannelTopics, AHashedTopicIsBelievedOnlyWithTheNameThatItIsTheHashOf) {
    const Channel name = channel("/a/" + std::string(300, 'x'));
    const std::string topic = topics.topic_of(name);
    EXPECT_EQ(topics.channel_of(message_of(topic, {{channel_header, name.name()}})), name.name());
    EXPECT_EQ(topics.channel_of(message_of(topic, {{channel_header, "/a/b"}})), std::nullopt);
    EXPECT_EQ(topics.channel_of(message_of(topic)), std::nullopt);
}

TEST(ChannelTopics, TheGlobOfAChannelCoversWhatIsBelowItHoweverLong) {  // R99
    for (const std::size_t length : {10U, 150U, 172U, 173U, 200U, 238U, 239U, 300U}) {
        const std::string above = "/a/" + std::string(length, 'x');
        const auto filter = filter_of({topics.glob_within(channel(above))});
        for (const std::size_t more : {0U, 1U, 16U, 17U, 60U, 300U}) {
            const Channel below =
                more == 0 ? channel(above) : channel(above + "/" + std::string(more, 'y') + "/z");
            EXPECT_TRUE(filter.matches(topics.topic_of(below))) << length << " " << more;
        }
    }
}

}  // namespace
