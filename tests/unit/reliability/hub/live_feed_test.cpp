// What a consumer gets that hears what passes now.

#include "reliability/hub/live_feed.hpp"

#include "tests/unit/reliability/hub/live_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Is = Verdict::Is;
using OutcomeIs = Outcome::Verdict;

class LiveFeedTest : public LiveWorld {
protected:
    LiveFeedTest() {
        settings_.name = "counter";
        settings_.durable = false;
        settings_.globs = support::globs_of({"org.weft.dev.deploy.**"});
    }
    void begin() {
        bench_.emplace(settings_.ordered);
        LiveFeed::Parts parts{settings_, *bench_, surroundings_, *a_.fabric, {}, {}};
        parts.bury = [this](const fabric::Message& message, unsigned attempts,
                            const std::string& reason) {
            buried_.add(std::string{message.body()} + " " + std::to_string(attempts) + " " +
                        reason);
            return bury_answer_;
        };
        feed_.emplace(std::move(parts));
        feed_->start();
        ASSERT_FALSE(feed_->failed()) << feed_->waiting_for();
        ASSERT_TRUE(heard("org.weft.dev.deploy"));
    }
    Work take() {
        std::optional<Work> taken;
        static_cast<void>(eventually([&] {
            std::unique_lock lock(bench_->mutex);
            taken = bench_->queue.take(shifted_.steady());
            if (!taken) bench_->work.wait_for(lock, 5ms);
            return taken.has_value();
        }));
        if (!taken) throw std::runtime_error("no message came");
        return std::move(*taken);
    }
    static std::string text(const Work& work) { return std::string{work.message.body()}; }
    void end(Work work, Is is = Is::done, std::string reason = "") {
        feed_->ends(0, std::move(work), {is, std::move(reason)});
    }
    std::vector<std::string> process(std::size_t count) {
        std::vector<std::string> texts;
        while (texts.size() < count) {
            Work work = take();
            if (!feed_->begins(0, work)) continue;
            texts.push_back(text(work));
            end(std::move(work));
        }
        return texts;
    }
    [[nodiscard]] bool waits_for(std::size_t count) {
        return eventually([&] {
            const std::scoped_lock lock(bench_->mutex);
            return bench_->queue.waiting() == count;
        });
    }

    ConsumerSettings settings_;
    bool bury_answer_ = true;
    Seen<std::string> buried_;
    std::optional<Bench> bench_;
    std::optional<LiveFeed> feed_;
};

TEST_F(LiveFeedTest, GivesWhatPassesInItsOrder) {
    begin();
    for (const char* text : {"one", "two", "three"}) tell(text);
    tell("elsewhere", "other");
    tell("below", "deploy.now");
    EXPECT_THAT(process(4), ElementsAre("one", "two", "three", "below"));
    EXPECT_EQ(feed_->stats().taken, 4U);
    EXPECT_EQ(feed_->stats().done, 4U);
    EXPECT_EQ(feed_->finish(shifted_.steady()), 0U);
}

TEST_F(LiveFeedTest, ARetryComesFromMemoryAndKeepsTheOrderOfItsKey) {
    settings_.retry = {300ms};
    begin();
    tell("one");
    Work first = take();
    tell("two");
    tell("other", "deploy.x");
    ASSERT_TRUE(waits_for(2));
    const fabric::Instant failed = shifted_.steady();
    end(std::move(first), Is::retry, "not\nyet");
    EXPECT_THAT(process(1), ElementsAre("other")) << "another key goes on";
    Work again = take();
    EXPECT_GE(shifted_.steady() - failed, 300ms);
    EXPECT_EQ(text(again), "one");
    EXPECT_EQ(again.attempt, 2U);
    end(std::move(again));
    EXPECT_THAT(process(1), ElementsAre("two"));
    EXPECT_EQ(feed_->stats().retried, 1U);
    EXPECT_THAT(surroundings_.lines(),
                ElementsAre(HasSubstr("failed, attempt 1 of 5, again in 300 ms: not")));
}

TEST_F(LiveFeedTest, WhatFailsTooOftenOrIsRejectedIsBuriedOnce) {
    settings_.max_attempts = 2;
    bury_answer_ = false;
    begin();
    tell("one");
    tell("two");
    end(take(), Is::retry, "first");
    end(take(), Is::retry, "second");
    end(take(), Is::reject, "never");
    EXPECT_THAT(buried_.all(), ElementsAre("one 2 second", "two 1 never"));
    EXPECT_EQ(feed_->stats().given_up, 2U);
    EXPECT_EQ(feed_->stats().dead_unsaid, 2U);
    EXPECT_THAT(surroundings_.lines(), ::testing::Contains(HasSubstr("it is lost here")));
}

TEST_F(LiveFeedTest, WhatIsLeftCountsAsNothing) {
    begin();
    tell("one");
    end(take(), Is::left);
    const FeedStats stats = feed_->stats();
    EXPECT_EQ(stats.done + stats.retried + stats.given_up, 0U);
    EXPECT_THAT(buried_.all(), IsEmpty());
}

TEST_F(LiveFeedTest, WhatFindsNoRoomIsDroppedAndCounted) {
    settings_.backlog_count = 2;
    begin();
    for (const char* text : {"one", "two", "three", "four"}) tell(text);
    ASSERT_TRUE(eventually([&] { return feed_->stats().dropped == 2; }));
    EXPECT_THAT(process(2), ElementsAre("one", "two"));
    tell("five");
    EXPECT_THAT(process(1), ElementsAre("five"));
    EXPECT_EQ(feed_->stats().taken, 3U);
}

