#include "gateway/delivery/live_engine.hpp"

#include "tests/support/http_receiver.hpp"
#include "tests/unit/gateway/delivery/delivery_world.hpp"

namespace weft::gateway::delivery {
namespace {

using support::HttpReceiver;
using support::ReceivedRequest;
using support::ReceiverDoes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> bodies(const HttpReceiver& receiver) {
    std::vector<std::string> bodies;
    for (const ReceivedRequest& request : receiver.requests()) bodies.push_back(request.body);
    return bodies;
}

class LiveEngineTest : public DeliveryWorld {
protected:
    HttpReceiver receiver_;
};

TEST_F(LiveEngineTest, DeliversWhatIsStoredAfterThePutInOrderAndMovesTheCursor) {
    open();
    store("before");
    ASSERT_TRUE(put(subscription_to(receiver_.url("/hook"))));

    store("a");
    const auto last = store("b");

    ASSERT_TRUE(receiver_.wait_for(2));
    EXPECT_THAT(bodies(receiver_), ElementsAre("a", "b"));
    EXPECT_EQ(receiver_.requests().at(0).line, "POST /hook HTTP/1.1");
    EXPECT_EQ(receiver_.requests().at(0).header("Content-Length"), "1");
    EXPECT_EQ(receiver_.requests().at(0).header("Expect"), "");
    EXPECT_EQ(receiver_.requests().at(0).header("Transfer-Encoding"), "");
    EXPECT_TRUE(eventually([&] {
        const auto cursor = room_.cursors().show("delivery.one");
        return cursor && cursor->position.id == last;
    }));
    EXPECT_EQ(receiver_.connections(), 1U);
    const SubscriptionStatus found = status();
    EXPECT_EQ(found.sent, 2U);
    EXPECT_EQ(found.queued, 0U);
    EXPECT_FALSE(found.oldest_us);
}

TEST_F(LiveEngineTest, ABatchGoesWhenItIsFullAndWhatIsLeftWhenItsTimeoutIsOver) {
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.batching.max = 3;
    subscription.batching.timeout = milliseconds{200};
    ASSERT_TRUE(put(subscription));

    for (const char* body : {"a", "b", "c", "d"}) store(body);

    ASSERT_TRUE(receiver_.wait_for(2));
    EXPECT_THAT(bodies(receiver_), ElementsAre("a\nb\nc", "d"));
}

TEST_F(LiveEngineTest, AFailedBatchGoesAgainUnderItsNameWithTheSameMessages) {
    receiver_.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(request.number < 3 ? 500 : 204, {}, "");
    });
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.batching.max = 2;
    ASSERT_TRUE(put(subscription));

    store("a");
    ASSERT_TRUE(receiver_.wait_for(1));
    for (const char* body : {"b", "c", "d"}) store(body);

    ASSERT_TRUE(receiver_.wait_for(5));
    const auto requests = receiver_.requests();
    EXPECT_THAT(bodies(receiver_), ElementsAre("a", "a", "a", "b\nc", "d"));
    EXPECT_EQ(requests.at(0).header("Delivery"), requests.at(2).header("Delivery"));
    EXPECT_NE(requests.at(0).header("Delivery"), requests.at(3).header("Delivery"));
    EXPECT_EQ(requests.at(2).header("Attempt"), "3");
    ASSERT_TRUE(eventually([&] { return attempts().size() == 5; }));
    EXPECT_EQ(attempts().back().status, 500);
    EXPECT_FALSE(attempts().back().succeeded);
    EXPECT_EQ(status().failures, 2U);
}

TEST_F(LiveEngineTest, AnotherEngineGoesOnAtTheOldestThatIsNotConfirmed) {
    receiver_.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(request.number == 1 ? 200 : 500);
    });
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    for (const char* body : {"a", "b", "c"}) store(body);
    ASSERT_TRUE(receiver_.wait_for(2));
    const auto failed = receiver_.requests().at(1).header("Delivery");

    engine_.reset();
    receiver_.script({});
    const std::size_t before = receiver_.requests().size();
    open();

    ASSERT_TRUE(receiver_.wait_for(before + 2));
    const auto requests = receiver_.requests();
    EXPECT_EQ(requests.at(before).body, "b");
    EXPECT_EQ(requests.at(before).header("Delivery"), failed);
    EXPECT_EQ(requests.at(before + 1).body, "c");
    EXPECT_TRUE(eventually([&] { return status().sent == 3; }));
}

}  // namespace
}  // namespace weft::gateway::delivery
