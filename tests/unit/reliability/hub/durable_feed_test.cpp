// What a durable consumer gets, and what the journal is told.

#include "reliability/hub/durable_feed.hpp"

#include <map>
#include <random>

#include "tests/unit/reliability/hub/durable_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class DurableFeedTest : public DurableWorld {};

TEST_F(DurableFeedTest, GivesAllMessagesOnceAndInOrderHistoryFirst) {
    constexpr JournalId history = 2500, all = 3000;
    for (JournalId id = 1; id <= history; ++id) journal_->put("a");
    begin();
    std::vector<JournalId> got = process(history);
    for (JournalId id = history + 1; id <= all; ++id) journal_->put("a");
    for (const JournalId id : process(all - history)) got.push_back(id);

    ASSERT_THAT(got, SizeIs(all));
    for (JournalId id = 1; id <= all; ++id) ASSERT_EQ(got[id - 1], id);
    EXPECT_TRUE(position_becomes(all));
    EXPECT_EQ(stats().taken, all);
    EXPECT_EQ(stats().done, all);
    EXPECT_EQ(stats().seen_again, 0U);
    EXPECT_EQ(life_->leased.size(), all);
    EXPECT_EQ(finish(), 0U);
    EXPECT_EQ(group().members, 0U);
}

TEST_F(DurableFeedTest, GivesTheMessageAsItWasStored) {
    settings_.globs = support::globs_of({"b.*"});
    journal_->put("a", "unwanted");
    journal_->put("b.c", "hello");
    begin();
    const Work work = take();
    EXPECT_EQ(work.number, 2U);
    EXPECT_EQ(work.attempt, 1U);
    EXPECT_EQ(work.message.topic(), "b.c");
    EXPECT_EQ(work.message.body(), "hello");
    EXPECT_EQ(work.message.journal_id(), 2U);
    EXPECT_TRUE(life_->feed->waiting_for().empty()) << life_->feed->waiting_for();
}

TEST_F(DurableFeedTest, NothingIsToldAsDoneBeforeItsVerdict) {
    for (int i = 0; i < 2; ++i) journal_->put("a");
    begin();
    Work first = take();
    EXPECT_EQ(groups_->show("counter")->cursor.position.id, 0U);
    end(std::move(first));
    EXPECT_TRUE(position_becomes(1));
    const Work second = take();
    EXPECT_EQ(group().acknowledged, 1U);
}

TEST_F(DurableFeedTest, AFailureComesAgainAfterItsPauseAndHoldsBackItsKeyOnly) {
    settings_.retry = {700ms};
    for (const char* topic : {"a", "a", "b", "b"}) journal_->put(topic);
    begin();
    Work first = take();
    EXPECT_EQ(first.number, 1U);
    const fabric::Instant failed = clock_.steady();
    end(std::move(first), Is::retry, "not yet");
    EXPECT_THAT(process(2), ElementsAre(3, 4)) << "another key goes on";
    Work again = take();
    EXPECT_GE(clock_.steady() - failed, settings_.retry[0]);
    EXPECT_EQ(again.number, 1U);
    EXPECT_EQ(again.attempt, 2U);
    end(std::move(again));
    EXPECT_THAT(process(1), ElementsAre(2));
    EXPECT_TRUE(position_becomes(4));
    EXPECT_EQ(stats().retried, 1U);
    EXPECT_TRUE(surroundings_.wait_for_line(
        "warning counter: message 1 failed, attempt 1 of 5, again in 700 ms: not yet"));
}

TEST_F(DurableFeedTest, WithoutOrderAFailureHoldsBackNothing) {
    settings_.ordered = false;
    settings_.retry = {700ms};
    for (int i = 0; i < 3; ++i) journal_->put("a");
    begin();
    end(take(), Is::retry, "not yet");
    EXPECT_THAT(process(3), ElementsAre(2, 3, 1));
    EXPECT_TRUE(position_becomes(3));
}

