#include "reliability/cursor/group_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "reliability/cursor/message_key.hpp"
#include "tests/support/signing_fixture.hpp"
#include "tests/support/switchable_journal.hpp"
#include "tests/unit/reliability/cursor/hand_clock.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using support::globs_of;
using support::SwitchableJournal;
using support::SwitchableState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Is = ConsumerGroup::Answer::Is;
using Reason = JournalError::Reason;

class Groups : public ::testing::Test {
protected:
    Groups() { restart(); }

    void restart() {
        service_.reset();
        store_ = std::make_unique<CursorStore>(*journal_, clock_);
        service_ = std::make_unique<GroupService>(*store_);
    }
    void put(const std::vector<std::string>& globs = {}, const GroupSettings& settings = {}) {
        const auto put = service_->put("crew", globs_of(globs), {Start::Kind::beginning}, settings);
        if (!put) throw std::runtime_error(put.error().sentence);
    }
    std::vector<JournalId> next(const std::string& member, std::size_t max = 100,
                                std::chrono::milliseconds wait = 0ms) {
        auto got = service_->next("crew", member, max, {}, wait);
        if (!got) throw std::runtime_error(got.error().sentence);
        last_ = std::move(*got);
        std::vector<JournalId> ids;
        for (const auto& message : last_.messages) ids.push_back(message.message.id());
        return ids;
    }
    Is ack(const std::string& member, JournalId id) {
        const auto answers = service_->ack("crew", member, {id});
        if (!answers) throw std::runtime_error(answers.error().sentence);
        return answers->front().is;
    }

    std::shared_ptr<SwitchableState> state_ = std::make_shared<SwitchableState>();
    std::unique_ptr<SwitchableJournal> journal_ = std::make_unique<SwitchableJournal>(state_);
    HandClock clock_;
    std::unique_ptr<CursorStore> store_;
    std::unique_ptr<GroupService> service_;
    NextMessages last_;
};

TEST_F(Groups, AMemberGetsTheMessagesThatItsCursorWantsWithTheirBytes) {
    for (const char* topic : {"a", "b", "a"}) journal_->put(topic, "hello");
    put({"a"});
    EXPECT_THAT(next("one"), ElementsAre(1, 3));
    EXPECT_EQ(last_.messages[0].message.run.topic, "a");
    EXPECT_THAT(std::string{last_.messages[0].message.content}, HasSubstr("hello"));
    EXPECT_EQ(last_.messages[0].attempt, 1u);
    EXPECT_EQ(last_.messages[0].lease, 30s);
}

TEST_F(Groups, WhatIsAcknowledgedIsDoneForWhoeverOpensTheJournalNextAndTheRestComesAgain) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    put();
    EXPECT_THAT(next("one"), ElementsAre(1, 2, 3));
    EXPECT_EQ(ack("one", 1), Is::done);
    EXPECT_EQ(ack("one", 3), Is::done);
    state_->lose_power();
    restart();
    EXPECT_EQ(store_->show("crew")->position, (Position{7, 1}));
    EXPECT_THAT(next("two"), ElementsAre(2));
    EXPECT_EQ(last_.messages[0].attempt, 2u);
}

TEST_F(Groups, AnAcknowledgementThatIsNotDurableIsNotAnsweredAndItsRepetitionWritesIt) {
    journal_->put("a");
    put();
    static_cast<void>(next("one"));
    state_->fail_with("disk gone");
    const auto answer = service_->ack("crew", "one", {1});
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().sentence, HasSubstr("disk gone"));
    EXPECT_FALSE(service_->ack("crew", "one", {1}));
    state_->fail_with("");
    EXPECT_EQ(ack("one", 1), Is::already);
    state_->lose_power();
    restart();
    EXPECT_THAT(next("two"), IsEmpty());
}

