// Reads and waits of a bridge, over a journal in memory.

#include "gateway/bridge/journal_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_bridge.hpp"
#include "tests/support/signing_fixture.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using gateway::BridgeError;
using gateway::BridgeResult;
using gateway::EventPage;
using gateway::ReadRequest;
using gateway::Woken;
using support::Answer;
using support::FakeBridge;
using support::WallClock;
using testing::ElementsAre;
using testing::IsEmpty;

class DeskTest : public testing::Test {
protected:
    std::vector<reliability::JournalId> ids(ReadRequest request) {
        auto answer = read(std::move(request));
        EXPECT_TRUE(answer && answer->has_value());
        page = std::move(**answer);
        std::vector<reliability::JournalId> found;
        for (const auto& event : page.events) found.push_back(event.id);
        return found;
    }
    std::optional<BridgeResult<EventPage>> read(ReadRequest request) {
        auto answer = std::make_shared<Answer<BridgeResult<EventPage>>>();
        bridge.read(std::move(request), [answer](auto result) { answer->give(std::move(result)); });
        return answer->take();
    }
    static reliability::TopicFilter topics(const std::vector<std::string>& globs) {
        return reliability::TopicFilter{support::globs_of(globs)};
    }
    void store(std::size_t count, const std::string& topic, const std::string& body = "{}") {
        for (std::size_t i = 0; i < count; ++i) bridge.store({topic, body});
    }

    WallClock clock;
    FakeBridge bridge{clock};
    EventPage page;
};

TEST_F(DeskTest, ReadsWhatFollowsAPlaceByRisingIds) {
    store(3, "a");
    store(2, "b");

    EXPECT_THAT(ids({.after = {0, 1}, .filter = topics({"a"})}), ElementsAre(2, 3));
    EXPECT_EQ(page.head, 5U);
    EXPECT_EQ(page.next.id, 5U);
    EXPECT_TRUE(page.at_head);
    EXPECT_EQ(page.events[0].message.topic(), "a");
    EXPECT_EQ(page.events[0].message.body(), "{}");
    EXPECT_EQ(page.events[0].message.journal_id(), 2U);
}

TEST_F(DeskTest, GoesOnExactlyBehindAPageThatWasFull) {
    store(5, "a");
    EXPECT_THAT(ids({.messages = 2}), ElementsAre(1, 2));
    EXPECT_FALSE(page.at_head);
    EXPECT_THAT(ids({.after = page.next, .messages = 2}), ElementsAre(3, 4));
    EXPECT_THAT(ids({.after = page.next, .messages = 2}), ElementsAre(5));
    EXPECT_TRUE(page.at_head);
}

TEST_F(DeskTest, WhatIsNotKeptDoesNotCountForTheLimit) {
    store(4, "a", "[0]");
    store(4, "a", "[1]");
    const auto keep = [](const gateway::StoredEvent& event) {
        return event.message.body() == "[1]";
    };
    EXPECT_THAT(ids({.messages = 3, .keep = keep}), ElementsAre(5, 6, 7));
    EXPECT_EQ(page.next.id, 7U);
    EXPECT_THAT(ids({.messages = 3, .order = ReadRequest::Order::newest, .keep = keep}),
                ElementsAre(8, 7, 6));
}

TEST_F(DeskTest, TheNewestComeByFallingIdsAlsoFarBack) {
    store(3, "a");
    store(2000, "b");

    EXPECT_THAT(ids({.filter = topics({"a"}), .messages = 2, .order = ReadRequest::Order::newest}),
                ElementsAre(3, 2));
    EXPECT_FALSE(page.at_head);
    EXPECT_THAT(ids({.filter = topics({"a"}), .messages = 9, .order = ReadRequest::Order::newest}),
                ElementsAre(3, 2, 1));
    EXPECT_TRUE(page.at_head);
    EXPECT_EQ(page.next.id, 2003U);
    EXPECT_THAT(
        ids({.after = {0, 2}, .filter = topics({"a"}), .order = ReadRequest::Order::newest}),
        ElementsAre(3));
}

