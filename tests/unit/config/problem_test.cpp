#include "config/problem.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

TEST(Origin, SaysWhereAValueStands) {
    EXPECT_EQ(Origin::defaults().text(), "default");
    EXPECT_EQ(Origin::file("weft.d/10-weft.yaml", 3).text(), "weft.d/10-weft.yaml:3");
    EXPECT_EQ(Origin::file("a.yaml", 3, 7).text(), "a.yaml:3:7");
    EXPECT_EQ(Origin::file("a.yaml").text(), "a.yaml");
    EXPECT_EQ(Origin::environment("WEFT_A__B").text(), "environment WEFT_A__B");
    EXPECT_EQ(Origin::option("--set a.b").text(), "--set a.b");
}

TEST(Problem, IsWrittenAsFileLineKeySentence) {
    const Problem problem{Origin::file("a.yaml", 3), "fabric.mode", "is wrong"};

    EXPECT_EQ(problem.text(), "a.yaml:3: fabric.mode: is wrong");
}

TEST(Problem, OfAWholeFileHasNoKey) {
    EXPECT_EQ((Problem{Origin::file("a.yaml"), {}, "is wrong"}).text(), "a.yaml: is wrong");
}

TEST(Problem, OfAnOptionNamesItsKeyOnce) {
    EXPECT_EQ((Problem{Origin::option("--set a.b"), "a.b", "is wrong"}).text(),
              "--set a.b: is wrong");
    EXPECT_EQ((Problem{Origin::option("--set a"), "a.b", "is wrong"}).text(),
              "--set a: a.b: is wrong");
}

TEST(Problems, AreListedOneALine) {
    const Problems problems = {{Origin::file("a", 1), {}, "x"}, {Origin::file("b", 2), {}, "y"}};

    EXPECT_EQ(text_of(problems), "a:1: x\nb:2: y");
}

TEST(Problems, BeyondAHundredAreOnlyCounted) {
    const Problems problems(problems_shown_max + 5, Problem{Origin::file("a", 1), {}, "x"});

    EXPECT_THAT(text_of(problems), ::testing::EndsWith("and 5 more problems"));
}

TEST(Problem, ShowsKeysAndNamesFromOutsideOnOneLineAndFitForATerminal) {
    const Problem key{Origin::file("a.yaml", 3), "two\nlines\x1b[31m", "is wrong"};
    EXPECT_EQ(key.text(), "a.yaml:3: two\\x0alines\\x1b[31m: is wrong");

    const Problem variable{Origin::environment("WEFT_\xff\xc2\x9b"), "k", "is wrong"};
    EXPECT_EQ(variable.text(), "environment WEFT_\\xff\\xc2\\x9b: k: is wrong");

    const Problem repeating{Origin::file("a.yaml"), {}, "write WEFT_FABRIC__\xa0\x1b"};
    EXPECT_EQ(repeating.text(), "a.yaml: write WEFT_FABRIC__\\xa0\\x1b");
}

TEST(InQuotes, EscapesWhatIsNotUtf8AndControlsAboveAscii) {
    EXPECT_EQ(in_quotes("4\xb5\x8e"
                        "B"),
              "'4\\xb5\\x8eB'");
    EXPECT_EQ(in_quotes("a\xc2\x9b"
                        "b\xc2\xa0\xc3\xa9"),
              "'a\\xc2\\x9bb\xc2\xa0\xc3\xa9'");
    EXPECT_EQ(in_quotes("\xc3"), "'\\xc3'");
}

TEST(InQuotes, EscapesControlCharactersAndCutsLongText) {
    EXPECT_EQ(in_quotes("plain"), "'plain'");
    EXPECT_EQ(in_quotes("a\x1b[31m\n"), "'a\\x1b[31m\\x0a'");
    EXPECT_EQ(in_quotes(std::string(81, 'a')), "'" + std::string(80, 'a') + "...'");
    EXPECT_EQ(in_quotes(std::string(79, 'a') + "\xc3\xa9"), "'" + std::string(79, 'a') + "...'");
}

}  // namespace
}  // namespace weft::config
