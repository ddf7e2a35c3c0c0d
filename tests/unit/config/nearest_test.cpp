#include "config/nearest.hpp"

#include <gtest/gtest.h>

namespace weft::config {
namespace {

TEST(EditDistance, CountsInsertedRemovedChangedAndSwappedLetters) {
    EXPECT_EQ(edit_distance("fabric", "fabric"), 0U);
    EXPECT_EQ(edit_distance("fabrik", "fabric"), 1U);
    EXPECT_EQ(edit_distance("fabic", "fabric"), 1U);
    EXPECT_EQ(edit_distance("fabricc", "fabric"), 1U);
    EXPECT_EQ(edit_distance("farbic", "fabric"), 1U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("abc", ""), 3U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, FindsTheWordThatWasMeant) {
    const Nearest guess = nearest("signning", {"fabric", "signing", "gateway"});

    EXPECT_EQ(guess.word, "signing");
    EXPECT_TRUE(guess.close);
}

TEST(Nearest, NamesTheNearestWordEvenIfItIsFarAndSaysSo) {
    const Nearest guess = nearest("zzzzzzzzz", {"fabric", "hub"});

    EXPECT_FALSE(guess.word.empty());
    EXPECT_FALSE(guess.close);
}

TEST(Nearest, KnowsNothingWhereNothingIsKnown) {
    EXPECT_EQ(nearest("a", {}).word, "");
    EXPECT_FALSE(nearest("a", {}).close);
}

TEST(Nearest, DoesNotTakeAWholeOtherWordForASlip) {
    EXPECT_FALSE(nearest("ab", {"xy"}).close);
    EXPECT_FALSE(nearest("", {"hub"}).close);
}

TEST(Nearest, ComparesOnlyTheBeginningOfAnEndlessWord) {
    EXPECT_FALSE(nearest(std::string(1'000'000, 'x'), {"hub"}).close);
}

}  // namespace
}  // namespace weft::config