TEST_F(DurableFeedTest, TheLastAttemptBecomesADeadLetterOnceAndWhatFollowsGoesOn) {
    settings_.max_attempts = 2;
    for (int i = 0; i < 2; ++i) journal_->put("a");
    begin();
    end(take(), Is::retry, "first");
    Work last = take();
    EXPECT_EQ(last.attempt, 2U);
    end(std::move(last), Is::retry, "second");
    EXPECT_THAT(process(1), ElementsAre(2));
    EXPECT_TRUE(position_becomes(2));
    EXPECT_THAT(life_->buried(), ElementsAre(Burial{1, 2, "second"}));
    const auto dead = groups_->dead("counter");
    ASSERT_THAT(*dead, SizeIs(1));
    EXPECT_EQ(dead->front().reason, "second");
    EXPECT_EQ(stats().given_up, 1U);
    EXPECT_EQ(stats().retried, 1U);
    EXPECT_EQ(stats().dead_unsaid, 0U);
    EXPECT_TRUE(surroundings_.wait_for_line("`weft cursor dead counter` has it"));
}

TEST_F(DurableFeedTest, WhatIsRejectedIsADeadLetterAtOnce) {
    bury_answer_ = false;
    for (int i = 0; i < 2; ++i) journal_->put("a");
    begin();
    end(take(), Is::reject, "no such host");
    EXPECT_THAT(process(1), ElementsAre(2));
    EXPECT_TRUE(position_becomes(2));
    EXPECT_THAT(life_->buried(), ElementsAre(Burial{1, 1, "no such host"}));
    EXPECT_EQ(groups_->dead("counter")->front().reason, "no such host");
    EXPECT_EQ(stats().given_up, 1U);
    EXPECT_EQ(stats().dead_unsaid, 1U) << "the hook could not publish it";
}

TEST_F(DurableFeedTest, ADeadLetterIsBuriedOnceHoweverOftenTheJournalHasToBeTold) {
    settings_.max_attempts = 1;
    for (const char* topic : {"a", "b"}) journal_->put(topic);
    begin();
    Work first = take(), second = take();
    door_.shut();
    end(std::move(first), Is::reject, "no");
    end(std::move(second), Is::retry, "never");
    const std::size_t before = door_.failures();
    ASSERT_TRUE(eventually([&] { return door_.failures() >= before + 6; }));
    door_.open();
    EXPECT_TRUE(position_becomes(2));
    EXPECT_THAT(*groups_->dead("counter"), SizeIs(2));
    EXPECT_TRUE(eventually([&] { return stats().given_up == 2; }));
    EXPECT_THAT(life_->buried(), SizeIs(2));
}

TEST_F(DurableFeedTest, WhatIsLeftGoesBackAndThatIsNoAttempt) {
    journal_->put("a");
    begin();
    end(take(), Is::left);
    EXPECT_EQ(finish(), 0U);
    begin();
    EXPECT_EQ(take().attempt, 1U);
    EXPECT_EQ(stats().retried, 0U);
}

TEST_F(DurableFeedTest, WhatWaitsAtTheEndGoesBackAtOnceAndThatIsNoAttempt) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    begin();
    EXPECT_THAT(process(1), ElementsAre(1));
    ASSERT_TRUE(waits_for(2));
    EXPECT_EQ(finish(), 2U);
    EXPECT_EQ(store_->show("counter")->position.id, 1U) << "what is done was told";
    EXPECT_THAT(others_get(), ElementsAre(2, 3));
    EXPECT_EQ(group().redelivered, 0U);
}

TEST_F(DurableFeedTest, WhatWasDoneAndNotToldIsNotShownAgainAfterAKill) {
    for (int i = 0; i < 4; ++i) journal_->put("a");
    begin();
    Work first = take();
    door_.shut();
    end(std::move(first));
    EXPECT_THAT(process(1), ElementsAre(2));
    kill();
    EXPECT_EQ(store_->show("counter")->position.id, 0U);

    begin();
    EXPECT_THAT(process(2), ElementsAre(3, 4));
    EXPECT_TRUE(position_becomes(4));
    EXPECT_TRUE(surroundings_.wait_for_line("told the journal of 2 messages"));
    EXPECT_EQ(group().redelivered, 0U) << "what waited is no attempt";
}

