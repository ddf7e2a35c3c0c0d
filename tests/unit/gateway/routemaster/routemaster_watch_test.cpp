// The pulse, figures, and dropping.

#include "gateway/routemaster/measures.hpp"
#include "tests/unit/gateway/routemaster/routemaster_world.hpp"

namespace weft::gateway::routemaster {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RoutemasterWatch : public RoutemasterWorld {
protected:
    std::string figures() {
        Figures figures;
        service().figures(figures);
        return figures.text();
    }
};

TEST_F(RoutemasterWatch, ThePulseSaysWhetherEventsCanBeStored) {  // M11
    EXPECT_EQ(status("GET", "/pulse", shop), 204U);
    bridge.set_not_ready("the disk is gone");
    EXPECT_EQ(status("GET", "/pulse", shop), 500U);
    EXPECT_EQ(status("GET", "/pulse", ""), 401U);
}

TEST_F(RoutemasterWatch, ThePulseOfScalingIsSlowWhenMuchIsDue) {  // M12
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"max", 10}, {"timeout", 500}}), 204U);
    EXPECT_EQ(status("GET", "/pulse/scaling", shop), 204U);
    engine.set_queue(id_of(mail), 1000, clock.utc_us());
    const auto late = begin(request("GET", "/pulse/scaling", shop));
    EXPECT_EQ(late->answers(), 0);
    timers.ring(1000ms);
    ASSERT_EQ(late->answers(), 1);
    EXPECT_EQ(late->wait()->status, 204U);
    engine.set_queue(id_of(mail), 990, clock.utc_us());
    EXPECT_EQ(status("GET", "/pulse/scaling", shop), 204U) << "99 batches are few";
}

