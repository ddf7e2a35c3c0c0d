// What a line on an executable's stdout means.

#include "reliability/hub/exec_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/reliability/hub/fake_surroundings.hpp"

namespace weft::reliability::hub {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

ExecAnswer answer(std::string_view line) {
    auto parsed = parse_answer(line);
    EXPECT_TRUE(parsed) << parsed.error();
    return parsed ? *parsed : AnswerOk{};
}

std::string error(std::string_view line) {
    const auto parsed = parse_answer(line);
    EXPECT_FALSE(parsed) << line;
    return parsed ? "" : parsed.error();
}

TEST(ExecAnswer, IsOneOfThreeWords) {
    EXPECT_EQ(answer("ok"), ExecAnswer{AnswerOk{}});
    EXPECT_EQ(answer(" ok \r"), ExecAnswer{AnswerOk{}});
    EXPECT_EQ(answer("retry the database is away"),
              (ExecAnswer{AnswerRetry{"the database is away"}}));
    EXPECT_EQ(answer("drop\tno project"), (ExecAnswer{AnswerDrop{"no project"}}));
    EXPECT_EQ(answer("drop"), (ExecAnswer{AnswerDrop{"it gave no reason"}}));
}

TEST(ExecAnswer, AReasonFitsIntoALogLine) {
    EXPECT_EQ(answer("retry a\x1b[1m \xff"), (ExecAnswer{AnswerRetry{"a\\x1b[1m \\xff"}}));
    const auto long_one = std::get<AnswerRetry>(answer("retry " + std::string(1 << 20, 'x')));
    EXPECT_LT(long_one.reason.size(), 1'100U);
}

TEST(ExecAnswer, AWordThatOnlyBeginsLikeOneIsNone) {
    for (const char* line :
         {"okay", "ok then", "OK", "retrying", "dropped", "null", "\"ok\"", "1"}) {
        EXPECT_EQ(error(line), "answered '" + std::string{line} +
                                   "', which is none of ok, retry REASON, drop REASON and a JSON "
                                   "object to publish");
    }
    EXPECT_THAT(error(""), HasSubstr("answered an empty line"));
}

TEST(ExecAnswer, QuotesLittleAndEscaped) {
    EXPECT_THAT(error(std::string("\x07\n") + std::string(1 << 20, 'x')),
                HasSubstr("answered '\\x07\\x0ax"));
    EXPECT_LT(error(std::string(1 << 20, '\x01')).size(), 600U);
    EXPECT_LT(error("{" + std::string(1 << 20, '\x01')).size(), 1'000U);
}

TEST(ExecAnswer, ABodyKeepsItsDigits) {
    EXPECT_EQ(
        answer(R"({"topic":"a.b", "body": [1.0, 12345678901234567890123, "ü"]})"),
        (ExecAnswer{AnswerPublish{
            {"a.b", R"([1.0,12345678901234567890123,"ü"])", "application/json", {}, false}}}));
}

TEST(ExecAnswer, WithAContentTypeTheBodyIsItsText) {
    EXPECT_EQ(answer(R"({"body":"a\nb","content_type":"text/plain","topic":"t"})"),
              (ExecAnswer{AnswerPublish{{"t", "a\nb", "text/plain", {}, false}}}));
}

TEST(ExecAnswer, AListKeepsItsOrderWhateverStandsInItsTexts) {
    const auto messages = std::get<AnswerPublish>(answer(
        R"([{"topic":"a","body":"],[\"\\"},{"topic":"b","body":[[],{}]},{"topic":"c","body":null}])"));
    ASSERT_EQ(messages.size(), 3U);
    EXPECT_EQ(messages[0].body, R"("],[\"\\")");
    EXPECT_EQ(messages[1].body, "[[],{}]");
    EXPECT_EQ(messages[2].body, "null");
    EXPECT_EQ(answer("[]"), (ExecAnswer{AnswerPublish{}}));
}

TEST(ExecAnswer, SaysWhatIsWrongWithAMessageToPublish) {
    const auto ends = [](std::string_view line, const std::string& end) {
        EXPECT_THAT(error(line), EndsWith("which cannot be published: " + end));
    };
    ends(R"({"body":1})", R"(its "topic" must be a text that names one)");
    ends(R"({"topic":7,"body":1})", R"(its "topic" must be a text that names one)");
    ends(R"({"topic":"a"})", R"(it has no "body"; null is one, too)");
    ends(R"({"topic":"a","body":1,"content_type":"text/plain"})",
         R"(with a "content_type" its "body" must be a text)");
    ends(R"({"topic":"a","body":"","content_type":""})",
         R"(its "content_type" must be a text that is not empty)");
    ends(R"({"topic":"a","body":1,"durable":1})", R"(its "durable" must be true or false)");
    ends(R"({"topic":"a","body":1,"headers":[]})", R"(its "headers" must be an object)");
    ends(R"({"topic":"a","body":1,"headers":{"k":1}})",
         "the value of its header 'k' must be a text");
    ends(R"({"topic":"a","body":1,"bodi":1})",
         "it has 'bodi'; a message to publish has topic, body, content_type, headers and durable");
    ends(R"([{"topic":"a","body":1},2])", "number 2: a message to publish is an object");
    EXPECT_THAT(error(R"({"topic":"a")"), HasSubstr("which cannot be published: "));
}

TEST(ExecAnswer, MoreMessagesThanAllowedAreRefused) {
    std::string line = "[1";
    for (std::size_t i = 0; i < answer_messages_max; ++i) line += ",1";
    EXPECT_THAT(error(line + "]"), HasSubstr("they are 10001 messages, and at most 10000"));
}

}  // namespace
}  // namespace weft::reliability::hub