TEST_F(Groups, TheLagOfAGroupIsThatOfItsCursor) {
    for (int i = 0; i < 5; ++i) journal_->put("a");
    put();
    static_cast<void>(next("one", 2));
    EXPECT_EQ(ack("one", 1), Is::done);
    EXPECT_EQ(ack("one", 2), Is::done);
    EXPECT_EQ(store_->lag(*store_->show("crew"))->messages, 3u);
    EXPECT_EQ(service_->show("crew")->cursor.position.id, 2u);
    EXPECT_EQ(service_->show("crew")->stats.acknowledged, 2u);
}

TEST_F(Groups, AWaitEndsAsSoonAsAMessageComes) {
    put();
    std::atomic<bool> waiting{false};
    std::vector<JournalId> got;
    std::thread member([&] {
        waiting = true;
        got = next("one", 10, 60s);
    });
    while (!waiting) std::this_thread::yield();
    journal_->put("a");
    member.join();
    EXPECT_THAT(got, ElementsAre(1));
}

TEST_F(Groups, AWaitEndsWhenAnotherMemberGivesAMessageBack) {
    journal_->put("a");
    put();
    static_cast<void>(next("one"));
    std::vector<JournalId> got;
    std::thread member([&] { got = next("two", 10, 60s); });
    EXPECT_EQ(service_->nack("crew", "one", 1, "not me")->is, Is::done);
    member.join();
    EXPECT_THAT(got, ElementsAre(1));
}

TEST_F(Groups, AWaitEndsWhenALeaseDoes) {
    journal_->put("a");
    put({}, {.lease = 10s});
    static_cast<void>(next("one"));
    std::vector<JournalId> got;
    std::thread member([&] { got = next("two", 10, 60s); });
    clock_.pass(11s);
    member.join();
    EXPECT_THAT(got, ElementsAre(1));
}

TEST_F(Groups, AWaitEndsWithItsTimeAndSaysThatThereIsNothing) {
    put();
    EXPECT_THAT(next("one"), IsEmpty());
    EXPECT_EQ(last_.why, ConsumerGroup::Next::Why::nothing_waits);
    // Time may pass before the wait has begun: so it passes until it is over.
    std::atomic<bool> over{false};
    std::thread time([&] {
        while (!over) {
            clock_.pass(61s);
            std::this_thread::yield();
        }
    });
    EXPECT_THAT(next("one", 10, 60s), IsEmpty());
    over = true;
    time.join();
}

TEST_F(Groups, StoppingEndsEveryWait) {
    put();
    std::thread member([&] {
        const auto got = service_->next("crew", "one", 1, {}, 1h);
        EXPECT_EQ(got.error().reason, Reason::closed);
    });
    service_->stop();
    member.join();
}

TEST_F(Groups, ManyMembersAtATimeGetEveryMessageOnce) {
    constexpr JournalId messages = 2000;
    put();
    const fabric::SystemClock clock;
    CursorStore store{*journal_, clock};
    GroupService service{store};
    std::mutex mutex;
    std::multiset<JournalId> done;
    std::vector<std::thread> members;
    std::atomic<JournalId> acknowledged{0};
    for (int i = 0; i < 4; ++i) {
        members.emplace_back([&, i] {
            const std::string name = "m" + std::to_string(i);
            while (acknowledged < messages) {
                const auto got = service.next("crew", name, 7, {}, 10ms);
                ASSERT_TRUE(got);
                std::vector<JournalId> ids;
                for (const auto& message : got->messages) ids.push_back(message.message.id());
                if (ids.empty()) continue;
                const auto answers = service.ack("crew", name, ids);
                ASSERT_TRUE(answers);
                const std::scoped_lock lock(mutex);
                for (const auto& answer : *answers) {
                    ASSERT_EQ(answer.is, Is::done);
                    done.insert(answer.id);
                    ++acknowledged;
                }
            }
        });
    }
    for (JournalId i = 0; i < messages; ++i) journal_->put("a");
    for (auto& member : members) member.join();
    EXPECT_THAT(done, SizeIs(messages));
    EXPECT_EQ(std::set(done.begin(), done.end()).size(), messages);
    EXPECT_EQ(store_->show("crew")->position.id, messages);
}