TEST_F(DeskTest, BytesEndAPageAndOneEventAlwaysFits) {
    store(3, "a", "[\"" + std::string(1000, 'x') + "\"]");
    EXPECT_THAT(ids({.bytes = 10}), ElementsAre(1));
    EXPECT_FALSE(page.at_head);
    EXPECT_THAT(ids({.bytes = 10, .order = ReadRequest::Order::newest}), ElementsAre(3));
    EXPECT_FALSE(page.at_head);
}

TEST_F(DeskTest, WhatWasStoredTooEarlyIsHidden) {
    store(2, "a");
    clock.advance(10s);
    store(1, "a");
    EXPECT_THAT(ids({.stored_since_us = WallClock::begin_us + 1}), ElementsAre(3));
    EXPECT_THAT(
        ids({.stored_since_us = WallClock::begin_us + 1, .order = ReadRequest::Order::newest}),
        ElementsAre(3));
    EXPECT_THAT(ids({.stored_since_us = WallClock::begin_us}), ElementsAre(1, 2, 3));
    clock.advance(10s);
    EXPECT_THAT(ids({.stored_since_us = clock.utc_us()}), IsEmpty());
    EXPECT_TRUE(page.at_head);
    EXPECT_EQ(page.next.id, 3U);
}

TEST_F(DeskTest, APlaceBeyondTheHeadIsAnEmptyPage) {
    store(1, "a");
    EXPECT_THAT(ids({.after = {0, UINT64_MAX}}), IsEmpty());
    EXPECT_TRUE(page.at_head);
    EXPECT_EQ(page.head, 1U);
}

TEST_F(DeskTest, ThroughEndsTheReadAndTrimmingIsAGap) {
    store(5, "a");
    EXPECT_THAT(ids({.after = {0, 1}, .through = 3}), ElementsAre(2, 3));
    ASSERT_TRUE(bridge.memory().trim(4));
    EXPECT_THAT(ids({.after = {0, 1}}), ElementsAre(4, 5));
    ASSERT_TRUE(page.gap);
    EXPECT_EQ(page.gap->to, 3U);
}

TEST_F(DeskTest, AWaiterHearsOfWhatIsStoredAndOfTheTime) {
    store(1, "a");
    Answer<Woken> stored, timeout;
    EXPECT_NE(bridge.wait(1, topics({"a"}), 10s, [&](Woken why) { stored.give(why); }), 0U);
    bridge.wait(1, topics({"b"}), 30ms, [&](Woken why) { timeout.give(why); });
    EXPECT_EQ(timeout.take(), Woken::timeout);
    EXPECT_FALSE(stored.given());
    store(1, "a");
    EXPECT_EQ(stored.take(), Woken::stored);
    EXPECT_EQ(bridge.waiters(), 0U);
}

TEST_F(DeskTest, StopAnswersWhatWaitsAndWhatComesAfter) {
    Answer<Woken> waiting;
    bridge.wait(0, topics({"a"}), 60s, [&](Woken why) { waiting.give(why); });
    bridge.stop();
    EXPECT_EQ(waiting.take(), Woken::stopped);
    const auto answer = read({});
    ASSERT_TRUE(answer && !answer->has_value());
    EXPECT_EQ(answer->error().kind, BridgeError::Kind::stopped);
}

TEST(JournalDesk, OneReadTooManyIsBusyAtOnce) {
    WallClock clock;
    FakeBridge bridge(clock, {.waiting_reads_max = 0});
    Answer<BridgeResult<EventPage>> answer;
    bridge.read({}, [&](auto result) { answer.give(std::move(result)); });
    const auto result = answer.take();
    ASSERT_TRUE(result && !result->has_value());
    EXPECT_EQ(result->error().kind, BridgeError::Kind::busy);
}

}  // namespace
