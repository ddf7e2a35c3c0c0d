#include "gateway/esub/cluster/directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace weft::gateway::esub {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Type = Announcement::Type;

OpenKey key(const std::string& name, std::uint64_t sid, std::uint64_t stamp = 1) {
    OpenKey open;
    open.key = name;
    open.sid = sid;
    open.stamp_us = stamp;
    return open;
}

/// A gateway that announces, as its peers hear it if nothing is lost.
struct Peer {
    Announcement delta(std::vector<OpenKey> open, std::vector<std::uint64_t> done = {}) {
        Announcement said = beat();
        said.type = Type::delta;
        said.seq = ++seq;
        for (const std::uint64_t sid : done) {
            std::erase_if(all, [&](const OpenKey& one) { return one.sid == sid; });
        }
        for (const OpenKey& one : open) all.push_back(one);
        said.open = std::move(open);
        said.done = std::move(done);
        return said;
    }
    [[nodiscard]] Announcement beat() const {
        Announcement said;
        said.epoch = epoch;
        said.seq = seq;
        said.address = "10.0.0.1:8090";
        return said;
    }
    [[nodiscard]] std::vector<Announcement> full(std::size_t a_part = 1000) const {
        std::vector<Announcement> parts;
        const std::size_t count = std::max<std::size_t>((all.size() + a_part - 1) / a_part, 1);
        for (std::size_t i = 0; i < count; ++i) {
            Announcement said = beat();
            said.type = Type::full;
            said.part = static_cast<std::uint32_t>(i);
            said.parts = static_cast<std::uint32_t>(count);
            for (std::size_t j = i * a_part; j < std::min(all.size(), (i + 1) * a_part); ++j) {
                said.open.push_back(all[j]);
            }
            parts.push_back(said);
        }
        return parts;
    }
    std::uint64_t epoch = 1, seq = 0;
    std::vector<OpenKey> all{};
};

class EsubDirectory : public ::testing::Test {
protected:
    Directory::Heard hear(const Announcement& said, const std::string& node = "b") {
        return directory_.hear(node, said, now_, 77);
    }
    bool has(const std::string& name) { return directory_.find(name, false).has_value(); }

    fabric::Instant now_ = seconds{100};
    Directory directory_{"a", {.members = 3, .keys = 5}};
    Peer peer_;
};

TEST_F(EsubDirectory, FollowsWhatOpensAndCloses) {
    EXPECT_TRUE(hear(peer_.beat()).applied);
    EXPECT_TRUE(hear(peer_.delta({key("k", 1), key("l", 2)})).applied);
    const auto owner = directory_.find("k", false);
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->node, "b");
    EXPECT_EQ(owner->address, "10.0.0.1:8090");
    EXPECT_TRUE(hear(peer_.delta({}, {1})).applied);
    EXPECT_FALSE(has("k"));
    EXPECT_THAT(directory_.keys_of("b"), ElementsAre("l"));
}

TEST_F(EsubDirectory, AsksOnceForEverythingWhereADeltaIsMissing) {
    hear(peer_.delta({key("k", 1)}));
    static_cast<void>(peer_.delta({key("lost", 2)}));
    const auto heard = hear(peer_.delta({key("m", 3)}));
    EXPECT_TRUE(heard.ask);
    EXPECT_FALSE(heard.applied);
    EXPECT_EQ(heard.expected, 2U);
    EXPECT_TRUE(has("k")) << "what was known counts until everything has come";
    EXPECT_FALSE(hear(peer_.beat()).ask) << "it has been asked just now";
    now_ += seconds{1};
    EXPECT_TRUE(hear(peer_.beat()).ask);
    EXPECT_TRUE(hear(peer_.full().front()).applied);
    EXPECT_TRUE(has("lost"));
    EXPECT_TRUE(has("m"));
    EXPECT_EQ(directory_.stats().gaps, 1U);
}

TEST_F(EsubDirectory, ABeatTellsThatTheLastDeltaWasLost) {
    hear(peer_.delta({key("k", 1)}));
    static_cast<void>(peer_.delta({}, {1}));
    EXPECT_TRUE(hear(peer_.beat()).ask);
}

TEST_F(EsubDirectory, TakesEverythingOnlyIfEveryPartComes) {
    for (std::uint64_t sid = 1; sid <= 4; ++sid) {
        static_cast<void>(peer_.delta({key("k" + std::to_string(sid), sid)}));
    }
    hear(peer_.beat());
    auto parts = peer_.full(2);
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_FALSE(hear(parts[1]).applied);
    EXPECT_FALSE(hear(parts[0]).applied);
    EXPECT_FALSE(has("k1"));
    hear(parts[0]);
    EXPECT_TRUE(hear(parts[1]).applied);
    EXPECT_EQ(directory_.keys_of("b").size(), 4U);
}

