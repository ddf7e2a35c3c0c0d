#include "reliability/cursor/consumer_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "reliability/ack/statement.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Is = ConsumerGroup::Answer::Is;
using Mode = GroupSettings::Mode;
using Why = ConsumerGroup::Next::Why;

class AGroup : public ::testing::Test {
protected:
    void make(const GroupSettings& settings = {}) {
        settings_ = settings;
        group_ = std::make_unique<ConsumerGroup>("crew", settings, Position{7, 0});
    }
    void SetUp() override { make(); }
    void TearDown() override { EXPECT_EQ(group_->broken(), ""); }

    /// Messages up to `last`; in mode keyed each with the key that `key_of` gives.
    void offer(JournalId last, std::uint64_t keys = 1) {
        std::vector<ConsumerGroup::Candidate> candidates;
        for (JournalId id = group_->fetched().id + 1; id <= last; ++id) {
            candidates.push_back({id, id % keys});
        }
        group_->offer(candidates, last);
    }
    std::vector<JournalId> next(const std::string& member, std::size_t max = 100,
                                std::chrono::milliseconds lease = 30s) {
        last_ = group_->next(member, max, lease, now_);
        std::vector<JournalId> ids;
        for (const auto& given : last_.leases) ids.push_back(given.id);
        return ids;
    }
    Is ack(const std::string& member, JournalId id) {
        return group_->ack(member, {id}, now_).front().is;
    }
    Is nack(const std::string& member, JournalId id, std::chrono::milliseconds delay = 0ms) {
        return group_->nack(member, id, "no", delay, now_).is;
    }
    void pass(std::chrono::milliseconds by) {
        now_.steady += by;
        now_.utc_us += static_cast<std::uint64_t>(by.count()) * 1000;
    }
    void write() {
        for (const StateChange& change : group_->changes()) {
            if (change.value) {
                kept_[change.key] = *change.value;
            } else {
                kept_.erase(change.key);
            }
        }
    }
    void restart() {
        auto group =
            ConsumerGroup::restore("crew", settings_, {7, 0}, {kept_.begin(), kept_.end()});
        ASSERT_TRUE(group) << group.error();
        group_ = std::make_unique<ConsumerGroup>(std::move(*group));
    }

