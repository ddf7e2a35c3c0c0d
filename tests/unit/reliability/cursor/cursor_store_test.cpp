#include "reliability/cursor/cursor_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using ::testing::SizeIs;
using Reason = JournalError::Reason;

class NamedCursors : public ::testing::Test {
protected:
    NamedCursors() {
        journal_.now_us = clock_.utc_us();
        for (int i = 1; i <= 10; ++i) journal_.put(i % 2 == 1 ? "odd" : "even");
    }
    static Start start(std::string_view text) { return support::must(Start::parse(text)); }
    Cursor put(const std::string& name, std::string_view at = "beginning",
               const std::vector<std::string>& globs = {}) {
        auto put = store_.put(name, globs_of(globs), start(at));
        if (!put) throw std::runtime_error(put.error().sentence);
        return put->cursor;
    }
    Cursor show(const std::string& name) {
        auto cursor = store_.show(name);
        if (!cursor) throw std::runtime_error(cursor.error().sentence);
        return *cursor;
    }
    std::shared_ptr<SwitchableState> state_ = std::make_shared<SwitchableState>();
    SwitchableJournal journal_{state_};
    HandClock clock_;
    CursorStore store_{journal_, clock_};
};

TEST_F(NamedCursors, ACursorIsThereForWhoeverOpensTheJournalNext) {
    put("reader", "4", {"odd"});
    CursorStore later{journal_, clock_};
    const auto cursor = later.show("reader");
    ASSERT_TRUE(cursor);
    EXPECT_EQ(cursor->position, (Position{7, 4}));
    EXPECT_EQ(cursor->globs, globs_of({"odd"}));
    EXPECT_EQ(cursor->created_us, clock_.utc_us());
}

TEST_F(NamedCursors, PuttingOneThatIsThereKeepsItsPlaceAndTakesItsGlobs) {
    put("reader", "4");
    const auto again = store_.put("reader", globs_of({"even"}), start("beginning"));
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->created);
    EXPECT_EQ(show("reader").position, (Position{7, 4}));
    EXPECT_EQ(show("reader").globs, globs_of({"even"}));
}

TEST_F(NamedCursors, AnotherKindOfCursorDoesNotTakeANameOver) {
    put("reader");
    const auto group = store_.put("reader", {}, start("now"), GroupSettings{});
    ASSERT_FALSE(group);
    EXPECT_EQ(group.error().reason, Reason::invalid);
    EXPECT_THAT(group.error().sentence, HasSubstr("read by one reader"));
}

TEST_F(NamedCursors, AdvancingGoesOnAndNeverBack) {
    put("reader");
    ASSERT_TRUE(store_.advance("reader", {7, 6}));
    EXPECT_EQ(show("reader").position.id, 6u);
    const int syncs = state_->syncs();
    ASSERT_TRUE(store_.advance("reader", {0, 3}));
    EXPECT_EQ(show("reader").position.id, 6u);
    EXPECT_EQ(state_->syncs(), syncs) << "nothing changed, nothing was written";
}

TEST_F(NamedCursors, APlaceThatTheJournalDoesNotHaveIsRefused) {
    put("reader");
    EXPECT_THAT(store_.advance("reader", {7, 11}).error().sentence, HasSubstr("newest is 10"));
    EXPECT_THAT(store_.advance("reader", {8, 3}).error().sentence, HasSubstr("another journal"));
    EXPECT_EQ(show("reader").position.id, 0u);
}

TEST_F(NamedCursors, SettingMovesItBackAndForth) {
    put("reader", "end");
    ASSERT_TRUE(store_.set("reader", start("beginning")));
    EXPECT_EQ(show("reader").position.id, 0u);
    ASSERT_TRUE(store_.set("reader", start("last:2")));
    EXPECT_EQ(show("reader").position.id, 8u);
    EXPECT_EQ(store_.set("reader", start("last-per-topic")).error().reason, Reason::invalid);
}

TEST_F(NamedCursors, NamesThatAreNoneAreRefusedAndUnknownOnesNotFound) {
    EXPECT_EQ(store_.put("A B", {}, start("now")).error().reason, Reason::invalid);
    EXPECT_EQ(store_.show("a/b").error().reason, Reason::invalid);
    EXPECT_EQ(store_.show("nobody").error().reason, Reason::not_found);
    EXPECT_EQ(store_.advance("nobody", {0, 1}).error().reason, Reason::not_found);
    EXPECT_EQ(store_.remove("nobody").error().reason, Reason::not_found);
}

TEST_F(NamedCursors, ARemovedOneIsGone) {
    put("a");
    put("b");
    ASSERT_TRUE(store_.remove("a"));
    const auto listed = store_.list();
    ASSERT_TRUE(listed);
    ASSERT_THAT(listed->cursors, SizeIs(1));
    EXPECT_EQ(listed->cursors[0].name, "b");
}

