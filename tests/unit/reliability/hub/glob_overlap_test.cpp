#include "reliability/hub/glob_overlap.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/support/signing_fixture.hpp"

namespace weft::reliability::hub {
namespace {

using signing::TopicGlob;
using support::globs_of;

TopicGlob glob(const std::string& text) {
    return globs_of({text}).front();
}

struct Pair {
    const char* a;
    const char* b;
    bool common;
};

class GlobOverlap : public ::testing::TestWithParam<Pair> {};

TEST_P(GlobOverlap, IsFoundFromBothSides) {
    const auto& [a, b, common] = GetParam();
    EXPECT_EQ(overlap(glob(a), glob(b)), common) << a << " and " << b;
    EXPECT_EQ(overlap(glob(b), glob(a)), common) << b << " and " << a;
}

INSTANTIATE_TEST_SUITE_P(
    Pairs, GlobOverlap,
    ::testing::Values(Pair{"a.b", "a.b", true}, Pair{"a.b", "a.c", false},
                      Pair{"a.b", "a.b.c", false}, Pair{"a.*", "a.b", true},
                      Pair{"a.*", "b.*", false}, Pair{"a.*", "*.b", true},
                      Pair{"a.*", "a.b.c", false}, Pair{"**", "a.b.c", true},
                      Pair{"a.**", "a", true}, Pair{"a.**", "b.**", false},
                      Pair{"a.**.z", "**.y.z", true}, Pair{"a.**.z", "a.**.y", false},
                      Pair{"a.**.b.**.c", "a.b.c", true}, Pair{"a.**.b.**.c", "a.c", false},
                      Pair{"**.a", "b.**", true}, Pair{"**", "**", true}, Pair{"a*c", "ab*", true},
                      Pair{"a*c", "b*c", false}, Pair{"a*", "*a", true}, Pair{"a?", "ab", true},
                      Pair{"a?", "abc", false}, Pair{"?", "*", true}, Pair{"[a-c]x", "bx", true},
                      Pair{"[a-c]x", "by", false}, Pair{"[]x]y", "?y", true},
                      Pair{"[!a]y", "bz", false},
                      // Two sets count as overlapping whatever is in them: on the safe side.
                      Pair{"[ab]", "[cd]", true}));

TEST(GlobOverlaps, TheFirstPairIsNamed) {
    const auto found = overlapping(globs_of({"a.b", "c.*"}), globs_of({"x", "c.d", "c.**"}));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->first, "c.*");
    EXPECT_EQ(found->second, "c.d");
    EXPECT_FALSE(overlapping(globs_of({"a.b"}), globs_of({"a.c"})));
    EXPECT_FALSE(overlapping({}, globs_of({"**"})));
}

TEST(GlobOverlaps, GlobsThatMatchOneTopicOverlapWhateverTheyAre) {
    std::mt19937 random(1);
    const auto text = [&](const std::string& letters) {
        std::string made;
        const auto tokens = 1 + random() % 3;
        for (unsigned token = 0; token < tokens; ++token) {
            if (token > 0) made += '.';
            if (letters.size() > 2 && random() % 5 == 0) {
                made += "**";
                continue;
            }
            const auto length = 1 + random() % 2;
            for (unsigned i = 0; i < length; ++i) made += letters[random() % letters.size()];
        }
        return made;
    };
    int both = 0;
    for (int round = 0; round < 100'000; ++round) {
        const auto a = TopicGlob::parse(text("ab*?")), b = TopicGlob::parse(text("ab*?"));
        if (!a || !b) continue;  // "**" beside something else
        const std::string topic = text("ab");
        if (!a->matches(topic) || !b->matches(topic)) continue;
        ++both;
        ASSERT_TRUE(overlap(*a, *b)) << a->text() << " and " << b->text() << ": " << topic;
    }
    EXPECT_GT(both, 1000);
}

}  // namespace
}  // namespace weft::reliability::hub
