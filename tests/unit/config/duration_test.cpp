#include "config/duration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::config {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(Duration, ReadsEveryUnit) {
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("3s"), 3s);
    EXPECT_EQ(parse_duration("10m"), 10min);
    EXPECT_EQ(parse_duration("2h"), 2h);
    EXPECT_EQ(parse_duration("7d"), 168h);
    EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Duration, WithoutAUnitIsRefusedWithAHint) {
    const auto bare = parse_duration("30");

    ASSERT_FALSE(bare);
    EXPECT_THAT(bare.error(), HasSubstr("30s for seconds or 30ms for milliseconds"));
    EXPECT_FALSE(parse_duration("0"));
}

TEST(Duration, WithALeadingZeroIsRefusedWithTheNumberThatWasMeant) {
    const auto octal = parse_duration("010s");

    ASSERT_FALSE(octal);
    EXPECT_THAT(octal.error(), HasSubstr("write 10"));
}

TEST(Duration, RefusesWhateverIsNotOneWholeNumberAndOneUnit) {
    for (const char* text : {"", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1h30m", "1S",
                             "1sec", "1w", "1us", "0x1s", "1e3s", "inf", "ms"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(Duration, LongerThanAHundredYearsIsRefusedInsteadOfOverflowing) {
    EXPECT_EQ(parse_duration("36500d"), duration_max);
    EXPECT_FALSE(parse_duration("36501d"));
    EXPECT_FALSE(parse_duration("18446744073709551615d"));
    EXPECT_FALSE(parse_duration("99999999999999999999ms"));
}

TEST(Duration, IsWrittenInTheLargestUnitThatIsExact) {
    EXPECT_EQ(duration_text(0ms), "0s");
    EXPECT_EQ(duration_text(250ms), "250ms");
    EXPECT_EQ(duration_text(1500ms), "1500ms");
    EXPECT_EQ(duration_text(90s), "90s");
    EXPECT_EQ(duration_text(120s), "2m");
    EXPECT_EQ(duration_text(duration_max), "36500d");
}

TEST(Duration, ReadsBackWhatItWrites) {
    for (const auto span : {0ms, 1ms, 999ms, 1000ms, 61'000ms, 3'600'000ms, 86'400'001ms}) {
        EXPECT_EQ(parse_duration(duration_text(span)), span);
    }
}

}  // namespace
}  // namespace weft::config
