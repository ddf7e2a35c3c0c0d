#include "gateway/esub/cluster/local_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/esub/cluster/rid_memory.hpp"
#include "gateway/esub/cluster/token_hash.hpp"

namespace weft::gateway::esub {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(EsubLocalKeys, AnnounceWhatOpenedWithTheHashAndNeverTheToken) {
    LocalKeys keys(true);
    keys.opened(Kind::sub, "k", "secret", false, 7, 1000);
    const auto changes = keys.take_changes();
    ASSERT_EQ(changes.open.size(), 1U);
    EXPECT_EQ(changes.open[0].token_hash, token_hash("k", "secret"));
    EXPECT_EQ(changes.open[0].stamp_us, 1000U);
    EXPECT_FALSE(keys.has_changes());
    keys.closed(Kind::sub, "k", 7);
    EXPECT_THAT(keys.take_changes().done, ElementsAre(changes.open[0].sid));
    EXPECT_EQ(keys.size(), 0U);
}

TEST(EsubLocalKeys, WhatOpensAndClosesWithinAMomentIsNotAnnounced) {
    LocalKeys keys(true);
    keys.opened(Kind::sub, "k", "", false, 7, 1000);
    keys.closed(Kind::sub, "k", 7);
    EXPECT_FALSE(keys.has_changes());
}

TEST(EsubLocalKeys, ATakeoverIsAnEndAndABeginning) {
    LocalKeys keys(true);
    keys.opened(Kind::sub, "k", "", false, 7, 1000);
    const auto first = keys.take_changes().open.at(0).sid;
    keys.closed(Kind::sub, "k", 7);
    keys.opened(Kind::sub, "k", "t", false, 8, 2000);
    const auto changes = keys.take_changes();
    EXPECT_THAT(changes.done, ElementsAre(first));
    ASSERT_EQ(changes.open.size(), 1U);
    EXPECT_GT(changes.open[0].sid, first);
    EXPECT_EQ(keys.find(Kind::sub, "k")->token, "t");
}

TEST(EsubLocalKeys, SubsAndPsubsOfOneKeyAreApart) {
    LocalKeys keys(false);
    keys.opened(Kind::sub, "k", "a", false, 1, 1);
    keys.opened(Kind::psub, "k", "b", true, 1, 1);
    EXPECT_EQ(keys.find(Kind::psub, "k")->token, "b");
    keys.closed(Kind::sub, "k", 1);
    EXPECT_FALSE(keys.find(Kind::sub, "k"));
    EXPECT_TRUE(keys.find(Kind::psub, "k"));
    EXPECT_FALSE(keys.has_changes()) << "nobody asks for them";
}

TEST(EsubLocalKeys, CountsThePoolAndNamesItOnce) {
    LocalKeys keys(true);
    for (std::uint64_t id = 1; id <= 3; ++id) keys.opened(Kind::psub, "k", "", true, id, 1);
    keys.opened(Kind::sub, "k", "", false, 1, 1);
    EXPECT_EQ(keys.pooled("k"), 3U);
    EXPECT_THAT(keys.keys(), ElementsAre("k", "k")) << "as a sub, and as a psub";
    EXPECT_EQ(keys.pooled("other"), 0U);
}

using Memory = RidMemory<int>;

TEST(EsubRidMemory, WhoAsksAgainGetsTheSameAnswerAndNothingIsDoneTwice) {
    Memory memory;
    EXPECT_EQ(memory.begin("r", 1, seconds{0}).state, Memory::State::fresh);
    EXPECT_EQ(memory.begin("r", 2, seconds{1}).state, Memory::State::pending);
    EXPECT_THAT(memory.finish("r", Verdict::no_listeners, seconds{2}), ElementsAre(1, 2));
    const auto again = memory.begin("r", 3, seconds{61});
    EXPECT_EQ(again.state, Memory::State::done);
    EXPECT_EQ(again.verdict, Verdict::no_listeners);
    EXPECT_EQ(memory.begin("r", 4, seconds{62}).state, Memory::State::fresh);
}

TEST(EsubRidMemory, ForgetsTheOldestThatWereAnsweredAndIsFullWithoutAny) {
    Memory memory(seconds{60}, 2);
    EXPECT_EQ(memory.begin("a", 1, seconds{0}).state, Memory::State::fresh);
    EXPECT_EQ(memory.begin("b", 1, seconds{0}).state, Memory::State::fresh);
    EXPECT_EQ(memory.begin("c", 1, seconds{0}).state, Memory::State::full);
    EXPECT_THAT(memory.finish("c", Verdict::delivered, seconds{0}), IsEmpty());
    EXPECT_THAT(memory.finish("a", Verdict::delivered, seconds{0}), ElementsAre(1));
    EXPECT_EQ(memory.begin("c", 1, seconds{0}).state, Memory::State::fresh);
    EXPECT_EQ(memory.size(), 2U);
}

}  // namespace
}  // namespace weft::gateway::esub
