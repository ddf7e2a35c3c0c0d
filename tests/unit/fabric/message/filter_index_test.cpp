#include "fabric/message/filter_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <string>

namespace weft::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Handles = std::vector<FilterIndex::Handle>;

TopicGlob glob(std::string_view text) {
    auto parsed = TopicGlob::parse(text);
    EXPECT_TRUE(parsed) << text;
    return *parsed;
}

Handles matching(const FilterIndex& index, std::string_view topic) {
    Handles handles;
    index.match(topic, handles);
    return handles;
}

TEST(FilterIndex, MatchesNothingWhileItIsEmpty) {
    const FilterIndex index;

    EXPECT_THAT(matching(index, "a.b"), IsEmpty());
    EXPECT_FALSE(index.matches_any("a.b"));
    EXPECT_EQ(index.size(), 0U);
}

TEST(FilterIndex, FindsLiteralsAndWildcardsAndStars) {
    FilterIndex index;
    index.add(glob("a.b"), 1);
    index.add(glob("a.*"), 2);
    index.add(glob("a.**"), 3);
    index.add(glob("**.b"), 4);
    index.add(glob("a.[x-z]"), 5);
    index.add(glob("**"), 6);

    EXPECT_THAT(matching(index, "a.b"), UnorderedElementsAre(1, 2, 3, 4, 6));
    EXPECT_THAT(matching(index, "a.y"), UnorderedElementsAre(2, 3, 5, 6));
    EXPECT_THAT(matching(index, "a"), UnorderedElementsAre(3, 6));
    EXPECT_THAT(matching(index, "b"), UnorderedElementsAre(4, 6));
    EXPECT_THAT(matching(index, "c.c.c"), ElementsAre(6));
}

TEST(FilterIndex, TellsEachHandleOnceHoweverManyOfItsGlobsMatch) {
    FilterIndex index;
    index.add(glob("a.b"), 7);
    index.add(glob("a.*"), 7);
    index.add(glob("**"), 7);

    EXPECT_THAT(matching(index, "a.b"), ElementsAre(7));
}

TEST(FilterIndex, AppendsAndLeavesAloneWhatTheCallerAlreadyHas) {
    FilterIndex index;
    index.add(glob("a"), 7);
    Handles handles{9, 7};

    index.match("a", handles);

    EXPECT_THAT(handles, ElementsAre(9, 7, 7));
}

TEST(FilterIndex, RemovesOnePairAndNoOther) {
    FilterIndex index;
    index.add(glob("a.*"), 1);
    index.add(glob("a.*"), 2);
    index.add(glob("a.**"), 1);

    EXPECT_TRUE(index.remove(glob("a.*"), 1));
    EXPECT_THAT(matching(index, "a.b"), UnorderedElementsAre(1, 2));
    EXPECT_TRUE(index.remove(glob("a.**"), 1));
    EXPECT_THAT(matching(index, "a.b"), ElementsAre(2));
    EXPECT_EQ(index.size(), 1U);
}

TEST(FilterIndex, APairThatWasAddedTwiceIsRemovedTwice) {
    FilterIndex index;
    index.add(glob("a"), 1);
    index.add(glob("a"), 1);

    EXPECT_TRUE(index.remove(glob("a"), 1));
    EXPECT_TRUE(index.matches_any("a"));
    EXPECT_TRUE(index.remove(glob("a"), 1));
    EXPECT_FALSE(index.matches_any("a"));
    EXPECT_FALSE(index.remove(glob("a"), 1));
}

TEST(FilterIndex, SaysThatItCouldNotRemoveWhatWasNeverAdded) {
    FilterIndex index;
    index.add(glob("a.b.c"), 1);

    EXPECT_FALSE(index.remove(glob("a.b.c"), 2));
    EXPECT_FALSE(index.remove(glob("a.b"), 1));
    EXPECT_FALSE(index.remove(glob("a.b.c.d"), 1));
    EXPECT_FALSE(index.remove(glob("a.b.*"), 1));
    EXPECT_FALSE(index.remove(glob("**"), 1));
    EXPECT_EQ(index.size(), 1U);
}

TEST(FilterIndex, CanBeMovedAndTheOldOneIsEmptyAndUsable) {
    FilterIndex first;
    first.add(glob("a"), 1);

    FilterIndex second = std::move(first);
    first = FilterIndex{};
    first.add(glob("b"), 2);

    EXPECT_THAT(matching(second, "a"), ElementsAre(1));
    EXPECT_THAT(matching(first, "b"), ElementsAre(2));
    EXPECT_EQ(first.size(), 1U);
}

TEST(FilterIndex, ManyStarsInOneGlobDoNotMultiplyTheWays) {
    // Followed one way after the other, this would take longer than the universe is old.
    FilterIndex index;
    std::string many = "**.a";
    while (many.size() + 7 <= TopicGlob::bytes_max) many += ".**.a";
    index.add(glob(many + ".b"), 1);
    std::string topic = "a";
    while (topic.size() + 2 <= 255) topic += ".a";

    EXPECT_THAT(matching(index, topic), IsEmpty());
    EXPECT_FALSE(index.matches_any(topic));
}

// Random globs and topics of few different tokens, so that they often meet.
class RandomTokens {
public:
    explicit RandomTokens(unsigned seed) : random_(seed) {}

    std::string topic() { return joined({"a", "b", "ab", "ba", "a1", "\xC3\xA4", "*", "c"}); }
    std::string glob() {
        return joined({"a", "b", "ab", "\xC3\xA4", "**", "**", "*", "a*", "*b", "?", "[a-c]",
                       "[!b]", "a[0-9]", "??"});
    }
    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random_);
    }

private:
    std::string joined(const std::vector<std::string>& tokens) {
        std::string text = tokens[below(tokens.size())];
        for (std::size_t more = below(6); more > 0; --more)
            text += "." + tokens[below(tokens.size())];
        return text;
    }
    std::mt19937 random_;
};

TEST(FilterIndex, AgreesWithEachGlobByItselfAlsoWhileGlobsComeAndGo) {
    RandomTokens random{20'261'121};
    FilterIndex index;
    std::vector<std::pair<TopicGlob, FilterIndex::Handle>> present;

    for (int round = 0; round < 30; ++round) {
        for (int i = 0; i < 40; ++i) {
            present.emplace_back(glob(random.glob()), random.below(300));
            index.add(present.back().first, present.back().second);
        }
        for (int i = 0; i < 25; ++i) {
            const auto victim = present.begin() + static_cast<long>(random.below(present.size()));
            ASSERT_TRUE(index.remove(victim->first, victim->second)) << victim->first.text();
            present.erase(victim);
        }
        ASSERT_EQ(index.size(), present.size());
        for (int i = 0; i < 100; ++i) {
            const std::string topic = random.topic();
            std::set<FilterIndex::Handle> expected;
            for (const auto& [one, handle] : present) {
                if (one.matches(topic)) expected.insert(handle);
            }
            const Handles found = matching(index, topic);
            ASSERT_EQ(std::set(found.begin(), found.end()), expected) << topic;
            ASSERT_EQ(found.size(), expected.size()) << "a handle twice for " << topic;
            ASSERT_EQ(index.matches_any(topic), !expected.empty()) << topic;
        }
    }
    for (const auto& [one, handle] : present) ASSERT_TRUE(index.remove(one, handle));
    EXPECT_EQ(index.size(), 0U);
    EXPECT_FALSE(index.matches_any("a"));
}

}  // namespace
}  // namespace weft::fabric