TEST_F(DurableFeedTest, MoreThanOneQuestionTakesIsToldAfterAKillAsWell) {
    constexpr JournalId many = 11'000;  // more than GroupService takes at a time
    journal_->put("a");
    begin();
    EXPECT_THAT(process(1), ElementsAre(1));
    ASSERT_TRUE(position_becomes(1));
    ASSERT_EQ(finish(), 0U);
    for (JournalId id = 2; id <= many; ++id) journal_->put("a");
    // As two hubs would: there are more done than one group has in flight.
    auto marks = DoneMarks::open(directory_.path(), "counter");
    (*marks)->begin(7);
    const std::string member = DurableFeed::member_name("hub.host1", 0);
    for (JournalId id = 2; id <= many;) {
        const auto got = groups_->next("counter", member, 1000, 50s);
        ASSERT_TRUE(got) << got.error().sentence;
        if (got->messages.empty()) break;  // as many as there may be in flight
        for (const auto& leased : got->messages) {
            ASSERT_TRUE((*marks)->done(leased.message.id()));
            ++id;
        }
    }
    const std::size_t done = (*marks)->unsettled();
    for (JournalId id = done + 2; id <= many; ++id) ASSERT_TRUE((*marks)->done(many + id));
    ASSERT_GT((*marks)->unsettled(), ConsumerGroup::in_flight_max);
    marks->reset();

    begin();
    EXPECT_THAT(process(1), ElementsAre(done + 2));
}

TEST_F(DurableFeedTest, WhatWasInHandAtAKillCountsAsAnAttempt) {
    settings_.max_attempts = 2;
    for (const char* topic : {"a", "a", "b"}) journal_->put(topic);
    begin();
    EXPECT_EQ(take(0).number, 1U);
    kill();
    begin();
    const Work again = take(3);
    EXPECT_EQ(again.number, 1U);
    EXPECT_EQ(again.attempt, 2U);
    EXPECT_EQ(take(1).attempt, 1U) << "the other one only waited";
    kill();
    begin();
    EXPECT_EQ(take().number, 2U) << "a message that kills us is given up in the end";
    ASSERT_THAT(*groups_->dead("counter"), SizeIs(1));
    EXPECT_THAT(groups_->dead("counter")->front().reason, HasSubstr("had it in hand"));
}

TEST_F(DurableFeedTest, AJournalThatIsAwayIsWaitedForAndNothingIsLost) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    for (const auto reason : {JournalError::Reason::away, JournalError::Reason::busy}) {
        door_.shut(reason);
        begin();
        ASSERT_TRUE(eventually([&] {
            return life_->feed->waiting_for() == "waits for the journal: nobody answers there";
        }));
        EXPECT_FALSE(life_->feed->failed());
        door_.open();
        ASSERT_TRUE(eventually([&] { return life_->feed->waiting_for().empty(); }));
        finish();
    }
    begin();
    Work first = take();
    door_.shut();
    end(std::move(first));
    ASSERT_TRUE(eventually([&] { return !life_->feed->waiting_for().empty(); }));
    door_.open();
    EXPECT_THAT(process(2), ElementsAre(2, 3));
    journal_->put("a");
    EXPECT_THAT(process(1), ElementsAre(4));
    EXPECT_TRUE(position_becomes(4));
    EXPECT_TRUE(eventually([&] { return life_->feed->waiting_for().empty(); }));
}

TEST_F(DurableFeedTest, ADeletedCursorBeginsAnew) {
    for (int i = 0; i < 2; ++i) journal_->put("a");
    begin();
    EXPECT_THAT(process(2), ElementsAre(1, 2));
    ASSERT_TRUE(position_becomes(2));
    ASSERT_TRUE(groups_->remove("counter"));
    EXPECT_THAT(process(2), ElementsAre(1, 2)) << "its replay says beginning";
    journal_->put("a");
    EXPECT_THAT(process(1), ElementsAre(3));
    EXPECT_TRUE(position_becomes(3));
    EXPECT_FALSE(life_->feed->failed());
}

TEST_F(DurableFeedTest, AnAnswerThatIsNoMatterOfTimeIsAFailureForGood) {
    door_.fail_with(JournalError{JournalError::Reason::invalid, "that will never do"});
    begin();
    ASSERT_TRUE(eventually([&] { return life_->feed->failed(); }));
    EXPECT_EQ(life_->feed->waiting_for(), "that will never do");
    EXPECT_TRUE(surroundings_.wait_for_line("error counter: that will never do"));
    EXPECT_EQ(finish(), 0U);
}

