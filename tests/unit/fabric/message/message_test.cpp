#include "fabric/message/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/fabric/message/sample_message.hpp"

namespace weft::fabric {
namespace {

using ::testing::Optional;

TEST(Message, SaysWhatItsContentSays) {
    ContentHeader header = sample_header();
    const auto parent = *MessageId::parse("01934a5b-6c7d-7abc-8def-000000000001");
    header.parent = parent;
    header.headers = {{"trace", "abc"}};
    const Message message = received(header, "\x05");

    EXPECT_EQ(message.topic(), "org.weft.dev.git.commit");
    EXPECT_EQ(message.id(), header.id);
    EXPECT_EQ(message.epoch(), 3U);
    EXPECT_EQ(message.seq(), 42U);
    EXPECT_EQ(message.time_us(), 1'795'229'009'123'456U);
    EXPECT_EQ(message.source(), "git");
    EXPECT_EQ(message.parent(), parent);
    EXPECT_EQ(message.body(), "\x05");
}

TEST(Message, WithoutContentTypeIsMsgpack) {
    const Message message = received(Value{{"a", 1}});

    EXPECT_TRUE(message.body_is_msgpack());
    EXPECT_EQ(message.content_type(), "application/msgpack");
    EXPECT_EQ(message.value()["a"].integer_or(0), 1);
}

TEST(Message, KeepsTheContentTypeThatWasGiven) {
    const Message message = received("image/png", "\x89PNG");

    EXPECT_FALSE(message.body_is_msgpack());
    EXPECT_EQ(message.content_type(), "image/png");
}

TEST(Message, FindsAHeaderByNameAndTheLastOneIfItIsRepeated) {
    ContentHeader header = sample_header();
    header.headers = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
    const Message message = received(header, "\x05");

    EXPECT_THAT(message.header("a"), Optional(std::string_view{"3"}));
    EXPECT_THAT(message.header("b"), Optional(std::string_view{"2"}));
    EXPECT_FALSE(message.header("c"));
}

TEST(Message, ValueOfAJsonBodyIsDecoded) {
    EXPECT_EQ(received("application/json", R"({"a": [1, 2.5]})").value(),
              (Value{{"a", Value::List{1, 2.5}}}));
    EXPECT_EQ(received("application/x-www-form-urlencoded", "[1]").value(), Value(Value::List{1}));
}

TEST(Message, ValueOfATextBodyIsTextEvenIfItReadsAsJson) {
    EXPECT_EQ(received("text/plain", "42").value(), Value{"42"});
    EXPECT_EQ(received("Text/Plain; charset=utf-8", "null").value(), Value{"null"});
    EXPECT_EQ(received("application/json", "{broken").value(), Value{"{broken"});
}

TEST(Message, ValueOfOtherBytesIsBinary) {
    EXPECT_EQ(received("image/png", "\x89PNG").value(), Value{Binary{"\x89PNG"}});
    EXPECT_EQ(received("text/plain", "\xff").value(), Value{Binary{"\xff"}});
}

TEST(Message, NamesItsSignerOrNobody) {
    const Message by_nobody = received(sample_header(), "\x05");
    const Message by_git = received(sample_header(), "\x05", certificate_of("git.host1"), true);

    EXPECT_EQ(by_nobody.signer(), "");
    EXPECT_FALSE(by_nobody.verified());
    EXPECT_EQ(by_git.signer(), "git.host1");
    EXPECT_TRUE(by_git.verified());
    EXPECT_EQ(by_git.certificate()->name(), "git.host1");
}

// S1
TEST(Message, GivesBackTheVeryBytesThatItCameIn) {
    const std::string content = encoded(sample_header(), "\x05");
    const Message message = received(sample_header(), "\x05");

    EXPECT_EQ(message.content(), content);
    EXPECT_EQ(message.digest(), signing::message_digest(message.topic(), content));
}

TEST(Message, ViewsOutliveTheMessageInItsCopies) {
    auto first = std::make_unique<Message>(received(Value{"text"}));
    const std::string_view body = first->body();
    const Message copy = *first;

    first.reset();

    EXPECT_EQ(body, "\xA4text");
    EXPECT_EQ(copy.body().data(), body.data());
}

}  // namespace
}  // namespace weft::fabric
