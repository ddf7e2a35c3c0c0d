// What a durable consumer's feed tells the journal when that is hard of hearing, or when somebody
// has moved its cursor meanwhile.

#include "reliability/hub/feed_settler.hpp"

#include <algorithm>
#include <map>

#include "tests/unit/reliability/hub/durable_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class DurableFeedSettlerTest : public DurableWorld {
protected:
    DurableFeedSettlerTest() {
        settings_.timeout = 600s;  // no lease ends here
        door_.on_ack = [this] {
            const std::scoped_lock lock(mutex_);
            asked_.push_back(clock_.steady());
        };
    }
    /// When the journal was told what is done.
    std::vector<fabric::Instant> asked() const {
        const std::scoped_lock lock(mutex_);
        return asked_;
    }
    /// Time passes until it was told so often, also if it could not be.
    void until_asked(std::size_t times) {
        ASSERT_TRUE(eventually([&] {
            const auto so_far = asked();
            // No further than the longest pause: leases shall not end.
            if (so_far.empty() || clock_.steady() - so_far.back() < 31s) clock_.pass(50ms);
            wake_settler();
            return so_far.size() >= times;
        }));
    }
    /// It looks at the clock again: a message that is left is nothing to tell.
    void wake_settler() { end(*any_, Is::left); }
    [[nodiscard]] std::size_t lines_with(const std::string& wanted) const {
        const auto lines = surroundings_.lines();
        return static_cast<std::size_t>(std::count_if(
            lines.begin(), lines.end(),
            [&](const std::string& line) { return line.find(wanted) != std::string::npos; }));
    }
    static JournalError never() { return {JournalError::Reason::invalid, "that will never do"}; }

    mutable std::mutex mutex_;
    std::vector<fabric::Instant> asked_;
    std::optional<Work> any_;
};

TEST_F(DurableFeedSettlerTest, AJournalThatDoesNotWantToHearWhatIsDoneIsAskedLessAndLess) {
    journal_->put("a");
    door_.fail_acks_with(never());
    begin();
    any_ = take();
    end(*any_);
    until_asked(9);
    const auto times = asked();
    const std::vector<fabric::Instant> pauses = {500ms, 1s, 2s, 4s, 8s, 16s, 30s, 30s};
    for (std::size_t i = 0; i < pauses.size(); ++i) {
        EXPECT_GE(times[i + 1] - times[i], pauses[i]) << "before attempt " << i + 2;
    }
    EXPECT_EQ(lines_with("could not tell what is done: that will never do"), 1U);

    // What else there is goes on.
    journal_->put("b");
    end(take(), Is::reject, "no");
    EXPECT_TRUE(eventually([&] { return stats().given_up == 1; }));

    door_.fail_acks_with(std::nullopt);
    until_asked(asked().size() + 1);
    EXPECT_TRUE(position_becomes(2));
    EXPECT_TRUE(surroundings_.wait_for_line("tells the journal again what is done"));

    door_.fail_acks_with(never());
    journal_->put("a");
    process(1);
    until_asked(asked().size() + 2);
    EXPECT_EQ(lines_with("could not tell what is done: that will never do"), 2U);
}

TEST_F(DurableFeedSettlerTest, AtTheEndItIsToldOnceMoreHoweverLongThePauseIs) {
    journal_->put("a");
    door_.fail_acks_with(never());
    begin();
    any_ = take();
    end(*any_);
    until_asked(8);
    door_.fail_acks_with(std::nullopt);
    EXPECT_EQ(life_->feed->finish(clock_.steady() + 50ms), 0U);
    EXPECT_EQ(store_->show("counter")->position.id, 1U);
}

class DurableFeedMovedTest : public DurableWorld {
protected:
    void store(int count, const char* topic = "a") {
        for (int i = 0; i < count; ++i) journal_->put(topic);
    }
    void move(const Start& start) {
        const auto set = groups_->set("counter", start);
        ASSERT_TRUE(set) << set.error().sentence;
    }
};

TEST_F(DurableFeedMovedTest, WhatWaitsBehindTheNewPlaceIsHandledOnceAndWhatFollowsGoesOn) {
    for (const bool ordered : {true, false}) {
        for (const Is is : {Is::done, Is::retry, Is::reject}) {
            settings_.ordered = ordered;
            settings_.name =
                std::string{ordered ? "ordered" : "shared"} + std::to_string(static_cast<int>(is));
            settings_.replay.kind = Start::Kind::now;
            door_.lead_to(*groups_, settings_.name);
            begin();
            ASSERT_TRUE(eventually([&] { return life_->feed->waiting_for().empty(); }));
            const JournalId first = journal_->info().head + 1;
            store(5);
            Work work = take();
            ASSERT_EQ(work.number, first);
            ASSERT_TRUE(waits_for(4));
            ASSERT_TRUE(groups_->set(settings_.name, {.kind = Start::Kind::last, .count = 1}));
            ASSERT_TRUE(eventually([&] { return stats().seen_again == 1; }));
            end(std::move(work), is, "so");
            EXPECT_THAT(process(4), ElementsAre(first + 1, first + 2, first + 3, first + 4));
            store(1);
            EXPECT_THAT(process(1), ElementsAre(first + 5));
            EXPECT_TRUE(
                eventually([&] { return store_->show(settings_.name)->position.id == first + 5; }));
            EXPECT_EQ(finish(), 0U);
        }
    }
}

TEST_F(DurableFeedMovedTest, GoingBackWhileItRunsGivesEverythingAgainAndNothingHangs) {
    store(5);
    begin();
    EXPECT_THAT(process(3), ElementsAre(1, 2, 3));
    ASSERT_TRUE(position_becomes(3));
    ASSERT_TRUE(waits_for(2));
    move({.kind = Start::Kind::beginning});
    ASSERT_EQ(store_->show("counter")->position.id, 0U);
    std::map<JournalId, int> handled;
    ASSERT_TRUE(eventually([&] {
        std::optional<Work> work;
        {
            const std::scoped_lock lock(life_->bench.mutex);
            work = life_->bench.queue.take(clock_.steady());
        }
        if (work) {
            life_->bench.room.notify_all();
            EXPECT_TRUE(life_->feed->begins(0, *work));
            ++handled[work->number];
            end(std::move(*work));
        }
        return store_->show("counter")->position.id == 5;
    }));
    EXPECT_THAT(handled, SizeIs(5));
    for (const auto& [id, times] : handled) {
        // 4 and 5 may have begun before they were handed out once more.
        EXPECT_LE(times, id <= 3 ? 1 : 2) << "message " << id;
    }
    store(1);
    EXPECT_THAT(process(1), ElementsAre(6));
    EXPECT_TRUE(position_becomes(6));
}

TEST_F(DurableFeedMovedTest, WhatIsPassedOverWhileItRunsIsNotHandledAndNothingHangs) {
    settings_.backlog_count = 3;
    for (const Is is : {Is::done, Is::retry}) {
        const JournalId first = journal_->info().head + 1;
        if (is == Is::done) store(1);
        begin();
        if (is == Is::retry) store(1);
        Work work = take();
        ASSERT_EQ(work.number, first);
        store(20);
        clock_.pass(11s);
        ASSERT_TRUE(eventually([&] { return stats().passed_over > 0; }));
        end(std::move(work), is, "so");
        EXPECT_THAT(process(3), ElementsAre(first + 18, first + 19, first + 20));
        EXPECT_TRUE(position_becomes(first + 20));
        EXPECT_EQ(stats().passed_over, 18U);
        finish();
    }
}

}  // namespace
}  // namespace weft::reliability::hub
