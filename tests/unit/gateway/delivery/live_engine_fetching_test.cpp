// Subscriptions without an url: their owner fetches, and says how far it has come.

#include "gateway/delivery/live_engine.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/unit/gateway/delivery/delivery_world.hpp"

namespace weft::gateway::delivery {
namespace {

using support::HttpReceiver;

class LiveEngineFetching : public DeliveryWorld {
protected:
    EngineResult<SubscriptionStatus> confirm(Fetched fetched) {
        return answer_of<SubscriptionStatus>(
            [&](auto done) { engine_->confirm("one", fetched, done); });
    }
};

TEST_F(LiveEngineFetching, NobodyIsCalledAndTheQueueWaits) {
    open();
    ASSERT_TRUE(put(subscription_to("")));
    const auto first = store("a");
    store("b");
    EXPECT_EQ(status().queued, 2U);
    EXPECT_EQ(status().attempts, 0U);
    const auto asked = confirm({});
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->position, first - 1);
    EXPECT_EQ(asked->queued, 0U) << "not counted: it costs a read";
}

TEST_F(LiveEngineFetching, ThePlaceGoesWhereItsOwnerHasComeAndNeverBack) {
    open();
    ASSERT_TRUE(put(subscription_to("")));
    const auto before = status().position;
    const auto first = store("a"), second = store("b");
    EXPECT_EQ(confirm({before, first, 1, 7})->position, first);
    EXPECT_EQ(confirm({before, second, 2, 7})->position, second) << "as an answer that was lost";
    EXPECT_EQ(confirm({second, first, 5, 5})->position, second);
    EXPECT_EQ(status().sent, 1U) << "what was counted from another place is not counted";
    EXPECT_EQ(status().dropped, 7U);
    EXPECT_EQ(status().queued, 0U);
}

TEST_F(LiveEngineFetching, AnotherEngineGoesOnAtThePlace) {
    open();
    ASSERT_TRUE(put(subscription_to("")));
    const auto first = store("a");
    store("b");
    ASSERT_TRUE(confirm({status().position, first, 1, 0}));
    engine_.reset();
    open();
    EXPECT_EQ(status().position, first);
    EXPECT_EQ(status().sent, 1U);
    EXPECT_EQ(status().queued, 1U);
}

TEST_F(LiveEngineFetching, WithAnUrlItIsRefusedAndTheUrlGetsTheRest) {
    HttpReceiver receiver;
    open();
    ASSERT_TRUE(put(subscription_to("")));
    const auto first = store("a");
    store("b");
    ASSERT_TRUE(confirm({status().position, first, 1, 0}));
    ASSERT_TRUE(put(subscription_to(receiver.url())));
    ASSERT_TRUE(receiver.wait_for(1));
    EXPECT_EQ(receiver.requests().front().body, "b");
    const auto refused = confirm({first, first + 1, 1, 0});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, EngineError::Kind::invalid);
}

TEST_F(LiveEngineFetching, WhoIsNotThereIsSaidSo) {
    open();
    const auto none = confirm({});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, EngineError::Kind::not_found);
}

}  // namespace
}  // namespace weft::gateway::delivery
