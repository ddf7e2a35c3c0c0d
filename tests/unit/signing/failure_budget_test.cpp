#include "signing/failure_budget.hpp"

#include <gmock/gmock.h>

#include <string>

namespace weft::signing {
namespace {

void fail(FailureBudget& budget, const std::string& peer, int times, std::uint64_t steady_ms) {
    for (int failure = 0; failure < times; ++failure) budget.count_failure(peer, steady_ms);
}

// C5.
TEST(FailureBudget, IsSpentWithTheLastAllowedFailureOfASecond) {
    FailureBudget budget;

    fail(budget, "forger", 199, 5'000);
    EXPECT_FALSE(budget.spent("forger", 200, 5'000));

    fail(budget, "forger", 1, 5'999);
    EXPECT_TRUE(budget.spent("forger", 200, 5'999));
}

// C5.
TEST(FailureBudget, OtherPeersAreUnaffected) {
    FailureBudget budget;
    fail(budget, "forger", 1'000, 5'000);

    EXPECT_TRUE(budget.spent("forger", 200, 5'000));
    EXPECT_FALSE(budget.spent("honest", 200, 5'000));
}

// C5.
TEST(FailureBudget, IsWholeAgainInTheNextSecond) {
    FailureBudget budget;
    fail(budget, "forger", 200, 5'999);
    ASSERT_TRUE(budget.spent("forger", 200, 5'999));

    EXPECT_FALSE(budget.spent("forger", 200, 6'000));

    fail(budget, "forger", 199, 6'000);
    EXPECT_FALSE(budget.spent("forger", 200, 6'000));
    fail(budget, "forger", 1, 6'000);
    EXPECT_TRUE(budget.spent("forger", 200, 6'000));
}

TEST(FailureBudget, EachPeerMayHaveAnotherOne) {
    FailureBudget budget;
    fail(budget, "peer", 10, 0);

    EXPECT_TRUE(budget.spent("peer", 10, 0));
    EXPECT_FALSE(budget.spent("peer", 11, 0));
}

TEST(FailureBudget, NoBudgetIsAlwaysSpent) {
    EXPECT_TRUE(FailureBudget{}.spent("peer", 0, 0));
}

TEST(FailureBudget, PeersThatNeverFailAreNotRemembered) {
    FailureBudget budget;
    EXPECT_FALSE(budget.spent("honest", 200, 0));
    EXPECT_EQ(budget.peers(), 0U);
}

TEST(FailureBudget, KeepsItsOwnCopyOfAName) {
    FailureBudget budget;
    {
        const std::string name = "a name that is too long for any small string optimisation";
        fail(budget, name, 3, 0);
    }
    EXPECT_TRUE(budget.spent("a name that is too long for any small string optimisation", 3, 0));
}

TEST(FailureBudget, RemembersAtMost4096Peers) {
    FailureBudget budget;
    for (int peer = 0; peer < 10'000; ++peer) {
        budget.count_failure("peer " + std::to_string(peer), 0);
    }
    EXPECT_EQ(budget.peers(), FailureBudget::peers_max);
    EXPECT_FALSE(budget.spent("peer 5903", 1, 0));
    EXPECT_TRUE(budget.spent("peer 5904", 1, 0));
    EXPECT_TRUE(budget.spent("peer 9999", 1, 0));
}

TEST(FailureBudget, APeerThatGoesOnFailingIsNotPushedOutByPassersBy) {
    FailureBudget budget;
    fail(budget, "forger", 200, 0);
    for (int peer = 0; peer < 10'000; ++peer) {
        budget.count_failure("peer " + std::to_string(peer), 0);
        if (peer % 4'000 == 0) budget.count_failure("forger", 0);
    }
    EXPECT_TRUE(budget.spent("forger", 200, 0));
}

}  // namespace
}  // namespace weft::signing
