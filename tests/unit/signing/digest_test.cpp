#include "signing/digest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace weft::signing {
namespace {

std::string hex_of(const Digest& digest) {
    return hex(bytes_of(digest));
}

/// The message digest as section 2 of the security design writes it, from its parts.
Digest message_digest_in_parts(std::string_view topic, std::string_view content) {
    return TaggedHash("weft1.msg").add_prefixed(topic).add_prefixed(content).finish();
}

TEST(Digest, OfAMessageIsThePublishedVector) {
    EXPECT_EQ(hex_of(message_digest("org.weft.dev.a.b", "m0")),
              "28b621454d590568cb8dba6ae03f1de44ff3ae8d33ebc921d3f99936c2861ec8");
}

TEST(Digest, WithoutTagAndContentIsSha256OfSixteenZeroBytes) {
    EXPECT_EQ(hex_of(TaggedHash("").finish()),
              "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb");
}

TEST(Digest, OfAMessageIsTheSameForTopicsOfAnyLength) {
    for (const std::size_t length : {0U, 1U, 16U, 254U, 255U, 256U, 257U, 1000U}) {
        const std::string topic(length, 't');
        EXPECT_EQ(message_digest(topic, "content"), message_digest_in_parts(topic, "content"))
            << length;
    }
}

TEST(Digest, OfAMessageIsTheSameForContentsOfAnyLength) {
    for (const std::size_t length : {0U, 1U, 31U, 64U, 256U, 4096U, 100'000U}) {
        const std::string content(length, 'c');
        EXPECT_EQ(message_digest("a.b", content), message_digest_in_parts("a.b", content))
            << length;
    }
}

// S3: the lengths are inside the hash.
TEST(Digest, ChangesWhenAByteMovesFromTheTopicToTheContent) {
    EXPECT_NE(message_digest("ab", "c"), message_digest("a", "bc"));
    EXPECT_NE(message_digest("ab", ""), message_digest("a", "b"));
}

// S2: each use has its own tag.
TEST(Digest, ChangesWithTheTag) {
    EXPECT_NE(TaggedHash("weft1.leaf").add("x").finish(),
              TaggedHash("weft1.node").add("x").finish());
}

TEST(Digest, HashesIntegersBigEndian) {
    const Digest by_numbers =
        TaggedHash("t").add_u8(1).add_u16(0x0203).add_u32(0x04050607).finish();
    EXPECT_EQ(by_numbers, TaggedHash("t").add("\x01\x02\x03\x04\x05\x06\x07").finish());
}

TEST(Digest, OfAMessageMayBeTakenWhileATaggedHashLives) {
    TaggedHash hash("t");
    const Digest inner = message_digest("a", "b");
    const Digest outer = hash.add(bytes_of(inner)).finish();
    EXPECT_EQ(inner, message_digest_in_parts("a", "b"));
    EXPECT_EQ(outer, TaggedHash("t").add(bytes_of(inner)).finish());
}

TEST(Digest, IsTheSameInEveryThread) {
    const Digest expected = message_digest("a.b", "c");
    std::vector<Digest> found(4);
    std::vector<std::thread> threads;
    threads.reserve(found.size());
    for (Digest& mine : found) {
        threads.emplace_back([&mine] {
            for (int i = 0; i < 1000; ++i) mine = message_digest("a.b", "c");
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(found, testing::Each(expected));
}

TEST(DigestDeathTest, RefusesATagThatDoesNotFit) {
    EXPECT_DEATH(TaggedHash("seventeen bytes!!"), "tag_bytes");
}

TEST(DigestDeathTest, RefusesTwoTaggedHashesInOneThread) {
    EXPECT_DEATH(
        {
            TaggedHash first("a");
            TaggedHash second("b");
        },
        "one TaggedHash at a time");
}

TEST(Hex, IsLowerCaseAndTwoDigitsAByte) {
    EXPECT_EQ(hex(std::string_view("\x00\x0f\xab\xff", 4)), "000fabff");
    EXPECT_EQ(hex(""), "");
}

}  // namespace
}  // namespace weft::signing
