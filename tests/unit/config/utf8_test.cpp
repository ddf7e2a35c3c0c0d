#include "config/utf8.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

TEST(Utf8, LetsEveryWellFormedCharacterThrough) {
    EXPECT_FALSE(find_bad_text(""));
    EXPECT_FALSE(find_bad_text("a\tb\r\nc"));
    EXPECT_FALSE(find_bad_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf"));
}

TEST(Utf8, RefusesOverlongSurrogateCutAndLooseBytes) {
    for (const char* text :
         {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
          "\xf5\x80\x80\x80", "\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff", "\xc3("}) {
        EXPECT_TRUE(find_bad_text(text));
    }
}

TEST(Utf8, NamesTheLineOfTheBadByte) {
    EXPECT_EQ(find_bad_text("a\nb\n\xff")->line, 3U);
    EXPECT_THAT(find_bad_text("\xff")->sentence, ::testing::HasSubstr("UTF-8"));
}

TEST(Utf8, RefusesControlCharacters) {
    EXPECT_TRUE(find_bad_text(std::string_view("a\0b", 3)));
    // The YAML library takes this one for the end of the file.
    EXPECT_TRUE(find_bad_text("a: b\n\x04\nc: d"));
    EXPECT_TRUE(find_bad_text("\x7f"));
    EXPECT_THAT(find_bad_text("\x1b")->sentence, ::testing::HasSubstr("control character"));
}

}  // namespace
}  // namespace weft::config
