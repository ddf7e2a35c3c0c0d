#include "config/yaml_reader.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ReadYaml read(std::string_view text) {
    return read_yaml(text, Origin::file("a.yaml"));
}

Value good(std::string_view text) {
    ReadYaml result = read(text);
    EXPECT_THAT(text_of(result.problems), IsEmpty()) << text;
    return std::move(result.value);
}

std::string only_problem(std::string_view text) {
    const ReadYaml result = read(text);
    EXPECT_THAT(result.problems, SizeIs(1)) << text << "\n" << text_of(result.problems);
    return text_of(result.problems);
}

TEST(YamlReader, BuildsATreeOfMapsListsAndScalars) {
    const Value value = good("a:\n  b: [x, {c: y}]\n  d: null\n");

    ASSERT_TRUE(value.is_map());
    EXPECT_EQ(value.find_path("a.b.0")->text, "x");
    EXPECT_EQ(value.find_path("a.b.1.c")->text, "y");
    EXPECT_TRUE(value.find_path("a.d")->is_null());
}

TEST(YamlReader, KeepsTheLineOfEveryPart) {
    const Value value = good("# comment\na:\n  b: 1\n\n  c:\n    - x\n    - y\n");

    EXPECT_EQ(value.find_path("a")->origin.text(), "a.yaml:2");
    EXPECT_EQ(value.find_path("a.b")->origin.text(), "a.yaml:3");
    EXPECT_EQ(value.find_path("a.c")->origin.text(), "a.yaml:5");
    EXPECT_EQ(value.find_path("a.c.1")->origin.text(), "a.yaml:7");
}

TEST(YamlReader, GivesAnEmptyValueTheLineOfItsKey) {
    EXPECT_EQ(good("a:\n\n\nb: 1\n").find("a")->origin.line, 1U);
}

TEST(YamlReader, LeavesScalarsTheTextThatWasWritten) {
    const Value value = good("a: 010\nb: yes\nc: 0x1F\nd: 1e3\n");

    EXPECT_EQ(value.find("a")->text, "010");
    EXPECT_EQ(value.find("b")->text, "yes");
    EXPECT_EQ(value.find("c")->text, "0x1F");
    EXPECT_EQ(value.find("d")->text, "1e3");
}

TEST(YamlReader, RemembersWhichScalarsWereQuoted) {
    const Value value = good("a: 1\nb: \"1\"\nc: '1'\nd: |\n  1\ne: \"\"\nf: 'null'\n");

    EXPECT_FALSE(value.find("a")->quoted);
    EXPECT_TRUE(value.find("b")->quoted);
    EXPECT_TRUE(value.find("c")->quoted);
    EXPECT_TRUE(value.find("d")->quoted);
    EXPECT_TRUE(value.find("e")->is_scalar());
    EXPECT_TRUE(value.find("f")->is_scalar());
}

TEST(YamlReader, FindsNothingInAnEmptyDocument) {
    for (const char* text :
         {"", "\n", "# only a comment\n", "---\n", "---\n...\n", "\xef\xbb\xbf"}) {
        EXPECT_TRUE(good(text).is_null());
    }
}

TEST(YamlReader, IgnoresAByteOrderMark) {
    EXPECT_EQ(good("\xef\xbb\xbf"
                   "a: 1\n")
                  .find("a")
                  ->text,
              "1");
}

TEST(YamlReader, RefusesADuplicateKeyNamingBothLines) {
    const ReadYaml result = read("a:\n  b: 1\n  c: 2\n  b: 3\n");

    ASSERT_THAT(result.problems, SizeIs(1));
    EXPECT_EQ(result.problems[0].text(),
              "a.yaml:4: a.b: the key 'b' stands here twice, on lines 2 and 4: keep one");
    EXPECT_EQ(result.value.find_path("a.b")->text, "1");
}

TEST(YamlReader, RefusesADuplicateKeyInFlowStyleToo) {
    EXPECT_THAT(only_problem("a: {b: 1, b: 2}"), HasSubstr("twice on line 1"));
}

TEST(YamlReader, RefusesADuplicateKeyThatIsSpelledInAnotherWay) {
    EXPECT_THAT(only_problem("a: 1\n\"a\": 2\n"), HasSubstr("twice"));
}

TEST(YamlReader, AllowsTheSameKeyInDifferentMaps) {
    good("a: {x: 1}\nb: {x: 1}\nc: [{x: 1}, {x: 2}]");
}