TEST_F(DurableFeedTest, AFailureToldWhileAnAnswerIsOnItsWayLetsNothingLaterOfItsKeyThrough) {
    settings_.retry = {700ms};
    journal_->put("a");
    begin();
    Work first = take();
    door_.hold_back();
    for (const char* topic : {"a", "b"}) journal_->put(topic);
    ASSERT_TRUE(door_.wait_until_held());
    end(std::move(first), Is::retry, "not yet");
    ASSERT_TRUE(eventually([&] { return stats().retried == 1; }));
    door_.let_go();
    EXPECT_THAT(process(3), ElementsAre(3, 1, 2));
    EXPECT_TRUE(position_becomes(3));
}

// The question that was asked before the failure is still open when its message comes again.
TEST_F(DurableFeedTest, AFailureThatComesAgainAtOnceIsNotTakenForOneFromBefore) {
    poll_ = 60s;
    for (const bool ordered : {true, false}) {
        settings_.ordered = ordered;
        settings_.name = ordered ? "counter" : "shared";
        door_.lead_to(*groups_, settings_.name);
        const JournalId first = journal_->put("a"), second = journal_->put("a");
        if (!ordered) {
            ASSERT_TRUE(groups_->put("shared", settings_.globs,
                                     {.kind = Start::Kind::after, .after = {7, first - 1}}, {}));
        }
        begin();
        for (unsigned attempt = 1; attempt <= 4; ++attempt) {
            Work work = take();
            ASSERT_EQ(work.number, first);
            ASSERT_EQ(work.attempt, attempt);
            if (!ordered && attempt == 1) {
                EXPECT_EQ(take().number, second);
            }
            end(std::move(work), Is::retry, "again");
        }
        EXPECT_THAT(process(1), ElementsAre(first));
        if (ordered) {
            EXPECT_THAT(process(1), ElementsAre(second));
        }
        life_->feed->stop_taking();
        journal_->put("wake");
        finish();
        if (ordered) {
            ASSERT_THAT(others_get(), SizeIs(1));
        }
    }
}

TEST_F(DurableFeedTest, LeasesOfWhatWaitsAndIsInHandAreExtended) {
    for (const char* topic : {"a", "a", "b"}) journal_->put(topic);
    begin();
    const Work held = take();
    ASSERT_TRUE(waits_for(2));
    for (int i = 0; i < 3; ++i) {  // 90 s, where a lease is 50 s
        door_.forget_extended();
        clock_.pass(30s);
        ASSERT_TRUE(eventually([&] { return door_.extended().size() == 3; }));
        EXPECT_THAT(others_get(), IsEmpty());
    }
    end(held);
    EXPECT_THAT(process(2), ElementsAre(2, 3));
    EXPECT_TRUE(position_becomes(3));
    EXPECT_EQ(stats().late, 0U);
}

TEST_F(DurableFeedTest, WhatIsStuckIsNotExtendedAndGoesToOthers) {
    keeps_timeout_ = false;
    for (const char* topic : {"a", "b"}) journal_->put(topic);
    begin();
    Work stuck = take();
    ASSERT_TRUE(waits_for(1));
    clock_.pass(30s);  // more than twice its timeout
    ASSERT_TRUE(eventually([&] { return !door_.extended().empty(); }));
    clock_.pass(21s);
    EXPECT_THAT(others_get(), ElementsAre(1));
    EXPECT_THAT(door_.extended(), Not(Contains(1U)));
    EXPECT_THAT(process(1), ElementsAre(2));
    end(std::move(stuck));
    EXPECT_TRUE(eventually([&] { return stats().late == 1; })) << "others have it";
}

TEST_F(DurableFeedTest, WhatIsMoreThanTheBacklogIsPassedOverCountedAndSaid) {
    settings_.backlog_count = 3;
    journal_->put("a");
    begin();
    EXPECT_THAT(process(1), ElementsAre(1));
    finish();
    for (int i = 0; i < 9; ++i) journal_->put("a");
    begin();
    EXPECT_THAT(process(3), ElementsAre(8, 9, 10));
    EXPECT_EQ(stats().passed_over, 6U);
    EXPECT_TRUE(surroundings_.wait_for_line("passed over ids 2 to 7"));
    EXPECT_TRUE(position_becomes(10));
}

