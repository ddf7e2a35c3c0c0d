// The judge of deliveries sees what it is there to see.
#include "tests/fault/deliveries/delivered.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::fault {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string batch(int from, int to) {
    std::string text = "[";
    for (int i = from; i < to; ++i) {
        text += (i == from ? "" : ",") + std::string{R"({"t":)"} + std::to_string(1000 + i) +
                R"(,"url":"https://a.example/)" + std::to_string(i) + "\"}";
    }
    return text + "]";
}

TEST(DeliveredTest, TheLongestTimeWithoutARequestIsSeen) {
    using std::chrono::milliseconds;
    const std::chrono::steady_clock::time_point began{};
    Delivered delivered;
    delivered.request(batch(0, 1), true, began + milliseconds{500});
    EXPECT_EQ(delivered.figures().longest_silence, milliseconds{0}) << "nothing came before it";
    delivered.request(batch(1, 2), false, began + milliseconds{2500});
    delivered.request(batch(1, 2), true, began + milliseconds{2600});
    EXPECT_EQ(delivered.figures().longest_silence, milliseconds{2000});
}

TEST(DeliveredTest, EverythingOnceAndInOrderIsGood) {
    Delivered delivered;
    delivered.request(batch(0, 3), true);
    delivered.request(batch(3, 4), false);
    delivered.request(batch(3, 4), true);
    EXPECT_THAT(delivered.figures().wrong, IsEmpty());
    EXPECT_EQ(delivered.figures().events, 4U);
    EXPECT_EQ(delivered.figures().repeated, 0U);
    EXPECT_EQ(delivered.missing(4), 0U);
    EXPECT_EQ(delivered.missing(6), 2U);
}

TEST(DeliveredTest, WhatIsLeftOutIsSeen) {
    Delivered delivered;
    delivered.request(batch(0, 1), true);
    delivered.request(batch(2, 3), true);
    EXPECT_THAT(delivered.figures().wrong, HasSubstr("before the one in front of it"));
    EXPECT_EQ(delivered.missing(3), 1U);
}

TEST(DeliveredTest, ARetryThatIsAnotherBatchIsSeen) {  // M72
    Delivered delivered;
    delivered.request(batch(0, 2), false);
    delivered.request(batch(0, 3), true);
    EXPECT_THAT(delivered.figures().wrong, HasSubstr("came again as another"));
}

TEST(DeliveredTest, EachReturnIsCountedWithWhatItRepeats) {  // M74
    Delivered delivered;
    delivered.request(batch(0, 5), true);
    delivered.request(batch(3, 6), true);
    delivered.request(batch(5, 7), true);
    const DeliveredFigures figures = delivered.figures();
    EXPECT_EQ(figures.repeated, 3U);
    EXPECT_EQ(figures.returns, 2U);
    EXPECT_EQ(figures.most_at_once, 2U);
    EXPECT_EQ(figures.events, 7U);
}

}  // namespace
}  // namespace weft::fault