TEST(YamlReader, ReadsOnBehindADuplicateKey) {
    const ReadYaml result = read("a: 1\na: {x: [1, 2]}\nb: 2\nb: 3\nc: 4\n");

    EXPECT_THAT(result.problems, SizeIs(2));
    EXPECT_FALSE(result.broken);
    EXPECT_EQ(result.value.find("c")->text, "4");
    EXPECT_EQ(result.value.find("a")->text, "1");
}

TEST(YamlReader, TellsTheFileLineAndColumnOfASyntaxError) {
    const ReadYaml result = read("a: 1\nb: [1, 2\nc: 3\n");

    ASSERT_THAT(result.problems, SizeIs(1));
    EXPECT_TRUE(result.broken);
    EXPECT_GT(result.problems[0].origin.column, 0U);
    EXPECT_THAT(result.problems[0].text(), ::testing::MatchesRegex("a\\.yaml:[0-9]+:[0-9]+: .*"));
}

TEST(YamlReader, RefusesAFileThatIsCutShort) {
    for (const char* text :
         {"a: \"x\n", "a: 'x\n", "a: \"x", "a: \"x\n\n  \n", "\"a: 1\nb: 2\n", "a: [x, \"y]\n",
          "a: [1, 2\n", "[a", "{a: 1\n", "a: \"x\n# comment\n"}) {
        EXPECT_THAT(only_problem(text), Not(IsEmpty())) << text;
    }
}

TEST(YamlReader, KeepsTheLineEndsOfABlockScalarAtTheEnd) {
    EXPECT_EQ(good("a: |+\n  x\n\n").find("a")->text, "x\n\n");
    EXPECT_EQ(good("a: |\n  x\n").find("a")->text, "x\n");
    EXPECT_EQ(good("a: \"x\"\n\n").find("a")->text, "x");
}

TEST(YamlReader, CountsLinesThatEndAsOnWindows) {
    EXPECT_THAT(only_problem("a: 1\r\nb: 1\r\nb: 2\r\n"), HasSubstr("on lines 2 and 3"));
}

TEST(YamlReader, ExplainsTheMostCommonSyntaxErrors) {
    EXPECT_THAT(only_problem("a: b: c"), HasSubstr("in quotes"));
    EXPECT_THAT(only_problem("a:\n\tb: 1\n"), HasSubstr("indent with spaces"));
    EXPECT_THAT(only_problem("a: @x"), HasSubstr("in quotes"));
    EXPECT_THAT(only_problem("a: [1"), HasSubstr("ends with ']'"));
}

TEST(YamlReader, TellsOfDuplicatesBeforeASyntaxError) {
    EXPECT_THAT(read("a: 1\na: 2\nb: ]\n").problems, SizeIs(2));
}

TEST(YamlReader, RefusesAnchorsAndAliases) {
    const ReadYaml result = read("a: &x [1, 2]\nb: *x\n");

    ASSERT_THAT(result.problems, SizeIs(2));
    EXPECT_THAT(result.problems[0].text(), HasSubstr("a.yaml:1: a: '&' begins an anchor"));
    EXPECT_THAT(result.problems[1].text(), HasSubstr("a.yaml:2: b: '*' begins an alias"));
}

TEST(YamlReader, RefusesAMergeBombWithoutExpandingIt) {
    std::string bomb = "a0: &a0 [x, x]\n";
    for (int i = 1; i < 40; ++i) {
        const std::string last = "*a" + std::to_string(i - 1);
        const std::string name = "a" + std::to_string(i);
        bomb += name + ": &" + name + " [" + last + ", " + last + "]\n";
    }

    EXPECT_THAT(read(bomb).problems, Not(IsEmpty()));
}

TEST(YamlReader, ExplainsAnUnquotedGlob) {
    for (const char* text : {"topics: [**]", "topics: *.git", "topics: [org.weft, *]", "a: **"}) {
        EXPECT_THAT(only_problem(text), HasSubstr("in quotes")) << text;
    }
}

TEST(YamlReader, RefusesMergeKeys) {
    EXPECT_THAT(only_problem("a:\n  <<: {b: 1}\n"), HasSubstr("'<<' merges maps"));
}

