#include "signing/sodium.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::signing {
namespace {

using ::testing::Optional;

TEST(Base64, IsTheStandardOne) {
    EXPECT_EQ(to_base64(""), "");
    EXPECT_EQ(to_base64("f"), "Zg==");
    EXPECT_EQ(to_base64("fo"), "Zm8=");
    EXPECT_EQ(to_base64("foo"), "Zm9v");
    EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(to_base64("\xFB\xFF"), "+/8=");
}

TEST(Base64, ComesBackAsItWas) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        EXPECT_THAT(from_base64(to_base64(bytes)), Optional(bytes));
        bytes.push_back(static_cast<char>(i * 7));
    }
}

TEST(Base64, MayHaveLineBreaks) {
    EXPECT_THAT(from_base64("Zm9v\r\nYmFy\n"), Optional(std::string("foobar")));
}

TEST(Base64, IsReadStrictly) {
    for (const std::string_view text :
         {"Zg", "Zg=", "Zg===", "Z", "Zm9v!", "Zm 9v", "Zh==", "_w==", "Zg==Zg==", "=", "Zm9v="}) {
        EXPECT_EQ(from_base64(text), std::nullopt) << text;
    }
    EXPECT_EQ(from_base64(std::string_view("Zm9v\0", 5)), std::nullopt);
}

TEST(Base64, IsNotWrittenPastTheMemoryGiven) {
    std::string out(4, 'x');
    EXPECT_EQ(from_base64("Zm9vYmFy", out.data(), 3), std::nullopt);
    EXPECT_EQ(out[3], 'x');
    EXPECT_THAT(from_base64("Zm9v", out.data(), 3), Optional(3));
}

TEST(RandomBytes, DifferEachTime) {
    std::string a(32, '\0'), b(32, '\0');
    random_bytes(a.data(), a.size());
    random_bytes(b.data(), b.size());
    EXPECT_NE(a, b);
    EXPECT_NE(a, std::string(32, '\0'));
}

TEST(ConstantTimeComparison, SaysWhetherTextsAreEqual) {
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
    EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

}  // namespace
}  // namespace weft::signing
