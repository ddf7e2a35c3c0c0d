#include "reliability/journal/retention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t second = 1'000'000, hour = 3600 * second, day = 24 * hour;
constexpr std::uint64_t noon = 1'800'000'000 * second;

JournalInfo journal() {
    JournalInfo info;
    info.epoch = 7;
    info.low = 11;
    info.head = 100;
    info.oldest_us = noon - 10 * day;
    info.newest_us = noon;
    info.bytes = 5000;
    return info;
}

TEST(Retention, WithoutABoundNothingIsForgotten) {
    EXPECT_EQ(plan_retention(journal(), {}, {}, noon), RetentionPlan{});
}

TEST(Retention, WhatIsTooOldMayGo) {
    JournalSettings settings;
    settings.max_age = 24h * 7;
    EXPECT_EQ(plan_retention(journal(), settings, {}, noon).trim_before_us, noon - 7 * day);
    settings.max_age = 24h * 11;
    EXPECT_FALSE(plan_retention(journal(), settings, {}, noon).trim_before_us);
}

TEST(Retention, WhatIsTooLargeShrinks) {
    JournalSettings settings;
    settings.max_bytes = 4999;
    EXPECT_EQ(plan_retention(journal(), settings, {}, noon).shrink_to_bytes, 4999u);
    settings.max_bytes = 5000;
    EXPECT_FALSE(plan_retention(journal(), settings, {}, noon).shrink_to_bytes);
}

TEST(Retention, ProtectedCursorsHoldBackAgesButNotSize) {
    JournalSettings settings;
    settings.max_age = 24h;
    settings.max_bytes = 1;
    settings.ages["a"] = 1h;
    auto plan = plan_retention(journal(), settings, {{7, 60}, {7, 40}}, noon);
    EXPECT_EQ(plan.age_floor, 41u);
    EXPECT_TRUE(plan.trim_before_us);
    plan = plan_retention(journal(), settings, {{7, 10}}, noon);
    EXPECT_FALSE(plan.trim_before_us) << "the next one that it reads is the oldest";
    EXPECT_THAT(plan.expire, IsEmpty());
    EXPECT_EQ(plan.shrink_to_bytes, 1u);
}

TEST(Retention, ACursorFromAnotherLifeOfTheJournalProtectsEverything) {
    JournalSettings settings;
    settings.max_age = 24h;
    EXPECT_FALSE(plan_retention(journal(), settings, {{8, 99}}, noon).trim_before_us);
}

TEST(Retention, TopicsMayHaveAgesOfTheirOwn) {
    JournalSettings settings;
    settings.ages["a.**"] = 24h;
    settings.ages["b"] = 24h * 20;
    const auto plan = plan_retention(journal(), settings, {}, noon);
    EXPECT_THAT(plan.expire, ElementsAre(RetentionPlan::OfTopics{"a.**", noon - day}));
}

TEST(Retention, AnEmptyJournalHasNothingToForget) {
    JournalInfo empty = journal();
    empty.low = 101;
    JournalSettings settings;
    settings.max_age = 1s;
    settings.max_bytes = 1;
    EXPECT_EQ(plan_retention(empty, settings, {}, noon), RetentionPlan{});
}

TEST(Retention, ATimeBeforeTheAgeIsNotBelowZero) {
    JournalSettings settings;
    settings.max_age = 24h;
    EXPECT_FALSE(plan_retention(journal(), settings, {}, 5).trim_before_us);
}

TEST(AgeClock, GoesWithTheCalendar) {
    AgeClock clock;
    EXPECT_EQ(clock.read(0s, noon, noon).utc_us, noon);
    EXPECT_EQ(clock.read(10s, noon + 10 * second, noon).utc_us, noon + 10 * second);
    EXPECT_EQ(clock.read(20s, noon + 50 * second, noon).utc_us, noon + 50 * second)
        << "a small correction";
}

TEST(AgeClock, DoesNotBelieveAJumpForwardForAnHourAndSaysSoOnce) {
    AgeClock clock;
    static_cast<void>(clock.read(0s, noon, noon));
    const auto jumped = clock.read(10s, noon + 365 * day, noon);
    EXPECT_EQ(jumped.utc_us, noon + 10 * second);
    EXPECT_THAT(jumped.said, HasSubstr("ahead of where it was"));
    const auto later = clock.read(30min, noon + 365 * day + hour / 2, noon);
    EXPECT_EQ(later.utc_us, noon + hour / 2);
    EXPECT_EQ(later.said, "");
    EXPECT_EQ(clock.read(62min, noon + 366 * day, noon).utc_us, noon + 366 * day);
}

TEST(AgeClock, AJumpThatIsTakenBackWasNone) {
    AgeClock clock;
    static_cast<void>(clock.read(0s, noon, noon));
    static_cast<void>(clock.read(10s, noon + 365 * day, noon));
    EXPECT_EQ(clock.read(20s, noon + 20 * second, noon).utc_us, noon + 20 * second);
    EXPECT_THAT(clock.read(30s, noon + 365 * day, noon).said, HasSubstr("ahead"));
}

TEST(AgeClock, BelievesAClockThatGoesBackAtOnce) {
    AgeClock clock;
    static_cast<void>(clock.read(0s, noon, noon));
    EXPECT_EQ(clock.read(10s, noon - 30 * day, noon).utc_us, noon - 30 * day);
    EXPECT_EQ(clock.read(20s, noon - 30 * day + 10 * second, noon).utc_us,
              noon - 30 * day + 10 * second);
}

TEST(AgeClock, AJournalThatWasIdleOrAClockThatIsWrongAtTheStartWaitsAnHour) {
    AgeClock clock;
    const auto first = clock.read(5s, noon + 30 * day, noon);
    EXPECT_EQ(first.utc_us, noon);
    EXPECT_THAT(first.said, HasSubstr("newest message"));
    EXPECT_EQ(clock.read(61min, noon + 30 * day + hour, noon).utc_us, noon + 30 * day + hour);
}

TEST(AgeClock, AnEmptyJournalBelievesWhatItIsTold) {
    AgeClock clock;
    EXPECT_EQ(clock.read(5s, noon, 0).utc_us, noon);
}

}  // namespace
}  // namespace weft::reliability
