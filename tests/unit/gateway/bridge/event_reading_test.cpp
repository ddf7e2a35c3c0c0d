#include "gateway/bridge/event_reading.hpp"

#include "reliability/journal/memory_journal.hpp"
#include "tests/unit/reliability/reliable_world.hpp"
#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::gateway {
namespace {

using reliability::JournalGap;
using reliability::JournalId;
using reliability::MemoryJournal;
using reliability::Position;
using reliability::RunToStore;
using reliability::ServiceWorld;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Order = ReadRequest::Order;

class Reading : public ::testing::Test {
protected:
    /// Stored now, under the next id.
    void put(const std::string& text, const std::string& topic = "a") {
        store(ServiceWorld::to_store(world_.git, topic, {ServiceWorld::content(++seq_, text)}));
    }
    void put_many(int count, const std::string& topic = "a") {
        for (int i = 0; i < count; ++i) put(std::to_string(seq_ + 1), topic);
    }
    void store(RunToStore run) {
        std::vector<RunToStore> runs;
        runs.push_back(std::move(run));
        ASSERT_TRUE(journal_.append(std::move(runs)));
    }
    [[nodiscard]] BridgeResult<EventPage> try_read(const ReadRequest& request) {
        EventReading reading(journal_, request);
        for (parts_ = 1; parts_ < 100'000; ++parts_) {
            auto done = reading.go_on(
                verifier_, [this](const auto& refused) { refused_.push_back(refused.first); });
            if (done) return std::move(*done);
        }
        throw std::runtime_error("it does not end");
    }
    [[nodiscard]] EventPage read(const ReadRequest& request = {}) {
        auto page = try_read(request);
        if (!page) throw std::runtime_error(page.error().sentence);
        return std::move(*page);
    }
    static std::vector<JournalId> ids(const EventPage& page) {
        std::vector<JournalId> ids;
        for (const StoredEvent& event : page.events) ids.push_back(event.id);
        return ids;
    }
    static reliability::TopicFilter only(const std::string& glob) {
        return reliability::TopicFilter(support::globs_of({glob}));
    }
    [[nodiscard]] Position at(JournalId id) { return {journal_.info().epoch, id}; }

