// What a gateway announces and what it makes of the others' announcements, with time that passes as
// the test says.

#include "gateway/esub/cluster/roster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace weft::gateway::esub {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Type = Announcement::Type;

class EsubRoster : public ::testing::Test {
protected:
    EsubRoster() { roster_.begin(7, now_); }

    static Roster::Rules rules() {
        Roster::Rules rules;
        rules.clustered = true;
        rules.limits.members = 4;
        return rules;
    }
    void open(const std::string& key, std::uint64_t id, std::uint64_t stamp = 100,
              Kind kind = Kind::sub, bool shared = false) {
        roster_.local.opened(kind, key, "", shared, id, stamp);
    }
    static OpenKey theirs(const std::string& key, std::uint64_t stamp, bool shared = false) {
        OpenKey open;
        open.key = key;
        open.kind = shared ? Kind::psub : Kind::sub;
        open.shared = shared;
        open.sid = stamp;
        open.stamp_us = stamp;
        return open;
    }
    static Announcement delta(std::vector<OpenKey> open, std::uint64_t seq = 1,
                              std::uint64_t epoch = 1) {
        Announcement said;
        said.type = Type::delta;
        said.epoch = epoch;
        said.seq = seq;
        said.open = std::move(open);
        return said;
    }
    std::vector<Roster::Lost> hear(const Announcement& said, const std::string& node = "b") {
        return roster_.hear(node, said, now_, 1);
    }
    std::vector<Type> types() {
        std::vector<Type> types;
        for (const Announcement& said : roster_.due(now_)) types.push_back(said.type);
        return types;
    }

    fabric::Instant now_ = seconds{100};
    Roster roster_{"a", rules()};
};

TEST_F(EsubRoster, WhatOpensIsADeltaAndABeatSaysHowManyThereWere) {
    roster_.use_address("h:1/esub");
    open("k", 1);
    EXPECT_TRUE(roster_.is_due(now_));
    const auto said = roster_.due(now_);
    ASSERT_THAT(said, SizeIs(2));
    EXPECT_EQ(said[0].type, Type::delta);
    EXPECT_EQ(said[0].seq, 1U);
    EXPECT_EQ(said[0].epoch, 7U);
    EXPECT_EQ(said[0].address, "h:1/esub");
    EXPECT_THAT(said[0].open, SizeIs(1));
    EXPECT_EQ(said[1].type, Type::beat);
    EXPECT_EQ(said[1].seq, 1U);
    EXPECT_EQ(said[1].keys, 1U);
    EXPECT_THAT(types(), IsEmpty());
    now_ += seconds{1};
    EXPECT_THAT(types(), ElementsAre(Type::beat));
}

// Until then the others know of no place to send anybody to.
TEST_F(EsubRoster, AnAddressIsSaidAtOnceAndNotWithTheNextBeat) {
    EXPECT_THAT(types(), ElementsAre(Type::beat));
    EXPECT_FALSE(roster_.is_due(now_));
    roster_.use_address("h:1/esub");
    EXPECT_TRUE(roster_.is_due(now_));
    const auto said = roster_.due(now_);
    ASSERT_THAT(said, SizeIs(1));
    EXPECT_EQ(said[0].type, Type::beat);
    EXPECT_EQ(said[0].address, "h:1/esub");
    EXPECT_FALSE(roster_.is_due(now_));
    EXPECT_THAT(types(), IsEmpty());
}

TEST_F(EsubRoster, WhatOpensAndClosesWithinAMomentIsNotSaid) {
    open("k", 1);
    roster_.local.closed(Kind::sub, "k", 1);
    EXPECT_THAT(types(), ElementsAre(Type::beat));
}

TEST_F(EsubRoster, AFloodOfKeysGoesOutInDeltasOfWhichEachCanBeRead) {
    for (std::uint64_t id = 1; id <= 4500; ++id) open("k" + std::to_string(id), id);
    std::size_t keys = 0;
    std::uint64_t seq = 0;
    for (const Announcement& said : roster_.due(now_)) {
        const auto read = decode_announcement(encode(said));
        ASSERT_TRUE(read) << read.error();
        if (read->type != Type::delta) continue;
        EXPECT_EQ(read->seq, ++seq);
        keys += read->open.size();
    }
    EXPECT_EQ(keys, 4500U);
    EXPECT_EQ(seq, 3U);
}