TEST_F(DurableFeedTest, WhatIsOlderThanTheBacklogMayBeIsPassedOver) {
    settings_.backlog_age = 60s;
    journal_->put("a");
    begin();
    EXPECT_THAT(process(1), ElementsAre(1));
    finish();
    for (int i = 0; i < 4; ++i) journal_->put("a");
    clock_.pass(120s);
    journal_->now_us = clock_.utc_us();
    for (int i = 0; i < 2; ++i) journal_->put("a");
    begin();
    EXPECT_THAT(process(2), ElementsAre(6, 7));
    EXPECT_EQ(stats().passed_over, 4U);
}

TEST_F(DurableFeedTest, WithinItsBacklogNothingIsPassedOver) {
    settings_.backlog_count = 10;
    settings_.backlog_age = 1h;
    for (int i = 0; i < 2; ++i) journal_->put("a");
    begin();
    process(2);
    finish();
    for (int i = 0; i < 10; ++i) journal_->put("a");
    begin();
    EXPECT_THAT(process(10), SizeIs(10));
    EXPECT_EQ(stats().passed_over, 0U);
}

TEST_F(DurableFeedTest, WhatWasTrimmedBeforeItWasTakenIsCountedAndSaid) {
    for (int i = 0; i < 10; ++i) journal_->put("a");
    begin();
    process(10);
    ASSERT_TRUE(position_becomes(10));
    finish();
    for (int i = 0; i < 5; ++i) journal_->put("a");
    ASSERT_TRUE(journal_->trim(14));
    begin();
    EXPECT_THAT(process(2), ElementsAre(14, 15));
    EXPECT_EQ(stats().lost, 3U);
    EXPECT_TRUE(surroundings_.wait_for_line("lost up to 3 messages up to id 13"));
}

TEST_F(DurableFeedTest, EndingTakesNoLongerThanItMayWhileTheJournalIsAway) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    begin();
    Work first = take();
    ASSERT_TRUE(waits_for(2));
    door_.shut();
    end(std::move(first));
    EXPECT_EQ(life_->feed->finish(clock_.steady() + 50ms), 2U);
    life_.reset();
    door_.open();
    begin();
    EXPECT_THAT(process(2), ElementsAre(2, 3)) << "it is in the marks";
}

TEST_F(DurableFeedTest, WhatNobodyCanBelieveBecomesADeadLetterAndIsNeverShown) {
    const support::SigningFixture world;
    const auto git = world.identity("git.host1");
    fabric::ContentHeader header;
    header.id = fabric::MessageId::make(1);
    header.content_type = "text/plain";
    const auto proof_of = [&](const std::string& text) {
        std::string content(fabric::encoded_size(header, text), '\0');
        fabric::encode_content(header, text, content.data());
        return support::sign(git, "a", {content}).proof;
    };
    journal_->put_content("a", header, "true", proof_of("true"));
    journal_->put_content("a", header, "altered", proof_of("original"));
    journal_->put_content("a", header, "also true", proof_of("also true"));
    begin();
    const Work first = take();
    EXPECT_EQ(first.message.body(), "true");
    EXPECT_FALSE(first.message.verified()) << "without trust nobody is believed";
    end(first);
    EXPECT_THAT(process(1), ElementsAre(3));
    EXPECT_TRUE(position_becomes(3));
    ASSERT_THAT(*groups_->dead("counter"), SizeIs(1));
    EXPECT_EQ(groups_->dead("counter")->front().id, 2U);
    EXPECT_EQ(stats().refused, 1U);
    EXPECT_TRUE(surroundings_.wait_for_line("did not believe 2 to 2"));
}