TEST(YamlReader, RefusesEscapesThatWouldBecomeHalfACharacter) {
    for (const char* text : {"a: \"\\N\"", "a: \"x\\_y\"", "\"\\N\": a"}) {
        EXPECT_THAT(only_problem(text), HasSubstr("write \\u0085 or \\u00a0 instead")) << text;
    }
    good("a: \"\\u0085\\u00a0\\L\\P\"");
}

TEST(YamlReader, SaysWhyWhatOnlyItsSecondLookRefuses) {
    const ReadYaml result = read("i:\n[\"\"]\n");

    EXPECT_EQ(result.broken, !result.problems.empty());
    EXPECT_THAT(text_of(result.problems), HasSubstr("a list or map cannot be a key"));
}

TEST(YamlReader, RefusesTags) {
    for (const char* text : {"a: !!str 1", "a: !mine x", "a: !!binary eA==", "a: !x [1]"}) {
        EXPECT_THAT(only_problem(text), HasSubstr("begins a tag")) << text;
    }
}

TEST(YamlReader, RefusesASecondDocument) {
    EXPECT_THAT(only_problem("a: 1\n---\nb: 2\n"), HasSubstr("a.yaml:2: a second document"));
    EXPECT_THAT(only_problem("[a] b"), HasSubstr("second document"));
}

TEST(YamlReader, RefusesKeysThatAreNotText) {
    EXPECT_THAT(only_problem("? [a, b]\n: 1\n"), HasSubstr("cannot be a key"));
    EXPECT_THAT(only_problem("~: 1\n"), HasSubstr("key is empty"));
}

TEST(YamlReader, Takes32LevelsAndNoMore) {
    const auto nested = [](std::size_t levels) {
        return std::string(levels, '[') + std::string(levels, ']');
    };

    good(nested(yaml_depth_max));
    EXPECT_THAT(only_problem(nested(yaml_depth_max + 1)), HasSubstr("nested more than 32 deep"));
    EXPECT_THAT(only_problem(nested(100'000)), HasSubstr("nested more than 32 deep"));
    std::string block;
    for (int i = 0; i < 1000; ++i) block += "- ";
    EXPECT_THAT(only_problem(block + "x"), HasSubstr("nested more than 32 deep"));
}

TEST(YamlReader, TakesOneMebibyteAndNoMore) {
    std::string text = "a: 1\n#";
    text.resize(yaml_bytes_max, 'x');
    good(text);
    text += 'x';

    EXPECT_THAT(only_problem(text), HasSubstr("larger than 1 MiB"));
}

TEST(YamlReader, RefusesBytesThatAreNotUtf8WithTheirLine) {
    EXPECT_THAT(only_problem("a: 1\nb: \xff\n"), HasSubstr("a.yaml:2: this line is not UTF-8"));
}

TEST(YamlReader, RefusesAControlCharacterThatWouldEndTheFileUnseen) {
    EXPECT_THAT(only_problem("a: 1\n\x04\nb: ]\n"), HasSubstr("a.yaml:2"));
}

TEST(YamlReader, StopsAfterAThousandProblems) {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "a: 1\n";

    EXPECT_THAT(read(text).problems, SizeIs(yaml_problems_max));
}

TEST(YamlReader, GivesValuesOfAnOptionTheOriginOfTheOption) {
    const ReadYaml result = read_yaml("[a, {b: c}]", Origin::option("--set x"));

    EXPECT_THAT(result.problems, IsEmpty());
    EXPECT_EQ(result.value.items[1].find("b")->origin, Origin::option("--set x"));
}

TEST(YamlReader, NeverCrashesOnDamagedText) {
    const std::string sample =
        "%YAML 1.2\n---\na: {b: [1, \"x\\n\", 'y'], ? c : d}\ne: |2-\n   text\nf: >+\n  g\n"
        "- h: &i j\n? k\n: !l *m\n\"n\": # o\n...\n";
    for (std::size_t i = 0; i < sample.size(); ++i) {
        for (const char replacement :
             {'[', ']', '{', '}', ':', '-', '"', '\n', ' ', '*', '?', ','}) {
            std::string damaged = sample;
            damaged[i] = replacement;
            const ReadYaml whole = read(damaged);
            const ReadYaml cut = read(std::string_view(damaged).substr(0, i + 1));
            EXPECT_TRUE(!whole.broken || !whole.problems.empty());
            EXPECT_TRUE(!cut.broken || !cut.problems.empty());
        }
    }
}

}  // namespace
}  // namespace weft::config
