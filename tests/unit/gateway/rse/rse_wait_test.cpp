// Long polls, stopping, and many who write while others follow.

#include <atomic>
#include <thread>

#include "tests/unit/gateway/rse/rse_world.hpp"

namespace weft::gateway::rse {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class RseWait : public RseWorld {
protected:
    /// Until it waits: then nothing is under way any more.
    void until_waiting(std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (bridge.waiters() != count) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nobody waits";
            std::this_thread::yield();
        }
    }
};

TEST_F(RseWait, AnswersAtOnceWhereThereIsSomething) {  // R160
    post("/a", "[]", other);
    EXPECT_THAT(ids(get("/a?wait=60")), ElementsAre(1));
    EXPECT_EQ(bridge.waits, 0U);
}

TEST_F(RseWait, HoldsUntilAnEventMatches) {  // R160
    const auto poll = begin(request("GET", "/a?wait=60"));
    until_waiting(1);
    post("/b", "[]", other);
    EXPECT_EQ(poll->answers(), 0);
    post("/a", "[1]", other);
    EXPECT_THAT(ids(*poll->wait()), ElementsAre(2));
}

TEST_F(RseWait, OwnEventsWakeNobody) {  // R156, R160
    const auto poll = begin(request("GET", "/a?wait=60"));
    until_waiting(1);
    post("/a", "[1]");
    post("/a", "[2]", other);
    EXPECT_THAT(ids(*poll->wait()), ElementsAre(2));
}

TEST_F(RseWait, WhatTheFabricPublishesWakesToo) {
    const auto poll = begin(request("GET", "/a/b?wait=60&events=parent"));
    until_waiting(1);
    bridge.store({std::string{root} + ".a", "{}"});
    EXPECT_THAT(ids(*poll->wait()), ElementsAre(1));
}

TEST_F(RseWait, TimeIsUpIs204OrAnEmptyList) {  // R160, R110
    settings.test_mode = true;
    const auto response = get("/a?wait=0.5");
    EXPECT_EQ(response.status, 204U);
    EXPECT_EQ(get("/a?wait=0.5&callback=cb").body, R"(cb({"channel":"/a","events":[]});)");
    EXPECT_EQ(bridge.waits, 2U);
}

TEST_F(RseWait, SortsAndLimitsApplyAfterWaitingToo) {  // R160
    const auto poll = begin(request("GET", "/a?wait=60&sort=-1&max-events=1"));
    until_waiting(1);
    bridge.store({std::string{root} + ".a", "{}"});
    EXPECT_THAT(ids(*poll->wait()), ElementsAre(1));
}

TEST_F(RseWait, AClientThatGoesFreesItsPlace) {  // R160
    const auto poll = begin(request("GET", "/a?wait=60"));
    until_waiting(1);
    poll->go();
    EXPECT_EQ(bridge.waiters(), 0U);
    post("/a", "[]", other);
    EXPECT_LE(poll->answers(), 1);
}

TEST_F(RseWait, StopAnswersWhoWaitsAndNobodyWaitsAfter) {
    const auto one = begin(request("GET", "/a?wait=60"));
    const auto two = begin(request("GET", "/b?wait=60"));
    until_waiting(2);
    handler().stop();
    EXPECT_EQ(one->wait()->status, 204U);
    EXPECT_EQ(two->wait()->status, 204U);
    EXPECT_EQ(get("/a?wait=60").status, 204U);
    EXPECT_EQ(bridge.waiters(), 0U);
}

TEST_F(RseWait, ABridgeThatStopsAnswersEverybody) {
    const auto poll = begin(request("GET", "/a?wait=60"));
    until_waiting(1);
    bridge.stop();
    EXPECT_EQ(poll->wait()->status, 204U);
    EXPECT_EQ(get("/a").status, 503U);
}

TEST(RseWaiters, OneTooManyIsAnsweredAtOnce) {  // R160
    support::WallClock clock;
    support::FakeBridge bridge(clock, {.waiters_max = 0});
    FakeTokens tokens;
    Settings settings;
    settings.topic_root = "org.weft.dev.rse";
    RseHandler handler(settings, bridge, tokens, clock);
    Request request;
    request.method = "GET";
    request.target = "/a?wait=60";
    request.headers.add("User-Agent", "uuid/1");
    const auto exchange = std::make_shared<support::FakeExchange>(std::move(request));
    handler.handle(exchange);
    EXPECT_EQ(exchange->wait()->status, 204U);
}

TEST_F(RseWait, TwentyWritersAndFiveFollowersMissAndRepeatNothing) {  // R150, R152, R158
    constexpr std::size_t writers = 20, posts = 50, followers = 5;
    handler();
    std::atomic<bool> failed{false};
    std::vector<std::vector<std::int64_t>> seen(followers);
    std::vector<std::thread> threads;
    for (std::size_t f = 0; f < followers; ++f) {
        threads.emplace_back([&, f] {
            const std::string as = "F uuid/f" + std::to_string(f);
            std::int64_t cursor = 0;
            while (seen[f].size() < writers * posts && !failed) {
                const auto page =
                    ids(get("/hub/cmd?events=parent&wait=5&max-events=" + std::to_string(7 + f) +
                                "&last-known-id=" + std::to_string(cursor),
                            as.c_str()));
                if (page.empty()) failed = true;  // Five seconds of nothing while some is missing.
                for (const auto id : page) {
                    if (id <= cursor) failed = true;
                    cursor = id;
                    seen[f].push_back(id);
                }
            }
        });
    }
    for (std::size_t w = 0; w < writers; ++w) {
        threads.emplace_back([&, w] {
            const std::string as = "W uuid/w" + std::to_string(w);
            std::uint64_t last = 0;
            for (std::size_t i = 0; i < posts; ++i) {
                const auto id = id_of(post(w % 2 == 0 ? "/hub" : "/hub/cmd", "[1]", as.c_str()));
                if (id <= last) failed = true;
                last = id;
                post("/elsewhere", "[0]", as.c_str());
            }
        });
    }
    for (std::thread& thread : threads) thread.join();

    EXPECT_FALSE(failed);
    for (const auto& follower : seen) {
        EXPECT_EQ(follower.size(), writers * posts);
        EXPECT_EQ(follower, seen[0]);
    }
}

}  // namespace
}  // namespace weft::gateway::rse