    ServiceWorld world_;
    fabric::ManualClock clock_;
    MemoryJournal journal_{{{}, &clock_}};
    reliability::StoredVerifier verifier_{world_.signing.trust()};
    std::uint64_t seq_ = 0;
    int parts_ = 0;
    std::vector<JournalId> refused_;
};

TEST_F(Reading, GivesWhatFollowsAPositionByRisingIds) {
    put_many(5);
    const auto page = read({.after = at(2)});
    EXPECT_THAT(ids(page), ElementsAre(3, 4, 5));
    EXPECT_EQ(page.next, at(5));
    EXPECT_EQ(page.head, 5U);
    EXPECT_TRUE(page.at_head);
    EXPECT_FALSE(page.gap);
    EXPECT_EQ(page.events[0].message.body(), "3");
    EXPECT_TRUE(page.events[0].message.verified());
    EXPECT_TRUE(page.events[0].message.replayed());
}

TEST_F(Reading, PagesByNumberWithoutLossOrRepetition) {
    put_many(10);
    ReadRequest request{.messages = 4};
    std::vector<JournalId> all;
    for (int pages = 0; pages < 3; ++pages) {
        const auto page = read(request);
        EXPECT_EQ(page.at_head, pages == 2);
        for (const JournalId id : ids(page)) all.push_back(id);
        request.after = page.next;
    }
    EXPECT_THAT(all, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    EXPECT_THAT(read(request).events, IsEmpty());
}

TEST_F(Reading, PagesByBytesAndGivesOneEventWhateverItHas) {
    for (int i = 0; i < 4; ++i) put(std::string(1000, 'x'));
    ReadRequest request{.bytes = 1500};
    const auto two = read(request);
    EXPECT_THAT(ids(two), ElementsAre(1, 2));
    EXPECT_FALSE(two.at_head);
    request.after = two.next;
    request.bytes = 1;
    EXPECT_THAT(ids(read(request)), ElementsAre(3));
    request.bytes = 0;
    EXPECT_THAT(ids(read(request)), ElementsAre(3));
}

TEST_F(Reading, CountsOnlyWhatMatchesAndIsKept) {
    for (int i = 0; i < 50; ++i) {
        put("even", "b");
        put("odd", "a");
    }
    ReadRequest request{.filter = only("a"), .messages = 3};
    request.keep = [](const StoredEvent& event) { return event.id % 10 == 0; };
    const auto page = read(request);
    EXPECT_THAT(ids(page), ElementsAre(10, 20, 30));
    EXPECT_EQ(page.next, at(30));
    // It keeps its bytes without those of the page.
    EXPECT_EQ(page.events[2].message.body(), "odd");
    EXPECT_EQ(page.events[2].message.signer(), "git");
    EXPECT_EQ(page.events[2].message.journal_id(), 30U);
    request.keep = [](const StoredEvent&) { return false; };
    const auto none = read(request);
    EXPECT_THAT(none.events, IsEmpty());
    EXPECT_TRUE(none.at_head);
    EXPECT_EQ(none.next, at(100));
}

TEST_F(Reading, ALongOneTakesManyTurns) {
    put_many(5000);
    ReadRequest request;
    request.keep = [](const StoredEvent& event) { return event.id == 5000; };
    EXPECT_THAT(ids(read(request)), ElementsAre(5000));
    EXPECT_GE(parts_, 4);
    request.order = Order::newest;
    request.keep = [](const StoredEvent& event) { return event.id == 1; };
    EXPECT_THAT(ids(read(request)), ElementsAre(1));
    EXPECT_GE(parts_, 4);
}

TEST_F(Reading, EndsAtTheHeadThatItBeganWith) {
    put_many(1500);
    EventReading reading(journal_, {.messages = 10'000});
    ASSERT_FALSE(reading.go_on(verifier_, {}));
    put("meanwhile");
    std::optional<BridgeResult<EventPage>> done;
    while (!done) done = reading.go_on(verifier_, {});
    EXPECT_THAT((*done)->events, SizeIs(1500));
    EXPECT_EQ((*done)->head, 1500U);
    EXPECT_TRUE((*done)->at_head);
    EXPECT_THAT(ids(read({.after = (*done)->next})), ElementsAre(1501));
}

TEST_F(Reading, APositionAtOrBeyondTheHeadGivesAnEmptyPage) {
    put_many(2);
    for (const JournalId id : {JournalId{2}, JournalId{3}, JournalId{UINT64_MAX}}) {
        for (const Order order : {Order::rising, Order::newest}) {
            const auto page = read({.after = at(id), .order = order});
            EXPECT_THAT(page.events, IsEmpty());
            EXPECT_EQ(page.next, at(id));
            EXPECT_TRUE(page.at_head);
            EXPECT_EQ(page.head, 2U);
        }
    }
}

TEST_F(Reading, SaysWhatTrimmingTookBeforeTheFirstEvent) {
    put_many(10);
    ASSERT_TRUE(journal_.trim(6));
    const auto page = read({.after = at(2), .messages = 2});
    EXPECT_EQ(page.gap, (JournalGap{3, 5, 3}));
    EXPECT_THAT(ids(page), ElementsAre(6, 7));
    EXPECT_FALSE(read({.after = at(5)}).gap);
    const auto other = read({.after = {12345, 8}});
    ASSERT_TRUE(other.gap);
    EXPECT_FALSE(other.gap->lost);
    EXPECT_THAT(ids(other), ElementsAre(6, 7, 8, 9, 10));
    const auto newest = read({.after = at(2), .order = Order::newest});
    EXPECT_EQ(newest.gap, (JournalGap{3, 5, 3}));
    EXPECT_FALSE(read({.after = at(2), .messages = 2, .order = Order::newest}).gap);
}

TEST_F(Reading, AGapInTheMiddleBeginsANewPage) {
    put_many(2, "a");
    put_many(3, "short");
    put_many(2, "a");
    clock_.advance(seconds{10});
    ASSERT_TRUE(journal_.expire({}, only("short"), clock_.utc_us(), {}));
    const auto first = read();
    EXPECT_THAT(ids(first), ElementsAre(1, 2));
    EXPECT_FALSE(first.gap);
    EXPECT_FALSE(first.at_head);
    const auto second = read({.after = first.next});
    EXPECT_EQ(second.gap, (JournalGap{3, 5, 3}));
    EXPECT_THAT(ids(second), ElementsAre(6, 7));
    EXPECT_TRUE(second.at_head);
}

TEST_F(Reading, StoredSinceLeavesOutWhatIsOlder) {
    put_many(3);
    clock_.advance(seconds{10});
    const std::uint64_t since = clock_.utc_us();
    put_many(3);
    EXPECT_THAT(ids(read({.stored_since_us = since})), ElementsAre(4, 5, 6));
    EXPECT_THAT(ids(read({.stored_since_us = since, .order = Order::newest})),
                ElementsAre(6, 5, 4));
    EXPECT_THAT(ids(read({.after = at(5), .stored_since_us = since})), ElementsAre(6));
    EXPECT_THAT(read({.stored_since_us = since + 1}).events, IsEmpty());
    EXPECT_THAT(ids(read({.stored_since_us = 1})), SizeIs(6));
    // What was trimmed is older than what is asked for.
    ASSERT_TRUE(journal_.trim(3));
    EXPECT_FALSE(read({.stored_since_us = since}).gap);
    EXPECT_TRUE(read({.stored_since_us = 1}).gap);
}

TEST_F(Reading, ThroughIsTheLastIdThatIsGiven) {
    put_many(6);
    const auto page = read({.after = at(1), .through = 4});
    EXPECT_THAT(ids(page), ElementsAre(2, 3, 4));
    EXPECT_TRUE(page.at_head);
    EXPECT_EQ(page.next, at(4));
    EXPECT_THAT(ids(read({.messages = 2, .through = 4, .order = Order::newest})),
                ElementsAre(4, 3));
    EXPECT_THAT(read({.after = at(5), .through = 4}).events, IsEmpty());
}

TEST_F(Reading, TheNewestComeByFallingIds) {
    put_many(300, "b");
    put("rare", "a");
    put_many(3000, "b");
    EXPECT_THAT(ids(read({.messages = 3, .order = Order::newest})), ElementsAre(3301, 3300, 3299));
    const auto rare = read({.filter = only("a"), .messages = 3, .order = Order::newest});
    EXPECT_THAT(ids(rare), ElementsAre(301));
    EXPECT_EQ(rare.next, at(3301));
    EXPECT_TRUE(rare.at_head);
    EXPECT_THAT(ids(read({.after = at(3299), .order = Order::newest})), ElementsAre(3301, 3300));
}

TEST_F(Reading, TheNewestStayWithinTheirBytes) {
    for (int i = 0; i < 20; ++i) put(std::string(1000, 'x'));
    const auto page = read({.bytes = 2500, .order = Order::newest});
    EXPECT_THAT(ids(page), ElementsAre(20, 19));
    EXPECT_THAT(ids(read({.bytes = 0, .order = Order::newest})), ElementsAre(20));
}

// S1, T2: a journal is not believed about who said what.
TEST_F(Reading, LeavesOutAndCountsWhatIsNotProved) {
    put("genuine");
    RunToStore forged = ServiceWorld::to_store(world_.git, "a", {ServiceWorld::content(2, "real")});
    forged.contents =
        ServiceWorld::to_store(world_.git, "a", {ServiceWorld::content(2, "fake")}).contents;
    store(std::move(forged));
    put("genuine, too");
    const auto page = read();
    EXPECT_THAT(ids(page), ElementsAre(1, 3));
    EXPECT_EQ(page.refused, 1U);
    EXPECT_THAT(refused_, ElementsAre(2));
    EXPECT_EQ(read({.order = Order::newest}).refused, 1U);
}

TEST_F(Reading, OfNothingIsInvalidAndOfAClosedJournalStopped) {
    const auto none = try_read({.messages = 0});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, BridgeError::Kind::invalid);
    put_many(1);
    EventReading reading(journal_, {});
    journal_.close();
    const auto closed = reading.go_on(verifier_, {});
    ASSERT_TRUE(closed && !*closed);
    EXPECT_EQ(closed->error().kind, BridgeError::Kind::stopped);
}

}  // namespace
}  // namespace weft::gateway
