#include "fabric/node/control_budget.hpp"

#include <gtest/gtest.h>

namespace weft::fabric {
namespace {

using namespace std::chrono_literals;

TEST(ControlBudget, AnswersSoManyInASecondAndAsManyInTheNext) {
    ControlBudget budget(2);

    EXPECT_TRUE(budget.take(100s));
    EXPECT_TRUE(budget.take(100s + 10ms));
    EXPECT_FALSE(budget.take(100s + 20ms));
    EXPECT_FALSE(budget.take(100s + 999ms));
    EXPECT_TRUE(budget.take(101s));
    EXPECT_TRUE(budget.take(101s));
    EXPECT_FALSE(budget.take(101s));
}

}  // namespace
}  // namespace weft::fabric
