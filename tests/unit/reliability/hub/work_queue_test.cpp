#include "reliability/hub/work_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "tests/unit/fabric/message/sample_message.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using fabric::Instant;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Queue : public ::testing::TestWithParam<bool> {
protected:
    Work work(std::uint64_t number, std::uint64_t key, Instant lease_until = 1h) {
        return {number, key, 1, lease_until, now_, message_};
    }
    void add(std::uint64_t number, std::uint64_t key) {
        EXPECT_TRUE(queue_.add(work(number, key)));
    }
    /// 0: there is nothing to take.
    std::uint64_t take() {
        const auto taken = queue_.take(now_);
        return taken ? taken->number : 0;
    }
    static void expect_nothing_left(const WorkQueue& queue) {
        EXPECT_EQ(queue.waiting(), 0U);
        EXPECT_EQ(queue.in_hand(), 0U);
        EXPECT_FALSE(queue.next_due());
        EXPECT_FALSE(queue.oldest_waiting());
        EXPECT_FALSE(queue.oldest_in_hand());
    }

    Instant now_ = 10s;
    fabric::Message message_ = fabric::received("text/plain", "x");
    WorkQueue queue_{true};
};

TEST_F(Queue, TheLowestNumberIsTakenFirst) {
    for (const std::uint64_t number : {5, 2, 9}) add(number, number);
    EXPECT_EQ(take(), 2U);
    add(1, 1);
    EXPECT_EQ(take(), 1U);
    EXPECT_EQ(take(), 5U);
    EXPECT_EQ(take(), 9U);
    EXPECT_EQ(take(), 0U);
    EXPECT_EQ(queue_.in_hand(), 4U);
}

TEST_F(Queue, OneOfAKeyIsInHandAtATimeAndTheOthersFollowInTheirOrder) {
    add(1, 7);
    add(3, 7);
    add(2, 7);
    add(4, 8);
    EXPECT_EQ(take(), 1U);
    EXPECT_EQ(take(), 4U);
    EXPECT_EQ(take(), 0U);
    queue_.done(1);
    EXPECT_EQ(take(), 2U);
    queue_.done(2);
    queue_.done(4);
    EXPECT_EQ(take(), 3U);
    queue_.done(3);
    expect_nothing_left(queue_);
}

TEST_F(Queue, WithoutOrderTheMessagesOfAKeyAreTakenTogether) {
    WorkQueue queue(false);
    for (const std::uint64_t number : {2, 1, 3}) EXPECT_TRUE(queue.add(work(number, 7)));
    EXPECT_EQ(queue.take(now_)->number, 1U);
    EXPECT_EQ(queue.take(now_)->number, 2U);
    auto third = queue.take(now_);
    queue.again(std::move(*third), now_ + 1s);
    EXPECT_TRUE(queue.add(work(4, 7)));
    EXPECT_EQ(queue.take(now_)->number, 4U) << "one that waits holds back nobody else";
    EXPECT_EQ(queue.drop_key(7), 0U);
    EXPECT_EQ(queue.take(now_ + 1s)->number, 3U);
}

TEST_F(Queue, OneThatWaitsForItsTimeHoldsBackItsKeyOnly) {
    for (const std::uint64_t number : {1, 2}) add(number, 7);
    add(3, 8);
    auto first = queue_.take(now_);
    first->attempt = 2;
    queue_.again(std::move(*first), now_ + 5s);
    EXPECT_EQ(queue_.next_due(), now_ + 5s);
    EXPECT_EQ(take(), 3U);
    EXPECT_EQ(take(), 0U);
    now_ += 5s;
    const auto again = queue_.take(now_);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->number, 1U);
    EXPECT_EQ(again->attempt, 2U);
    EXPECT_FALSE(queue_.next_due());
    EXPECT_EQ(take(), 0U);
    queue_.done(1);
    EXPECT_EQ(take(), 2U);
}

TEST_F(Queue, WhatWaitsOfADroppedKeyLeavesAndWhatIsInHandStays) {
    for (const std::uint64_t number : {1, 2, 3}) add(number, 7);
    add(4, 8);
    EXPECT_EQ(take(), 1U);
    EXPECT_EQ(queue_.drop_key(7), 2U);
    EXPECT_TRUE(queue_.in_hand(1));
    EXPECT_FALSE(queue_.has(2));
    EXPECT_EQ(queue_.waiting(), 1U);
    add(2, 7);
    EXPECT_EQ(take(), 4U);
    EXPECT_EQ(take(), 0U) << "its key is in hand";
    queue_.done(1);
    EXPECT_EQ(take(), 2U);
    EXPECT_EQ(queue_.drop_key(99), 0U);
}

TEST_F(Queue, ADroppedKeyWaitsForNoTimeAnyMore) {
    add(1, 7);
    queue_.again(std::move(*queue_.take(now_)), now_ + 5s);
    EXPECT_EQ(queue_.drop_key(7), 1U);
    expect_nothing_left(queue_);
    add(2, 7);
    EXPECT_EQ(take(), 2U);
}

