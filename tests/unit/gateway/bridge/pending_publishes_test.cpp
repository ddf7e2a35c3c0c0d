#include "gateway/bridge/pending_publishes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

using fabric::Instant;
using fabric::MessageId;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Pending {
public:
    explicit Pending(const PendingLimits& limits) : all(limits) {}
    MessageId open(const std::string& name, Instant now, std::size_t bytes = 1) {
        EXPECT_TRUE(all.hold(bytes));
        auto sealed = std::make_shared<SealedBytes>();
        sealed->topic = name;
        sealed->content.assign(bytes, 'x');
        const MessageId id = MessageId::make(1);
        all.open(id, std::move(sealed), name, now);
        return id;
    }
    void tick(Instant now) {
        std::vector<std::shared_ptr<const SealedBytes>> sealed;
        std::vector<PendingPublishes<std::string>::Ended> ended;
        all.tick(now, sealed, ended);
        again.clear();
        expired.clear();
        for (const auto& one : sealed) again.push_back(one->topic);
        for (const auto& one : ended) expired.push_back(one.done);
    }

    PendingPublishes<std::string> all;
    std::vector<std::string> again, expired;
};

PendingLimits limits() {
    PendingLimits limits;
    limits.publishes = 3;
    limits.bytes = 100;
    limits.timeout = milliseconds{100};
    limits.send_again = milliseconds{40};
    return limits;
}

TEST(PendingPublishes, EndOnce) {
    Pending pending(limits());
    const MessageId id = pending.open("one", milliseconds{0});
    EXPECT_TRUE(pending.all.contains(id));
    EXPECT_EQ(pending.all.take(id), "one");
    EXPECT_FALSE(pending.all.take(id));
    pending.tick(milliseconds{1000});
    EXPECT_THAT(pending.expired, IsEmpty());
    EXPECT_FALSE(pending.all.next_due());
}

TEST(PendingPublishes, AreSentAgainUntilTheirDeadline) {
    Pending pending(limits());
    pending.open("one", milliseconds{0});
    EXPECT_EQ(pending.all.next_due(), milliseconds{40});
    pending.tick(milliseconds{39});
    EXPECT_THAT(pending.again, IsEmpty());
    pending.tick(milliseconds{40});
    EXPECT_THAT(pending.again, ElementsAre("one"));
    pending.tick(milliseconds{80});
    EXPECT_THAT(pending.again, ElementsAre("one"));
    pending.tick(milliseconds{99});
    EXPECT_THAT(pending.again, IsEmpty());
    pending.tick(milliseconds{100});
    EXPECT_THAT(pending.expired, ElementsAre("one"));
    EXPECT_EQ(pending.all.size(), 0U);
}

TEST(PendingPublishes, AreBoundedInNumberAndBytes) {
    Pending pending(limits());
    const MessageId large = pending.open("large", milliseconds{0}, 99);
    EXPECT_FALSE(pending.all.hold(2));
    ASSERT_TRUE(pending.all.hold(1));
    pending.all.release(1);
    pending.open("two", milliseconds{0});
    EXPECT_TRUE(pending.all.take(large));
    pending.open("three", milliseconds{0});
    pending.open("four", milliseconds{0});
    EXPECT_FALSE(pending.all.hold(0));
    EXPECT_EQ(pending.all.take_all().size(), 3U);
    // One may be larger than all together may be, so that it finds its turn.
    EXPECT_TRUE(pending.all.hold(1000));
}

TEST(PendingPublishes, OneThatTakesItsTimeDoesNotLetTheOthersPileUp) {
    Pending pending(limits());
    pending.open("slow", milliseconds{0});
    for (int i = 0; i < 100'000; ++i) {
        EXPECT_TRUE(pending.all.take(pending.open("fast", milliseconds{1})));
    }
    EXPECT_EQ(pending.all.next_due(), milliseconds{40});
    pending.tick(milliseconds{100});
    EXPECT_THAT(pending.expired, ElementsAre("slow"));
    EXPECT_FALSE(pending.all.next_due());
}

}  // namespace
}  // namespace weft::gateway
