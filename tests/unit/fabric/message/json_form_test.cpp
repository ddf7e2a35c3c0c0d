#include "fabric/message/json_form.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fabric/message/utf8_text.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"

namespace weft::fabric {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;
using namespace std::string_literals;
using List = Value::List;

// What holds for every output, whatever went in.
void expect_one_line_of_json(const std::string& json) {
    EXPECT_TRUE(is_utf8(json)) << json;
    for (const char* line_end : {"\n", "\r", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
        EXPECT_EQ(json.find(line_end), std::string::npos) << json;
    }
    const auto read = compact_json(json, 64);
    ASSERT_TRUE(read) << read.error() << " in " << json;
    EXPECT_EQ(*read, json);
}

TEST(JsonForm, OfAMessageHasAllItsFieldsInOneOrder) {
    ContentHeader header = sample_header();
    header.parent = *MessageId::parse("01934a5b-6c7d-7abc-8def-000000000001");
    header.headers = {{"trace", "abc"}, {"b", "\"quoted\""}};
    const std::string body = to_msgpack(Value{{"hash", "abc"}, {"files", List{1, 2}}}).value();
    const Message message = received(header, body, certificate_of("git.host1"), true);

    const std::string json = to_json(message, 17);

    EXPECT_EQ(json,
              R"({"id":"01934a5b-6c7d-7abc-8def-0123456789ab","journal_id":17,)"
              R"("topic":"org.weft.dev.git.commit","time":"2026-11-21T02:43:29.123456Z",)"
              R"("source":"git","signer":"git.host1","verified":true,"seq":42,)"
              R"("parent":"01934a5b-6c7d-7abc-8def-000000000001",)"
              R"("content_type":"application/msgpack",)"
              R"("headers":{"trace":"abc","b":"\"quoted\""},"body":{"hash":"abc","files":[1,2]}})");
    expect_one_line_of_json(json);
}

TEST(JsonForm, SaysNullWhereThereIsNoSignerParentOrJournal) {
    const std::string json = to_json(received(Value{}));

    EXPECT_THAT(json, HasSubstr(R"("journal_id":null)"));
    EXPECT_THAT(json, HasSubstr(R"("signer":null,"verified":false)"));
    EXPECT_THAT(json, HasSubstr(R"("parent":null)"));
    EXPECT_THAT(json, HasSubstr(R"("headers":{},"body":null})"));
}

TEST(JsonForm, NamesTheNumberThatAMessageHasInTheJournalItCameFrom) {
    Message message = received(Value{1});
    EXPECT_FALSE(message.replayed());
    message.mark_replayed(4711);

    EXPECT_TRUE(message.replayed());
    EXPECT_THAT(to_json(message), HasSubstr(R"("journal_id":4711)"));
    EXPECT_THAT(to_json(message, 17), HasSubstr(R"("journal_id":17)"));
    message.mark_replayed(std::nullopt);
    EXPECT_THAT(to_json(message), HasSubstr(R"("journal_id":null)"));
}

TEST(JsonForm, ShowsTheLastOneOfARepeatedHeader) {
    ContentHeader header = sample_header();
    header.headers = {{"a", "1"}, {"b", "2"}, {"a", "3"}};

    EXPECT_THAT(to_json(received(header, "\xC0")), HasSubstr(R"("headers":{"b":"2","a":"3"})"));
}

TEST(JsonForm, KeepsEveryDigitOfAJsonBody) {
    for (const char* number :
         {"1e400", "12345678901234567890", "-0", "0.10",
          "123456789012345678901234567890.123456789012345678901234567890", "1E+2", "-1.0e-999"}) {
        EXPECT_EQ(body_to_json(received("application/json", number)), number);
    }
}

TEST(JsonForm, DropsTheWhiteSpaceOfAJsonBodyButNotThatOfItsStrings) {
    EXPECT_EQ(
        body_to_json(received("application/json", " {\n\t\"a b\" : [ 1 , \"x  y\\n\" ] }\r\n")),
        R"({"a b":[1,"x  y\n"]})");
}

TEST(JsonForm, ReadsABodyOfAnyTypeAsJsonUnlessItIsDeclaredAsText) {
    EXPECT_EQ(body_to_json(received("application/octet-stream", "[1]")), "[1]");
    EXPECT_EQ(body_to_json(received("application/vnd.x+json", "{}")), "{}");
    EXPECT_EQ(body_to_json(received("text/json", "{}")), "{}");
    EXPECT_EQ(body_to_json(received("text/plain", "42")), "\"42\"");
    EXPECT_EQ(body_to_json(received("TEXT/plain;charset=utf-8", "null")), "\"null\"");
}

