#include "gateway/bridge/waiters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/signing_fixture.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using gateway::NewestIds;
using gateway::Waiters;
using gateway::Woken;
using testing::ElementsAre;
using testing::IsEmpty;

reliability::TopicFilter filter(const std::vector<std::string>& globs) {
    return reliability::TopicFilter{support::globs_of(globs)};
}

class WaitersTest : public testing::Test {
protected:
    Waiters::Ticket add(reliability::JournalId after, const reliability::TopicFilter& topics,
                        fabric::Instant deadline = 10s) {
        return waiters.add(after, topics, deadline, [this](Woken why) { woken.push_back(why); });
    }

    Waiters waiters{3, 100};
    std::vector<Woken> woken;
};

TEST_F(WaitersTest, ToldOnceWhenAMatchingTopicGetsAMessage) {
    EXPECT_NE(add(100, filter({"a.b"})), 0U);
    waiters.stored("a.c", 101);
    EXPECT_THAT(woken, IsEmpty());

    waiters.stored("a.b", 102);
    waiters.stored("a.b", 103);

    EXPECT_THAT(woken, ElementsAre(Woken::stored));
    EXPECT_EQ(waiters.size(), 0U);
    EXPECT_FALSE(waiters.next_deadline());
}

TEST_F(WaitersTest, GlobsAndEverythingAreToldToo) {
    add(100, filter({"a.**"}));
    add(100, reliability::TopicFilter{});
    waiters.stored("b", 101);
    EXPECT_THAT(woken, ElementsAre(Woken::stored));
    waiters.stored("a.x.y", 102);
    EXPECT_THAT(woken, ElementsAre(Woken::stored, Woken::stored));
}

TEST_F(WaitersTest, WhatWasStoredBetweenTheReadAndTheWaitIsNotMissed) {
    waiters.stored("a.b", 101);

    EXPECT_EQ(add(100, filter({"a.b"})), 0U);
    EXPECT_THAT(woken, ElementsAre(Woken::stored));

    EXPECT_NE(add(101, filter({"a.b"})), 0U) << "it has read that one";
    EXPECT_NE(add(100, filter({"a.c"})), 0U) << "another topic";
}

TEST_F(WaitersTest, APlaceOlderThanWhatIsRememberedReadsAtOnce) {
    EXPECT_EQ(add(99, filter({"a.b"})), 0U);
    for (std::size_t i = 1; i <= NewestIds::topics_max + 1; ++i) {
        waiters.stored("x." + std::to_string(i), 100 + i);
    }
    EXPECT_EQ(add(100, filter({"a.b"})), 0U);
    EXPECT_THAT(woken, ElementsAre(Woken::stored, Woken::stored));
    EXPECT_NE(add(101, filter({"a.b"})), 0U);
}

TEST_F(WaitersTest, TimesOutByDeadlineAndNotBefore) {
    add(100, filter({"a"}), 2s);
    add(100, filter({"a"}), 1s);
    EXPECT_EQ(waiters.next_deadline(), fabric::Instant{1s});
    waiters.tick(999ms);
    EXPECT_THAT(woken, IsEmpty());
    waiters.tick(1s);
    EXPECT_THAT(woken, ElementsAre(Woken::timeout));
    EXPECT_EQ(waiters.size(), 1U);
}

TEST_F(WaitersTest, OneTooManyIsToldAtOnceAndForgettingMakesRoom) {
    const auto ticket = add(100, filter({"a"}));
    add(100, filter({"a"}));
    add(100, filter({"a"}));
    EXPECT_EQ(add(100, filter({"a"})), 0U);
    EXPECT_THAT(woken, ElementsAre(Woken::full));

    waiters.forget(ticket);
    waiters.forget(ticket);
    EXPECT_NE(add(100, filter({"a"})), 0U);
}

TEST_F(WaitersTest, UnknownAndStopTellEverybody) {
    add(100, filter({"a"}));
    add(200, filter({"a"}));
    waiters.unknown(150);
    EXPECT_THAT(woken, ElementsAre(Woken::stored));
    waiters.stop();
    EXPECT_EQ(add(200, filter({"a"})), 0U);
    EXPECT_THAT(woken, ElementsAre(Woken::stored, Woken::stopped, Woken::stopped));
}

}  // namespace
