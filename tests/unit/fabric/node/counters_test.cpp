#include "fabric/node/counters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::fabric {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Counters, SpeaksTheFormOfPrometheusInAFixedOrder) {
    Counters counters;
    counters.add("weft_b_total", "", 2);
    counters.add("weft_a_total", "second", 1);
    counters.add("weft_a_total", "first", 3);
    counters.add("weft_a_total", "first", 4);
    counters.add("weft_c_total", "", 0);

    EXPECT_THAT(counters.lines(),
                ElementsAre("weft_a_total{reason=\"first\"} 7", "weft_a_total{reason=\"second\"} 1",
                            "weft_b_total 2"));
    EXPECT_THAT(counters.lines(Counters::Show::all), Contains("weft_c_total 0"));
    EXPECT_EQ(counters.json(),
              R"({"weft_a_total{reason=\"first\"}":7,"weft_a_total{reason=\"second\"}":1,)"
              R"("weft_b_total":2})");
    EXPECT_EQ(counters.total("weft_a_total"), 8u);
    EXPECT_EQ(counters.value("weft_a_total", "none"), 0u);
}

TEST(Counters, NothingIsAnEmptyObject) {
    EXPECT_EQ(Counters{}.json(), "{}");
    EXPECT_THAT(Counters{}.lines(), IsEmpty());
}

TEST(Counters, EveryMessageThatAPublisherTookIsSentOrDroppedUnderAName) {
    PublisherStats stats;
    stats.accepted = 10;
    stats.sent = 5;
    stats.unwanted = 3;
    stats.dropped_at_close = 2;
    stats.refused_full = 4;

    Counters counters;
    counters.add(stats);

    constexpr auto dropped = "weft_messages_dropped_total";
    EXPECT_EQ(counters.value(dropped, "unwanted"), 3u);
    EXPECT_EQ(counters.value(dropped, "dropped_at_close"), 2u);
    EXPECT_EQ(counters.value(dropped, "queue_full"), 4u);
    EXPECT_EQ(counters.value("weft_messages_published_total"),
              counters.value("weft_messages_sent_total") + counters.value(dropped, "unwanted") +
                  counters.value(dropped, "dropped_at_close"));
}

TEST(Counters, EachRefusalHasItsOwnLine) {
    SubscriberStats stats;
    stats.delivered = 7;
    stats.refused[static_cast<std::size_t>(signing::Refusal::policy_denied)] = 2;
    stats.barriers_ignored = 1;

    Counters counters;
    counters.add(stats);
    counters.add_subscription_dropped(6);

    EXPECT_THAT(counters.lines(),
                ElementsAre("weft_control_ignored_total{reason=\"barriers_over_limit\"} 1",
                            "weft_messages_dropped_total{reason=\"subscription_full\"} 6",
                            "weft_messages_received_total 7",
                            "weft_refused_total{reason=\"policy_denied\"} 2"));
}

TEST(Counters, ARelaysFiguresAreAllThere) {
    RelayStats stats;
    stats.messages = 1;
    stats.bytes = 2;
    stats.not_three_frames = 3;
    stats.topic_invalid = 4;
    stats.subscriptions_too_long = 5;
    stats.subscriptions_over_limit = 6;
    stats.connections_ended = 7;
    stats.asked_for_everything = 8;
    stats.barriers_over_limit = 9;
    stats.probes_over_limit = 10;
    stats.control_malformed = 11;
    stats.subscriptions_malformed = 12;
    stats.subscriptions_of_gone = 13;
    stats.handshakes_failed = 14;
    stats.accepts_failed = 15;

    Counters counters;
    counters.add(stats);

    std::uint64_t sum = 0;
    for (const char* name :
         {"weft_relay_runs_total", "weft_relay_bytes_total", "weft_refused_total",
          "weft_subscriptions_refused_total", "weft_connections_ended_total",
          "weft_connections_refused_total", "weft_relay_asked_for_everything_total",
          "weft_control_ignored_total"}) {
        sum += counters.total(name);
    }
    EXPECT_EQ(sum, 15u * 16u / 2);
}

}  // namespace
}  // namespace weft::fabric
