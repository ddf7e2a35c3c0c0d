#include "reliability/retry_schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace weft::reliability {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;

constexpr std::uint64_t low = 0, high = std::numeric_limits<std::uint64_t>::max();

RetrySettings steady() {
    RetrySettings settings;
    settings.jitter = 0.0;
    return settings;
}

TEST(RetrySchedule, PausesGrowByTheFactorUpToTheLongest) {
    std::vector<microseconds> pauses;
    for (std::uint32_t attempt = 0; attempt < 8; ++attempt) {
        pauses.push_back(pause_before(steady(), attempt, 12345));
    }
    EXPECT_THAT(pauses, ElementsAre(milliseconds{60}, milliseconds{120}, milliseconds{240},
                                    milliseconds{480}, milliseconds{960}, milliseconds{1920},
                                    seconds{2}, seconds{2}));
}

TEST(RetrySchedule, JitterMovesAPauseByAtMostItsShareEitherWay) {
    const RetrySettings settings;
    EXPECT_EQ(pause_before(settings, 0, low), milliseconds{45});
    EXPECT_THAT(pause_before(settings, 0, high),
                AllOf(Ge(microseconds{74'999}), Le(milliseconds{75})));
    EXPECT_EQ(pause_before(settings, 0, std::uint64_t{1} << 63), milliseconds{60});
    EXPECT_THAT(pause_before(settings, 50, high), Le(milliseconds{2500}));
}

TEST(RetrySchedule, AVeryLateAttemptIsTheLongestPause) {
    EXPECT_EQ(pause_before(steady(), std::numeric_limits<std::uint32_t>::max(), 0), seconds{2});
}

TEST(RetrySchedule, NoSettingsMakeABusyLoop) {
    RetrySettings none;
    none.first = none.longest = microseconds{0};
    RetrySettings negative = steady();
    negative.first = microseconds{-5};
    negative.longest = microseconds{-5};
    RetrySettings wild = steady();
    wild.factor = std::numeric_limits<double>::quiet_NaN();
    wild.jitter = std::numeric_limits<double>::infinity();
    for (const RetrySettings& settings : {none, negative, wild}) {
        for (const std::uint64_t random : {low, high}) {
            for (const std::uint32_t attempt : {0U, 7U, 4'000'000'000U}) {
                EXPECT_GE(pause_before(settings, attempt, random), pause_min);
            }
        }
    }
}

TEST(RetrySchedule, ShrinkingFactorsAndNumbersThatAreNoneLeaveThePauseAsItIs) {
    RetrySettings settings = steady();
    settings.factor = 0.5;
    EXPECT_EQ(pause_before(settings, 3, 0), milliseconds{60});
    settings.factor = std::numeric_limits<double>::quiet_NaN();
    settings.jitter = settings.factor;
    EXPECT_EQ(pause_before(settings, 3, high), milliseconds{60});
}

TEST(RetrySchedule, TheLongestSettingsStillFit) {
    RetrySettings settings;
    settings.first = settings.longest = microseconds::max();
    settings.jitter = 1.0;
    EXPECT_GT(pause_before(settings, 9, high), std::chrono::hours{24 * 365});
}

}  // namespace
}  // namespace weft::reliability
