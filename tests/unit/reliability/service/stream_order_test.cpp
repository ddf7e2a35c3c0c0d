#include "reliability/service/stream_order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/reliability/repair/stream_message.hpp"

namespace weft::reliability {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Seqs = std::vector<std::uint64_t>;

StreamOrder::Item asks(std::uint64_t seq, milliseconds timeout = milliseconds{10'000},
                       std::string_view topic = "org.weft.dev.a") {
    AckRequest request;
    request.level = AckLevel::stored;
    request.timeout = timeout;
    return {message_of(topic, seq), request};
}
StreamOrder::Item plain(std::uint64_t seq) {
    return {message_of("org.weft.dev.a", seq), std::nullopt};
}
bool nothing_stored(const fabric::Message&) {
    return false;
}

class Order {
public:
    explicit Order(OrderLimits limits = {}) : order(limits) {}
    Seqs give(StreamOrder::Item item, const StreamOrder::IsPreceded& preceded = nothing_stored) {
        StreamOrder::Items ready;
        order.on_message(std::move(item), now, preceded, ready);
        return seqs(ready);
    }
    Seqs tick_at(milliseconds later) {
        StreamOrder::Items ready;
        now = later;
        order.tick(now, ready);
        return seqs(ready);
    }
    static Seqs seqs(const StreamOrder::Items& ready) {
        Seqs numbers;
        for (const auto& item : ready) numbers.push_back(item.message.seq());
        return numbers;
    }
    StreamOrder order;
    fabric::Instant now{};
};

TEST(StreamOrder, LetsPassWhatIsInItsPlace) {
    Order order;
    EXPECT_THAT(order.give(asks(1)), ElementsAre(1));
    EXPECT_THAT(order.give(asks(2)), ElementsAre(2));
    EXPECT_EQ(order.order.next_due(), std::nullopt);
}

TEST(StreamOrder, LetsPassStreamsInWhichNobodyAskedForStored) {
    Order order;
    EXPECT_THAT(order.give(plain(7)), ElementsAre(7));
    EXPECT_THAT(order.give(plain(3)), ElementsAre(3));
}

TEST(StreamOrder, HoldsBackWhatIsAheadUntilTheOthersHaveCome) {
    Order order;
    EXPECT_THAT(order.give(asks(1)), ElementsAre(1));
    EXPECT_THAT(order.give(asks(4)), IsEmpty());
    EXPECT_THAT(order.give(asks(3)), IsEmpty());
    EXPECT_THAT(order.give(plain(2)), ElementsAre(2, 3, 4));
    EXPECT_EQ(order.order.holding(), 0U);
    EXPECT_EQ(order.order.next_due(), std::nullopt);
}

TEST(StreamOrder, AsksTheJournalForTheForerunnerOfTheFirstItSees) {
    Order order;
    int asked = 0;
    const auto stored = [&](const fabric::Message& message) {
        ++asked;
        EXPECT_EQ(message.seq(), 500U);
        return true;
    };
    EXPECT_THAT(order.give(asks(500), stored), ElementsAre(500));
    EXPECT_THAT(order.give(asks(501), stored), ElementsAre(501));
    EXPECT_EQ(asked, 1);
}

TEST(StreamOrder, GoesOnWithoutWhatIsMissingAfterHalfOfItsPublishersPatience) {
    Order order;
    EXPECT_THAT(order.give(asks(500, milliseconds{400})), IsEmpty());
    EXPECT_THAT(order.give(asks(502, milliseconds{10'000})), IsEmpty());
    EXPECT_THAT(order.tick_at(milliseconds{199}), IsEmpty());
    EXPECT_THAT(order.tick_at(milliseconds{200}), ElementsAre(500, 502));
    EXPECT_EQ(order.order.stats().given_up, 1U);
    // The stream goes on behind what was let go.
    EXPECT_THAT(order.give(asks(503)), ElementsAre(503));
    // What is late is stored all the same.
    EXPECT_THAT(order.give(asks(501)), ElementsAre(501));
}

TEST(StreamOrder, WaitsNoLongerThanItsLimitHoweverPatientThePublisherIs) {
    Order order({.wait = milliseconds{300}});
    EXPECT_THAT(order.give(asks(9, std::chrono::hours{1})), IsEmpty());
    EXPECT_EQ(order.order.next_due(), fabric::Instant{milliseconds{300}});
    EXPECT_THAT(order.tick_at(milliseconds{300}), ElementsAre(9));
}

TEST(StreamOrder, KeepsTopicsApart) {
    Order order;
    EXPECT_THAT(order.give(asks(5)), IsEmpty());
    EXPECT_THAT(order.give(asks(1, milliseconds{1000}, "org.weft.dev.b")), ElementsAre(1));
    EXPECT_EQ(order.order.holding(), 1U);
}

TEST(StreamOrder, LetsGoTheOldestInOrderWhenTooMuchIsHeld) {
    Order order({.held_max = 3});
    for (const std::uint64_t seq : {12, 11, 13}) EXPECT_THAT(order.give(asks(seq)), IsEmpty());
    EXPECT_THAT(order.give(asks(15)), ElementsAre(11, 12, 13, 15));
    EXPECT_EQ(order.order.stats().no_room, 1U);
}

TEST(StreamOrder, TakesACopyOfWhatItHoldsForNothingNew) {
    Order order;
    EXPECT_THAT(order.give(asks(3)), IsEmpty());
    EXPECT_THAT(order.give(asks(3)), IsEmpty());
    EXPECT_EQ(order.order.holding(), 1U);
}

TEST(StreamOrder, ForgetsIdleStreamsWhenThereAreTooMany) {
    Order order({.streams_max = 4});
    EXPECT_THAT(order.give(asks(5)), IsEmpty());
    for (int i = 0; i < 20; ++i) {
        EXPECT_THAT(order.give(asks(1, milliseconds{1000}, "org.weft.dev.t" + std::to_string(i))),
                    ElementsAre(1));
    }
    EXPECT_GT(order.order.stats().forgotten, 0U);
    EXPECT_EQ(order.order.holding(), 1U);
    StreamOrder::Items ready;
    order.order.finish(ready);
    EXPECT_THAT(Order::seqs(ready), ElementsAre(5));
}

TEST(StreamOrder, FollowsAlsoAStreamThatIsAwaitedInThisProcess) {
    Order order;
    StreamOrder::Item awaited = plain(1);
    awaited.awaited = true;
    EXPECT_THAT(order.give(awaited), ElementsAre(1));
    EXPECT_THAT(order.give(plain(3)), IsEmpty());
    EXPECT_THAT(order.give(plain(2)), ElementsAre(2, 3));
}

TEST(StreamOrder, BearsNumbersAtTheirLimits) {
    Order order;
    EXPECT_THAT(order.give(asks(0)), ElementsAre(0));
    EXPECT_THAT(order.give(asks(UINT64_MAX)), IsEmpty());
    EXPECT_THAT(order.tick_at(milliseconds{60'000}), ElementsAre(UINT64_MAX));
    EXPECT_THAT(order.give(asks(1)), ElementsAre(1));
}

// Whatever the order of arrival: everything comes out once, and in order unless it was let go.
TEST(StreamOrder, GivesEveryMessageOnceAndInOrderHoweverTheyArrive) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        std::mt19937_64 random(seed);
        Seqs numbers(1 + random() % 40);
        for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i + 1;
        std::shuffle(numbers.begin(), numbers.end(), random);
        Order order;
        Seqs out;
        for (const std::uint64_t seq : numbers) {
            for (const std::uint64_t given : order.give(asks(seq))) out.push_back(given);
        }
        Seqs sorted = numbers;
        std::sort(sorted.begin(), sorted.end());
        EXPECT_EQ(out, sorted) << "seed " << seed;
    }
}

}  // namespace
}  // namespace weft::reliability
