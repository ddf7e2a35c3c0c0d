// What is remembered of polls that found nothing, and that it never hides anything.

#include "gateway/rse/quiet_polls.hpp"

#include <random>
#include <thread>

#include "gateway/bridge/newest_ids.hpp"
#include "gateway/rse/channel.hpp"

#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(QuietPolls, AnswersForTheIdsThatItWasToldAndNoOthers) {
    QuietPolls quiet;
    quiet.add("q", {10, 20, 0, 1000});
    EXPECT_FALSE(quiet.find("q", 9, 1000));
    EXPECT_FALSE(quiet.find("q", 21, 1000));
    EXPECT_FALSE(quiet.find("other", 10, 1000));
    EXPECT_EQ(quiet.find("q", 10, 1000)->through, 20U);
    EXPECT_FALSE(quiet.find("q", 10, 999)) << "the clock went back: more is to be shown";
}

TEST(QuietPolls, RangesThatTouchBecomeOne) {
    QuietPolls quiet;
    quiet.add("q", {10, 20, 0, 1000});
    quiet.add("q", {20, 30, 0, 2000});
    EXPECT_EQ(quiet.find("q", 10, 2000)->through, 30U);
    quiet.add("q", {40, 50, 0, 2000});
    EXPECT_FALSE(quiet.find("q", 10, 2000));
    EXPECT_EQ(quiet.find("q", 45, 2000)->through, 50U);
}

TEST(QuietPolls, WhatExpiredIsSaidToWhoMissedIt) {
    QuietPolls quiet;
    quiet.add("q", {10, 20, 15, 1000});
    EXPECT_EQ(quiet.find("q", 14, 1000)->expired, 15U);
    EXPECT_EQ(quiet.find("q", 15, 1000)->expired, 0U);
}

TEST(QuietPolls, TheOldestGoFirst) {
    QuietPolls quiet;
    for (std::size_t i = 0; i <= QuietPolls::entries_max; ++i) {
        quiet.add(std::to_string(i), {0, 1, 0, 0});
    }
    EXPECT_FALSE(quiet.find("0", 0, 0));
    EXPECT_TRUE(quiet.find("1", 0, 0));
}

class QuietRse : public RseWorld {
protected:
    /// Until the bridge knows of everything that was stored: before, polls read.
    void until_followed() {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!bridge.nothing_after(bridge.journal().head, reliability::TopicFilter{})) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nobody follows the journal";
            std::this_thread::yield();
        }
    }
};

TEST_F(QuietRse, AnOldCursorIsReadForOnce) {
    handler();
    // More topics than the bridge remembers: what came behind the cursor is forgotten.
    bridge.store({std::string{root} + ".a", "{}"});
    for (std::size_t i = 0; i <= NewestIds::topics_max; ++i) {
        bridge.store({std::string{root} + ".x." + std::to_string(i), "{}"});
    }
    until_followed();
    EXPECT_EQ(get("/a?last-known-id=1").status, 204U);
    const auto reads = bridge.reads.load();
    EXPECT_GT(reads, 0U);
    const Response again = get("/a?last-known-id=1");
    EXPECT_EQ(again.status, 204U);
    EXPECT_EQ(again.headers.find("X-RSE-Last-Id"), std::to_string(bridge.journal().head));
    EXPECT_EQ(bridge.reads, reads);
    bridge.store({std::string{root} + ".a", "{}"});
    EXPECT_THAT(ids(get("/a?last-known-id=1")), ElementsAre(bridge.journal().head));
}

TEST_F(QuietRse, OnesOwnEventIsReadForOnceAndOthersSeeIt) {
    post("/a", "[]");
    until_followed();
    EXPECT_EQ(get("/a?last-known-id=0").status, 204U);
    const auto reads = bridge.reads.load();
    EXPECT_EQ(get("/a?last-known-id=0").status, 204U);
    EXPECT_EQ(bridge.reads, reads);
    EXPECT_THAT(ids(get("/a?last-known-id=0", other)), ElementsAre(1));
    EXPECT_THAT(ids(get("/a?last-known-id=0&echo=true")), ElementsAre(1));
}

TEST_F(QuietRse, WhatTheClockHidAndShowsAgainIsGiven) {
    post("/a", "[]", other);
    clock.advance(121s);
    EXPECT_THAT(ids(get("/a?last-known-id=0")), IsEmpty());
    clock.advance(-60s);
    EXPECT_THAT(ids(get("/a?last-known-id=0")), ElementsAre(1));
}

struct Posted {
    std::int64_t id;
    std::string channel, by;
    std::uint64_t at_us;
};

/// Against a list of all events, with the clock going on and back.
TEST_F(QuietRse, APollGivesExactlyWhatThereIs) {  // R150, R152, R154, R156
    std::mt19937 random{11};
    const auto below = [&](std::size_t end) { return random() % end; };
    const std::vector<std::string> channels = {"/a", "/a/b", "/a/b/c", "/d"};
    const std::vector<const char*> clients = {agent, other, "No uuid/c"};
    std::vector<Posted> all;
    std::uint64_t newest_us = 0;  // stored_us never goes back.
    for (int step = 0; step < 4'000; ++step) {
        const std::string& channel = channels[below(channels.size())];
        const char* client = clients[below(clients.size())];
        if (below(8) == 0) clock.advance(std::chrono::seconds{below(60)});
        if (below(60) == 0) clock.advance(-std::chrono::seconds{below(50)});
        if (below(4) == 0) {
            const auto id = id_of(post(channel, "[]", client));
            newest_us = std::max(newest_us, clock.utc_us());
            all.push_back({static_cast<std::int64_t>(id), channel, client, newest_us});
            continue;
        }
        const std::int64_t cursor = static_cast<std::int64_t>(
            all.size() - std::min(all.size(), below(4) == 0 ? all.size() : below(30)));
        const bool echo = below(5) == 0;
        const std::string scope = std::vector{"exact", "parent", "all"}[below(3)];
        const std::uint64_t since = clock.utc_us() - 120'000'000;
        std::vector<std::int64_t> expected;
        std::int64_t missed = 0;
        for (const Posted& one : all) {
            const bool is_there = one.channel == channel ||
                                  (scope == "parent" && is_within(channel, one.channel)) ||
                                  (scope == "all" && is_within(one.channel, channel));
            if (!is_there || one.id <= cursor || (!echo && one.by == client)) continue;
            if (one.at_us >= since) {
                expected.push_back(one.id);
            } else {
                missed = one.id;
            }
        }
        const Response got =
            get(channel + "?max-events=500&last-known-id=" + std::to_string(cursor) + "&events=" +
                    scope + (echo ? "&echo=true" : "") + (below(9) == 0 ? "&wait=0.001" : ""),
                client);
        ASSERT_EQ(ids(got), expected) << "step " << step;
        const std::string said{got.headers.find("X-RSE-Expired-Through").value_or("0")};
        // All of them are within the ids that are looked at.
        if (all.size() < 500) {
            ASSERT_EQ(said, std::to_string(cursor == 0 ? 0 : missed)) << step;
        }
    }
    EXPECT_GT(all.size(), 500U);
}

}  // namespace
}  // namespace weft::gateway::rse
