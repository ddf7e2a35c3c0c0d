#include "fabric/node/refusal_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weft::fabric {
namespace {

using signing::Refusal;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Instant start = std::chrono::hours{1};

TEST(RefusalLog, ALineSaysWhatWasRefusedFromWhomAndWhy) {
    RefusalLog log;

    const auto line = log.line({Refusal::signature_bad, "certificate of git"}, "10.0.0.7",
                               "org.weft.dev.a", start);

    ASSERT_TRUE(line);
    EXPECT_THAT(*line, HasSubstr("signature_bad"));
    EXPECT_THAT(*line, HasSubstr("org.weft.dev.a"));
    EXPECT_THAT(*line, HasSubstr("10.0.0.7"));
    EXPECT_THAT(*line, HasSubstr(std::string{signing::sentence_for(Refusal::signature_bad)}));
    EXPECT_THAT(*line, HasSubstr("certificate of git"));
    EXPECT_THAT(*line, Not(HasSubstr("more since")));
}

TEST(RefusalLog, WhatIsNotKnownIsLeftOut) {
    RefusalLog log;

    const auto line = log.line({Refusal::not_three_frames, ""}, "", "", start);

    ASSERT_TRUE(line);
    EXPECT_EQ(*line, "refused not_three_frames: " +
                         std::string{signing::sentence_for(Refusal::not_three_frames)});
}

// L1: one line a second and kind of refusal, with the number of those that it stands for.
TEST(RefusalLog, TellsOncePerSecondAndThenHowManyWereSilent) {
    RefusalLog log;
    ASSERT_TRUE(log.line({Refusal::signature_bad, ""}, "p", "t", start));
    for (int i = 1; i <= 999; ++i) {
        ASSERT_FALSE(log.line({Refusal::signature_bad, ""}, "p", "t", start + milliseconds{i}));
    }

    const auto line = log.line({Refusal::signature_bad, ""}, "p", "t", start + milliseconds{1000});

    ASSERT_TRUE(line);
    EXPECT_THAT(*line, HasSubstr("999 more"));
    const auto next = log.line({Refusal::signature_bad, ""}, "p", "t", start + milliseconds{2000});
    ASSERT_TRUE(next);
    EXPECT_THAT(*next, Not(HasSubstr("more since")));
}

TEST(RefusalLog, OneReasonDoesNotSilenceAnother) {
    RefusalLog log;
    ASSERT_TRUE(log.line({Refusal::signature_bad, ""}, "p", "t", start));

    EXPECT_TRUE(log.line({Refusal::policy_denied, ""}, "p", "t", start));
    EXPECT_FALSE(log.line({Refusal::signature_bad, ""}, "p", "t", start));
}

TEST(RefusalLog, HasRoomForEveryReason) {
    RefusalLog log;
    for (std::size_t i = 0; i < signing::refusal_count; ++i) {
        const auto reason = static_cast<Refusal>(i);
        const auto line = log.line({reason, ""}, "p", "t", start);
        ASSERT_TRUE(line);
        EXPECT_THAT(*line, HasSubstr(std::string{signing::name_of(reason)}));
    }
}

// L1: what is foreign is escaped and cut.
TEST(RefusalLog, ForeignBytesCannotForgeALine) {
    RefusalLog log;

    const auto line =
        log.line({Refusal::topic_invalid, ""}, "peer\r\nroot: all is well",
                 "a\nerror: the disk is full\x1b[2J" + std::string(10'000, 'x') + "\xFF", start);

    ASSERT_TRUE(line);
    for (const char c : *line) EXPECT_GE(static_cast<unsigned char>(c), 0x20u);
    EXPECT_LT(line->size(), 1000u);
}

TEST(RefusalLog, AMillionRefusalsInTenSecondsAreTenLines) {
    RefusalLog log;
    int lines = 0;
    for (int i = 0; i < 1'000'000; ++i) {
        const Instant now = start + std::chrono::microseconds{i * 10};
        lines += log.line({Refusal::signature_bad, ""}, "p", "t", now) ? 1 : 0;
    }
    EXPECT_EQ(lines, 10);
}

}  // namespace
}  // namespace weft::fabric
