#include "fabric/node/hang_up_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::fabric {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// L1
TEST(HangUpLog, WritesALineASecondAndCountsWhatItDidNotSay) {
    HangUpLog log;
    const auto first = log.line("10.0.0.1#7\n", 1s);
    ASSERT_TRUE(first);
    EXPECT_THAT(*first, HasSubstr("hung up on 10.0.0.1#7"));
    EXPECT_THAT(*first, Not(HasSubstr("\n")));
    EXPECT_FALSE(log.line("10.0.0.1#7", 1999ms));
    EXPECT_FALSE(log.line("10.0.0.2#8", 1999ms));

    const auto next = log.line("10.0.0.1#7", 2s);

    ASSERT_TRUE(next);
    EXPECT_THAT(*next, HasSubstr("2 more since the last line"));
}

}  // namespace
}  // namespace weft::fabric