TEST_F(Queue, DroppingWhatWaitsLeavesWhatIsInHand) {
    for (const std::uint64_t number : {1, 2}) add(number, 7);
    for (const std::uint64_t number : {3, 4}) add(number, 8);
    EXPECT_EQ(take(), 1U);
    queue_.again(std::move(*queue_.take(now_)), now_ + 5s);
    EXPECT_EQ(queue_.drop_waiting(), 3U);
    EXPECT_TRUE(queue_.in_hand(1));
    EXPECT_EQ(queue_.waiting(), 0U);
    EXPECT_FALSE(queue_.next_due());
    add(2, 7);
    EXPECT_EQ(take(), 0U);
    queue_.done(1);
    EXPECT_EQ(take(), 2U);
}

TEST_F(Queue, ANumberThatIsHereAlreadyOnlyTakesOverTheLease) {
    EXPECT_TRUE(queue_.add(work(1, 7, 20s)));
    EXPECT_TRUE(queue_.add(work(2, 8, 20s)));
    EXPECT_EQ(take(), 1U);
    Work repeated = work(1, 7, 60s);
    repeated.attempt = 9;
    EXPECT_FALSE(queue_.add(repeated));
    EXPECT_FALSE(queue_.add(work(2, 8, 61s)));
    EXPECT_EQ(queue_.waiting(), 1U);
    EXPECT_EQ(queue_.in_hand(), 1U);
    EXPECT_THAT(queue_.leases_before(60s, 0s), IsEmpty());
    EXPECT_THAT(queue_.leases_before(61s, 0s), ElementsAre(1));
    EXPECT_EQ(queue_.take(now_)->lease_until, 61s);
}

TEST_F(Queue, LeasesThatEndAreNamedButOfWhatIsStuck) {
    EXPECT_TRUE(queue_.add(work(1, 1, 20s)));
    EXPECT_TRUE(queue_.add(work(2, 2, 20s)));
    EXPECT_TRUE(queue_.add(work(3, 3, 30s)));
    EXPECT_TRUE(queue_.add(work(4, 4, 20s)));
    EXPECT_EQ(take(), 1U);
    now_ = 15s;
    EXPECT_EQ(take(), 2U);
    EXPECT_THAT(queue_.leases_before(21s, Instant::min()), ElementsAre(1, 2, 4));
    EXPECT_THAT(queue_.leases_before(31s, 11s), ElementsAre(2, 3, 4));
    EXPECT_THAT(queue_.leases_before(20s, 0s), IsEmpty());
    queue_.set_lease(2, 40s);
    queue_.set_lease(4, 40s);
    queue_.set_lease(99, 40s);
    EXPECT_THAT(queue_.leases_before(35s, 0s), ElementsAre(1, 3));
}

TEST_F(Queue, ItKnowsSinceWhenTheOldestWaitsAndIsInHand) {
    add(1, 7);
    now_ = 11s;
    add(2, 7);
    now_ = 12s;
    add(3, 8);
    EXPECT_EQ(queue_.oldest_waiting(), Instant{10s});
    now_ = 13s;
    EXPECT_EQ(take(), 1U);
    EXPECT_EQ(queue_.oldest_in_hand(), Instant{13s});
    EXPECT_EQ(queue_.oldest_waiting(), Instant{11s}) << "also behind one that is in hand";
    now_ = 14s;
    EXPECT_EQ(take(), 3U);
    EXPECT_EQ(queue_.oldest_in_hand(), Instant{13s});
    queue_.done(1);
    EXPECT_EQ(queue_.oldest_in_hand(), Instant{14s});
}

TEST_F(Queue, WhatIsNotInHandCannotBeThroughOrComeAgain) {
    add(1, 7);
    queue_.done(1);
    queue_.again(work(1, 7), now_ + 5s);
    queue_.done(2);
    queue_.again(work(2, 7), now_ + 5s);
    EXPECT_EQ(queue_.waiting(), 1U);
    EXPECT_EQ(take(), 1U);
}

TEST_F(Queue, AKeyIsOfATopicAndAPublisher) {
    EXPECT_EQ(key_of("a.b", "git"), key_of("a.b", "git"));
    EXPECT_NE(key_of("a.b", "git"), key_of("a.c", "git"));
    EXPECT_NE(key_of("a.b", "git"), key_of("a.b", "wiki"));
    EXPECT_NE(key_of("a.b", ""), key_of("", "a.b"));
}