TEST_F(EsubDirectory, AsksAgainWhereOnlySomePartsCame) {
    static_cast<void>(peer_.delta({key("k", 1), key("l", 2), key("m", 3)}));
    EXPECT_TRUE(hear(peer_.beat()).ask);
    hear(peer_.full(2).front());
    now_ += seconds{1};
    EXPECT_TRUE(hear(peer_.beat()).ask);
}

TEST_F(EsubDirectory, PartsOfTwoFullsDoNotMakeOne) {
    static_cast<void>(peer_.delta({key("k", 1), key("l", 2), key("m", 3)}));
    hear(peer_.full(2)[0]);
    static_cast<void>(peer_.delta({}, {1}));
    static_cast<void>(peer_.delta({key("n", 4)}));
    EXPECT_FALSE(hear(peer_.full(2)[1]).applied);
    EXPECT_FALSE(has("k"));
}

TEST_F(EsubDirectory, ANewLifeHasNoneOfTheOldKeysAndTheOldLifeIsNotHeard) {
    hear(peer_.delta({key("k", 1)}));
    const Announcement late = peer_.delta({key("late", 2)});
    Peer reborn;
    reborn.epoch = 2;
    EXPECT_TRUE(hear(reborn.beat()).applied);
    EXPECT_FALSE(has("k"));
    hear(late);
    EXPECT_FALSE(has("late"));
    EXPECT_TRUE(hear(reborn.delta({key("n", 1)})).applied);
    EXPECT_TRUE(has("n"));
}

TEST_F(EsubDirectory, WhoIsSilentIsDeadAndItsKeysAreGoneUntilItSaysThemAgain) {
    hear(peer_.delta({key("k", 1)}));
    now_ += milliseconds{2999};
    EXPECT_THAT(directory_.expire(now_), IsEmpty());
    now_ += milliseconds{1};
    EXPECT_THAT(directory_.expire(now_), ElementsAre("b"));
    EXPECT_FALSE(has("k"));
    EXPECT_FALSE(directory_.members().front().alive);
    EXPECT_TRUE(hear(peer_.beat()).ask);
    EXPECT_TRUE(hear(peer_.full().front()).applied);
    EXPECT_TRUE(has("k"));
}

TEST_F(EsubDirectory, OfTwoFirstRegistrationsTheHigherStampAndNameWins) {
    Peer other;
    hear(peer_.delta({key("k", 1, 10)}), "b");
    hear(other.delta({key("k", 9, 10)}), "c");
    EXPECT_EQ(directory_.find("k", false)->node, "c");
    EXPECT_EQ(directory_.find("k", false, {"c"})->node, "b");
    EXPECT_FALSE(directory_.find("k", false, {"b", "c"}));
    hear(peer_.delta({key("k", 2, 11)}), "b");
    EXPECT_EQ(directory_.find("k", false)->node, "b");
}

TEST_F(EsubDirectory, MembersOfAPoolTakeTurnsAndPsubsAreNotSubs) {
    OpenKey pooled = key("p", 1);
    pooled.kind = Kind::psub;
    pooled.shared = true;
    hear(peer_.delta({pooled}), "b");
    Peer other;
    hear(other.delta({pooled}), "c");
    std::map<std::string, int> turns;
    for (int i = 0; i < 10; ++i) ++turns[directory_.find("p", true)->node];
    EXPECT_EQ(turns["b"], 5);
    EXPECT_EQ(turns["c"], 5);
    EXPECT_EQ(directory_.pooled("p"), 2U);
    EXPECT_FALSE(directory_.find(Kind::sub, "p"));
}

TEST_F(EsubDirectory, IsBoundedInMembersAndKeys) {
    std::vector<OpenKey> many;
    for (std::uint64_t sid = 0; sid < 9; ++sid) many.push_back(key(std::to_string(sid), sid));
    hear(peer_.delta(many));
    EXPECT_EQ(directory_.keys_of("b").size(), 5U);
    for (const char* node : {"c", "d", "e", "f"}) hear(Peer{}.beat(), node);
    EXPECT_EQ(directory_.members().size(), 3U);
    EXPECT_EQ(directory_.stats().members_full, 2U);
    EXPECT_FALSE(directory_.join("z", "h:1"));
}

TEST_F(EsubDirectory, TheLongestDeadMakesRoomForWhoLives) {
    hear(peer_.beat(), "b");
    now_ += seconds{1};
    hear(peer_.beat(), "c");
    now_ += seconds{3};
    static_cast<void>(directory_.expire(now_));
    hear(peer_.beat(), "d");
    EXPECT_TRUE(hear(peer_.beat(), "e").counts);
    EXPECT_EQ(directory_.members().size(), 3U);
    EXPECT_EQ(directory_.members().front().name, "c") << "b was dead for longer";
    EXPECT_TRUE(hear(peer_.beat(), "f").counts);
    EXPECT_FALSE(hear(peer_.beat(), "g").counts) << "all live";
    EXPECT_EQ(directory_.stats().members_full, 1U);
}

