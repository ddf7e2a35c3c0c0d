// The state machines inside a service: who may change something, who is next, who waits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reliability/service/request_guard.hpp"
#include "reliability/service/turns.hpp"
#include "reliability/service/waiting_room.hpp"

namespace weft::reliability {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Verdict = RequestGuard::Verdict;
using std::chrono::seconds;

constexpr std::uint64_t second = 1'000'000, now = 1'800'000'000 * second, life = 7;

Nonce nonce(std::uint8_t number) {
    return {static_cast<char>(number)};
}

RequestGuard guard(std::size_t nonces_max = 100) {
    return {life, 300 * second, 30 * second, nonces_max};
}

TEST(RequestGuard, LetsEachRequestPassOnce) {
    auto it = guard();

    EXPECT_EQ(it.judge(life, nonce(1), now, now), Verdict::pass);
    EXPECT_EQ(it.judge(life, nonce(2), now, now), Verdict::pass);
    EXPECT_EQ(it.judge(life, nonce(1), now, now), Verdict::replayed);
    EXPECT_EQ(it.judge(life, nonce(1), now, now + 299 * second), Verdict::replayed);
}

TEST(RequestGuard, RefusesWhatIsTooOldTooNewOrOfAnotherLife) {
    auto it = guard();

    EXPECT_EQ(it.judge(life, nonce(1), now - 300 * second, now), Verdict::pass);
    EXPECT_EQ(it.judge(life, nonce(2), now - 300 * second - 1, now), Verdict::too_old);
    EXPECT_EQ(it.judge(life, nonce(3), now + 30 * second, now), Verdict::pass);
    EXPECT_EQ(it.judge(life, nonce(4), now + 30 * second + 1, now), Verdict::too_new);
    EXPECT_EQ(it.judge(life, nonce(5), UINT64_MAX, now), Verdict::too_new);
    EXPECT_EQ(it.judge(life + 1, nonce(6), now, now), Verdict::other_life);
    EXPECT_EQ(it.judge(0, nonce(7), now, now), Verdict::other_life);
    EXPECT_EQ(it.remembered(), 2u);
}

TEST(RequestGuard, WhatItHasForgottenForItsAgeStaysRefusedIfTheClockGoesBack) {
    auto it = guard();
    ASSERT_EQ(it.judge(life, nonce(1), now, now), Verdict::pass);
    ASSERT_EQ(it.judge(life, nonce(2), now + 400 * second, now + 400 * second), Verdict::pass);
    EXPECT_EQ(it.remembered(), 1u);

    EXPECT_EQ(it.judge(life, nonce(1), now, now), Verdict::too_old);
}

TEST(RequestGuard, WhatItHasForgottenForWantOfRoomStaysRefused) {
    auto it = guard(3);
    for (std::uint8_t i = 0; i < 5; ++i) {
        ASSERT_EQ(it.judge(life, nonce(i), now + i, now + i), Verdict::pass);
    }

    EXPECT_EQ(it.remembered(), 3u);
    EXPECT_EQ(it.judge(life, nonce(0), now, now + 5), Verdict::too_old);
    EXPECT_EQ(it.judge(life, nonce(1), now + 1, now + 5), Verdict::too_old);
    EXPECT_EQ(it.judge(life, nonce(2), now + 2, now + 5), Verdict::replayed);
    EXPECT_EQ(it.judge(life, nonce(9), now + 5, now + 5), Verdict::pass);
}

TEST(Turns, TakePeersInTurn) {
    Turns<std::string> turns({});
    for (const char* job : {"a1", "a2", "a3"}) ASSERT_TRUE(turns.push("a", job, 1));
    for (const char* job : {"b1", "b2"}) ASSERT_TRUE(turns.push("b", job, 1));
    ASSERT_TRUE(turns.push("c", "c1", 1));

    std::vector<std::string> order;
    while (auto job = turns.pop()) order.push_back(*job);

    EXPECT_THAT(order, ElementsAre("a1", "b1", "c1", "a2", "b2", "a3"));
}

TEST(Turns, OnePeerMayHaveSoManyOpenAndAllTogetherSoMany) {
    Turns<int> turns({.per_peer = 2, .all = 3, .bytes = 100});
    ASSERT_TRUE(turns.push("a", 1, 1));
    ASSERT_TRUE(turns.push("a", 2, 1));
    EXPECT_FALSE(turns.push("a", 3, 1));
    ASSERT_TRUE(turns.push("b", 4, 1));
    EXPECT_FALSE(turns.push("c", 5, 1));

    // What is worked on counts until it is done.
    ASSERT_TRUE(turns.pop());
    EXPECT_FALSE(turns.push("a", 3, 1));
    turns.finish("a");
    EXPECT_TRUE(turns.push("a", 3, 1));
}

TEST(Turns, BytesThatWaitAreBoundedButOneRequestIsAlwaysTaken) {
    Turns<int> turns({.per_peer = 10, .all = 10, .bytes = 100});

    EXPECT_TRUE(turns.push("a", 1, 1000));
    EXPECT_FALSE(turns.push("b", 2, 1));
    ASSERT_TRUE(turns.pop());
    EXPECT_TRUE(turns.push("b", 2, 60));
    EXPECT_FALSE(turns.push("b", 3, 60));
}

TEST(Turns, APeerWithNothingOpenIsForgotten) {
    Turns<int> turns({});
    ASSERT_TRUE(turns.push("a", 1, 1));
    ASSERT_TRUE(turns.pop());
    turns.finish("a");
    turns.finish("nobody");

    EXPECT_EQ(turns.peers(), 0u);
    EXPECT_EQ(turns.open(), 0u);
}

std::vector<std::string> names(const std::vector<WaitingRoom::Waiting>& leaving) {
    std::vector<std::string> all;
    for (const auto& who : leaving) all.push_back(who.peer);
    return all;
}

TEST(WaitingRoom, LetsGoThoseForWhomThereIsMore) {
    WaitingRoom room({});
    ASSERT_TRUE(room.park({"a", {}}, 5, seconds{10}));
    ASSERT_TRUE(room.park({"b", {}}, 7, seconds{10}));
    ASSERT_TRUE(room.park({"c", {}}, 5, seconds{10}));

    EXPECT_THAT(names(room.leave(5, seconds{0})), IsEmpty());
    EXPECT_THAT(names(room.leave(6, seconds{0})), ElementsAre("a", "c"));
    EXPECT_EQ(room.parked(), 1u);
}

TEST(WaitingRoom, LetsGoThoseWhoseTimeIsOver) {
    WaitingRoom room({});
    ASSERT_TRUE(room.park({"late", {}}, 5, seconds{20}));
    ASSERT_TRUE(room.park({"early", {}}, 9, seconds{10}));
    EXPECT_EQ(room.next_deadline(), std::optional<fabric::Instant>{seconds{10}});

    EXPECT_THAT(names(room.leave(0, seconds{10})), ElementsAre("early"));
    EXPECT_THAT(names(room.leave(0, seconds{20})), ElementsAre("late"));
    EXPECT_EQ(room.next_deadline(), std::nullopt);
}

TEST(WaitingRoom, HasSoMuchRoomForOnePeerAndForAll) {
    WaitingRoom room({.per_peer = 2, .all = 3});
    EXPECT_TRUE(room.park({"a", {}}, 1, seconds{1}));
    EXPECT_TRUE(room.park({"a", {}}, 1, seconds{1}));
    EXPECT_FALSE(room.park({"a", {}}, 1, seconds{1}));
    EXPECT_TRUE(room.park({"b", {}}, 1, seconds{1}));
    EXPECT_FALSE(room.park({"c", {}}, 1, seconds{1}));

    EXPECT_EQ(room.all_leave().size(), 3u);
    EXPECT_TRUE(room.park({"a", {}}, 1, seconds{1}));
}

}  // namespace
}  // namespace weft::reliability