TEST_F(NamedCursors, AListGoesByNameAndInPages) {
    for (const char* name : {"c", "a", "b"}) put(name);
    const auto first = store_.list("", 2);
    ASSERT_THAT(first->cursors, SizeIs(2));
    EXPECT_EQ(first->cursors[0].name, "a");
    const auto second = store_.list("b", 2);
    ASSERT_THAT(second->cursors, SizeIs(1));
    EXPECT_EQ(second->cursors[0].name, "c");
}

TEST_F(NamedCursors, ADamagedRecordIsNamedHidesNoOtherAndCanBeRemoved) {
    put("good");
    ASSERT_TRUE(state_->apply({{"cursor/bad", "\x01\x02"}}, StateStore::Durability::sync));
    const auto listed = store_.list();
    ASSERT_THAT(listed->cursors, SizeIs(1));
    EXPECT_THAT(listed->unreadable, ElementsAre(HasSubstr("'bad'")));
    EXPECT_EQ(store_.show("bad").error().reason, Reason::corrupt);
    EXPECT_TRUE(store_.remove("bad"));
}

TEST_F(NamedCursors, LagSaysHowManyAndHowOldTheOldestIs) {
    put("reader", "4", {"odd"});
    clock_.pass(90s);
    const auto lag = store_.lag(show("reader"));
    ASSERT_TRUE(lag);
    EXPECT_EQ(lag->messages, 6u);
    EXPECT_EQ(lag->oldest_age, 90s);
    EXPECT_FALSE(lag->gap);
    const auto none = store_.lag(put("late", "end"));
    EXPECT_EQ(none->messages, 0u);
    EXPECT_FALSE(none->oldest_age);
}

TEST_F(NamedCursors, AClockThatWentBackMakesNoAgeOfCenturies) {
    const Cursor cursor = put("reader");
    clock_.shift(-3600s);
    EXPECT_EQ(store_.lag(cursor)->oldest_age, 0s);
}

TEST_F(NamedCursors, OneThatTrimmingHasOvertakenLearnsOnceHowManyItLost) {
    put("reader", "2");
    ASSERT_TRUE(journal_.trim(7));
    EXPECT_EQ(store_.lag(show("reader"))->gap, (JournalGap{3, 6, 4}));
    EXPECT_EQ(store_.lag(show("reader"))->messages, 4u);

    const auto page = store_.read("reader");
    ASSERT_TRUE(page);
    EXPECT_EQ(page->gap, (JournalGap{3, 6, 4}));
    EXPECT_EQ(page->runs.front().from, 7u);
    EXPECT_EQ(show("reader").lost, 4u);
    EXPECT_EQ(show("reader").gaps, 1u);
    EXPECT_EQ(show("reader").position.id, 6u);

    CursorStore after_restart{journal_, clock_};
    EXPECT_FALSE(after_restart.read("reader")->gap);
    EXPECT_EQ(show("reader").lost, 4u);
}

TEST_F(NamedCursors, WhatCouldNotBeCountedIsToldAgain) {
    put("reader", "2");
    ASSERT_TRUE(journal_.trim(7));
    state_->fail_with("no room");
    EXPECT_FALSE(store_.read("reader"));
    state_->fail_with("");
    EXPECT_TRUE(store_.read("reader")->gap);
    EXPECT_EQ(show("reader").lost, 4u);
}

TEST_F(NamedCursors, AJournalThatWasMadeAnewIsAGapOfUnknownSize) {
    put("reader", "10");
    SwitchableJournal anew{state_, 8};
    anew.put("odd");
    CursorStore store{anew, clock_};
    const auto page = store.read("reader");
    ASSERT_TRUE(page);
    ASSERT_TRUE(page->gap);
    EXPECT_FALSE(page->gap->lost);
    EXPECT_EQ(page->runs.front().from, 1u);
    const auto cursor = store.show("reader");
    EXPECT_EQ(cursor->position, (Position{8, 0}));
    EXPECT_EQ(cursor->gaps, 1u);
    EXPECT_EQ(cursor->lost, 0u);
    EXPECT_FALSE(store.read("reader")->gap);
}

TEST_F(NamedCursors, ThereAreAtMostTenThousand) {
    std::vector<StateChange> changes;
    Cursor cursor;
    for (std::size_t i = 0; i < CursorStore::cursors_max; ++i) {
        cursor.name = "c" + std::to_string(i);
        changes.push_back({cursor_key(cursor.name), encode_cursor(cursor)});
    }
    ASSERT_TRUE(state_->apply(changes, StateStore::Durability::sync));
    const auto one_more = store_.put("one-more", {}, start("now"));
    ASSERT_FALSE(one_more);
    EXPECT_THAT(one_more.error().sentence, HasSubstr("10000 cursors"));
    EXPECT_TRUE(store_.put("c17", {}, start("now"))) << "those that are there can be changed";
}

TEST_F(NamedCursors, ACursorOfAGroupIsNotMovedByHand) {
    ASSERT_TRUE(store_.put("crew", {}, start("beginning"), GroupSettings{}));
    EXPECT_THAT(store_.advance("crew", {0, 3}).error().sentence, HasSubstr("group"));
    EXPECT_THAT(store_.set("crew", start("end")).error().sentence, HasSubstr("group"));
}

}  // namespace
}  // namespace weft::reliability
