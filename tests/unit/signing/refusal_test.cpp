#include "signing/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace weft::signing {
namespace {

using testing::EndsWith;

TEST(Refusal, HasANameAndASentenceOfItsOwnForEachReason) {
    std::set<std::string_view> names, sentences;
    for (std::size_t i = 0; i < refusal_count; ++i) {
        const auto reason = static_cast<Refusal>(i);
        names.insert(name_of(reason));
        sentences.insert(sentence_for(reason));
        EXPECT_THAT(std::string(name_of(reason)), testing::MatchesRegex("[a-z_]+"));
        EXPECT_THAT(std::string(sentence_for(reason)), EndsWith("."));
    }
    EXPECT_EQ(names.size(), refusal_count);
    EXPECT_EQ(sentences.size(), refusal_count);
}

TEST(Refusal, IsNamedAsInTheCode) {
    EXPECT_EQ(name_of(Refusal::not_three_frames), "not_three_frames");
    EXPECT_EQ(name_of(Refusal::signature_bad), "signature_bad");
    EXPECT_EQ(name_of(Refusal::name_mismatch), "name_mismatch");
}

// L1: everything foreign in a log line is escaped and cut.
TEST(Escape, LeavesOrdinaryTextAlone) {
    EXPECT_EQ(escape("org.weft.dev.git.push"), "org.weft.dev.git.push");
    EXPECT_EQ(escape("žluťoučký 馬 🐎"), "žluťoučký 馬 🐎");
    EXPECT_EQ(escape(""), "");
}

TEST(Escape, ShowsNewlinesAndTerminalSequences) {
    EXPECT_EQ(escape("a\nERROR b\r\t"), "a\\x0aERROR b\\x0d\\x09");
    EXPECT_EQ(escape("\x1b[31m"), "\\x1b[31m");
    EXPECT_EQ(escape(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(escape("\x7f"), "\\x7f");
}

TEST(Escape, ShowsTheSecondSetOfControlsByCodePoint) {
    EXPECT_EQ(escape("\xC2\x85 \xC2\x9B"), "\\u{85} \\u{9b}");
}

TEST(Escape, ShowsBidirectionalOverridesAndInvisibleCharacters) {
    EXPECT_EQ(escape("\xE2\x80\xAE"
                     "gpj.exe"),
              "\\u{202e}gpj.exe");
    EXPECT_EQ(escape("\xE2\x81\xA6"), "\\u{2066}");
    EXPECT_EQ(escape("\xE2\x80\x8B"), "\\u{200b}");
    EXPECT_EQ(escape("\xEF\xBB\xBF"), "\\u{feff}");
    EXPECT_EQ(escape("\xF3\xA0\x81\x81"), "\\u{e0041}");
}

TEST(Escape, ShowsBytesThatAreNotUtf8) {
    EXPECT_EQ(escape("a\xFF"), "a\\xff");
    EXPECT_EQ(escape("\xC3"), "\\xc3");                             // cut short
    EXPECT_EQ(escape("\xC0\xAF"), "\\xc0\\xaf");                    // overlong '/'
    EXPECT_EQ(escape("\xED\xA0\x80"), "\\xed\\xa0\\x80");           // surrogate
    EXPECT_EQ(escape("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
}

TEST(Escape, CannotBeImitated) {
    EXPECT_EQ(escape("\\x0a"), "\\\\x0a");
}

TEST(Escape, CutsLongTextAndSaysHowLongItWas) {
    EXPECT_EQ(escape(std::string(200, 'a')), std::string(200, 'a'));
    EXPECT_EQ(escape(std::string(201, 'a')), std::string(200, 'a') + "... (201 bytes)");
    EXPECT_EQ(escape("abcdef", 3), "abc... (6 bytes)");
    EXPECT_EQ(escape("abcdef", 0), "... (6 bytes)");
}

TEST(Escape, CutsBetweenCharactersNotWithinOne) {
    EXPECT_EQ(escape("aé", 2), "a... (3 bytes)");
    EXPECT_EQ(escape("aé", 3), "aé");
}

}  // namespace
}  // namespace weft::signing
