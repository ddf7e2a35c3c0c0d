#include "reliability/hub/plugin_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "fabric/message/codec.hpp"

namespace weft::reliability::hub::frames {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class Said>
std::string payload_of(const Said& said) {
    const auto frame = encode(said);
    EXPECT_TRUE(frame);
    return frame.value_or("").substr(4);
}

TEST(PluginFrames, CarryAMessageToTheProcess) {
    Deliver said;
    said.number = 7;
    said.topic = "org.weft.dev.git.commit";
    said.content = std::string_view{"\x00\xFF", 2};
    said.certificate = "WFC1";
    said.verified = true;
    said.replayed = true;
    said.journal_id = 123'456'789'012;
    said.attempt = 3;

    const std::string payload = payload_of(ToProcess{said});
    const auto read = decode_to_process(payload);

    ASSERT_TRUE(read) << read.error();
    const auto* got = std::get_if<Deliver>(&*read);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(got->number, 7U);
    EXPECT_EQ(got->topic, said.topic);
    EXPECT_EQ(got->content, said.content);
    EXPECT_EQ(got->certificate, "WFC1");
    EXPECT_TRUE(got->verified);
    EXPECT_TRUE(got->replayed);
    EXPECT_EQ(got->journal_id, said.journal_id);
    EXPECT_EQ(got->attempt, 3U);
}

TEST(PluginFrames, TellAMessageWithoutANumberFromOneWithZero) {
    const auto read = [](std::optional<std::uint64_t> id) {
        Deliver said;
        said.journal_id = id;
        const std::string payload = payload_of(ToProcess{said});
        return std::get<Deliver>(decode_to_process(payload).value()).journal_id;
    };

    EXPECT_EQ(read(std::nullopt), std::nullopt);
    EXPECT_EQ(read(0), 0U);
}

TEST(PluginFrames, CarryWhatThePluginWants) {
    Publish said;
    said.number = 2;
    said.topic = "git.authors";
    said.body = "{}";
    said.content_type = "application/json";
    said.headers = {{"kind", "report"}, {"empty", ""}};
    said.durable = true;
    said.caused = true;

    const std::string payload = payload_of(ToHub{said});
    const auto read = decode_to_hub(payload);

    ASSERT_TRUE(read) << read.error();
    const auto* got = std::get_if<Publish>(&*read);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(got->topic, "git.authors");
    EXPECT_EQ(got->body, "{}");
    EXPECT_EQ(got->content_type, "application/json");
    EXPECT_EQ(got->headers, said.headers);
    EXPECT_TRUE(got->durable);
    EXPECT_TRUE(got->caused);
}

TEST(PluginFrames, KeepEachKindApart) {
    EXPECT_TRUE(std::holds_alternative<Started>(*decode_to_hub(payload_of(ToHub{Started{}}))));
    EXPECT_TRUE(std::holds_alternative<Failed>(*decode_to_hub(payload_of(ToHub{Failed{"x"}}))));
    EXPECT_TRUE(std::holds_alternative<Log>(*decode_to_hub(payload_of(ToHub{Log{1, "x"}}))));
    EXPECT_TRUE(
        std::holds_alternative<Judged>(*decode_to_hub(payload_of(ToHub{Judged{1, 2, "x"}}))));
    EXPECT_TRUE(std::holds_alternative<Stop>(*decode_to_process(payload_of(ToProcess{Stop{}}))));
    EXPECT_TRUE(std::holds_alternative<Answer>(
        *decode_to_process(payload_of(ToProcess{Answer{1, true, "x"}}))));
    EXPECT_TRUE(std::holds_alternative<Start>(
        *decode_to_process(payload_of(ToProcess{Start{"a", "b", "c", "{}"}}))));
}

TEST(PluginFrames, RefuseLevelsAndVerdictsThatThereAreNot) {
    EXPECT_FALSE(decode_to_hub(payload_of(ToHub{Log{4, "x"}})));
    EXPECT_FALSE(decode_to_hub(payload_of(ToHub{Judged{1, 3, "x"}})));
}

TEST(PluginFrames, RefuseWhatIsCutOffOrHasMoreBehindIt) {
    const std::string payload = payload_of(ToHub{Judged{1, 0, "reason"}});

    for (std::size_t bytes = 0; bytes < payload.size(); ++bytes) {
        EXPECT_FALSE(decode_to_hub(payload.substr(0, bytes))) << bytes;
    }
    const auto longer = decode_to_hub(payload + "x");
    ASSERT_FALSE(longer);
    EXPECT_THAT(longer.error(), HasSubstr("is none of those that may come"));
}

TEST(PluginFrames, SurviveAnyBytes) {
    std::mt19937 random(20'261);  // NOLINT: the same bytes each time
    Publish said;
    said.headers = {{"kind", "report"}};
    const std::string good = payload_of(ToHub{said});
    for (int round = 0; round < 20'000; ++round) {
        std::string payload = good;
        for (int i = 0; i < 3; ++i)
            payload[random() % payload.size()] = static_cast<char>(random());
        if (const auto read = decode_to_hub(payload)) {
            if (const auto* publish = std::get_if<Publish>(&*read)) {
                EXPECT_LE(publish->headers.size(), fabric::headers_max);
            }
        }
        static_cast<void>(decode_to_process(payload));
    }
}

TEST(PluginFrames, AreNotMadeTooLargeOrWithTooManyHeaders) {
    const std::string body(frame_bytes_max, 'x');
    Publish large;
    large.body = body;
    EXPECT_EQ(encode(ToHub{large}), std::nullopt);

    Publish many;
    many.headers.resize(fabric::headers_max + 1);
    EXPECT_EQ(encode(ToHub{many}), std::nullopt);
}

TEST(PluginFrames, AreCutOutOfAStreamInAnyPieces) {
    const std::string stream = *encode(ToHub{Log{1, "one"}}) + *encode(ToHub{Log{1, "two"}});
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        Reader reader;
        std::vector<std::string> lines;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            reader.take(std::string_view{stream}.substr(at, piece));
            for (auto payload = reader.next(); payload && *payload; payload = reader.next()) {
                lines.emplace_back(std::get<Log>(decode_to_hub(**payload).value()).line);
            }
        }
        EXPECT_THAT(lines, ElementsAre("one", "two")) << piece;
    }
}

TEST(PluginFrames, AreRefusedByTheirLengthBeforeTheyArrive) {
    Reader reader;
    reader.take(std::string_view{"\x7F\xFF\xFF\xFF", 4});

    const auto next = reader.next();

    ASSERT_FALSE(next);
    EXPECT_THAT(next.error(), HasSubstr("at most 9000000 are allowed"));
}

}  // namespace
}  // namespace weft::reliability::hub::frames
