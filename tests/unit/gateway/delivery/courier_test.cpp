#include "gateway/delivery/courier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/stored_events.hpp"

namespace weft::gateway::delivery {
namespace {

using reliability::JournalId;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<JournalId> ids_of(std::span<const StoredEvent> events) {
    std::vector<JournalId> ids;
    for (const StoredEvent& event : events) ids.push_back(event.id);
    return ids;
}

/// A courier and the journal that it reads, by hand.
class CourierTest : public ::testing::Test {
protected:
    static Subscription ordered(std::size_t max = 1) {
        Subscription subscription;
        subscription.id = "one";
        subscription.url = "http://a/";
        subscription.batching.max = max;
        return subscription;
    }
    static Subscription unordered(std::size_t concurrency, std::vector<milliseconds> pauses = {}) {
        Subscription subscription = ordered();
        subscription.ordered = false;
        subscription.concurrency = concurrency;
        subscription.retry.pauses = std::move(pauses);
        return subscription;
    }
    void begin(Subscription subscription, Progress progress = {{1, 0}}) {
        courier_.emplace(std::move(subscription), std::move(progress), 7, now());
    }
    [[nodiscard]] Moment now() const { return {steady_, utc_us_}; }
    void pass(milliseconds time) {
        steady_ += time;
        utc_us_ += static_cast<std::uint64_t>(time.count()) * 1000;
    }
    void store(std::size_t count = 1) {
        for (std::size_t i = 0; i < count; ++i) {
            journal_.push_back(support::stored_event(journal_.size() + 1, utc_us_));
        }
    }
    /// Everything that it wants to read and fetch.
    void feed() {
        while (const auto fetch = courier_->next_fetch(now())) {
            std::vector<StoredEvent> events;
            for (const JournalId id : fetch->ids) {
                if (id > trimmed_) events.push_back(journal_.at(id - 1));
            }
            courier_->on_fetched(fetch->delivery, std::move(events), now());
        }
        if (waiting_ && journal_.size() > waiting_->after.id) {
            courier_->woken(std::exchange(waiting_, std::nullopt)->token);
        }
        while (const auto read = courier_->next_read(now())) {
            if (read->wait) {
                waiting_ = read;
                if (journal_.size() <= read->after.id) return;
                courier_->woken(std::exchange(waiting_, std::nullopt)->token);
                continue;
            }
            std::vector<StoredEvent> events;
            EventPage page;
            JournalId at = read->after.id;
            while (at < journal_.size() && events.size() < read->messages) {
                events.push_back(journal_.at(at++));
            }
            page.next = {1, at};
            page.head = journal_.size();
            page.at_head = at == journal_.size();
            courier_->on_page(read->token, std::move(events), page, now());
        }
    }
    /// The ids of the next request; nothing if it wants to send nothing.
    std::vector<JournalId> send() {
        feed();
        if (!courier_->wants_to_send(now())) return {};
        const Courier::Send send = courier_->begin_send(now());
        last_ = send.delivery;
        attempt_ = send.attempt;
        return ids_of(send.events);
    }
    void answer(const std::string& delivery, bool good, std::optional<seconds> retry_after = {}) {
        Courier::Outcome outcome;
        outcome.succeeded = good;
        outcome.retry_after = retry_after;
        outcome.sentence = good ? "" : "the receiver answered 500";
        courier_->on_sent(delivery, outcome, now());
    }
    void succeed() { answer(last_, true); }
    void fail(std::optional<seconds> retry_after = {}) { answer(last_, false, retry_after); }
    void note() { courier_->on_noted(courier_->version()); }
    [[nodiscard]] milliseconds pause() const {
        return std::chrono::duration_cast<milliseconds>(*courier_->next_attempt() - steady_);
    }

