#include "reliability/journal/retention_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/switchable_journal.hpp"
#include "tests/unit/fabric/node/node_world.hpp"
#include "tests/unit/reliability/cursor/hand_clock.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using fabric::eventually;
using support::SwitchableJournal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AKeeper : public ::testing::Test {
protected:
    /// One message each minute, of topics a and b in turn.
    void store(int count) {
        for (int i = 0; i < count; ++i) {
            clock_.pass(1min);
            journal_.now_us = clock_.utc_us();
            journal_.put(journal_.info().head % 2 == 0 ? "a" : "b");
        }
    }
    RetentionReport run() {
        if (!keeper_) {
            keeper_ = std::make_unique<RetentionKeeper>(journal_, cursors_, settings_);
        }
        return keeper_->run(clock_.steady(), clock_.utc_us());
    }
    std::vector<JournalId> left() {
        std::vector<JournalId> ids;
        const auto page = journal_.read({0, 0}, {}, {});
        for (const auto& run : page->runs) ids.push_back(run.from);
        return ids;
    }
    SwitchableJournal journal_;
    HandClock clock_;
    CursorStore cursors_{journal_, clock_};
    JournalSettings settings_;
    std::unique_ptr<RetentionKeeper> keeper_;
};

TEST_F(AKeeper, TrimsWhatIsTooOldOldestFirst) {
    settings_.max_age = 3min;
    store(10);
    EXPECT_EQ(run().trimmed, 6u);
    EXPECT_THAT(left(), ElementsAre(7, 8, 9, 10));
    EXPECT_EQ(run().trimmed, 0u);
}

TEST_F(AKeeper, SparesWhatAProtectedCursorHasNotReadUntilSizeForcesIt) {
    settings_.max_age = 3min;
    settings_.max_bytes = 8 * SwitchableJournal::bytes_per_message;
    settings_.protect = {"audit"};
    store(6);
    ASSERT_TRUE(cursors_.put("audit", {}, {Start::Kind::after, {7, 1}}));
    store(1);
    clock_.pass(1h);
    EXPECT_EQ(run().trimmed, 1u);
    EXPECT_EQ(journal_.info().low, 2u);
    store(3);
    EXPECT_EQ(run().trimmed, 1u) << "nine are left, eight may stay";
    EXPECT_EQ(journal_.info().low, 3u);
    ASSERT_TRUE(cursors_.advance("audit", {7, 7}));
    static_cast<void>(run());
    EXPECT_EQ(journal_.info().low, 8u);
}

TEST_F(AKeeper, AStarProtectsAllCursorsThatBeginSoAndTheOldestOfThemCounts) {
    settings_.max_age = 3min;
    settings_.protect = {"delivery.*"};
    store(10);
    ASSERT_TRUE(cursors_.put("delivery.a", {}, {Start::Kind::after, {7, 4}}));
    ASSERT_TRUE(cursors_.put("delivery.b", {}, {Start::Kind::after, {7, 9}}));
    ASSERT_TRUE(cursors_.put("other", {}, {Start::Kind::after, {7, 1}}));
    clock_.pass(1h);
    EXPECT_EQ(run().trimmed, 4u);
    EXPECT_THAT(run().said, IsEmpty());
    ASSERT_TRUE(journal_.state().apply({{"cursor/other", "damaged"}}));
    ASSERT_TRUE(cursors_.advance("delivery.a", {7, 6}));
    EXPECT_EQ(run().trimmed, 2u) << "what is not protected holds nothing";
    ASSERT_TRUE(cursors_.advance("delivery.a", {7, 9}));
    ASSERT_TRUE(journal_.state().apply({{"cursor/delivery.b", "damaged"}}));
    const auto report = run();
    EXPECT_EQ(report.trimmed, 0u);
    EXPECT_THAT(report.said, ElementsAre(HasSubstr("'delivery.b' is not readable")));
}

TEST_F(AKeeper, AProtectedCursorThatIsNotThereHoldsNothingAndIsSaidOnce) {
    settings_.max_age = 3min;
    settings_.protect = {"nobody"};
    store(10);
    const auto report = run();
    EXPECT_EQ(report.trimmed, 6u);
    EXPECT_THAT(report.said, ElementsAre(HasSubstr("'nobody'")));
    EXPECT_THAT(run().said, IsEmpty());
}

TEST_F(AKeeper, WhereAProtectedCursorCannotBeReadNothingGoesForItsAge) {
    settings_.max_age = 3min;
    settings_.protect = {"audit"};
    store(10);
    ASSERT_TRUE(journal_.state().apply({{"cursor/audit", "damaged"}}));
    EXPECT_EQ(run().trimmed, 0u);
}

TEST_F(AKeeper, TopicsWithAnAgeOfTheirOwnExpireAndTheOthersStay) {
    settings_.ages["a"] = 4min;
    store(10);
    EXPECT_EQ(run().expired, 3u);
    EXPECT_THAT(journal_.read({7, 0}, {}, {.messages = 1})->gap->to, 1u);
    store(2);
    EXPECT_EQ(run().expired, 1u);
    EXPECT_EQ(journal_.info().low, 1u);
}

TEST_F(AKeeper, ExpiringGoesOnInBoundedSteps) {
    settings_.ages["**"] = 1min;
    journal_.now_us = clock_.utc_us();
    for (std::uint64_t i = 0; i < RetentionKeeper::expire_at_a_time + 5; ++i) journal_.put("a");
    clock_.pass(1h);
    const auto first = run();
    EXPECT_EQ(first.expired, RetentionKeeper::expire_at_a_time);
    EXPECT_TRUE(first.more);
    const auto second = run();
    EXPECT_EQ(second.expired, 5u);
    EXPECT_FALSE(second.more);
}

TEST_F(AKeeper, ACalendarThatJumpsForwardEmptiesNothingAtOnce) {
    settings_.max_age = 1h;
    store(10);
    static_cast<void>(run());
    clock_.shift(24h * 365);
    const auto report = run();
    EXPECT_EQ(report.trimmed, 0u);
    EXPECT_THAT(report.said, ElementsAre(HasSubstr("ahead of where it was")));
    clock_.pass(61min);
    EXPECT_EQ(run().trimmed, 10u) << "nobody has set it back";
}

TEST_F(AKeeper, ACalendarThatGoesBackKeepsMessagesLonger) {
    settings_.max_age = 1h;
    store(10);
    static_cast<void>(run());
    clock_.shift(-24h);
    clock_.pass(2h);
    EXPECT_EQ(run().trimmed, 0u);
}

TEST_F(AKeeper, ItsThreadRunsWhenItIsPoked) {
    settings_.max_age = 1min;
    RetentionKeeper keeper(journal_, cursors_, settings_);
    std::atomic<std::uint64_t> trimmed{0};
    std::atomic<int> runs{0};
    RetentionThread thread(keeper, clock_, [&](const RetentionReport& report) {
        trimmed += report.trimmed;
        ++runs;
    });
    ASSERT_TRUE(eventually([&] { return runs > 0; }));
    store(10);
    ASSERT_TRUE(eventually([&] {
        thread.poke();
        return trimmed == 8;
    }));
}

}  // namespace
}  // namespace weft::reliability
