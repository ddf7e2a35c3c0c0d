#include "reliability/repair/loss_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// L1
TEST(LossLog, WritesALineASecondWithTheSizeOfTheHole) {
    LossLog log;
    Lost lost{"git\n", 7, "org.weft.dev.a", 2, 5, 4, LossReason::waited};
    const auto first = log.line(lost, 1s);
    ASSERT_TRUE(first);
    EXPECT_THAT(*first, HasSubstr("lost 4 messages of topic org.weft.dev.a"));
    EXPECT_THAT(*first, HasSubstr("numbers 2 to 5 of epoch 7"));
    EXPECT_THAT(*first, Not(HasSubstr("\n")));
    EXPECT_FALSE(log.line(lost, 1500ms));
    EXPECT_FALSE(log.line(lost, 1999ms));

    lost.reason = LossReason::held_full;
    const auto next = log.line(lost, 2s);

    ASSERT_TRUE(next);
    EXPECT_THAT(*next, HasSubstr("reliability.repair.held_max"));
    EXPECT_THAT(*next, HasSubstr("8 more in 2 holes"));
}

}  // namespace
}  // namespace weft::reliability