    fabric::Instant steady_ = seconds{1000};
    std::uint64_t utc_us_ = 1'800'000'000'000'000;
    std::vector<StoredEvent> journal_;
    JournalId trimmed_ = 0;
    std::optional<Courier> courier_;
    std::optional<Courier::Read> waiting_;
    std::string last_;
    std::uint64_t attempt_ = 0;
};

TEST_F(CourierTest, SendsOneBatchAtATimeAndTheNextOnceItsSuccessIsNoted) {
    begin(ordered());
    store(2);

    EXPECT_THAT(send(), ElementsAre(1));
    EXPECT_THAT(send(), IsEmpty());
    succeed();
    EXPECT_THAT(send(), IsEmpty()) << "not noted: a kill would repeat two batches";
    note();
    EXPECT_THAT(send(), ElementsAre(2));
    EXPECT_EQ(courier_->position().id, 1U);
}

TEST_F(CourierTest, ABatchGoesWhenItIsFull) {
    Subscription subscription = ordered(3);
    subscription.batching.timeout = seconds{60};
    begin(subscription);
    store(2);
    EXPECT_THAT(send(), IsEmpty());
    store();
    EXPECT_THAT(send(), ElementsAre(1, 2, 3));
}

TEST_F(CourierTest, ABatchGoesWhenItsFirstMessageHasBeenStoredForTheTimeout) {
    Subscription subscription = ordered(100);
    subscription.batching.timeout = milliseconds{500};
    begin(subscription);
    store();
    pass(milliseconds{300});
    store();
    EXPECT_THAT(send(), IsEmpty());
    EXPECT_EQ(*courier_->deadline(now()), steady_ + milliseconds{200});
    pass(milliseconds{200});
    EXPECT_THAT(send(), ElementsAre(1, 2));
}

TEST_F(CourierTest, ACalendarThatJumpsBackMakesNobodyWaitLongerThanTheTimeout) {
    Subscription subscription = ordered(100);
    subscription.batching.timeout = milliseconds{500};
    begin(subscription);
    store();
    utc_us_ -= 3'600'000'000ULL;
    EXPECT_THAT(send(), IsEmpty());
    pass(milliseconds{500});
    EXPECT_THAT(send(), ElementsAre(1));
}

TEST_F(CourierTest, ABatchEndsBeforeItsBytesAreExceededAndOneMessageGoesWhateverItHas) {
    Subscription subscription = ordered(100);
    store(3);
    const std::size_t one = journal_.front().message.content().size();
    subscription.batching.bytes = 2 * one;
    begin(subscription);
    EXPECT_THAT(send(), ElementsAre(1, 2));
    succeed();
    note();
    EXPECT_THAT(send(), ElementsAre(3));

    subscription.batching.bytes = 1;
    begin(subscription);
    EXPECT_THAT(send(), ElementsAre(1));
}

TEST_F(CourierTest, ARetryCarriesTheSameMessagesAndHoldsBackWhatComesAfter) {
    begin(ordered(10));
    store(2);
    EXPECT_THAT(send(), ElementsAre(1, 2));
    const std::string name = last_;
    store(3);
    fail();
    EXPECT_THAT(send(), IsEmpty());
    pass(milliseconds{120});
    EXPECT_THAT(send(), ElementsAre(1, 2));
    EXPECT_EQ(last_, name);
    EXPECT_EQ(attempt_, 2U);
    EXPECT_EQ(courier_->position().id, 0U);
    succeed();
    note();
    EXPECT_THAT(send(), ElementsAre(3, 4, 5));
    EXPECT_NE(last_, name);
}

TEST_F(CourierTest, PausesDoubleToATenthOfTheOutageWithAFifthOfJitter) {  // M82
    begin(ordered());
    store();
    std::int64_t doubled = 100;
    fabric::Instant first{};
    for (int i = 0; i < 140; ++i) {
        ASSERT_THAT(send(), ElementsAre(1));
        if (i == 0) first = steady_;
        fail();
        const std::int64_t away = (steady_ - first) / milliseconds{1};
        const std::int64_t expected =
            std::min(doubled, std::clamp<std::int64_t>(away / 10, 100, 60'000));
        EXPECT_GE(pause().count(), expected);
        EXPECT_LE(pause().count(), expected + expected / 5);
        pass(pause());
        doubled = std::min<std::int64_t>(2 * doubled, 60'000);
    }
    EXPECT_GE(steady_ - first, seconds{1200}) << "the longest pause was not reached";
    EXPECT_THAT(send(), ElementsAre(1));
    succeed();
    EXPECT_EQ(courier_->failures_in_a_row(), 0U);
}

TEST_F(CourierTest, AfterTenSecondsOfOutageThePauseIsLittleMoreThanOne) {  // M82
    begin(ordered());
    store();
    const fabric::Instant first = steady_;
    while (steady_ - first < seconds{10}) {
        ASSERT_THAT(send(), ElementsAre(1));
        fail();
        ASSERT_GE(pause(), milliseconds{100}) << "never a busy loop";
        ASSERT_LE(pause(), milliseconds{1200});
        pass(pause());
    }
    EXPECT_LE(courier_->counts().failures, 60U);
}

TEST_F(CourierTest, RetryAfterMakesAPauseLongerAndHasALimit) {
    begin(ordered());
    store();
    ASSERT_THAT(send(), ElementsAre(1));
    fail(seconds{30});
    EXPECT_EQ(pause(), seconds{30});
    pass(pause());
    ASSERT_THAT(send(), ElementsAre(1));
    fail(seconds{1'000'000});
    EXPECT_EQ(pause(), Courier::retry_after_longest);
}

TEST_F(CourierTest, UnorderedOnesParkWhatFailsAndGoOn) {
    begin(unordered(2, {seconds{5}}));
    store(4);
    ASSERT_THAT(send(), ElementsAre(1));
    const std::string first = last_;
    ASSERT_THAT(send(), ElementsAre(2));
    EXPECT_THAT(send(), IsEmpty()) << "two at a time";
    answer(first, false);
    EXPECT_EQ(courier_->parked(), 1U);
    EXPECT_EQ(courier_->position().id, 1U) << "parked messages hold nothing back";
    ASSERT_THAT(send(), ElementsAre(3));
    pass(seconds{6});
    succeed();
    EXPECT_THAT(send(), ElementsAre(1));
    EXPECT_EQ(last_, first);
}

TEST_F(CourierTest, UnorderedOnesGiveUpWhereTheirPausesEnd) {
    begin(unordered(1, {seconds{5}, seconds{5}}));
    store();
    for (int i = 0; i < 3; ++i) {
        ASSERT_THAT(send(), ElementsAre(1));
        fail();
        pass(seconds{6});
    }
    EXPECT_THAT(send(), IsEmpty());
    EXPECT_EQ(courier_->counts().given_up, 1U);
    EXPECT_EQ(courier_->parked(), 0U);
}

TEST_F(CourierTest, NothingNewIsTakenWhileTooMuchIsParked) {
    begin(unordered(1, std::vector<milliseconds>(5, std::chrono::hours{1})));
    store(Subscription::parked_max + 5);
    std::size_t sent = 0;
    while (!send().empty()) {
        ++sent;
        fail();
        note();
    }
    EXPECT_EQ(sent, Subscription::parked_max);
    EXPECT_EQ(courier_->parked(), Subscription::parked_max);
    EXPECT_EQ(courier_->position().id, Subscription::parked_max);
}

TEST_F(CourierTest, APauseForEverybodyAndAllInOneGoAfterwards) {
    begin(ordered());
    store(2);
    courier_->set_state(Subscription::State::paused, "by hand", now());
    EXPECT_THAT(send(), IsEmpty());
    EXPECT_FALSE(courier_->deadline(now()));
    courier_->set_state(Subscription::State::active, "", now());
    EXPECT_THAT(send(), ElementsAre(1));
}

TEST_F(CourierTest, BeingActivatedTriesAtOnce) {
    begin(ordered());
    store();
    ASSERT_THAT(send(), ElementsAre(1));
    fail(seconds{600});
    courier_->set_state(Subscription::State::active, "", now());
    EXPECT_THAT(send(), ElementsAre(1));
}

TEST_F(CourierTest, GoneDisablesWhereTheKindSaysSo) {
    Subscription subscription = ordered();
    subscription.retry.gone_disables = true;
    begin(subscription);
    store();
    ASSERT_THAT(send(), ElementsAre(1));
    courier_->on_sent(last_, {.succeeded = false, .gone = true}, now());
    EXPECT_EQ(courier_->subscription().state, Subscription::State::disabled);
    pass(seconds{3600});
    EXPECT_THAT(send(), IsEmpty());
    courier_->set_state(Subscription::State::active, "", now());
    EXPECT_THAT(send(), ElementsAre(1)) << "nothing is lost";
}

TEST_F(CourierTest, FailingForTooLongDisables) {
    Subscription subscription = ordered();
    subscription.retry.disable_after = seconds{60};
    begin(subscription);
    store();
    for (int i = 0; i < 100 && courier_->subscription().state == Subscription::State::active; ++i) {
        ASSERT_THAT(send(), ElementsAre(1));
        fail();
        pass(pause());
    }
    EXPECT_EQ(courier_->subscription().state, Subscription::State::disabled);
    EXPECT_THAT(courier_->subscription().reason, ::testing::HasSubstr("answered 500"));
}

TEST_F(CourierTest, RequestsASecondAreLimited) {
    Subscription subscription = ordered();
    subscription.per_second_max = 10;
    begin(subscription);
    store(3);
    ASSERT_THAT(send(), ElementsAre(1));
    succeed();
    note();
    EXPECT_THAT(send(), IsEmpty());
    EXPECT_EQ(*courier_->deadline(now()), steady_ + milliseconds{100});
    pass(milliseconds{100});
    EXPECT_THAT(send(), ElementsAre(2));
}

TEST_F(CourierTest, AnotherUrlIsTriedAtOnceWithTheSameBatch) {  // M58
    begin(ordered());
    store(2);
    ASSERT_THAT(send(), ElementsAre(1));
    const std::string name = last_;
    fail(seconds{600});
    Subscription moved = courier_->subscription();
    moved.url = "http://b/";
    courier_->replace(moved, now());
    EXPECT_THAT(send(), ElementsAre(1));
    EXPECT_EQ(last_, name);
    succeed();
    note();
    EXPECT_THAT(send(), ElementsAre(2));
}

TEST_F(CourierTest, ReplacingWhileABatchIsUnderWayLosesAndRepeatsNothing) {
    begin(ordered(2));
    store(5);
    ASSERT_THAT(send(), ElementsAre(1, 2));
    courier_->replace(courier_->subscription(), now());
    EXPECT_THAT(send(), IsEmpty());
    succeed();
    note();
    EXPECT_THAT(send(), ElementsAre(3, 4));
    succeed();
    note();
    EXPECT_THAT(send(), ElementsAre(5));
}

TEST_F(CourierTest, GoingBackSendsAgainAndForgetsWhatIsUnderWay) {
    begin(ordered());
    store(3);
    for (JournalId id = 1; id <= 2; ++id) {
        ASSERT_THAT(send(), ElementsAre(id));
        succeed();
        note();
    }
    ASSERT_THAT(send(), ElementsAre(3));
    const std::string under_way = last_;
    EXPECT_THAT(courier_->go_to({1, 0}, now()), ElementsAre(under_way));
    answer(under_way, true);  // too late: it will come again
    EXPECT_EQ(courier_->position().id, 0U);
    note();
    EXPECT_THAT(send(), ElementsAre(1));
}

TEST_F(CourierTest, WhatRetentionTookFromAFailedBatchIsCountedAsDropped) {
    begin(ordered(3));
    store(4);
    ASSERT_THAT(send(), ElementsAre(1, 2, 3));
    fail();
    trimmed_ = 2;
    pass(seconds{1});
    EXPECT_THAT(send(), ElementsAre(3));
    EXPECT_EQ(courier_->counts().dropped, 2U);
    fail();
    trimmed_ = 3;
    pass(seconds{1});
    feed();
    note();
    EXPECT_THAT(send(), ElementsAre(4));
    EXPECT_EQ(courier_->counts().dropped, 3U);
}

TEST_F(CourierTest, ACancelledOneGoesAgainAndIsNoFailure) {
    begin(ordered());
    store();
    ASSERT_THAT(send(), ElementsAre(1));
    courier_->on_sent(last_, {.cancelled = true}, now());
    EXPECT_EQ(courier_->counts().failures, 0U);
    EXPECT_THAT(send(), ElementsAre(1));
    EXPECT_EQ(attempt_, 1U);
}

TEST_F(CourierTest, AnotherLifeGoesOnWithTheFailedBatchAtOnce) {
    begin(ordered(2));
    store(4);
    ASSERT_THAT(send(), ElementsAre(1, 2));
    const std::string name = last_;
    fail(seconds{600});
    const Courier::Note kept = courier_->note(now());

    begin(ordered(2), kept.progress);

    EXPECT_THAT(send(), ElementsAre(1, 2));
    EXPECT_EQ(last_, name);
    EXPECT_EQ(attempt_, 2U);
    succeed();
    note();
    EXPECT_THAT(send(), ElementsAre(3, 4));
}

TEST_F(CourierTest, ReplacingAnUnorderedOneSkipsNothingInFrontOfWhatWasParkedInAnotherLife) {
    Progress progress{{1, 0}};
    progress.failed = {{"d1", {2}, 1, 0}};
    store(3);
    begin(unordered(1), progress);
    courier_->replace(unordered(1), now());
    std::vector<JournalId> sent;
    for (int i = 0; i < 10; ++i) {
        for (const JournalId id : send()) sent.push_back(id);
        succeed();
        note();
    }
    EXPECT_THAT(sent, ::testing::IsSupersetOf({1U, 2U, 3U}));
}

TEST_F(CourierTest, AReadThatFailsIsTriedAgainAfterASecond) {
    begin(ordered());
    store();
    const auto read = courier_->next_read(now());
    ASSERT_TRUE(read);
    courier_->on_read_failed(read->token, now());
    EXPECT_THAT(send(), IsEmpty());
    EXPECT_EQ(*courier_->deadline(now()), steady_ + seconds{1});
    pass(seconds{1});
    EXPECT_THAT(send(), ElementsAre(1));
}

}  // namespace
}  // namespace weft::gateway::delivery
