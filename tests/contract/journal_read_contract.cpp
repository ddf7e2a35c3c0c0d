// Reading: positions, gaps, filters, limits, trimming, expiry, indexes.
#include <gmock/gmock.h>

#include "tests/contract/journal_contract.hpp"

namespace weft::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(JournalContract, AnEmptyJournalIsReadToItsHeadAtOnce) {
    const Page page = read();
    EXPECT_THAT(page.runs, IsEmpty());
    EXPECT_TRUE(page.at_head);
    EXPECT_FALSE(page.gap);
    EXPECT_EQ(page.next, (Position{journal->info().epoch, 0}));
}

TEST_P(JournalContract, APageIsWhatComesAfterAPositionAlsoInTheMiddleOfARun) {
    add_run(run_of("a", {"1", "2", "3", "4"}));
    add("b", "5");
    const Page page = read(2);
    EXPECT_THAT(texts_of(page), ElementsAre("3 a 3", "4 a 4", "5 b 5"));
    EXPECT_EQ(page.runs[0].first, 1U);
    EXPECT_EQ(page.runs[0].last, 4U);
    EXPECT_EQ(page.messages(), 3U);
    EXPECT_TRUE(page.at_head);
    EXPECT_EQ(page.next.id, 5U);
}

TEST_P(JournalContract, APageOutlivesTheJournal) {
    add("a", "text");
    Page page = read();
    journal.reset();
    EXPECT_THAT(texts_of(page), ElementsAre("1 a text"));
}

TEST_P(JournalContract, APositionBeyondTheHeadIsInvalid) {
    add();
    EXPECT_EQ(reason_of(journal->read({0, 2}, {}, {})), Reason::invalid);
    EXPECT_EQ(reason_of(journal->read({journal->info().epoch, 2}, {}, {})), Reason::invalid);
    EXPECT_EQ(reason_of(journal->read({0, UINT64_MAX}, {}, {})), Reason::invalid);
    EXPECT_TRUE(read(1).at_head);
}

TEST_P(JournalContract, APositionOfAnotherJournalBeginsAtTheOldestWithAGapOfUnknownSize) {
    add("a", "1");
    const Page page = ok(journal->read({journal->info().epoch + 1, 4711}, {}, {}));
    ASSERT_TRUE(page.gap);
    EXPECT_EQ(page.gap->lost, std::nullopt);
    EXPECT_THAT(texts_of(page), ElementsAre("1 a 1"));
    EXPECT_EQ(page.next, (Position{journal->info().epoch, 1}));
}

