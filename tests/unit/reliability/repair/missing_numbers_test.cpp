#include "reliability/repair/missing_numbers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

namespace weft::reliability {
namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

/// Every order in which the numbers of two holes can be taken, against a plain set.
TEST(MissingNumbers, AreThoseOfItsHolesThatWereNotTakenInWhateverOrder) {
    std::vector<std::uint64_t> order{2, 3, 4, 7, 8};
    do {
        MissingNumbers missing;
        missing.open({2, 4, 1, {}});
        missing.open({7, 8, 2, {}});
        std::set<std::uint64_t> left(order.begin(), order.end());
        for (const std::uint64_t seq : order) {
            ASSERT_EQ(missing.first().from, *left.begin());
            ASSERT_TRUE(missing.take(seq));
            ASSERT_FALSE(missing.take(seq));
            left.erase(seq);
            std::size_t holes = 0;
            for (std::uint64_t number = 1; number <= 9; ++number) {
                ASSERT_EQ(missing.has(number), left.contains(number));
                if (left.contains(number) && !left.contains(number - 1)) ++holes;
                for (std::uint64_t to = number; to <= 9; ++to) {
                    const auto next = left.lower_bound(number);
                    ASSERT_EQ(missing.any_in(number, to), next != left.end() && *next <= to);
                }
            }
            ASSERT_EQ(missing.holes(), holes);
        }
        ASSERT_TRUE(missing.empty());
    } while (std::next_permutation(order.begin(), order.end()));
}

// P5
TEST(MissingNumbers, CostNothingHoweverManyTheyAre) {
    MissingNumbers missing;
    missing.open({1, most, 1, {}});

    EXPECT_TRUE(missing.take(std::uint64_t{1} << 63));
    EXPECT_EQ(missing.holes(), 2u);
    EXPECT_EQ(missing.question_end(10'000), 10'000u);
    missing.take_first_through((std::uint64_t{1} << 63) - 1);
    EXPECT_TRUE(missing.take(most));
    missing.take_first_through(most - 10);
    EXPECT_EQ(missing.first().from, most - 9);
    EXPECT_EQ(missing.question_end(10'000), most - 1);
}

TEST(MissingNumbers, AQuestionSpansHolesThatAreCloseAndNoOthers) {
    MissingNumbers missing;
    missing.open({10, 12, 1, {}});
    missing.open({20, 20, 2, {}});
    missing.open({200, 300, 3, {}});

    EXPECT_EQ(missing.question_end(10'000), 20u);
    EXPECT_EQ(missing.question_end(11), 20u);
    EXPECT_EQ(missing.question_end(10), 12u);
    EXPECT_EQ(missing.question_end(2), 11u);
}

}  // namespace
}  // namespace weft::reliability
