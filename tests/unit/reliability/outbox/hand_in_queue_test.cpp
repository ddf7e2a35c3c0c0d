#include "reliability/outbox/hand_in_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AHandInQueue : public ::testing::Test {
protected:
    static HandInQueue::Item item(std::uint64_t place, std::size_t bytes = 100) {
        std::string id(16, '\0');
        for (std::size_t i = 0; i < 8; ++i) id[i] = static_cast<char>(place >> (8 * i));
        return {place, *fabric::MessageId::from_bytes(id), bytes};
    }
    void add(std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t place = from; place <= to; ++place) queue_.add(item(place), now_);
    }
    std::vector<std::uint64_t> next() {
        std::vector<std::uint64_t> places;
        for (const auto& one : queue_.next(now_)) places.push_back(one.place);
        return places;
    }

    Instant now_ = std::chrono::hours{1};
    HandInQueue queue_{{.first = seconds{1}, .factor = 2.0, .longest = seconds{30}, .jitter = 0.25},
                       7};
};

TEST_F(AHandInQueue, GivesWhatIsDueInTheOrderOfTheOutboxHoweverItCame) {
    for (const std::uint64_t place : {5, 2, 9}) queue_.add(item(place), now_);
    queue_.add(item(1), now_ + seconds{2});

    EXPECT_THAT(next(), ElementsAre(2, 5, 9));

    now_ += seconds{2};
    EXPECT_THAT(next(), ElementsAre(1, 2, 5, 9));
}

TEST_F(AHandInQueue, WhatIsNotStoredComesAgainAndWhatIsDoesNot) {
    add(1, 3);
    queue_.stored(queue_.next(now_));
    EXPECT_THAT(next(), IsEmpty());
    EXPECT_EQ(queue_.waiting(), 0u);
    EXPECT_EQ(queue_.next_due(), std::nullopt);

    add(4, 4);
    EXPECT_THAT(next(), ElementsAre(4));
    EXPECT_THAT(next(), ElementsAre(4));
}

TEST_F(AHandInQueue, BatchesAreBoundedInMessagesAndBytesButNeverEmpty) {
    add(1, 1000);
    EXPECT_THAT(next(), SizeIs(HandInQueue::batch_messages_max));

    HandInQueue large({}, 1);
    for (const std::uint64_t place : {1, 2, 3}) {
        large.add(item(place, HandInQueue::batch_bytes_max / 2 + 1), now_);
    }
    large.add(item(4, 5 * HandInQueue::batch_bytes_max), now_);
    for (const std::uint64_t place : {1, 2, 3, 4}) {
        const auto batch = large.next(now_);
        ASSERT_THAT(batch, SizeIs(1));
        EXPECT_EQ(batch.front().place, place);
        large.stored(batch);
    }
}

TEST_F(AHandInQueue, PausesGrowWhileNoJournalAnswersAndEndWithAnAnswer) {
    add(1, 2);
    Instant last{};
    for (int attempt = 0; attempt < 12; ++attempt) {
        queue_.away(now_);
        EXPECT_THAT(next(), IsEmpty());
        const Instant pause = *queue_.next_due() - now_;
        const double expected = std::min(30.0, std::pow(2.0, attempt));
        EXPECT_GE(pause, milliseconds{static_cast<std::int64_t>(expected * 740)});
        EXPECT_LE(pause, milliseconds{static_cast<std::int64_t>(expected * 1260)});
        now_ += pause;
        EXPECT_THAT(next(), ElementsAre(1, 2));
        last = pause;
    }
    EXPECT_GT(last, seconds{20});

    queue_.stored({item(1)});
    queue_.away(now_);
    EXPECT_LE(*queue_.next_due() - now_, milliseconds{1260});
}

TEST_F(AHandInQueue, OneThatIsRefusedForGoodIsFoundByHalvingAndTheOthersGoOn) {
    add(1, 100);
    std::vector<std::uint64_t> stored;
    int questions = 0;
    for (auto batch = queue_.next(now_); !batch.empty(); batch = queue_.next(now_)) {
        ++questions;
        const bool has_37 = std::any_of(batch.begin(), batch.end(),
                                        [](const auto& one) { return one.place == 37; });
        if (has_37) {
            EXPECT_EQ(queue_.refused(batch, now_), batch.size() == 1);
            continue;
        }
        for (const auto& one : batch) stored.push_back(one.place);
        queue_.stored(batch);
    }

    std::vector<std::uint64_t> others(100);
    std::iota(others.begin(), others.end(), 1);
    others.erase(others.begin() + 36);
    EXPECT_EQ(stored, others);
    EXPECT_EQ(queue_.skipped(), 1u);
    EXPECT_LT(questions, 40);
}

TEST_F(AHandInQueue, AfterManyRefusalsInARowThereIsAPause) {
    add(1, 40);
    std::size_t refused = 0;
    for (auto batch = queue_.next(now_); !batch.empty(); batch = queue_.next(now_)) {
        if (queue_.refused(batch, now_)) ++refused;
    }

    EXPECT_EQ(refused, HandInQueue::refused_in_a_row_max);
    EXPECT_EQ(queue_.waiting(), 40 - refused);
    ASSERT_TRUE(queue_.next_due());
    now_ = *queue_.next_due();
    EXPECT_THAT(next(), ElementsAre(refused + 1));
}

TEST_F(AHandInQueue, WhatWasSkippedHasItsTurnAgainWithANewCertificate) {
    add(1, 1);
    ASSERT_TRUE(queue_.refused(queue_.next(now_), now_));
    queue_.add(item(1), now_);
    EXPECT_THAT(next(), IsEmpty());

    queue_.try_skipped_again();

    EXPECT_THAT(next(), ElementsAre(1));
    EXPECT_EQ(queue_.skipped(), 0u);
    queue_.gone(item(1));
    EXPECT_THAT(next(), IsEmpty());
}

}  // namespace
}  // namespace weft::reliability