TEST(JsonForm, ShowsTextAsTextAndOtherBytesAsBase64) {
    EXPECT_EQ(body_to_json(received("text/plain", "one\ntwo")), R"("one\ntwo")");
    EXPECT_EQ(body_to_json(received("application/json", "{broken")), R"("{broken")");
    EXPECT_EQ(body_to_json(received("text/plain", "")), R"("")");
    EXPECT_EQ(body_to_json(received("image/png", "\x89PNG")), R"({"base64":"iVBORw=="})");
    EXPECT_EQ(body_to_json(received("text/plain", "\xff")), R"({"base64":"/w=="})");
}

TEST(JsonForm, IsOneLineOfUtf8WhateverTheMessageHolds) {
    const std::string nasty =
        "\n\r\t\b\f\x01\x1f\x7f\"\\/\xC2\x85\xC2\x9B\xE2\x80\xA8\xE2\x80\xA9 \xF0\x9F\x98\x80";
    ContentHeader header = sample_header();
    header.source = nasty;
    header.headers = {{nasty, nasty}};
    header.content_type = nasty;
    for (const std::string& body : {nasty, nasty + "\xff",
                                    "\""
                                    "a\xE2\x80\xA8\xC2\x85\x7f"
                                    "b\""s,
                                    "\"\n\""s, "[1,\n2]"s, "\x00"s, ""s}) {
        expect_one_line_of_json(to_json(received(header, body)));
    }
    for (const Value& body : {Value{nasty}, Value{"\xff\xC3"}, Value{{nasty, 1}, {"\xff", 2}},
                              Value{Binary{nasty}}, Value{List{Binary{"\xff"}, std::nan("")}}}) {
        expect_one_line_of_json(to_json(received(body)));
    }
}

TEST(JsonForm, AJsonBodyWithLineSeparatorsSaysTheSameInEscapes) {
    EXPECT_EQ(
        body_to_json(received("application/json", "{\"\xE2\x80\xA8\": \"\xC3\xA4\x7f\xC2\x9B\"}")),
        "{\"\\u2028\":\"\xC3\xA4\\u007f\\u009b\"}");
}

TEST(JsonForm, OfAMsgpackBodyNamesKeysThatAreNotTextByTheirJson) {
    const std::string body =
        bytes_of_numbers({0x83, 0x01, 0xA1, 'a', 0xC0, 0x02, 0xC4, 1, 0xFF, 0xC3});

    EXPECT_EQ(body_to_json(received(sample_header(), body)),
              R"({"1":"a","null":2,"{\"base64\":\"/w==\"}":true})");
}

TEST(JsonForm, OfTheDeepestBodiesIsStillReadable) {
    const std::string deep_json = std::string(32, '[') + std::string(32, ']');
    std::string deep_msgpack(31, '\x91');
    deep_msgpack += "\x91\xC4\x01x";

    expect_one_line_of_json(to_json(received("application/json", deep_json)));
    expect_one_line_of_json(to_json(received(sample_header(), deep_msgpack)));
    EXPECT_EQ(query_json(to_json(received("application/json", deep_json)), "body.0"),
              deep_json.substr(1, 62));
}

TEST(JsonOfAValue, WritesEachKind) {
    EXPECT_EQ(to_json(Value{}), "null");
    EXPECT_EQ(to_json(Value{false}), "false");
    EXPECT_EQ(to_json(Value{std::numeric_limits<std::int64_t>::min()}), "-9223372036854775808");
    EXPECT_EQ(to_json(Value{std::numeric_limits<std::uint64_t>::max()}), "18446744073709551615");
    EXPECT_EQ(to_json(Value{Binary{"hello"}}), R"({"base64":"aGVsbG8="})");
    EXPECT_EQ(to_json(Value{Value::Map{}}), "{}");
    EXPECT_EQ(to_json(Value{List{}}), "[]");
    EXPECT_EQ(to_json(Value{List{Value{{"a", List{Binary{"x"}}}}}}),
              R"([{"a":[{"base64":"eA=="}]}])");
}

TEST(JsonOfAValue, WritesTheShortestDoubleThatReadsBackAsADouble) {
    EXPECT_EQ(to_json(Value{0.1}), "0.1");
    EXPECT_EQ(to_json(Value{1.0}), "1.0");
    EXPECT_EQ(to_json(Value{-0.0}), "-0.0");
    EXPECT_EQ(to_json(Value{1e300}), "1e+300");
    EXPECT_EQ(to_json(Value{5e-324}), "5e-324");
    for (const double number : {0.1, 1.0, 1e22, 1e300, 5e-324, 123456789.125, 1.0 / 3}) {
        EXPECT_EQ(from_json(to_json(Value{number})), Value{number});
    }
}

TEST(JsonOfAValue, NeverWritesNanOrInfinity) {
    const double infinity = std::numeric_limits<double>::infinity();
    EXPECT_EQ(to_json(Value{List{std::nan(""), infinity, -infinity}}), "[null,null,null]");
}

TEST(JsonString, EscapesWhatJsonOrALineOrATerminalCannotHold) {
    EXPECT_EQ(json_string("a\"b\\c/"), R"("a\"b\\c/")");
    EXPECT_EQ(json_string("\b\f\n\r\t\x01\x1f"), R"("\b\f\n\r\t\u0001\u001f")");
    EXPECT_EQ(json_string("\0"s), R"("\u0000")");
    EXPECT_EQ(json_string("\x7f\xC2\x80\xC2\x9F"), R"("\u007f\u0080\u009f")");
    EXPECT_EQ(json_string("\xE2\x80\xA8\xE2\x80\xA9"), R"("\u2028\u2029")");
    EXPECT_EQ(json_string("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"),
              "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\"");
}

TEST(JsonString, PutsTheReplacementCharacterWhereBytesAreNotUtf8) {
    EXPECT_EQ(json_string("a\xff"
                          "b"),
              "\"a\xEF\xBF\xBD"
              "b\"");
    EXPECT_EQ(json_string("\xC3"), "\"\xEF\xBF\xBD\"");
    EXPECT_EQ(json_string("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(Rfc3339, HasMicrosecondsAndUtc) {
    EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(rfc3339(1'795'229'009'000'000), "2026-11-21T02:43:29.000000Z");
    EXPECT_EQ(rfc3339(951'827'696'000'007), "2000-02-29T12:34:56.000007Z");
    EXPECT_EQ(rfc3339(4'107'542'399'999'999), "2100-02-28T23:59:59.999999Z");
}

TEST(Rfc3339, EndsWithTheYear9999) {
    EXPECT_EQ(rfc3339(253'402'300'799'999'999), "9999-12-31T23:59:59.999999Z");
    EXPECT_EQ(rfc3339(253'402'300'800'000'000), "9999-12-31T23:59:59.999999Z");
    EXPECT_EQ(rfc3339(~std::uint64_t{0}), "9999-12-31T23:59:59.999999Z");
}

TEST(QueryJson, FollowsKeysAndIndexes) {
    const std::string json = R"({"a": {"b": [10, {"c": "x"}, 1e400]}, "": 5, "n": null})";

    EXPECT_THAT(query_json(json, "a.b.0"), Optional("10"s));
    EXPECT_THAT(query_json(json, "a.b.1.c"), Optional("\"x\""s));
    EXPECT_THAT(query_json(json, "a.b.2"), Optional("1e400"s));
    EXPECT_THAT(query_json(json, "a.b"), Optional(R"([10,{"c":"x"},1e400])"s));
    EXPECT_THAT(query_json(json, "n"), Optional("null"s));
    EXPECT_THAT(query_json(" [ 1 ] ", ""), Optional("[1]"s));
    EXPECT_THAT(query_json("3", ""), Optional("3"s));
}

TEST(QueryJson, FindsNothingWhereThePathDoesNotLead) {
    const std::string json = R"({"a": [1, 2], "e": {}, "l": []})";

    for (const char* path : {"b", "a.2", "a.x", "a.-1", "a.1x", "a.0.0", "e.a", "l.0", "a.",
                             "a.99999999999999999999999"}) {
        EXPECT_FALSE(query_json(json, path)) << path;
    }
    EXPECT_FALSE(query_json("{broken", "a"));
    EXPECT_FALSE(query_json("", ""));
}

TEST(QueryJson, IsNotMisledByWhatStandsInStrings) {
    const std::string json = R"({"x":"a\",\"k\":1}]","y":["]","\\"],"\u006b":{"\"":7},"k2":"\\"})";

    EXPECT_THAT(query_json(json, "k.\""), Optional("7"s));
    EXPECT_THAT(query_json(json, "y.1"), Optional(R"("\\")"s));
    EXPECT_THAT(query_json(json, "k2"), Optional(R"("\\")"s));
}

TEST(QueryJson, TheLastOneOfARepeatedKeyWins) {
    EXPECT_THAT(query_json(R"({"a":1,"a":2})", "a"), Optional("2"s));
}

}  // namespace
}  // namespace weft::fabric
