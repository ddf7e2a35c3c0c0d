// What is remembered of messages, and what is forgotten for it.

#include "reliability/hub/remembered.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft::reliability::hub {
namespace {

fabric::MessageId id(std::uint64_t number) {
    return fabric::MessageId::make(1'800'000'000'000 + number);
}

class RememberedTest : public ::testing::Test {
protected:
    std::vector<fabric::MessageId> ids_ = {id(0), id(1), id(2), id(3), id(4)};
};

TEST_F(RememberedTest, BeyondItsNumberTheOldestAreForgotten) {
    Remembered<std::string> all(2, 1000);
    EXPECT_EQ(all.add(ids_[0], "a", {1}), 0U);
    EXPECT_EQ(all.add(ids_[1], "b", {1}), 0U);
    EXPECT_EQ(all.add(ids_[2], "c", {1}), 1U);
    EXPECT_EQ(all.find(ids_[0]), nullptr);
    ASSERT_NE(all.find(ids_[1]), nullptr);
    EXPECT_EQ(*all.find(ids_[2]), "c");
    EXPECT_EQ(all.size(), 2U);
    EXPECT_EQ(all.bytes(), 2U);
}

TEST_F(RememberedTest, BeyondItsBytesTheOldestAreForgottenAsManyAsItTakes) {
    Remembered<int> all(100, 100);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(all.add(ids_[i], 0, {30}), 0U);
    EXPECT_EQ(all.add(ids_[3], 0, {70}), 2U);
    EXPECT_EQ(all.bytes(), 100U);
    EXPECT_NE(all.find(ids_[2]), nullptr);
    EXPECT_EQ(all.add(ids_[4], 0, {101}), 3U) << "what is too large for all of it, too";
    EXPECT_EQ(all.size(), 0U);
    EXPECT_EQ(all.bytes(), 0U);
}

TEST_F(RememberedTest, WhatIsThereAlreadyStaysAsItIs) {
    Remembered<int> all(2, 100);
    all.add(ids_[0], 1, {10});
    EXPECT_EQ(all.add(ids_[0], 2, {50}), 0U);
    EXPECT_EQ(*all.find(ids_[0]), 1);
    EXPECT_EQ(all.bytes(), 10U);
}

TEST_F(RememberedTest, WhatSeveralShareIsCountedOnceUntilTheLastOfThemGoes) {
    Remembered<int> all(100, 100);
    const int run = 0, other = 0;
    EXPECT_EQ(all.add(ids_[0], 0, {1, &run, 60}), 0U);
    EXPECT_EQ(all.add(ids_[1], 0, {1, &run, 60}), 0U);
    EXPECT_EQ(all.bytes(), 62U);
    all.erase(ids_[0]);
    EXPECT_EQ(all.bytes(), 61U);
    EXPECT_EQ(all.add(ids_[2], 0, {1, &other, 60}), 1U);
    EXPECT_EQ(all.bytes(), 61U);
    all.erase(ids_[2]);
    all.erase(ids_[2]);
    EXPECT_EQ(all.bytes(), 0U);
}

}  // namespace
}  // namespace weft::reliability::hub