TEST_P(JournalContract, AReadIsBoundedByMessagesBytesAndTheLastId) {
    for (int number = 0; number < 4; ++number) add_run(run_of("a", {"1", "2", "3"}));
    Page page = read(0, {}, {.messages = 4});
    EXPECT_THAT(ids_of(page), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(page.next.id, 4U);
    EXPECT_FALSE(page.at_head);
    EXPECT_THAT(ids_of(read(0, {}, {.messages = 0})), IsEmpty());

    // One run is always given, however large.
    EXPECT_THAT(ids_of(read(0, {}, {.bytes = 1})), ElementsAre(1, 2, 3));

    page = read(0, {}, {.through = 5});
    EXPECT_THAT(ids_of(page), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_EQ(page.next.id, 5U);
    EXPECT_FALSE(page.at_head);
    EXPECT_THAT(ids_of(read(7, {}, {.through = 5})), IsEmpty());
    EXPECT_EQ(read(7, {}, {.through = 5}).next.id, 7U);
    EXPECT_THAT(read_all({}, {.messages = 1}), SizeIs(12));
}

TEST_P(JournalContract, AFilterChoosesByTopicAndMovesOnWhereNothingMatches) {
    add("a.x", "1");
    add("b.x", "2");
    add("a.y", "3");
    add("b.y", "4");
    EXPECT_THAT(read_all(filter_of({"a.*"})), ElementsAre("1 a.x 1", "3 a.y 3"));
    EXPECT_THAT(read_all(filter_of({"*.x", "b.*"})), ElementsAre("1 a.x 1", "2 b.x 2", "4 b.y 4"));
    const Page none = read(0, filter_of({"c"}));
    EXPECT_THAT(none.runs, IsEmpty());
    EXPECT_EQ(none.next.id, 4U);
    EXPECT_TRUE(none.at_head);
}

TEST_P(JournalContract, WhatIsPassedOverIsBounded) {
    for (int number = 0; number < 30; ++number) add("noise");
    add("signal", "here");
    const TopicFilter filter = filter_of({"signal"});
    const Page page = read(0, filter, {.runs_scanned = 10});
    EXPECT_THAT(page.runs, IsEmpty());
    EXPECT_EQ(page.next.id, 10U);
    EXPECT_FALSE(page.at_head);
    EXPECT_THAT(read_all(filter, {.runs_scanned = 10}), ElementsAre("31 signal here"));
}

TEST_P(JournalContract, ARareTopicAmongManyIsFoundWholeAndInOrder) {
    std::vector<std::string> expected;
    for (int number = 1; number <= 3000; ++number) {
        const bool rare = number % 250 == 0;
        std::vector<RunToStore> runs;
        const std::string topic =
            rare ? "rare." + std::to_string(number % 500) : "noise." + std::to_string(number % 40);
        if (rare) {
            expected.push_back(std::to_string(number) + " " + topic + " " + std::to_string(number));
        }
        journal->append({run_of(topic, {std::to_string(number)})}, [](auto) {});
    }
    add("end", "");
    EXPECT_EQ(read_all(filter_of({"rare.*"})), expected);
    EXPECT_EQ(read_all(filter_of({"rare.*"}), {.messages = 1}), expected);
    EXPECT_EQ(read_all(filter_of({"rare.*"}), {.runs_scanned = 200}), expected);
    EXPECT_EQ(ids_of(read(0, filter_of({"rare.*"}), {.through = 600})),
              (std::vector<JournalId>{250, 500}));
}

TEST_P(JournalContract, ATrimmedPositionGetsAGapOfWhatItLost) {
    for (int number = 1; number <= 10; ++number) add("a", std::to_string(number));
    EXPECT_EQ(ok(journal->trim(5)), 5U);
    EXPECT_EQ(journal->info().low, 5U);

    Page page = read(1);
    ASSERT_TRUE(page.gap);
    EXPECT_EQ(*page.gap, (JournalGap{2, 4, 3}));
    EXPECT_THAT(ids_of(page), ElementsAre(5, 6, 7, 8, 9, 10));
    EXPECT_FALSE(read(4).gap);
    EXPECT_FALSE(ok(journal->read(page.next, {}, {})).gap);

    page = read(1, {}, {.through = 3});
    EXPECT_EQ(*page.gap, (JournalGap{2, 3, 2}));
    EXPECT_EQ(page.next.id, 3U);
}

TEST_P(JournalContract, TrimmingCutsARunWithoutTouchingWhatIsLeftOfIt) {
    add_run(run_of("a", {"1", "2", "3", "4"}));
    add("b", "5");
    EXPECT_EQ(ok(journal->trim(3)), 3U);
    const Page page = read(0);
    EXPECT_EQ(page.gap->lost, 2U);
    EXPECT_THAT(texts_of(page), ElementsAre("3 a 3", "4 a 4", "5 b 5"));
    EXPECT_THAT(read_all(filter_of({"a"})), ElementsAre("3 a 3", "4 a 4"));
}

TEST_P(JournalContract, TheLowWaterMarkNeverGoesBackNorBeyondTheHead) {
    for (int number = 0; number < 5; ++number) add();
    EXPECT_EQ(ok(journal->trim(4)), 4U);
    EXPECT_EQ(ok(journal->trim(2)), 4U);
    EXPECT_EQ(ok(journal->trim(0)), 4U);
    EXPECT_EQ(ok(journal->trim(UINT64_MAX)), 6U);
}

TEST_P(JournalContract, AJournalTrimmedToNothingGoesOnWithItsIds) {
    for (int number = 0; number < 5; ++number) add("a", "old", static_cast<unsigned>(number));
    EXPECT_EQ(ok(journal->trim(UINT64_MAX)), 6U);
    EXPECT_EQ(journal->info().head, 5U);
    EXPECT_EQ(journal->info().oldest_us, 0U);
    EXPECT_EQ(read(0).gap->lost, 5U);
    EXPECT_TRUE(read(5).at_head);
    if (bench->is_persistent()) open();
    EXPECT_EQ(journal->info().low, 6U);
    EXPECT_EQ(journal->info().head, 5U);
    bench->clock.now_us = 1;
    EXPECT_EQ(add("a", "new"), 6U);
    EXPECT_THAT(texts_of(read(5)), ElementsAre("6 a new"));
    EXPECT_EQ(read(5).runs[0].stored_us, SetClock::begin_us);
}

TEST_P(JournalContract, ATimeLeadsToTheFirstMessageThatIsNotOlder) {
    EXPECT_EQ(ok(journal->id_at(0)), 1U);
    for (unsigned number = 0; number < 10; ++number) {
        bench->clock.now_us = SetClock::begin_us + number / 2 * 1000;
        add_run(run_of("a", {"1", "2"}));
    }
    EXPECT_EQ(ok(journal->id_at(0)), 1U);
    EXPECT_EQ(ok(journal->id_at(SetClock::begin_us)), 1U);
    EXPECT_EQ(ok(journal->id_at(SetClock::begin_us + 1)), 5U);
    EXPECT_EQ(ok(journal->id_at(SetClock::begin_us + 2000)), 9U);
    EXPECT_EQ(ok(journal->id_at(SetClock::begin_us + 4001)), 21U);
    ok(journal->trim(7));
    EXPECT_EQ(ok(journal->id_at(0)), 7U);
    ok(journal->trim(UINT64_MAX));
    EXPECT_EQ(ok(journal->id_at(0)), 21U);
}

TEST_P(JournalContract, AMessageIsFoundByItsIdUntilItIsGone) {
    RunToStore run = run_of("a", {"1", "2"});
    const fabric::MessageId second = run.messages[1].id;
    add();
    add_run(std::move(run));
    EXPECT_EQ(ok(journal->find(second)), 3U);
    EXPECT_EQ(ok(journal->find(id_of(UINT64_MAX))), std::nullopt);
    ok(journal->trim(4));
    EXPECT_EQ(ok(journal->find(second)), std::nullopt);
}

TEST_P(JournalContract, ChildrenOfAMessageAreListedInPages) {
    RunToStore parent = run_of("a", {"parent"});
    const fabric::MessageId id = parent.messages[0].id;
    add_run(std::move(parent));
    for (int number = 0; number < 4; ++number) {
        RunToStore child = run_of("a", {"child", "other"});
        child.messages[0].parent = id;
        add_run(std::move(child));
    }
    EXPECT_THAT(ok(journal->children(id, 0, 100)), ElementsAre(2, 4, 6, 8));
    EXPECT_THAT(ok(journal->children(id, 2, 2)), ElementsAre(4, 6));
    EXPECT_THAT(ok(journal->children(id, UINT64_MAX, 2)), IsEmpty());
    EXPECT_THAT(ok(journal->children(id_of(99'999), 0, 2)), IsEmpty());
    ok(journal->trim(5));
    EXPECT_THAT(ok(journal->children(id, 0, 100)), ElementsAre(6, 8));
}

TEST_P(JournalContract, AStreamIsReadByItsNumbersOverHolesPiecesAndRuns) {
    add_run(run_of("a", {"10", "11", "12"}, 10));
    add("b", "noise", 13);
    RunToStore holes = run_of("a", {"14", "15", "20"}, 14);
    holes.messages[2].seq = 20;
    add_run(std::move(holes));
    RunToStore other = run_of("a", {"x"}, 13);
    other.messages[0].epoch = 2;
    add_run(std::move(other));
    RunToStore somebody = run_of("a", {"x"}, 13);
    somebody.signer = "bob";
    add_run(std::move(somebody));
    // Stored later than what follows it.
    add_run(run_of("a", {"8", "9"}, 8));

    const auto read_numbers = [&](std::uint64_t from, std::uint64_t to, ReadLimits limits = {}) {
        return texts_of(ok(journal->read_stream({"alice", 1, "a", from, to}, limits)));
    };
    EXPECT_THAT(read_numbers(0, UINT64_MAX), ElementsAre("10 a 8", "11 a 9", "1 a 10", "2 a 11",
                                                         "3 a 12", "5 a 14", "6 a 15", "7 a 20"));
    EXPECT_THAT(read_numbers(11, 14), ElementsAre("2 a 11", "3 a 12", "5 a 14"));
    EXPECT_THAT(read_numbers(16, 19), IsEmpty());
    EXPECT_THAT(read_numbers(15, 14), IsEmpty());
    EXPECT_THAT(read_numbers(9, 20, {.messages = 3}), ElementsAre("11 a 9", "1 a 10", "2 a 11"));
    EXPECT_FALSE(ok(journal->read_stream({"alice", 1, "a", 9, 20}, {.messages = 3})).at_head);
    EXPECT_TRUE(ok(journal->read_stream({"alice", 1, "a", 9, 20}, {})).at_head);
    ok(journal->trim(3));
    EXPECT_THAT(read_numbers(0, 14), ElementsAre("10 a 8", "11 a 9", "3 a 12", "5 a 14"));
}

TEST_P(JournalContract, AStreamReachesTheLastNumberThereIs) {
    add_run(run_of("a", {"before", "last"}, UINT64_MAX - 1));
    const auto page = ok(journal->read_stream({"alice", 1, "a", UINT64_MAX, UINT64_MAX}, {}));
    EXPECT_THAT(texts_of(page), ElementsAre("2 a last"));
    EXPECT_THAT(ids_of(ok(journal->read_stream({"alice", 1, "a", 0, UINT64_MAX}, {}))),
                ElementsAre(1, 2));
}

TEST_P(JournalContract, ANumberStoredTwiceIsGivenOnce) {
    add_run(run_of("a", {"1", "2", "3"}, 1));
    add_run(run_of("a", {"2", "3", "4"}, 2));
    EXPECT_THAT(texts_of(ok(journal->read_stream({"alice", 1, "a", 1, 9}, {}))),
                ElementsAre("1 a 1", "2 a 2", "3 a 3", "6 a 4"));
    ok(journal->trim(3));
    EXPECT_THAT(texts_of(ok(journal->read_stream({"alice", 1, "a", 3, 9}, {}))),
                ElementsAre("3 a 3", "6 a 4"));
}

TEST_P(JournalContract, TheLastOfEachTopicComesByRisingIds) {
    add("a", "1");
    add("b", "2");
    add_run(run_of("a", {"3", "4"}));
    add("c", "5");
    const auto last = [&](JournalId after, const TopicFilter& filter, ReadLimits limits = {}) {
        return ok(journal->read_last_of_topics({0, after}, filter, limits));
    };
    EXPECT_THAT(texts_of(last(0, {})), ElementsAre("2 b 2", "4 a 4", "5 c 5"));
    EXPECT_TRUE(last(0, {}).at_head);
    EXPECT_EQ(last(0, {}).next.id, 5U);
    EXPECT_THAT(texts_of(last(2, {})), ElementsAre("4 a 4", "5 c 5"));
    EXPECT_THAT(texts_of(last(0, filter_of({"[ab]"}))), ElementsAre("2 b 2", "4 a 4"));
    const Page first = last(0, {}, {.messages = 2});
    EXPECT_THAT(ids_of(first), ElementsAre(2, 4));
    EXPECT_FALSE(first.at_head);
    EXPECT_THAT(texts_of(last(first.next.id, {}, {.messages = 2})), ElementsAre("5 c 5"));
    ok(journal->trim(3));
    EXPECT_THAT(texts_of(last(0, {})), ElementsAre("4 a 4", "5 c 5"));
    EXPECT_FALSE(last(0, {}).gap);
}

TEST_P(JournalContract, AMarkForABudgetOfBytesKeepsAboutThatMuch) {
    EXPECT_EQ(ok(journal->low_for_bytes(0)), 1U);
    for (int number = 0; number < 400; ++number) {
        journal->append({run_of("a", {std::string(4096, static_cast<char>(number))})}, [](auto) {});
    }
    add();
    EXPECT_EQ(ok(journal->low_for_bytes(0)), 402U);
    EXPECT_EQ(ok(journal->low_for_bytes(UINT64_MAX)), 1U);
    JournalId before = 402;
    for (const std::uint64_t bytes : {1U << 18, 1U << 19, 1U << 20}) {
        const JournalId low = ok(journal->low_for_bytes(bytes));
        EXPECT_LE(low, before);
        before = low;
    }
}

TEST_P(JournalContract, WhatHasExpiredIsAGapForWhoWouldHaveGotIt) {
    add("keep", "1");
    add_run(run_of("short", {"2", "3"}));
    add("keep", "4");
    add("short", "5");
    bench->clock.now_us += 1'000'000;
    add("short", "6");
    const auto expired = ok(journal->expire({}, filter_of({"short"}), SetClock::begin_us + 1, {}));
    EXPECT_EQ(expired.messages, 3U);
    EXPECT_TRUE(expired.done);

    // A page ends before a gap; the next begins with it.
    Page page = read(0);
    EXPECT_THAT(texts_of(page), ElementsAre("1 keep 1"));
    EXPECT_FALSE(page.gap);
    EXPECT_FALSE(page.at_head);
    page = ok(journal->read(page.next, {}, {}));
    ASSERT_TRUE(page.gap);
    EXPECT_EQ(*page.gap, (JournalGap{2, 3, 2}));
    EXPECT_THAT(texts_of(page), ElementsAre("4 keep 4"));
    page = ok(journal->read(page.next, {}, {}));
    EXPECT_EQ(*page.gap, (JournalGap{5, 5, 1}));
    EXPECT_THAT(texts_of(page), ElementsAre("6 short 6"));
    EXPECT_TRUE(page.at_head);

    // Who did not want them lost nothing.
    page = read(0, filter_of({"keep"}));
    EXPECT_THAT(texts_of(page), ElementsAre("1 keep 1", "4 keep 4"));
    EXPECT_FALSE(page.gap);
    EXPECT_EQ(journal->info().head, 6U);
}

TEST_P(JournalContract, GapsThatFollowOneAnotherAreOne) {
    for (int number = 1; number <= 6; ++number) add(number == 4 ? "other" : "short");
    ok(journal->trim(3));
    bench->clock.now_us += 1;
    add("short", "new");
    ok(journal->expire({}, filter_of({"short"}), SetClock::begin_us + 1, {}));
    const Page page = read(0, filter_of({"short"}));
    ASSERT_TRUE(page.gap);
    EXPECT_EQ(*page.gap, (JournalGap{1, 6, 5}));
    EXPECT_THAT(texts_of(page), ElementsAre("7 short new"));
}

TEST_P(JournalContract, ExpiryGoesOnWhereItStoppedAndIndexesForget) {
    RunToStore first = run_of("a", {"1"}, 7);
    const fabric::MessageId id = first.messages[0].id;
    const fabric::MessageId parent = id_of(123'456);
    first.messages[0].parent = parent;
    add_run(std::move(first));
    for (int number = 2; number <= 5; ++number) add("a", "x");
    const std::uint64_t later = SetClock::begin_us + 1;
    auto expired = ok(journal->expire({}, {}, later, {.messages = 2}));
    EXPECT_EQ(expired.messages, 2U);
    EXPECT_FALSE(expired.done);
    EXPECT_EQ(expired.next.id, 2U);
    EXPECT_EQ(ok(journal->find(id)), std::nullopt);
    EXPECT_THAT(ok(journal->children(parent, 0, 10)), IsEmpty());
    EXPECT_THAT(ok(journal->read_stream({"alice", 1, "a", 7, 7}, {})).runs, IsEmpty());
    EXPECT_EQ(ok(journal->id_at(0)), 1U);
    expired = ok(journal->expire(expired.next, {}, later, {}));
    EXPECT_EQ(expired.messages, 3U);
    EXPECT_TRUE(expired.done);
    EXPECT_EQ(ok(journal->expire({}, {}, later, {})).messages, 0U);
    EXPECT_THAT(ok(journal->read_last_of_topics({}, {}, {})).runs, IsEmpty());
    if (bench->is_persistent()) open();
    EXPECT_EQ(read(0).gap->lost, 5U);
    EXPECT_TRUE(read(0).at_head);
}

TEST_P(JournalContract, OpenedAgainEverythingIsThere) {
    if (!bench->is_persistent()) GTEST_SKIP() << "this backend forgets";
    RunToStore run = run_of("a", {"1", "2"}, 41);
    const fabric::MessageId id = run.messages[1].id;
    add_run(std::move(run));
    for (int number = 3; number <= 50; ++number) add("b", std::to_string(number));
    ok(journal->state().apply({{"cursor/x", "41"}}));
    ok(journal->trim(2));
    const JournalInfo before = journal->info();
    const auto texts = read_all();

    open();

    const JournalInfo after = journal->info();
    EXPECT_EQ(after.epoch, before.epoch);
    EXPECT_EQ(after.low, 2U);
    EXPECT_EQ(after.head, 50U);
    EXPECT_EQ(after.newest_us, before.newest_us);
    EXPECT_EQ(read_all(), texts);
    EXPECT_EQ(ok(journal->find(id)), 2U);
    EXPECT_EQ(ok(journal->state().get("cursor/x")), "41");
    EXPECT_THAT(ids_of(ok(journal->read_stream({"alice", 1, "a", 0, 99}, {}))), ElementsAre(2));
    EXPECT_THAT(ids_of(ok(journal->read_last_of_topics({}, {}, {}))), ElementsAre(2, 50));
    EXPECT_EQ(add(), 51U);
}

TEST_P(JournalContract, StateIsAppliedWholeListedInOrderAndRemoved) {
    StateStore& state = journal->state();
    EXPECT_EQ(ok(state.get("cursor/a")), std::nullopt);
    ok(state.apply({{"cursor/b", "2"}, {"cursor/a", "1"}, {"lease/x", std::string("\0", 1)}}));
    ok(state.apply({{"cursor/c", ""}, {"cursor/b", std::nullopt}}, StateStore::Durability::lazy));
    EXPECT_EQ(ok(state.get("cursor/a")), "1");
    EXPECT_EQ(ok(state.get("cursor/b")), std::nullopt);
    EXPECT_EQ(ok(state.get("cursor/c")), "");
    EXPECT_EQ(ok(state.get("lease/x")), std::string("\0", 1));
    using Entry = StateStore::Entry;
    EXPECT_THAT(ok(state.list("cursor/", "", 10)),
                ElementsAre(Entry{"cursor/a", "1"}, Entry{"cursor/c", ""}));
    EXPECT_THAT(ok(state.list("cursor/", "cursor/a", 10)), ElementsAre(Entry{"cursor/c", ""}));
    EXPECT_THAT(ok(state.list("", "", 2)), SizeIs(2));
    EXPECT_THAT(ok(state.list("z", "", 2)), IsEmpty());
    // The last word on a key counts.
    ok(state.apply({{"k", "1"}, {"k", "2"}}));
    EXPECT_EQ(ok(state.get("k")), "2");
}

TEST_P(JournalContract, StateBeyondItsLimitsIsInvalidAndChangesNothing) {
    StateStore& state = journal->state();
    const std::string longest(StateStore::key_bytes_max, 'k');
    ok(state.apply({{longest, std::string(StateStore::value_bytes_max, 'v')}}));
    EXPECT_EQ(ok(state.get(longest))->size(), StateStore::value_bytes_max);
    EXPECT_EQ(reason_of(state.apply({{"good", "x"}, {"", "x"}})), Reason::invalid);
    EXPECT_EQ(reason_of(state.apply({{"good", "x"}, {longest + "k", "x"}})), Reason::invalid);
    EXPECT_EQ(reason_of(state.apply({{"a", std::string(StateStore::value_bytes_max + 1, 'v')}})),
              Reason::invalid);
    std::vector<StateChange> many;
    for (int number = 0; number < 9; ++number) {
        many.push_back({std::to_string(number), std::string(StateStore::value_bytes_max, 'v')});
    }
    EXPECT_EQ(reason_of(state.apply(many)), Reason::invalid);
    EXPECT_EQ(ok(state.get("good")), std::nullopt);
    EXPECT_EQ(ok(state.get("0")), std::nullopt);
}

}  // namespace
}  // namespace weft::contract