/// The same by looking at everything, each time.
class Naive {
public:
    explicit Naive(bool ordered) : ordered_(ordered) {}
    struct Item {
        std::uint64_t key;
        Instant lease, since, taken{};
        bool in_hand = false;
    };
    bool add(std::uint64_t number, std::uint64_t key, Instant lease, Instant now) {
        const auto [at, fresh] = items.try_emplace(number, Item{key, lease, now});
        if (!fresh) at->second.lease = lease;
        return fresh;
    }
    std::uint64_t take(Instant now) {
        for (auto& [number, item] : items) {
            if (item.in_hand || held_back(number, item, now)) continue;
            item.in_hand = true;
            item.taken = now;
            not_before.erase(lane(number, item));
            return number;
        }
        return 0;
    }
    void done(std::uint64_t number) {
        const auto at = items.find(number);
        if (at != items.end() && at->second.in_hand) items.erase(at);
    }
    void again(std::uint64_t number, Instant due) {
        Item& item = items.at(number);
        item.in_hand = false;
        not_before[lane(number, item)] = due;
    }
    template <class Which>
    std::size_t drop(Which which) {
        std::size_t dropped = 0;
        for (auto at = items.begin(); at != items.end();) {
            if (!at->second.in_hand && which(at->second)) {
                not_before.erase(lane(at->first, at->second));
                at = items.erase(at);
                ++dropped;
            } else {
                ++at;
            }
        }
        return dropped;
    }
    std::size_t drop_key(std::uint64_t key) {
        return ordered_ ? drop([&](const Item& item) { return item.key == key; }) : 0;
    }
    std::vector<std::uint64_t> leases_before(Instant until, Instant stuck) const {
        std::vector<std::uint64_t> numbers;
        for (const auto& [number, item] : items) {
            if (item.lease < until && (!item.in_hand || item.taken >= stuck)) {
                numbers.push_back(number);
            }
        }
        return numbers;
    }
    std::optional<Instant> oldest(bool in_hand) const {
        std::optional<Instant> oldest;
        for (const auto& [number, item] : items) {
            if (item.in_hand != in_hand) continue;
            const Instant since = in_hand ? item.taken : item.since;
            if (!oldest || since < *oldest) oldest = since;
        }
        return oldest;
    }

    std::map<std::uint64_t, Item> items;

private:
    [[nodiscard]] std::uint64_t lane(std::uint64_t number, const Item& item) const {
        return ordered_ ? item.key : number;
    }
    bool held_back(std::uint64_t number, const Item& item, Instant now) const {
        if (ordered_) {
            for (const auto& [other, its] : items) {
                if (its.key == item.key && its.in_hand) return true;
            }
        }
        const auto at = not_before.find(lane(number, item));
        return at != not_before.end() && at->second > now;
    }
    bool ordered_;
    std::map<std::uint64_t, Instant> not_before;  // by lane
};

TEST_P(Queue, DoesWhatANaiveOneDoesWhateverHappens) {
    for (unsigned seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const auto some = [&](std::uint64_t max) { return 1 + random() % max; };
        WorkQueue queue(GetParam());
        Naive naive(GetParam());
        std::map<std::uint64_t, Work> in_hand;
        const auto one_in_hand = [&] {
            return std::next(in_hand.begin(), static_cast<long>(random() % in_hand.size()));
        };
        now_ = 10s;
        for (int step = 0; step < 1500; ++step) {
            now_ += std::chrono::milliseconds{random() % 50};
            const auto what = random() % 100;
            if (what < 35) {
                Work added = work(some(200), 0, now_ + std::chrono::seconds{some(100)});
                added.key = added.number % 7;
                const auto number = added.number;
                const auto key = added.key;
                const auto lease = added.lease_until;
                ASSERT_EQ(queue.add(std::move(added)), naive.add(number, key, lease, now_));
            } else if (what < 65) {
                auto taken = queue.take(now_);
                ASSERT_EQ(taken ? taken->number : 0, naive.take(now_));
                if (taken) in_hand.insert_or_assign(taken->number, *taken);
            } else if (what < 80 && !in_hand.empty()) {
                const auto number = one_in_hand()->first;
                in_hand.erase(number);
                queue.done(number);
                naive.done(number);
            } else if (what < 92 && !in_hand.empty()) {
                auto node = in_hand.extract(one_in_hand());
                const Instant due = now_ + std::chrono::milliseconds{random() % 500};
                naive.again(node.key(), due);
                queue.again(std::move(node.mapped()), due);
            } else if (what < 96) {
                const std::uint64_t key = random() % 7;
                ASSERT_EQ(queue.drop_key(key), naive.drop_key(key));
            } else if (what == 97) {
                ASSERT_EQ(queue.drop_waiting(), naive.drop([](const auto&) { return true; }));
            }
            ASSERT_EQ(queue.in_hand(), in_hand.size());
            ASSERT_EQ(queue.waiting(), naive.items.size() - in_hand.size());
            ASSERT_EQ(queue.oldest_waiting(), naive.oldest(false));
            ASSERT_EQ(queue.oldest_in_hand(), naive.oldest(true));
            const Instant until = now_ + 30s, stuck = now_ - 500ms;
            ASSERT_EQ(queue.leases_before(until, stuck), naive.leases_before(until, stuck));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(OrderedAndNot, Queue, ::testing::Bool(), [](const auto& instance) {
    return instance.param ? "Ordered" : "Unordered";
});

}  // namespace
}  // namespace weft::reliability::hub
