// How many messages a subscription may still be sent.

#include "gateway/native/ws_credit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::gateway::native {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WsCreditTest, IsTakenByMessagesAndComesBackWithWhatIsAcknowledged) {
    WsCredit credit(3);
    for (const auto id : {5U, 7U, 9U}) credit.take(id);
    EXPECT_EQ(credit.left(), 0U);
    EXPECT_THAT(credit.ack(8), ElementsAre(5, 7));
    EXPECT_EQ(credit.left(), 2U);
    EXPECT_THAT(credit.ack(8), IsEmpty()) << "once";
    EXPECT_EQ(credit.left(), 2U);
    EXPECT_THAT(credit.ack(100), ElementsAre(9));
    EXPECT_EQ(credit.left(), 3U);
}

TEST(WsCreditTest, IsGivenUpToALimit) {
    WsCredit credit(0);
    EXPECT_TRUE(credit.add(WsCredit::credit_max));
    EXPECT_FALSE(credit.add(1));
    EXPECT_FALSE(credit.add(UINT64_MAX));
    EXPECT_EQ(credit.left(), WsCredit::credit_max);
    credit.take(1);
    EXPECT_TRUE(credit.add(1));
    static_cast<void>(credit.ack(1));
    EXPECT_EQ(credit.left(), WsCredit::credit_max) << "both ways at once give no more";
}

TEST(WsCreditTest, CountsWhatComesAgainWithASmallerId) {
    WsCredit credit(3);
    credit.take(9);
    credit.take(4);
    EXPECT_THAT(credit.ack(5), ElementsAre(4));
    EXPECT_EQ(credit.left(), 2U);
}

TEST(WsCreditTest, RemembersOnlySoMuchOfWhatNobodyAcknowledges) {
    WsCredit credit(WsCredit::credit_max);
    for (std::uint64_t id = 1; id <= WsCredit::credit_max; ++id) credit.take(id);
    ASSERT_TRUE(credit.add(10));
    for (std::uint64_t id = 0; id < 10; ++id) credit.take(WsCredit::credit_max + 1 + id);
    EXPECT_EQ(credit.ack(UINT64_MAX).size(), WsCredit::credit_max);
}

}  // namespace
}  // namespace weft::gateway::native