TEST_F(Groups, WhatTrimmingTookIsToldOnceAndCountedOnTheCursor) {
    for (int i = 0; i < 10; ++i) journal_->put("a");
    put();
    ASSERT_TRUE(journal_->trim(5));
    EXPECT_THAT(next("one", 1), ElementsAre(5));
    EXPECT_EQ(last_.gap, (JournalGap{1, 4, 4}));
    EXPECT_THAT(next("one", 1), ElementsAre(6));
    EXPECT_FALSE(last_.gap);
    EXPECT_EQ(ack("one", 5), Is::done);
    EXPECT_EQ(store_->show("crew")->lost, 4u);
    EXPECT_EQ(store_->show("crew")->gaps, 1u);
}

TEST_F(Groups, WhatIsTrimmedBetweenTwoAttemptsHoldsNobodyUp) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    put({}, {.lease = 10s});
    EXPECT_THAT(next("one"), ElementsAre(1, 2, 3));
    clock_.pass(10s);
    ASSERT_TRUE(journal_->trim(3));
    EXPECT_THAT(next("two"), ElementsAre(3));
    EXPECT_EQ(last_.gap->lost, 2u);
    EXPECT_EQ(ack("two", 3), Is::done);
    EXPECT_EQ(store_->show("crew")->position.id, 3u);
    EXPECT_EQ(store_->show("crew")->lost, 2u);
}

TEST_F(Groups, AJournalThatWasMadeAnewIsReadFromItsBeginning) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    put();
    static_cast<void>(next("one"));
    EXPECT_EQ(ack("one", 1), Is::done);
    service_.reset();
    journal_ = std::make_unique<SwitchableJournal>(state_, 8);
    journal_->put("a");
    restart();
    EXPECT_THAT(next("one"), ElementsAre(1));
    ASSERT_TRUE(last_.gap);
    EXPECT_FALSE(last_.gap->lost);
    EXPECT_EQ(ack("one", 1), Is::done);
    EXPECT_EQ(store_->show("crew")->position, (Position{8, 1}));
}

TEST_F(Groups, AReadThatFailsHandsNothingOutAndCostsNoAttempt) {
    journal_->put("a");
    put();
    journal_->read_failure = "bad sector";
    EXPECT_FALSE(service_->next("crew", "one", 1));
    journal_->read_failure = "";
    EXPECT_THAT(next("one"), ElementsAre(1));
    clock_.pass(30s);
    journal_->read_failure = "bad sector";
    EXPECT_FALSE(service_->next("crew", "one", 1));
    journal_->read_failure = "";
    EXPECT_THAT(next("two"), ElementsAre(1));
    EXPECT_EQ(last_.messages[0].attempt, 2u);
}

TEST_F(Groups, SettingAGroupBackEndsItsLeasesAndGivesEverythingAgain) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    put({}, {.max_attempts = 1});
    static_cast<void>(next("one"));
    EXPECT_EQ(ack("one", 1), Is::done);
    EXPECT_EQ(service_->nack("crew", "one", 2, "bad")->is, Is::done);
    ASSERT_TRUE(service_->set("crew", {Start::Kind::beginning}));
    EXPECT_THAT(*service_->dead("crew"), IsEmpty()) << "it comes again";
    EXPECT_THAT(next("two"), ElementsAre(1, 2, 3));
    EXPECT_EQ(ack("one", 3), Is::lost);
    restart();
    EXPECT_EQ(store_->show("crew")->position.id, 0u);
}

TEST_F(Groups, SettingAGroupToTheEndSkipsAndKeepsItsDeadLetters) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    put({}, {.max_attempts = 1});
    static_cast<void>(next("one", 1));
    EXPECT_EQ(service_->nack("crew", "one", 1, "bad")->is, Is::done);
    ASSERT_TRUE(service_->set("crew", {Start::Kind::now}));
    EXPECT_THAT(next("two"), IsEmpty());
    ASSERT_THAT(*service_->dead("crew"), SizeIs(1));
    ASSERT_TRUE(service_->retry("crew", 1));
    EXPECT_THAT(next("two"), ElementsAre(1));
}