TEST_F(DurableFeedTest, AJournalThatWasMadeAnewIsReadFromItsBeginningAndOldVerdictsMeanNothing) {
    for (int i = 0; i < 3; ++i) journal_->put("a");
    begin();
    EXPECT_THAT(process(1), ElementsAre(1));
    ASSERT_TRUE(position_becomes(1));
    Work old = take();
    EXPECT_EQ(old.number, 2U);
    door_.shut();
    ASSERT_TRUE(eventually([&] { return !life_->feed->waiting_for().empty(); }));
    replace_journal(8);
    for (const char* topic : {"x", "y", "z"}) journal_->put(topic, "new");
    door_.lead_to(*groups_, "counter");
    door_.open();
    Work first = take(1);
    EXPECT_EQ(first.number, 1U);
    EXPECT_EQ(first.message.body(), "new");
    EXPECT_EQ(first.attempt, 1U);
    end(std::move(old));
    end(std::move(first), Is::done, "", 1);
    EXPECT_TRUE(eventually([&] { return group().acknowledged >= 1; }));
    EXPECT_TRUE(position_becomes(1)) << "number 2 is another message now, and nobody did it";
    EXPECT_TRUE(surroundings_.wait_for_line("it is another one"));
}

TEST_F(DurableFeedTest, AMemberHasTheNameOfItsHubAndItsPlaceWithinWhatANameMayBe) {
    EXPECT_EQ(DurableFeed::member_name("hub.host1", 3), "hub.host1-hub3");
    const std::string longest(signing::Certificate::name_bytes_max, 'h');
    const std::string member = DurableFeed::member_name(longest, 63);
    EXPECT_EQ(member.size(), signing::Certificate::name_bytes_max);
    EXPECT_EQ(signing::name_error(member), "");
    EXPECT_NE(member, DurableFeed::member_name(longest, 62));
}

// Whatever verdicts come, and however often it is killed: in order by key, and each to its end.
TEST_F(DurableFeedTest, WhateverHappensEveryMessageComesToItsEndAndTheOrderHolds) {
    std::mt19937 random(4);
    settings_.max_attempts = 3;
    settings_.workers = 3;
    poll_ = 20ms;
    constexpr JournalId count = 300;
    std::map<JournalId, std::string> key_of_id;
    for (JournalId id = 1; id <= count; ++id) {
        key_of_id[id] = std::string(1, static_cast<char>('a' + random() % 4));
        journal_->put(key_of_id[id]);
    }
    std::map<JournalId, int> done, attempts;
    std::map<std::string, JournalId> last;
    std::uint64_t failures = 0;  // in this life
    begin();
    int kills = 0;
    const auto all_done = [&] {
        const auto cursor = store_->show("counter");
        return cursor && cursor->position.id == count;
    };
    while (!all_done()) {
        ASSERT_FALSE(HasFailure());
        std::optional<Work> work;
        {
            std::unique_lock lock(life_->bench.mutex);
            work = life_->bench.queue.take(clock_.steady());
            if (!work) life_->bench.work.wait_for(lock, 2ms);
        }
        life_->bench.room.notify_all();
        if (!work) continue;
        ASSERT_TRUE(life_->feed->begins(0, *work));
        const JournalId id = work->number;
        EXPECT_EQ(done[id], 0) << "message " << id << " was done already";
        EXPECT_GE(id, last[key_of_id[id]]) << "out of order";
        last[key_of_id[id]] = id;
        ASSERT_LE(++attempts[id], 3) << "message " << id;
        const auto what = random() % 100;
        if (what < 70) {
            ++done[id];
            end(std::move(*work));
        } else if (what < 90) {
            ++failures;
            end(std::move(*work), Is::retry, "random");
        } else if (what < 95) {
            ++failures;
            end(std::move(*work), Is::reject, "random");
        } else if (kills < 8) {
            ++kills;
            // A failure that was not told is forgotten, and then it was no attempt.
            ASSERT_TRUE(eventually([&] { return stats().retried + stats().given_up == failures; }));
            // What is in hand counts as an attempt: the next life buries it if it was the last.
            failures = work->attempt >= settings_.max_attempts ? 1 : 0;
            kill();
            begin();
        } else {
            ++done[id];
            end(std::move(*work));
        }
    }
    const std::size_t dead = groups_->dead("counter")->size();
    std::size_t finished = 0;
    for (const auto& [id, times] : done) finished += static_cast<std::size_t>(times);
    EXPECT_EQ(dead + finished, count);
    EXPECT_GT(dead, 0U);
}

}  // namespace
}  // namespace weft::reliability::hub