TEST_F(EsubRoster, WhoAsksGetsEverythingButNotAtEachMoment) {
    open("k", 1);
    types();
    Announcement ask;
    ask.type = Type::ask;
    ask.epoch = 1;
    ask.to = "a";
    for (int i = 0; i < 1000; ++i) hear(ask);
    EXPECT_THAT(types(), ElementsAre(Type::full));
    hear(ask);
    EXPECT_FALSE(roster_.is_due(now_));
    EXPECT_THAT(types(), IsEmpty());
    now_ += milliseconds{200};
    EXPECT_TRUE(roster_.is_due(now_));
    EXPECT_THAT(types(), ElementsAre(Type::full));
    ask.to = "c";
    hear(ask);
    now_ += milliseconds{200};
    EXPECT_FALSE(roster_.is_due(now_)) << "another was asked";
}

TEST_F(EsubRoster, WhoMissedADeltaAsksItsGatewayForAll) {
    hear(delta({theirs("k", 1)}));
    types();
    hear(delta({theirs("m", 3)}, 3));
    ASSERT_TRUE(roster_.is_due(now_));
    const auto said = roster_.due(now_);
    ASSERT_THAT(said, SizeIs(1));
    EXPECT_EQ(said[0].type, Type::ask);
    EXPECT_EQ(said[0].to, "b");
}

TEST_F(EsubRoster, OfTwoSubsTheLaterOneStaysAndTheNameDecidesBetweenEqualOnes) {
    open("k", 5, 100);
    EXPECT_THAT(hear(delta({theirs("k", 99)})), IsEmpty());
    const auto lost = hear(delta({theirs("k", 100)}, 2));
    ASSERT_THAT(lost, SizeIs(1));
    EXPECT_EQ(lost[0].key, "k");
    EXPECT_EQ(lost[0].id, 5U);
}

TEST_F(EsubRoster, MembersOfPoolsDoNotDisplaceEachOther) {
    open("k", 5, 100, Kind::psub, true);
    EXPECT_THAT(hear(delta({theirs("k", 200, true)})), IsEmpty());
}

TEST_F(EsubRoster, AFormerLifeAndWhoeverIsBeyondTheLimitTakeNothingAway) {
    open("k", 5, 100);
    hear(delta({}, 1, 9));
    EXPECT_THAT(hear(delta({theirs("k", 200)}, 1, 8)), IsEmpty()) << "it is over";
    for (const char* name : {"c", "d", "e"}) hear(delta({}), name);
    EXPECT_THAT(hear(delta({theirs("k", 300)}), "f"), IsEmpty()) << "there are four";
}

TEST_F(EsubRoster, NobodySpeaksForUs) {
    open("k", 5, 100);
    EXPECT_THAT(hear(delta({theirs("k", 999)}), "a"), IsEmpty());
    EXPECT_THAT(roster_.directory.members(), IsEmpty());
}

TEST_F(EsubRoster, AnOutsiderIsNotHeardUnderTheNameOfAGatewayOfTheFabric) {
    hear(delta({theirs("k", 1)}));
    EXPECT_FALSE(roster_.hear_outsider("b", delta({}, 2), now_, 1));
    EXPECT_FALSE(roster_.hear_outsider("a", delta({}, 2), now_, 1));
    const auto heard = roster_.hear_outsider("out", delta({theirs("o", 2)}), now_, 1);
    ASSERT_TRUE(heard);
    EXPECT_TRUE(heard->applied);
    EXPECT_TRUE(roster_.directory.find("o", false));
}

TEST_F(EsubRoster, AJumpOfTheClockEndsTheOthersAndBeatsOnce) {
    hear(delta({theirs("k", 1)}));
    types();
    now_ += hours{24};
    EXPECT_THAT(types(), ElementsAre(Type::beat));
    EXPECT_FALSE(roster_.directory.find("k", false));
    EXPECT_EQ(roster_.directory.stats().dead, 1U);
    // It was only us who slept.
    hear(delta({theirs("m", 2)}, 2));
    ASSERT_TRUE(roster_.is_due(now_));
    EXPECT_THAT(types(), ElementsAre(Type::ask));
}