TEST_F(Groups, DeadLettersAreListedRetriedAndDroppedAlsoAfterARestart) {
    for (int i = 0; i < 2; ++i) journal_->put("a");
    put({}, {.max_attempts = 1});
    static_cast<void>(next("one"));
    for (const JournalId id : {1, 2}) {
        EXPECT_EQ(service_->nack("crew", "one", id, "bad")->is, Is::done);
    }
    restart();
    const auto dead = service_->dead("crew");
    ASSERT_THAT(*dead, SizeIs(2));
    EXPECT_EQ((*dead)[0].reason, "bad");
    EXPECT_EQ((*dead)[0].died_us, clock_.utc_us());
    ASSERT_TRUE(service_->retry("crew", 1));
    ASSERT_TRUE(service_->drop("crew", 2));
    EXPECT_EQ(service_->drop("crew", 2).error().reason, Reason::not_found);
    EXPECT_EQ(service_->retry("crew", 2).error().reason, Reason::not_found);
    EXPECT_THAT(next("two"), ElementsAre(1));
}

TEST_F(Groups, ManyLeasesAreExtendedInOneCall) {
    for (int i = 0; i < 2; ++i) journal_->put("a");
    put({}, {.lease = 10s});
    EXPECT_THAT(next("one"), ElementsAre(1, 2));
    const auto extended = service_->extend("crew", "one", std::vector<JournalId>{1, 2, 7}, 60s);
    ASSERT_TRUE(extended) << extended.error().sentence;
    ASSERT_THAT(*extended, SizeIs(3));
    EXPECT_EQ((*extended)[1].is, Is::done);
    EXPECT_EQ((*extended)[2].is, Is::unknown);
    clock_.pass(11s);
    EXPECT_THAT(next("two"), IsEmpty());
    const std::vector<JournalId> none, many(ConsumerGroup::in_flight_max + 1, 1);
    EXPECT_THAT(*service_->extend("crew", "one", none), IsEmpty());
    EXPECT_EQ(service_->extend("crew", "one", many).error().reason, Reason::invalid);
    EXPECT_EQ(service_->extend("crew", "one", none, 0s).error().reason, Reason::invalid);
}

TEST_F(Groups, WhatIsBuriedIsADeadLetterAlsoAfterAPowerCut) {
    for (int i = 0; i < 2; ++i) journal_->put("a");
    put({}, {.max_attempts = 5});
    EXPECT_THAT(next("one"), ElementsAre(1, 2));
    const auto buried = service_->bury("crew", "one", 1, "rejected");
    ASSERT_TRUE(buried) << buried.error().sentence;
    EXPECT_EQ(buried->is, Is::done);
    EXPECT_EQ(service_->bury("crew", "two", 2, "not mine")->is, Is::lost);
    EXPECT_EQ(service_->bury("crew", "", 2, "nobody").error().reason, Reason::invalid);
    state_->lose_power();
    restart();
    const auto dead = service_->dead("crew");
    ASSERT_THAT(*dead, SizeIs(1));
    EXPECT_EQ((*dead)[0].attempts, 1u);
    EXPECT_EQ((*dead)[0].reason, "rejected");
    EXPECT_THAT(next("two"), ElementsAre(2));
}

TEST_F(Groups, ABurialThatIsNotDurableIsNotAnswered) {
    journal_->put("a");
    put();
    static_cast<void>(next("one"));
    state_->fail_with("disk gone");
    const auto answer = service_->bury("crew", "one", 1, "rejected");
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().sentence, HasSubstr("disk gone"));
    state_->lose_power();
    state_->fail_with("");
    restart();
    EXPECT_THAT(*service_->dead("crew"), IsEmpty());
    EXPECT_THAT(next("two"), ElementsAre(1));
}