    GroupSettings settings_;
    std::unique_ptr<ConsumerGroup> group_;
    Now now_{1000s, 1'800'000'000'000'000};
    ConsumerGroup::Next last_;
    std::map<std::string, std::string> kept_;
};

TEST_F(AGroup, MembersShareTheMessagesAndNobodyGetsOneTwice) {
    offer(5);
    EXPECT_THAT(next("a", 2), ElementsAre(1, 2));
    EXPECT_THAT(next("b", 2), ElementsAre(3, 4));
    EXPECT_THAT(next("a"), ElementsAre(5));
    EXPECT_THAT(next("b"), IsEmpty());
    EXPECT_EQ(last_.why, Why::nothing_waits);
}

TEST_F(AGroup, ThePositionIsTheLowestThatIsNotDoneLessOne) {
    offer(4);
    static_cast<void>(next("a"));
    EXPECT_EQ(ack("a", 2), Is::done);
    EXPECT_EQ(ack("a", 3), Is::done);
    EXPECT_EQ(group_->position(), (Position{7, 0}));
    EXPECT_EQ(ack("a", 1), Is::done);
    EXPECT_EQ(group_->position(), (Position{7, 3}));
    EXPECT_EQ(ack("a", 4), Is::done);
    EXPECT_EQ(group_->position(), (Position{7, 4}));
}

TEST_F(AGroup, WhatTheFilterPassedOverIsDone) {
    group_->offer({{3, 0}}, 10);
    EXPECT_EQ(group_->position().id, 2u);
    EXPECT_THAT(next("a"), ElementsAre(3));
    EXPECT_EQ(ack("a", 3), Is::done);
    EXPECT_EQ(group_->position().id, 10u);
}

TEST_F(AGroup, WhatIsNotAcknowledgedInTimeGoesToAnotherWithTheNextAttempt) {
    offer(2);
    static_cast<void>(next("a", 2, 10s));
    pass(9999ms);
    EXPECT_THAT(next("b"), IsEmpty());
    EXPECT_EQ(group_->next_due(), now_.steady + 1ms);
    pass(1ms);
    EXPECT_THAT(next("b"), ElementsAre(1, 2));
    EXPECT_EQ(last_.leases[0].attempt, 2u);
    EXPECT_EQ(group_->stats().redelivered, 2u);
}

TEST_F(AGroup, ALateAcknowledgementThatOthersHaveTakenOverSaysSo) {
    offer(1);
    static_cast<void>(next("a", 1, 10s));
    pass(10s);
    static_cast<void>(next("b"));
    const auto answer = group_->ack("a", {1}, now_).front();
    EXPECT_EQ(answer.is, Is::lost);
    EXPECT_FALSE(answer.counts());
    EXPECT_THAT(answer.sentence, HasSubstr("'b' has it now"));
    EXPECT_EQ(ack("b", 1), Is::done);
}

TEST_F(AGroup, ALateAcknowledgementCountsWhereNobodyElseHasTheMessageAndSaysSo) {
    offer(1);
    static_cast<void>(next("a", 1, 10s));
    pass(10s);
    const auto answer = group_->ack("a", {1}, now_).front();
    EXPECT_EQ(answer.is, Is::late);
    EXPECT_TRUE(answer.counts());
    EXPECT_THAT(answer.sentence, HasSubstr("had ended"));
    EXPECT_THAT(next("b"), IsEmpty());
}

TEST_F(AGroup, AnAcknowledgementMayBeRepeatedAndWhatWasNeverHandedOutIsUnknown) {
    offer(2);
    static_cast<void>(next("a", 1));
    EXPECT_EQ(ack("a", 1), Is::done);
    EXPECT_EQ(ack("a", 1), Is::already);
    EXPECT_EQ(ack("a", 2), Is::unknown);
    EXPECT_EQ(ack("a", 3), Is::unknown);
    EXPECT_EQ(ack("a", 0), Is::unknown);
}

TEST_F(AGroup, ExtendingKeepsALeaseAndAnEndedOneCannotBeExtended) {
    offer(1);
    static_cast<void>(next("a", 1, 10s));
    pass(9s);
    EXPECT_EQ(group_->extend("a", 1, 10s, now_).is, Is::done);
    pass(9s);
    EXPECT_THAT(next("b"), IsEmpty());
    pass(1s);
    EXPECT_EQ(group_->extend("a", 1, 10s, now_).is, Is::lost);
    EXPECT_THAT(next("b"), ElementsAre(1));
}

TEST_F(AGroup, ManyLeasesAreExtendedAtOnceWithAnAnswerForEach) {
    offer(4);
    static_cast<void>(next("a", 2, 10s));
    static_cast<void>(next("b", 1, 10s));
    pass(6s);
    const auto answers = group_->extend("a", {2, 3, 1, 9}, 10s, now_);
    ASSERT_THAT(answers, SizeIs(4));
    EXPECT_EQ(answers[0].is, Is::done);
    EXPECT_EQ(answers[1].is, Is::lost) << "it is with another";
    EXPECT_EQ(answers[2].is, Is::done);
    EXPECT_EQ(answers[3].is, Is::unknown);
    pass(6s);
    EXPECT_THAT(next("c"), ElementsAre(3, 4)) << "what was extended is still out";
}

TEST_F(AGroup, WhatIsGivenBackComesAgainAfterItsDelayLowestFirst) {
    offer(3);
    static_cast<void>(next("a"));
    EXPECT_EQ(nack("a", 3), Is::done);
    EXPECT_EQ(nack("a", 1, 5s), Is::done);
    EXPECT_EQ(nack("a", 2), Is::done);
    EXPECT_THAT(next("b"), ElementsAre(2, 3));
    pass(5s);
    EXPECT_THAT(next("b"), ElementsAre(1));
}

TEST_F(AGroup, OnlyWhoHoldsAMessageCanGiveItBack) {
    offer(1);
    static_cast<void>(next("a"));
    EXPECT_EQ(nack("b", 1), Is::lost);
    EXPECT_EQ(ack("a", 1), Is::done);
}

TEST_F(AGroup, AfterItsAttemptsAMessageIsADeadLetterWithReasonAttemptsAndMember) {
    make({.max_attempts = 2});
    offer(2);
    for (const char* member : {"a", "b"}) {
        static_cast<void>(next(member, 1));
        static_cast<void>(group_->nack(member, 1, "cannot read it", 0ms, now_));
    }
    ASSERT_THAT(group_->dead(0, 10), SizeIs(1));
    const DeadLetter letter = group_->dead(0, 10)[0];
    EXPECT_EQ(letter.id, 1u);
    EXPECT_EQ(letter.attempts, 2u);
    EXPECT_EQ(letter.member, "b");
    EXPECT_EQ(letter.reason, "cannot read it");
    EXPECT_EQ(letter.died_us, now_.utc_us);
    EXPECT_EQ(group_->position().id, 1u) << "a dead letter holds nobody up";
    EXPECT_EQ(ack("a", 1), Is::lost);
}

TEST_F(AGroup, WhatItsMemberBuriesIsADeadLetterAtOnceAndStaysOneAfterARestart) {
    make({.max_attempts = 5});
    offer(2);
    static_cast<void>(next("a"));
    EXPECT_EQ(group_->bury("a", 1, "it will never fit", now_).is, Is::done);
    EXPECT_EQ(group_->position().id, 1u) << "a dead letter holds nobody up";
    pass(1h);
    EXPECT_THAT(next("b"), ElementsAre(2));
    write();
    restart();
    ASSERT_THAT(group_->dead(0, 10), SizeIs(1));
    const DeadLetter letter = group_->dead(0, 10)[0];
    EXPECT_EQ(letter.id, 1u);
    EXPECT_EQ(letter.attempts, 1u);
    EXPECT_EQ(letter.member, "a");
    EXPECT_EQ(letter.reason, "it will never fit");
    EXPECT_EQ(letter.died_us, now_.utc_us - 3'600'000'000);
    EXPECT_EQ(group_->stats().buried, 1u);
}

TEST_F(AGroup, OnlyWhoHoldsAMessageCanBuryIt) {
    offer(2);
    static_cast<void>(next("a", 1, 10s));
    EXPECT_EQ(group_->bury("b", 1, "no", now_).is, Is::lost);
    EXPECT_EQ(group_->bury("a", 2, "no", now_).is, Is::unknown);
    EXPECT_EQ(group_->bury("a", 3, "no", now_).is, Is::unknown);
    pass(11s);
    EXPECT_EQ(group_->bury("a", 1, "no", now_).is, Is::lost) << "it may be somebody else's now";
    EXPECT_THAT(group_->dead(0, 10), IsEmpty());
    EXPECT_THAT(next("b", 1), ElementsAre(1));
    EXPECT_EQ(group_->bury("b", 1, "no", now_).is, Is::done);
    const auto again = group_->bury("b", 1, "no", now_);
    EXPECT_EQ(again.is, Is::lost);
    EXPECT_THAT(again.sentence, HasSubstr("is a dead letter"));
    EXPECT_EQ(group_->stats().buried, 1u);
}

TEST_F(AGroup, WhatIsBuriedLetsThoseOfItsKeyGoOn) {
    make({.mode = Mode::keyed});
    offer(3);
    EXPECT_THAT(next("a", 1), ElementsAre(1));
    EXPECT_THAT(next("b"), IsEmpty());
    EXPECT_EQ(group_->bury("a", 1, "no", now_).is, Is::done);
    EXPECT_THAT(next("b"), ElementsAre(2, 3));
}

TEST_F(AGroup, WhoLetsALeaseEndOnTheLastAttemptMakesADeadLetterThatSaysSo) {
    make({.max_attempts = 1});
    offer(1);
    static_cast<void>(next("a", 1, 10s));
    pass(10s);
    group_->expire(now_);
    ASSERT_NE(group_->dead_letter(1), nullptr);
    EXPECT_THAT(group_->dead_letter(1)->reason, HasSubstr("not acknowledged within its lease"));
}

TEST_F(AGroup, AReasonThatIsLongOrNoTextIsMadeFit) {
    make({.max_attempts = 1});
    offer(1);
    static_cast<void>(next("a"));
    static_cast<void>(group_->nack("a", 1, std::string(5000, 'x') + "\xff", 0ms, now_));
    EXPECT_LE(group_->dead_letter(1)->reason.size(), reason_bytes_max);
}

TEST_F(AGroup, ADeadLetterIsRetriedAsIfForTheFirstTimeOrDropped) {
    make({.max_attempts = 1});
    offer(2);
    static_cast<void>(next("a"));
    nack("a", 1);
    nack("a", 2);
    EXPECT_EQ(group_->retry(1), "");
    EXPECT_EQ(group_->position().id, 0u);
    EXPECT_THAT(next("b"), ElementsAre(1));
    EXPECT_EQ(last_.leases[0].attempt, 1u);
    EXPECT_TRUE(group_->drop(2));
    EXPECT_FALSE(group_->drop(2));
    EXPECT_THAT(group_->retry(2), HasSubstr("no dead letter 2"));
    write();
    restart();
    EXPECT_THAT(group_->dead(0, 10), IsEmpty());
}

TEST_F(AGroup, DeadLettersAreBoundedAndTheLowestGoFirstCounted) {
    make({.max_attempts = 1});
    for (std::size_t rounds = 0; rounds < 2; ++rounds) {
        offer(group_->fetched().id + 6000);
        static_cast<void>(next("a", 6000, 1s));
        pass(1s);
        group_->expire(now_);
    }
    EXPECT_EQ(group_->stats().dead, ConsumerGroup::dead_max);
    EXPECT_EQ(group_->stats().dead_dropped, 2000u);
    EXPECT_EQ(group_->dead(0, 1)[0].id, 2001u);
    write();
    restart();
    EXPECT_EQ(group_->stats().dead, ConsumerGroup::dead_max);
    EXPECT_EQ(group_->stats().dead_dropped, 2000u);
}

TEST_F(AGroup, BeyondTenThousandInFlightThereIsNothingAndItSaysWhy) {
    EXPECT_EQ(group_->room(), ConsumerGroup::in_flight_max);
    offer(ConsumerGroup::in_flight_max);
    EXPECT_EQ(group_->room(), 0u);
    EXPECT_THAT(next("a", 20'000), SizeIs(ConsumerGroup::in_flight_max));
    EXPECT_THAT(next("b"), IsEmpty());
    EXPECT_EQ(last_.why, Why::all_in_flight);
    EXPECT_THAT(last_.sentence, HasSubstr("10000 messages are handed out"));
    EXPECT_EQ(ack("a", 5), Is::done);
    EXPECT_EQ(group_->room(), 1u);
}

TEST_F(AGroup, MembersAreBoundedAndWhoHoldsNothingMakesRoom) {
    offer(ConsumerGroup::members_max + 1);
    for (std::size_t i = 0; i < ConsumerGroup::members_max; ++i) {
        ASSERT_THAT(next("m" + std::to_string(i), 1), SizeIs(1));
    }
    EXPECT_THAT(next("late"), IsEmpty());
    EXPECT_EQ(last_.why, Why::no_room);
    EXPECT_EQ(ack("m7", 8), Is::done);
    EXPECT_THAT(next("late"), SizeIs(1));
    EXPECT_EQ(group_->stats().members, ConsumerGroup::members_max);
}

TEST_F(AGroup, WhoLeavesGivesBackWithoutAnAttempt) {
    offer(2);
    static_cast<void>(next("a"));
    EXPECT_TRUE(group_->leave("a", now_));
    EXPECT_FALSE(group_->leave("a", now_));
    EXPECT_THAT(next("b"), ElementsAre(1, 2));
    EXPECT_EQ(last_.leases[0].attempt, 1u);
}

TEST_F(AGroup, WhatTheJournalNoLongerHasIsCountedAsLostAndHoldsNobodyUp) {
    offer(2);
    group_->gone(1);
    group_->gone(1);
    EXPECT_EQ(group_->stats().lost, 1u);
    EXPECT_THAT(next("a"), ElementsAre(2));
}

// Mode keyed.

TEST_F(AGroup, KeyedGivesOneKeyToOneMemberAtATimeInItsOrder) {
    make({.mode = Mode::keyed});
    offer(6, 2);  // odd ids have key 1, even ones key 0
    EXPECT_THAT(next("a", 1), ElementsAre(1));
    EXPECT_THAT(next("b"), ElementsAre(2, 4, 6));
    EXPECT_THAT(next("b"), IsEmpty());
    EXPECT_EQ(last_.why, Why::keys_busy);
    EXPECT_THAT(next("a", 1), ElementsAre(3));
    EXPECT_EQ(ack("a", 1), Is::done);
    EXPECT_EQ(ack("a", 3), Is::done);
    EXPECT_THAT(next("b"), ElementsAre(5)) << "the key is free";
}

TEST_F(AGroup, KeyedTakesLaterOnesBackWhenAnEarlierOneFails) {
    make({.mode = Mode::keyed});
    offer(3);
    EXPECT_THAT(next("a"), ElementsAre(1, 2, 3));
    EXPECT_EQ(nack("a", 1, 5s), Is::done);
    EXPECT_EQ(ack("a", 2), Is::unknown) << "it will come again after 1";
    EXPECT_THAT(next("b"), IsEmpty());
    EXPECT_EQ(last_.why, Why::keys_busy);
    pass(5s);
    EXPECT_THAT(next("b"), ElementsAre(1, 2, 3));
    EXPECT_EQ(last_.leases[0].attempt, 2u);
    EXPECT_EQ(last_.leases[1].attempt, 1u) << "it was not its fault";
}

TEST_F(AGroup, KeyedGoesOnBehindADeadLetter) {
    make({.mode = Mode::keyed, .max_attempts = 1});
    offer(2);
    EXPECT_THAT(next("a", 1), ElementsAre(1));
    nack("a", 1);
    EXPECT_THAT(next("b"), ElementsAre(2));
}

TEST_F(AGroup, KeyedGivesARetriedDeadLetterToNobodyElseWhileItsKeyIsBusy) {
    make({.mode = Mode::keyed, .max_attempts = 1});
    offer(3);
    EXPECT_THAT(next("a", 1), ElementsAre(1));
    nack("a", 1);
    EXPECT_THAT(next("a", 1), ElementsAre(2));
    EXPECT_EQ(group_->retry(1), "");
    EXPECT_THAT(next("b"), IsEmpty());
    EXPECT_EQ(group_->broken(), "");
    EXPECT_THAT(next("a"), ElementsAre(1, 3));
}

TEST_F(AGroup, KeyedKeepsItsKeysOverARestart) {
    make({.mode = Mode::keyed});
    offer(4, 2);
    write();
    restart();
    EXPECT_THAT(next("a", 1), ElementsAre(1));
    EXPECT_THAT(next("b"), ElementsAre(2, 4));
}

// Mode exclusive.

TEST_F(AGroup, ExclusiveHasOneActiveMemberAndTheOthersStandBy) {
    make({.mode = Mode::exclusive});
    offer(3);
    EXPECT_THAT(next("a", 1, 10s), ElementsAre(1));
    EXPECT_THAT(next("b"), IsEmpty());
    EXPECT_EQ(last_.why, Why::standby);
    EXPECT_THAT(last_.sentence, HasSubstr("'a' is the active one"));
    EXPECT_EQ(ack("a", 1), Is::done);
    EXPECT_THAT(next("b"), IsEmpty()) << "a is still there";
    EXPECT_EQ(group_->stats().active, "a");
}

TEST_F(AGroup, ExclusiveLetsAnotherTakeOverWhenTheActiveOneIsSilentOrLeaves) {
    make({.mode = Mode::exclusive});
    offer(3);
    static_cast<void>(next("a", 1, 10s));
    pass(10s);
    EXPECT_THAT(next("b", 2, 10s), ElementsAre(1, 2));
    EXPECT_THAT(next("a"), IsEmpty());
    group_->leave("b", now_);
    EXPECT_THAT(next("a"), ElementsAre(1, 2, 3));
}

TEST_F(AGroup, ExclusiveWaitsForTheLeasesOfASilentMemberToEnd) {
    make({.mode = Mode::exclusive});
    offer(2);
    static_cast<void>(next("a", 2, 10s));
    pass(5s);
    EXPECT_EQ(group_->extend("a", 2, 60s, now_).is, Is::done);
    pass(30s);
    EXPECT_THAT(next("b"), IsEmpty());
    pass(30s);
    EXPECT_THAT(next("b"), ElementsAre(1, 2));
}

// What lasts.

TEST_F(AGroup, AfterARestartWhatWasAcknowledgedIsDoneAndWhatWasLeasedComesAgain) {
    offer(600);
    static_cast<void>(next("a", 600));
    for (JournalId id = 1; id <= 600; ++id) {
        if (id % 100 != 0) {
            ASSERT_EQ(ack("a", id), Is::done);
        }
    }
    write();
    restart();
    EXPECT_EQ(group_->fetched(), (Position{7, 600}));
    EXPECT_EQ(group_->position().id, 99u);
    EXPECT_THAT(next("b"), ElementsAre(100, 200, 300, 400, 500, 600));
    EXPECT_EQ(last_.leases[0].attempt, 2u) << "a poison that ends the process must not live on";
}

TEST_F(AGroup, ARestartGivesNoMessageMoreAttemptsThanThereAre) {
    make({.max_attempts = 2});
    offer(1);
    next("ann");
    nack("ann", 1);
    next("ann");
    write();
    restart();
    EXPECT_THAT(next("bob"), ElementsAre(1));
    EXPECT_EQ(last_.leases.front().attempt, 2U);
    nack("bob", 1);
    ASSERT_THAT(group_->dead(0, 10), SizeIs(1));
    EXPECT_EQ(group_->dead(0, 10).front().attempts, 2U);
}

TEST_F(AGroup, AfterARestartAMemberMayStillAcknowledgeWhatItHad) {
    offer(1);
    static_cast<void>(next("a"));
    write();
    restart();
    EXPECT_EQ(ack("a", 1), Is::late);
}

TEST_F(AGroup, AnAcknowledgementWritesOneSmallRecord) {
    offer(10'000);
    static_cast<void>(next("a", 10'000));
    static_cast<void>(group_->changes());
    EXPECT_EQ(ack("a", 5000), Is::done);
    const auto changes = group_->changes();
    ASSERT_THAT(changes, SizeIs(1));
    EXPECT_LE(changes[0].value->size(), 2560u);
    EXPECT_THAT(group_->changes(), IsEmpty());
}

TEST_F(AGroup, WhatCouldNotBeWrittenIsGivenAgain) {
    offer(2);
    static_cast<void>(next("a"));
    nack("a", 2);
    const auto first = group_->changes();
    group_->not_written(first);
    const auto second = group_->changes();
    ASSERT_EQ(first.size(), second.size());
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].key, second[i].key);
}

TEST_F(AGroup, ThatIsAllDoneLeavesOnlyItsHeadBehind) {
    offer(1000);
    static_cast<void>(next("a", 1000));
    write();
    for (JournalId id = 1; id <= 1000; ++id) ack("a", id);
    write();
    EXPECT_THAT(kept_, SizeIs(1));
    restart();
    EXPECT_EQ(group_->position().id, 1000u);
}

TEST_F(AGroup, DamagedRecordsAreNamedAndNeverBelieved) {
    offer(300);
    make({.max_attempts = 1});
    offer(300);
    static_cast<void>(next("a", 300));
    nack("a", 1);
    write();
    const auto refused = [&](const std::string& key, const std::string& value) {
        auto damaged = kept_;
        damaged[key] = value;
        const auto group =
            ConsumerGroup::restore("crew", settings_, {7, 0}, {damaged.begin(), damaged.end()});
        return group ? std::string{} : group.error();
    };
    EXPECT_THAT(refused("group/crew/head", "x"), HasSubstr("head"));
    EXPECT_THAT(refused("group/crew/p/0000000000000000", "odd"), HasSubstr("10 bytes"));
    EXPECT_THAT(refused("group/crew/p/0000000000000000", std::string(20, '\1')),
                HasSubstr("ids must rise"));
    EXPECT_THAT(refused("group/crew/p/0000000000000009", std::string(10, '\1')),
                HasSubstr("beyond what its head says"));
    EXPECT_THAT(refused("group/crew/p/ffffffffffffffff", ""), HasSubstr("no such chunk"));
    EXPECT_THAT(refused("group/crew/d/0000000000000001", "x"), HasSubstr("dead letter 1"));
    EXPECT_THAT(refused("group/crew/p/zz", ""), HasSubstr("no record 'p/zz'"));
    EXPECT_THAT(refused("group/crew/else", ""), HasSubstr("no record 'else'"));
}

}  // namespace
}  // namespace weft::reliability