TEST_F(EsubDirectory, LongKeysAreBoundedByTheirBytes) {
    Directory directory("a", {.members = 3, .keys = 1000, .key_bytes = 100});
    directory.hear("b", peer_.delta({key(std::string(60, 'x'), 1), key(std::string(60, 'y'), 2)}),
                   now_, 1);
    EXPECT_EQ(directory.keys_of("b").size(), 1U);
    EXPECT_EQ(directory.stats().keys_full, 1U);
    directory.hear("b", peer_.delta({key(std::string(40, 'z'), 3)}, {1}), now_, 1);
    directory.hear("b", peer_.delta({key(std::string(60, 'y'), 4)}), now_, 1);
    EXPECT_EQ(directory.keys_of("b").size(), 2U) << "what closed makes room";
    peer_.seq = 9;
    directory.hear("b", peer_.full().front(), now_, 1);
    EXPECT_EQ(directory.keys_of("b").size(), 2U);
}

TEST_F(EsubDirectory, JoinIsRefusedWhereTheNameIsAliveElsewhere) {
    EXPECT_TRUE(directory_.join("c", "h:1"));
    EXPECT_TRUE(directory_.join("c", "h:2"));
    hear(peer_.beat());
    EXPECT_FALSE(directory_.join("b", "h:1"));
    EXPECT_TRUE(directory_.join("b", "10.0.0.1:8090"));
}

TEST_F(EsubDirectory, WhateverIsLostOrComesTwiceItAgreesInTheEnd) {
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        std::mt19937 random(seed);
        Directory directory("a");
        Peer peer;
        std::vector<Announcement> answers;
        std::uint64_t sid = 0;
        const auto tell = [&](const Announcement& said) {
            now_ += milliseconds{100};
            if (directory.hear("b", said, now_, 1).ask) answers = peer.full(3);
        };
        const auto lossy = [&](const Announcement& said) {
            if (random() % 4 == 0) return;
            tell(said);
            if (random() % 8 == 0) tell(said);
        };
        for (int step = 0; step < 100; ++step) {
            for (const Announcement& part : std::exchange(answers, {})) lossy(part);
            if (random() % 30 == 0) {
                peer = {peer.epoch + 1, 0, {}};
            } else if (!peer.all.empty() && random() % 2 == 0) {
                lossy(peer.delta({}, {peer.all[random() % peer.all.size()].sid}));
            } else {
                ++sid;
                lossy(peer.delta({key("k" + std::to_string(random() % 7), sid)}));
            }
            if (random() % 3 == 0) lossy(peer.beat());
        }
        // Quiet, and nothing is lost any more.
        for (int i = 0; i < 12; ++i) {
            tell(peer.beat());
            for (const Announcement& part : std::exchange(answers, {})) tell(part);
        }
        std::set<std::string> wanted;
        for (const OpenKey& one : peer.all) wanted.insert(one.key);
        ASSERT_THAT(directory.keys_of("b"), ::testing::UnorderedElementsAreArray(wanted))
            << "seed " << seed;
    }
}

TEST(EsubAnnouncement, IsReadAsItWasWritten) {
    Announcement said;
    said.type = Type::delta;
    said.epoch = 3;
    said.seq = 7;
    said.address = "h:1";
    said.keys = 2;
    said.open = {key(std::string("a\0\xff", 3), 5, 99)};
    said.open[0].token_hash = std::string(64, 'a');
    said.open[0].shared = true;
    said.open[0].kind = Kind::psub;
    said.done = {1, 2};
    const auto read = decode_announcement(encode(said));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->open, said.open);
    EXPECT_EQ(read->done, said.done);
    EXPECT_EQ(read->seq, 7U);
    EXPECT_EQ(read->epoch, 3U);
    EXPECT_EQ(read->address, "h:1");
}

TEST(EsubAnnouncement, WhatIsNoneIsRefusedWithASentence) {
    using fabric::Value;
    const auto open_of = [](Value one) {
        return Value{Value::Map{
            {"type", "delta"}, {"epoch", 1}, {"seq", 1}, {"open", Value::List{std::move(one)}}}};
    };
    const std::vector<Value> wrong{
        Value{},
        Value{Value::Map{{"type", "shout"}, {"epoch", 1}, {"seq", 1}}},
        Value{Value::Map{{"type", "beat"}, {"epoch", -1}, {"seq", 1}}},
        Value{Value::Map{{"type", "full"}, {"epoch", 1}, {"seq", 1}, {"part", 2}, {"parts", 2}}},
        open_of(Value::List{0, "text", "", false, 1}),
        open_of(Value::List{0, fabric::Binary{""}, "", false, 1, 1}),
        open_of(Value::List{2, fabric::Binary{"k"}, "", false, 1, 1}),
        open_of(Value::List{0, fabric::Binary{"k"}, "short", false, 1, 1}),
        open_of(Value::List{0, fabric::Binary{std::string(5000, 'k')}, "", false, 1, 1})};
    for (const Value& value : wrong) EXPECT_FALSE(decode_announcement(value));
}

}  // namespace
}  // namespace weft::gateway::esub