TEST_F(Groups, ARemovedGroupLeavesNothingBehindAndANewOneOfItsNameBeginsFresh) {
    journal_->put("a");
    put({}, {.max_attempts = 1});
    static_cast<void>(next("one"));
    EXPECT_EQ(service_->nack("crew", "one", 1, "bad")->is, Is::done);
    ASSERT_TRUE(service_->remove("crew"));
    EXPECT_EQ(state_->size(), 0u);
    EXPECT_EQ(service_->next("crew", "one", 1).error().reason, Reason::not_found);
    put();
    EXPECT_THAT(next("one"), ElementsAre(1));
}

TEST_F(Groups, PuttingAGroupAgainChangesItsGlobsAndNotItsModeOrPlace) {
    for (const char* topic : {"a", "a", "b"}) journal_->put(topic);
    put({"a"});
    EXPECT_THAT(next("one", 1), ElementsAre(1));
    EXPECT_EQ(ack("one", 1), Is::done);
    const auto again =
        service_->put("crew", globs_of({"**"}), {Start::Kind::now}, {.max_attempts = 9});
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->created);
    EXPECT_EQ(store_->show("crew")->group->max_attempts, 9u);
    EXPECT_THAT(next("one"), ElementsAre(2)) << "what was passed over stays passed over";
    journal_->put("b");
    EXPECT_THAT(next("one"), ElementsAre(4));
    const auto keyed =
        service_->put("crew", {}, {Start::Kind::now}, {.mode = GroupSettings::Mode::keyed});
    EXPECT_THAT(keyed.error().sentence, HasSubstr("is shared"));
}

TEST_F(Groups, WhatIsNotAllowedSaysWhatWouldBeRight) {
    put();
    EXPECT_THAT(service_->next("crew", "A B", 1).error().sentence, HasSubstr("lower-case"));
    EXPECT_THAT(service_->next("crew", "a", 0).error().sentence, HasSubstr("1 to 1000"));
    EXPECT_THAT(service_->next("crew", "a", 1, 0ms).error().sentence, HasSubstr("more than 0s"));
    EXPECT_EQ(service_->next("nobody", "a", 1).error().reason, Reason::not_found);
    ASSERT_TRUE(store_->put("plain", {}, {Start::Kind::now}));
    EXPECT_THAT(service_->next("plain", "a", 1).error().sentence, HasSubstr("one reader"));
    EXPECT_EQ(service_->leave("crew", "stranger").error().reason, Reason::not_found);
}

TEST_F(Groups, ADamagedGroupSaysSoAndIsSetOrRemoved) {
    journal_->put("a");
    put();
    static_cast<void>(next("one"));
    ASSERT_TRUE(state_->apply({{"group/crew/head", "x"}}, StateStore::Durability::sync));
    restart();
    const auto got = service_->next("crew", "one", 1);
    EXPECT_EQ(got.error().reason, Reason::corrupt);
    EXPECT_THAT(got.error().sentence, HasSubstr("set its cursor"));
    ASSERT_TRUE(service_->set("crew", {Start::Kind::beginning}));
    EXPECT_THAT(next("one"), ElementsAre(1));
}

TEST(MessageKeys, OneTopicAndSignerHaveOneKeyAlsoAfterTheirCertificateWasRenewed) {
    support::SigningFixture world;
    const auto git = world.identity("git.host1");
    const auto renewed = world.identity("git.host1");
    const auto other = world.identity("wiki.host1");
    MessageKeys keys;
    const auto key = [&](const std::string& topic, const support::Identity& who) {
        return keys.of(topic, support::sign(who, topic, {"x"}).proof);
    };
    EXPECT_EQ(key("a.b", git), key("a.b", git));
    EXPECT_EQ(key("a.b", git), key("a.b", renewed));
    EXPECT_NE(key("a.b", git), key("a.b", other));
    EXPECT_NE(key("a.b", git), key("a.c", git));
    EXPECT_EQ(keys.of("a.b", ""), keys.of("a.b", ""));
    EXPECT_NE(keys.of("a.b", ""), key("a.b", git));
    EXPECT_NE(keys.of("a.b", "no proof"), 0u);
}

}  // namespace
}  // namespace weft::reliability
