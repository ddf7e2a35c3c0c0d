#include "gateway/bridge/workers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/reliability/reliable_world.hpp"

namespace weft::gateway {
namespace {

using reliability::Gate;
using reliability::Seen;
using ::testing::ElementsAre;

TEST(Workers, AJobThatGoesOnLetsOthersHaveTheirTurn) {
    Workers workers(1, 10);
    Gate gate;
    Seen<std::string> order;
    ASSERT_TRUE(workers.post([&](Workers::Turn) { gate.pass(); }));
    ASSERT_TRUE(workers.post([&](Workers::Turn) {
        order.add("long, first part");
        workers.post_again([&](Workers::Turn) { order.add("long, second part"); });
    }));
    ASSERT_TRUE(workers.post([&](Workers::Turn) { order.add("short"); }));
    gate.open();
    ASSERT_TRUE(order.wait_for(3));
    EXPECT_THAT(order.all(), ElementsAre("long, first part", "short", "long, second part"));
}

TEST(Workers, RefuseWhatTheyHaveNoRoomForAndAnswerTheRestWhenTheyStop) {
    Gate gate;
    Gate began;
    Seen<bool> stopped;
    Workers workers(1, 2);
    ASSERT_TRUE(workers.post([&](Workers::Turn) {
        began.open();
        gate.pass();
        workers.post_again([&](Workers::Turn turn) { stopped.add(turn.stopped); });
    }));
    began.pass();
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(workers.post([&](Workers::Turn turn) { stopped.add(turn.stopped); }));
    }
    EXPECT_FALSE(workers.post([](Workers::Turn) { FAIL() << "it was called"; }));
    std::thread stopping([&] { workers.stop(); });
    // From now on nothing is taken.
    ASSERT_TRUE(fabric::eventually(
        [&] { return stopped.all().empty() && !workers.post([](Workers::Turn) {}); }));
    gate.open();
    stopping.join();
    EXPECT_EQ(stopped.all().size(), 3U);
    EXPECT_FALSE(workers.post([](Workers::Turn) { FAIL() << "it was called"; }));
}

}  // namespace
}  // namespace weft::gateway
