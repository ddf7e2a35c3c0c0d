#include "gateway/rse/json_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace weft::gateway::rse;
using ::testing::HasSubstr;

bool is_json(std::string_view text) {
    return check_json(text, 512).has_value();
}

TEST(JsonCheck, SaysWhatStandsAtTheRoot) {  // R70
    EXPECT_EQ(check_json(" {} ", 9), JsonRoot::object);
    EXPECT_EQ(check_json("\t[1]\r\n", 9), JsonRoot::array);
    for (const char* scalar : {"1", "\"a\"", "true", "null", "-0.5e+7"}) {
        EXPECT_EQ(check_json(scalar, 9), JsonRoot::scalar) << scalar;
    }
}

TEST(JsonCheck, AcceptsWhatTheGrammarHas) {  // R71, R73, R75, R76
    for (const char* text :
         {"{\t\"a\"\t:\t1\t}", "{\"a\":{\"b\":[{},[],[[]]]},\"a\":2}", "[1e400,-0,1E-2,0.0001]",
          "[\"\\u00e4\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\ud800\"]", "[\"\\u0000\"]",
          "{\"\":\"\"}", "[true,false,null]", "[\"\x7F\"]"}) {
        EXPECT_TRUE(is_json(text)) << text;
    }
    EXPECT_TRUE(is_json("[" + std::string(5000, '9') + "]"));
}

TEST(JsonCheck, RefusesWhatItHasNot) {  // R70, R71
    for (const char* text : {"",
                             " ",
                             "{",
                             "[",
                             "]",
                             "}",
                             "[1,]",
                             "[,1]",
                             "{\"a\":1,}",
                             "{,}",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{a:1}",
                             "{1:1}",
                             "['a']",
                             "[NaN]",
                             "[Infinity]",
                             "[-01]",
                             "[01]",
                             "[+1]",
                             "[1.]",
                             "[.5]",
                             "[1e]",
                             "[- 1]",
                             "[1 2]",
                             "{} x",
                             "{}{}",
                             "[\"a]",
                             "[\"\\x\"]",
                             "[\"\\u12\"]",
                             "[\"\\u12g4\"]",
                             "[\"\\",
                             "[\"\\u",
                             "[tru]",
                             "[True]",
                             "[nulll]",
                             "[1}",
                             "{\"a\":1]",
                             "//",
                             "[/**/]",
                             "\xEF\xBB\xBF[]",
                             "[\"a\tb\"]",
                             "[\"a\nb\"]",
                             "[\"\x01\"]",
                             "{\"a\" 1}",
                             "{\"a\",1}"}) {
        EXPECT_FALSE(is_json(text)) << text;
    }
    EXPECT_FALSE(is_json(std::string_view{"[]\0", 3}));
    EXPECT_FALSE(is_json(std::string_view{"[\"\0\"]", 5}));
}

TEST(JsonCheck, RefusesWhatIsNotUtf8) {  // R72
    for (const char* text : {"[\"\xFF\"]", "[\"\xC0\xAF\"]", "[\"\xED\xA0\x80\"]",
                             "[\"\xF4\x90\x80\x80\"]", "[\"\xC3\"]"}) {
        EXPECT_FALSE(is_json(text)) << text;
    }
    EXPECT_TRUE(is_json("[\"\xC3\xA4\xF0\x9F\x98\x80\"]"));
}

TEST(JsonCheck, DepthIsBoundedAndCostsNoStack) {  // R74
    const auto nested = [](std::size_t depth, const std::string& open, const std::string& close) {
        std::string text;
        for (std::size_t i = 0; i < depth; ++i) text += open;
        text += "1";
        for (std::size_t i = 0; i < depth; ++i) text += close;
        return text;
    };
    EXPECT_TRUE(is_json(nested(512, "[", "]")));
    EXPECT_TRUE(is_json(nested(512, "{\"a\":", "}")));
    EXPECT_FALSE(is_json(nested(513, "[", "]")));
    EXPECT_TRUE(check_json(nested(1'000'000, "[", "]"), 1'000'000));
    EXPECT_THAT(check_json(std::string(1'000'000, '['), 512).error(), HasSubstr("512"));
}

TEST(JsonCheck, AnErrorNamesTheByte) {
    EXPECT_EQ(check_json("[1,]", 9).error(), "at byte 4: a value is expected");
}

}  // namespace