TEST_F(EsubRoster, AStampOfTheFarFutureIsATakeoverAndNothingWorse) {
    open("k", 5, 100);
    constexpr std::uint64_t far = INT64_MAX;
    EXPECT_THAT(hear(delta({theirs("k", far)})), SizeIs(1));
    roster_.local.closed(Kind::sub, "k", 5);
    open("k", 6, 101);
    EXPECT_THAT(hear(delta({theirs("other", far)}, 2)), IsEmpty());
    EXPECT_TRUE(roster_.local.find(Kind::sub, "k"));
}

TEST_F(EsubRoster, TheLastWordIsThatNothingIsOpen) {
    open("k", 1);
    types();
    const auto said = roster_.farewell();
    ASSERT_THAT(said, SizeIs(1));
    EXPECT_EQ(said[0].type, Type::full);
    EXPECT_EQ(said[0].seq, 2U);
    EXPECT_THAT(said[0].open, IsEmpty());
}

TEST_F(EsubRoster, APoolThatSpansGatewaysIsServedInTurn) {
    EXPECT_FALSE(roster_.takes_turn_elsewhere("k"));
    open("k", 1, 100, Kind::psub, true);
    EXPECT_FALSE(roster_.takes_turn_elsewhere("k")) << "nobody else has it";
    hear(delta({theirs("k", 1, true), theirs("k", 2, true)}));
    int elsewhere = 0;
    for (int i = 0; i < 300; ++i) elsewhere += roster_.takes_turn_elsewhere("k") ? 1 : 0;
    EXPECT_EQ(elsewhere, 200);
}

TEST_F(EsubRoster, AloneItSaysNothingOfItsKeys) {
    Roster alone("a", Roster::Rules{});
    alone.begin(1, now_);
    alone.local.opened(Kind::sub, "k", "", false, 1, 1);
    EXPECT_FALSE(alone.is_due(now_));
    EXPECT_TRUE(alone.local.find(Kind::sub, "k"));
}

/// Two rosters over a wire that loses, repeats and holds back; in the end they agree.
TEST_F(EsubRoster, WhateverIsLostTheOtherKnowsOurKeysInTheEnd) {
    std::mt19937 random(4);
    Roster other("b", rules());
    other.begin(1, now_);
    std::vector<Announcement> held;
    const auto pass = [&](bool reliably) {
        for (Announcement& said : roster_.due(now_)) {
            if (!reliably && random() % 3 == 0) continue;
            if (!reliably && random() % 5 == 0) {
                held.push_back(said);
                continue;
            }
            static_cast<void>(other.hear("a", said, now_, 1));
        }
        if (!held.empty() && random() % 4 == 0) {
            static_cast<void>(other.hear("a", held.back(), now_, 1));
            held.pop_back();
        }
        for (const Announcement& said : other.due(now_)) {
            if (!reliably && random() % 3 == 0) continue;
            hear(said);
        }
        now_ += milliseconds{100};
    };
    std::vector<std::uint64_t> ids;
    for (std::uint64_t id = 1; id <= 2000; ++id) {
        open("k" + std::to_string(id % 50), id, id);
        ids.push_back(id);
        if (ids.size() > 30) {
            const std::uint64_t gone = ids[random() % ids.size()];
            std::erase(ids, gone);
            roster_.local.closed(Kind::sub, "k" + std::to_string(gone % 50), gone);
        }
        pass(false);
    }
    held.clear();
    for (int i = 0; i < 40; ++i) pass(true);
    auto ours = roster_.local.keys(), known = other.directory.keys_of("a");
    std::sort(ours.begin(), ours.end());
    std::sort(known.begin(), known.end());
    EXPECT_EQ(known, ours);
}

TEST(EsubAnnouncement, AnAddressThatWouldBreakAHeaderIsRefused) {
    Announcement said;
    for (const char* bad : {"h:1\r\nSet-Cookie: a=b", "h", "/esub", "h:1 /x", "h:1\""}) {
        said.address = bad;
        EXPECT_FALSE(decode_announcement(encode(said))) << bad;
    }
    for (const char* good : {"", "h:1", "[::1]:8090", "10.0.0.1:80/a/b"}) {
        said.address = good;
        EXPECT_TRUE(decode_announcement(encode(said))) << good;
    }
}

}  // namespace
}  // namespace weft::gateway::esub