TEST_F(LiveFeedTest, WhatWaitedTooLongIsPassedOverAndCounted) {
    settings_.backlog_age = 60s;
    begin();
    tell("old");
    ASSERT_TRUE(waits_for(1));
    shifted_.pass(61s);
    tell("new");
    ASSERT_TRUE(waits_for(2));
    EXPECT_THAT(process(1), ElementsAre("new"));
    EXPECT_EQ(feed_->stats().passed_over, 1U);
}

TEST_F(LiveFeedTest, WhatWaitsForItsNextAttemptIsNotPassedOverHoweverLongThatTakes) {
    settings_.backlog_age = 60s;
    settings_.retry = {120s};
    settings_.max_attempts = 2;
    begin();
    tell("fails");
    Work first = take();
    ASSERT_TRUE(feed_->begins(0, first));
    end(std::move(first), Is::retry, "not yet");
    shifted_.pass(121s);
    Work again = take();
    EXPECT_EQ(again.attempt, 2U);
    EXPECT_TRUE(feed_->begins(0, again));
    end(std::move(again), Is::retry, "nor now");
    EXPECT_EQ(feed_->stats().passed_over, 0U);
    EXPECT_EQ(feed_->stats().given_up, 1U);
    EXPECT_THAT(buried_.all(), ElementsAre("fails 2 nor now"));
}

TEST_F(LiveFeedTest, ProcessedIsSaidWhenTheHandlerIsDone) {
    settings_.ack = AckLevel::processed;
    begin();
    const PendingAcks asked = ask("one");
    Work work = take();
    EXPECT_FALSE(asked.done());
    end(std::move(work));
    EXPECT_TRUE(asked.wait()->ok());
    EXPECT_GE(feed_->stats().acks, 1U);
}

TEST_F(LiveFeedTest, ReceivedIsSaidOnceTheMessageIsTakenHoweverOftenItIsAsked) {
    settings_.ack = AckLevel::received;
    begin();
    const PendingAcks asked = ask("one", AckLevel::received);
    EXPECT_TRUE(asked.wait()->ok());
    EXPECT_THAT(process(1), ElementsAre("one"));
    EXPECT_EQ(feed_->stats().taken, 1U);
}

TEST_F(LiveFeedTest, WhoAsksAConsumerForMoreThanItSaysIsRejectedAndTheMessageHandled) {
    settings_.ack = AckLevel::received;
    begin();
    const PendingAcks asked = ask("one");
    EXPECT_THAT(process(1), ElementsAre("one"));
    EXPECT_EQ(asked.wait()->verdict(), OutcomeIs::rejected);
    EXPECT_EQ(reason_of(asked), "consumer 'counter' acknowledges receipt only (ack: received)");
}

TEST_F(LiveFeedTest, AFailureIsOnlySaidWhenItIsForGood) {
    settings_.ack = AckLevel::processed;
    settings_.max_attempts = 2;
    begin();
    const PendingAcks asked = ask("one");
    end(take(), Is::retry, "first");
    EXPECT_FALSE(asked.done());
    end(take(), Is::retry, "second");
    EXPECT_EQ(asked.wait()->verdict(), OutcomeIs::rejected);
    EXPECT_EQ(reason_of(asked), "second");
}

TEST_F(LiveFeedTest, WhatFindsNoRoomAndAsksIsRejected) {
    settings_.ack = AckLevel::processed;
    settings_.backlog_count = 1;
    begin();
    const PendingAcks first = ask("one"), second = ask("two");
    EXPECT_EQ(second.wait()->verdict(), OutcomeIs::rejected);
    EXPECT_THAT(reason_of(second), HasSubstr("no room"));
    EXPECT_THAT(process(1), ElementsAre("one"));
    EXPECT_TRUE(first.wait()->ok());
}

TEST_F(LiveFeedTest, WhatComesWhileItEndsIsRejectedAsSuchAndWhatIsInHandIsAnswered) {
    settings_.ack = AckLevel::processed;
    begin();
    const PendingAcks first = ask("one");
    Work work = take();
    feed_->stop_taking();
    const PendingAcks second = ask("two");
    EXPECT_EQ(second.wait()->verdict(), OutcomeIs::rejected);
    EXPECT_EQ(reason_of(second), "consumer 'counter' is being stopped");
    end(std::move(work));
    EXPECT_TRUE(first.wait()->ok());
    EXPECT_EQ(feed_->finish(shifted_.steady()), 0U);
}

TEST_F(LiveFeedTest, WhatWaitsAtTheEndIsSaid) {
    begin();
    for (const char* text : {"one", "two", "three"}) tell(text);
    const Work work = take();
    ASSERT_TRUE(waits_for(2));
    feed_->stop_taking();
    EXPECT_EQ(feed_->finish(shifted_.steady()), 3U);
}

TEST_F(LiveFeedTest, WithoutTheRoleThatItNeedsItFailsForGoodWithTheSentence) {
    issue("b", {signing::Role::publish});
    const Party b = open("b");
    settings_.ack = AckLevel::processed;
    bench_.emplace(true);
    feed_.emplace(LiveFeed::Parts{settings_, *bench_, surroundings_, *b.fabric, {}, {}});
    feed_->start();
    EXPECT_TRUE(feed_->failed());
    EXPECT_THAT(feed_->waiting_for(), HasSubstr("our own certificate 'b'"));
    feed_.reset();
}

}  // namespace
}  // namespace weft::reliability::hub