TEST_F(RoutemasterWatch, WhoWaitsForThePulseIsAnsweredWhenItStops) {  // M12, M84
    EXPECT_EQ(subscribe(mail, {"widgets"}), 204U);
    engine.set_queue(id_of(mail), 100'000, clock.utc_us());
    const auto late = begin(request("GET", "/pulse/scaling", shop));
    EXPECT_EQ(late->answers(), 0);
    handler().stop();
    EXPECT_EQ(late->wait()->status, 204U);
    timers.ring(1000ms);
    EXPECT_EQ(late->answers(), 1);
}

TEST_F(RoutemasterWatch, BatchesAreDueWhenTheyAreFullOrOldEnough) {  // M12, M70
    delivery::SubscriptionStatus status;
    status.subscription.batching = {10, 500ms};
    EXPECT_EQ(batches_due(status, 1'000'000, 1000), 0U);
    status.queued = 25;
    status.oldest_us = 1'000'000;
    EXPECT_EQ(batches_of(status), 3U);
    EXPECT_EQ(batches_due(status, 1'000'000, 0), 2U);
    EXPECT_EQ(batches_due(status, 1'500'000, 0), 3U);
    EXPECT_EQ(batches_due(status, 1'000'000, 1000), 3U);
    status.next_attempt_us = 9'000'000;
    EXPECT_EQ(batches_due(status, 1'500'000, 1000), 0U) << "it pauses";
}

TEST_F(RoutemasterWatch, FiguresHaveTheNamesThatDashboardsKnow) {  // section 10
    EXPECT_EQ(subscribe(mail, {"widgets"}, {{"max", 1}}), 204U);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(publish("widgets"), 204U);
    bridge.store({settings.topic_root + ".widgets", "rubbish"});
    ASSERT_TRUE(engine.next(id_of(mail)));
    engine.confirm(id_of(mail));
    timers.ring(10s);
    look();
    const std::string text = figures();
    for (const char* line :
         {R"(routemaster_subscriber_queue_events{subscriber="mail"} 2)",
          R"(routemaster_subscriber_queue_batches{subscriber="mail"} 2)",
          R"(routemaster_jobs_count{queue="main",status="instant"} 2)",
          R"(routemaster_events_published_total{topic="widgets",publisher="shop"} 3)",
          R"(routemaster_events_malformed_total 1)",
          R"(routemaster_events_added_total{queue="mail"} 3)",
          R"(routemaster_events_removed_total{queue="mail"} 1)",
          R"(routemaster_events_autodropped_total{queue="mail"} 0)",
          R"(routemaster_delivery_events_total{queue="mail",status="success"} 1)",
          R"(routemaster_journal_bytes_used)"}) {
        EXPECT_THAT(text, HasSubstr(line));
    }
    EXPECT_THAT(text, ::testing::Not(HasSubstr("2222")));
    EXPECT_THAT(printed, Contains("gauge:subscriber.queue.events:2 (subscriber:mail)"));
    EXPECT_THAT(printed, Contains("counter:events.published:3 (topic:widgets,publisher:shop)"));
}

TEST(RoutemasterAutodrop, WhatASubscriberLostIsAFigureOfItsQueue) {  // M85
    delivery::SubscriptionStatus status;
    status.subscription.id = "rm";
    status.sent = 5;
    status.queued = 2;
    status.dropped = 3;
    std::vector<std::string> lines;
    for (const Measure& measure : measures_of({status}, 0)) lines.push_back(measure.line());
    EXPECT_THAT(lines, Contains(HasSubstr("counter:events.autodropped:3")));
    EXPECT_THAT(lines, Contains(HasSubstr("counter:events.added:10")));
    EXPECT_THAT(lines, Contains(HasSubstr("counter:events.removed:5")));
}

TEST(RoutemasterMeasures, SayHowLongDeliveriesTake) {  // section 10
    delivery::SubscriptionStatus status;
    status.times.succeeded.add(3);
    status.times.succeeded.add(4);
    status.times.failed.add(100);
    status.times.batches = 2;
    status.times.until_first_ms = 50;
    status.times.until_last_ms = 150;
    std::vector<std::string> lines;
    for (const Measure& measure : measures_of({status, status}, 0)) lines.push_back(measure.line());
    for (const char* line : {"counter:delivery.time:14 (queue:,status:success)",
                             "counter:delivery.time:200 (queue:,status:failure)",
                             "counter:delivery.time2:50 (queue:,status:success)",
                             "counter:delivery.time2:20000 (queue:,status:failure)",
                             "counter:latency.batches.count:4 (queue:)",
                             "counter:latency.batches.first_attempt:100 (queue:)",
                             "counter:latency.batches.last_attempt:300 (queue:)"}) {
        EXPECT_THAT(lines, Contains(line));
    }
}

TEST(RoutemasterAutodrop, WarnsBeforeItDropsAndStopsWhenThereIsRoom) {  // M85
    Autodrop drop(1000, 100);
    EXPECT_FALSE(drop.step(800).warn);
    EXPECT_FALSE(drop.step(850).warn);
    const auto near = drop.step(851);
    EXPECT_TRUE(near.warn);
    EXPECT_FALSE(near.shrink_to);
    EXPECT_FALSE(drop.step(900).warn) << "once";
    EXPECT_EQ(drop.step(901).shrink_to, 800U);
    EXPECT_FALSE(drop.step(801).warn);
    EXPECT_FALSE(drop.step(800).warn);
    const auto jump = drop.step(5000);
    EXPECT_TRUE(jump.warn);
    EXPECT_EQ(jump.shrink_to, 800U);
}

TEST(RoutemasterAutodrop, IsOffWithoutABound) {  // M85
    Autodrop drop(0, 0);
    const auto step = drop.step(UINT64_MAX);
    EXPECT_FALSE(step.warn);
    EXPECT_FALSE(step.shrink_to);
}

TEST_F(RoutemasterWatch, TheOldestGoWhenTheJournalIsTooLarge) {  // M85
    for (int i = 0; i < 200; ++i) {
        bridge.store(
            {settings.topic_root + ".widgets", event_of("https://a/" + std::to_string(i))});
    }
    const std::uint64_t bytes = bridge.memory().info().bytes;
    settings.journal_bytes_max = bytes;
    settings.journal_bytes_free = bytes / 4;
    look();
    const auto after = bridge.memory().info();
    EXPECT_GT(after.low, 1U);
    EXPECT_LT(after.low, 200U) << "and no more than needed";
    EXPECT_THAT(warned, SizeIs(2));
    EXPECT_THAT(warned[0], HasSubstr("are dropped"));
    EXPECT_EQ(bridge.published(), 1U) << "an alert went out";
    EXPECT_THAT(figures(), HasSubstr("routemaster_autodrop_runs_total 1"));
    look();
    EXPECT_THAT(warned, SizeIs(2)) << "nothing is left to do";
}

}  // namespace
}  // namespace weft::gateway::routemaster
