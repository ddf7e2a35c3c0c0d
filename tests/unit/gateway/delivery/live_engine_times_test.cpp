// How long deliveries take, as figures.

#include "gateway/delivery/live_engine.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/unit/gateway/delivery/delivery_world.hpp"

namespace weft::gateway::delivery {
namespace {

using support::HttpReceiver;
using support::ReceivedRequest;
using support::ReceiverDoes;

class LiveEngineTimes : public DeliveryWorld {};

TEST_F(LiveEngineTimes, AreCountedFromWhenABatchWasStored) {
    HttpReceiver receiver;
    receiver.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(request.number < 3 ? 500 : 204, {}, "");
    });
    open();
    ASSERT_TRUE(put(subscription_to(receiver.url())));
    ASSERT_TRUE(answer_of<void>([&](auto done) {
        engine_->set_state("one", Subscription::State::paused, "by hand", done);
    }));
    store("a");
    clock_.advance(std::chrono::seconds{3});
    ASSERT_TRUE(answer_of<void>(
        [&](auto done) { engine_->set_state("one", Subscription::State::active, "", done); }));
    ASSERT_TRUE(eventually([&] { return status().sent == 1; }));
    const SubscriptionStatus found = status();
    EXPECT_EQ(found.failures, 2U);
    EXPECT_EQ(found.times.batches, 1U) << "however often it was tried";
    EXPECT_GE(found.times.until_first_ms, 3000U);
    EXPECT_GE(found.times.until_last_ms, found.times.until_first_ms);
    EXPECT_GE(found.times.succeeded.ms2, found.times.succeeded.ms);
    EXPECT_GE(found.times.failed.ms2, found.times.failed.ms);
}

}  // namespace
}  // namespace weft::gateway::delivery
