#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "fabric/message/json_form.hpp"

namespace weft::fabric {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;
using List = Value::List;

std::string refusal(std::string_view text) {
    const auto json = compact_json(text);
    EXPECT_EQ(json.has_value(), from_json(text).has_value()) << text;
    return json ? "" : json.error();
}

TEST(CompactJson, TakesOutTheWhiteSpaceAndNothingElse) {
    EXPECT_EQ(compact_json(" {\r\n\t\"a\" : [ 1 , true , null , \"b  c\" ] } "),
              R"({"a":[1,true,null,"b  c"]})");
    EXPECT_EQ(compact_json("\n7\n"), "7");
    EXPECT_EQ(compact_json("\" \\u0041\\n \""), "\" \\u0041\\n \"");
}

TEST(CompactJson, KeepsEveryDigitAndEveryRepeatedKey) {
    for (const char* json :
         {"1e400", "-1e-400", "12345678901234567890", "18446744073709551616", "-0", "1.10", "1E5",
          "0.1234567890123456789012345678901234567890", R"({"a":1,"a":2})", R"({"":{}})"}) {
        EXPECT_EQ(compact_json(json), json);
    }
}

TEST(CompactJson, RefusesWhatIsAlmostJson) {
    for (const char* text : {"",
                             " ",
                             "01",
                             "+1",
                             ".5",
                             "5.",
                             "1e",
                             "1e+",
                             "-",
                             "--1",
                             "0x10",
                             "1_000",
                             "NaN",
                             "Infinity",
                             "-Infinity",
                             "nul",
                             "nulll",
                             "True",
                             "truefalse",
                             "'a'",
                             "\"a",
                             "a\"",
                             "\"",
                             "\"\\",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\u12g4\"",
                             "[",
                             "]",
                             "[1",
                             "[1,",
                             "[1,]",
                             "[,1]",
                             "[1 2]",
                             "[1,,2]",
                             "[1}",
                             "{",
                             "}",
                             "{1:2}",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "{\"a\" 1}",
                             "{\"a\":1 \"b\":2}",
                             "{\"a\",1}",
                             "{\"a\":1]",
                             "{a:1}",
                             "{,}",
                             "1 2",
                             "1,2",
                             "[] []",
                             "{}{}",
                             "[1],[2]",
                             "1]",
                             "[1]]",
                             "],[",
                             "],",
                             ":",
                             ",",
                             "[:]",
                             "{:}",
                             "{\"a\":[}",
                             "[[1]",
                             "[{\"a\":1]",
                             "\"a\" \"b\"",
                             "\"a\":1",
                             "// c\n1",
                             "1 // c",
                             "/**/1",
                             "[1]x",
                             "x[1]",
                             "\"a\"x",
                             "[1,2",
                             "\v1",
                             "\f1",
                             "1\v"}) {
        EXPECT_NE(refusal(text), "") << "'" << text << "'";
    }
    EXPECT_NE(refusal("1\0"s), "");
    EXPECT_NE(refusal("\0"s), "");
    EXPECT_NE(refusal("[1]\0"s), "");
    EXPECT_NE(refusal("\xEF\xBB\xBF"
                      "1"),
              "")
        << "a byte order mark";
}

TEST(CompactJson, RefusesBytesThatAreNotUtf8AnywhereAndSaysWhere) {
    EXPECT_THAT(refusal("[\n\"ab\xff\"]"), HasSubstr("line 2, column 4"));
    for (const char* text :
         {"\"\xC3\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"", "{\"\xC0\x80\":1}"}) {
        EXPECT_THAT(refusal(text), HasSubstr("UTF-8"));
    }
    EXPECT_NE(refusal("\xff"), "");
    EXPECT_NE(refusal("[1]\xff"), "");
}

TEST(CompactJson, RefusesRawControlCharactersInStringsAndSaysWhere) {
    EXPECT_THAT(refusal("[1,\"a\nb\"]"), HasSubstr("line 1, column 6"));
    EXPECT_THAT(refusal("{\"a\x01\":1}"), HasSubstr("control character"));
    EXPECT_EQ(refusal("\"\x7f\""), "");
}

TEST(CompactJson, RefusesHalfOfASurrogatePair) {
    for (const char* text : {R"("\ud800")", R"("\udc00")", R"("\ud800\u0041")", R"("\udc00\ud800")",
                             R"({"\ud83d":1})", R"("\ud800\ud800")", R"("\ud83dx")"}) {
        EXPECT_NE(refusal(text), "") << text;
    }
    EXPECT_EQ(refusal(R"("\ud83d\ude00")"), "");
}

TEST(CompactJson, SaysWhatIsWrongAndWhere) {
    EXPECT_THAT(refusal("{\n  \"a\": 01\n}"), HasSubstr("line 2, column 8"));
    EXPECT_THAT(refusal(""), HasSubstr("empty"));
    EXPECT_THAT(refusal("[\"abc"), HasSubstr("never closed"));
    EXPECT_THAT(refusal("1 2"), HasSubstr("JSON"));
    EXPECT_THAT(refusal("[1 2]"), HasSubstr("comma"));
}

TEST(CompactJson, LimitsTheDepthThatTheCallerNames) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(compact_json(nested(32)));
    EXPECT_THAT(compact_json(nested(33)).error(), HasSubstr("32"));
    EXPECT_TRUE(compact_json("5", 0));
    EXPECT_FALSE(compact_json("[]", 0));
    EXPECT_TRUE(compact_json(nested(64), 64));
}

// D1
TEST(CompactJson, RefusesBombs) {
    EXPECT_FALSE(compact_json(std::string(100'000, '[')));
    EXPECT_FALSE(compact_json(std::string(100'000, '[') + std::string(100'000, ']')));
    std::string objects;
    for (int i = 0; i < 20'000; ++i) objects += "{\"a\":";
    EXPECT_FALSE(compact_json(objects));
    EXPECT_FALSE(compact_json(std::string(100'000, ']')));
    EXPECT_FALSE(compact_json(std::string(100'000, '"')));
    EXPECT_TRUE(compact_json("[" + std::string(100'000, '1') + "]"));
}

TEST(FromJson, MakesTheSmallestKindOfNumberThatHoldsIt) {
    EXPECT_EQ(from_json("0"), Value{0});
    EXPECT_EQ(from_json("-9223372036854775808"), Value{std::numeric_limits<std::int64_t>::min()});
    EXPECT_EQ(from_json("18446744073709551615"), Value{std::numeric_limits<std::uint64_t>::max()});
    EXPECT_EQ(from_json("18446744073709551616"), Value{18446744073709551616.0});
    EXPECT_EQ(from_json("-9223372036854775809"), Value{-9223372036854775808.0});
    EXPECT_EQ(from_json("1.0"), Value{1.0});
    EXPECT_EQ(from_json("1e2"), Value{100.0});
    EXPECT_EQ(from_json("1e-400"), Value{0.0});
    EXPECT_EQ(from_json("0e99999999999999999999"), Value{0.0});
    EXPECT_EQ(from_json("0." + std::string(400, '0') + "1e401"), Value{1.0});
}

TEST(FromJson, RefusesANumberThatNoDoubleHoldsAndSaysWhere) {
    for (const char* huge : {"[1,\n1e400]", "[1,\n-1e309]", "[1,\n1e99999999999999999999]"}) {
        const auto value = from_json(huge);
        ASSERT_FALSE(value);
        EXPECT_THAT(value.error(), HasSubstr("line 2, column 1"));
    }
    EXPECT_FALSE(from_json(std::string(400, '9')));
}

TEST(FromJson, DecodesStringsAndKeys) {
    const auto value = from_json(R"({"\u0061\n": "\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00\u0000"})");

    ASSERT_TRUE(value) << value.error();
    EXPECT_EQ(value->map()->front().first, "a\n");
    EXPECT_EQ((*value)["a\n"].text_or(""), "\"\\/\b\f\n\r\t\xC3\xA4\xF0\x9F\x98\x80\0"s);
}

TEST(FromJson, KeepsTheOrderAndRepetitionOfKeys) {
    const auto value = from_json(R"({"b":1,"a":{"x":[{}, []]},"b":2})");

    ASSERT_TRUE(value) << value.error();
    EXPECT_EQ(*value, (Value{{"b", 1}, {"a", Value{{"x", List{Value::Map{}, List{}}}}}, {"b", 2}}));
    EXPECT_EQ(to_json(*value), R"({"b":1,"a":{"x":[{},[]]},"b":2})");
}

TEST(FromJson, ComesBackFromWhatWasWritten) {
    const Value value{{"nil", nullptr},
                      {"flags", List{true, false}},
                      {"text", "\n\"\xC3\xA4\xE2\x80\xA8"},
                      {"numbers", List{0, -1, 1.5, std::numeric_limits<std::uint64_t>::max()}},
                      {"map", Value{{"", List{}}}}};

    EXPECT_EQ(from_json(to_json(value)), value);
}

// Texts of pieces that mean something to JSON, judged by another parser too.
TEST(JsonText, IsAcceptedExactlyWhereAnIndependentParserAcceptsIt) {
    const std::vector<std::string> pieces{
        "[",       "]",       "{",        "}",    ",",  ":",     "\"",
        "\"a\"",   "\"a\":",  "1",        "-1",   "0",  "1.5",   "true",
        "false",   "null",    " ",        "\n",   "\\", "\\n",   "\\ud83d",
        "\\ude00", "\\u00e4", "\xC3\xA4", "\xff", "e",  "[1,2]", "{\"b\":3}",
        "[[]]",    "{}",      "x",        "-",    ".",  "\x01",  "\"\\\"\""};
    std::mt19937 random{20'261'121};
    int accepted = 0;
    for (int i = 0; i < 100'000; ++i) {
        std::string text;
        if (random() % 2 == 0) {
            for (std::size_t count = 1 + random() % 8; count > 0; --count) {
                text += pieces[random() % pieces.size()];
            }
        } else {
            text = R"({"a":[1,-2.5,"x\n\u00e4",{"b":null}],"c":{"d":[],"e":{}},"f":true})";
            for (std::size_t count = 1 + random() % 2; count > 0; --count) {
                const std::size_t at = random() % text.size();
                if (random() % 2 == 0) {
                    text.replace(at, random() % 3, pieces[random() % pieces.size()]);
                } else {
                    text.erase(at, 1 + random() % 2);
                }
            }
        }
        const bool expected = nlohmann::json::accept(text);
        const auto compact = compact_json(text);
        ASSERT_EQ(compact.has_value(), expected) << text << (compact ? "" : "\n" + compact.error());
        const auto value = from_json(text);
        ASSERT_EQ(value.has_value(), expected) << text;
        if (!expected) continue;
        ++accepted;
        ASSERT_EQ(nlohmann::json::parse(*compact), nlohmann::json::parse(text)) << text;
        ASSERT_EQ(nlohmann::json::parse(to_json(*value)), nlohmann::json::parse(text)) << text;
        ASSERT_EQ(compact_json(*compact), *compact);
    }
    EXPECT_GT(accepted, 5'000);
}

}  // namespace
}  // namespace weft::fabric
