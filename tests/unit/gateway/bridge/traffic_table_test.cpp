#include "gateway/bridge/traffic_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t second = 1'000'000, begin = 1'800'000'000 * second;

std::vector<std::string> names(const TrafficTable& table) {
    std::vector<std::string> names;
    for (const auto& row : table.snapshot(begin).rows) names.push_back(row.name);
    return names;
}

TEST(TrafficTable, CountsWhatPassesAndKnowsTheLast) {
    TrafficTable table(10);
    table.passed({"a", 3, 7, begin});
    table.passed({"b", 1, 8, begin + second});
    table.passed({"a", 2, 10, begin + 2 * second});
    const auto rows = table.snapshot(begin + 2 * second).rows;
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].name, "a");
    EXPECT_EQ(rows[0].messages, 5U);
    EXPECT_EQ(rows[0].last_id, 10U);
    EXPECT_EQ(rows[0].last_us, begin + 2 * second);
    EXPECT_EQ(rows[1].name, "b");
}

TEST(TrafficTable, ARateIsThatOfTheLastMinute) {
    TrafficTable table(10);
    for (std::uint64_t i = 0; i < 120; ++i) table.passed({"a", 10, i, begin + i * second});
    EXPECT_DOUBLE_EQ(table.snapshot(begin + 119 * second).rows[0].per_second, 10);
    EXPECT_DOUBLE_EQ(table.snapshot(begin + 149 * second).rows[0].per_second, 5);
    EXPECT_DOUBLE_EQ(table.snapshot(begin + 180 * second).rows[0].per_second, 0);
    table.passed({"a", 60, 200, begin + 300 * second});
    EXPECT_DOUBLE_EQ(table.snapshot(begin + 300 * second).rows[0].per_second, 1)
        << "what is long over is in no rate";
    EXPECT_EQ(table.snapshot(begin + 300 * second).rows[0].messages, 1260U);
}

TEST(TrafficTable, AClockThatGoesBackTakesNothingFromTheRate) {
    TrafficTable table(10);
    table.passed({"a", 60, 1, begin + 20 * second});
    table.passed({"a", 60, 2, begin});
    table.passed({"a", 60, 3, begin - 300 * second});
    EXPECT_DOUBLE_EQ(table.snapshot(begin - 400 * second).rows[0].per_second, 2);
    EXPECT_EQ(table.snapshot(0).rows[0].messages, 180U);
    table.passed({"b", 60, 3, 0});
    EXPECT_DOUBLE_EQ(table.snapshot(0).rows[0].per_second, 1);
}

TEST(TrafficTable, TheNameUsedLongestAgoGoesAndIsCounted) {
    TrafficTable table(2);
    table.passed({"a", 1, 1, begin});
    table.passed({"b", 1, 2, begin});
    table.passed({"a", 1, 3, begin});
    table.passed({"c", 1, 4, begin});
    EXPECT_THAT(names(table), ElementsAre("c", "a"));
    EXPECT_EQ(table.snapshot(begin).forgotten, 1U);
    table.passed({"b", 1, 5, begin});
    EXPECT_EQ(table.snapshot(begin).rows[0].messages, 1U) << "it begins anew";
}

TEST(TrafficTable, WhatWasBeforeComesBehindWhatHasPassed) {
    TrafficTable table(3);
    EXPECT_THAT(names(table), IsEmpty());
    table.passed({"b", 1, 9, begin});
    table.remember({{"lost", 0, 1, begin - 3, 0},
                    {"b", 0, 2, begin - 2, 0},
                    {"old", 0, 3, begin - 2, 0},
                    {"a", 0, 4, begin - 1, 0}});
    EXPECT_THAT(names(table), ElementsAre("b", "a", "old"));
    const auto snapshot = table.snapshot(begin);
    EXPECT_EQ(snapshot.forgotten, 1U);
    EXPECT_EQ(snapshot.rows[0].last_id, 9U);
    EXPECT_EQ(snapshot.rows[1].messages, 0U);
    EXPECT_EQ(snapshot.rows[1].last_id, 4U);
    table.passed({"a", 2, 10, begin});
    EXPECT_THAT(names(table), ElementsAre("a", "b", "old"));
    EXPECT_EQ(table.snapshot(begin).rows[0].messages, 2U);
}

}  // namespace
}  // namespace weft::gateway
