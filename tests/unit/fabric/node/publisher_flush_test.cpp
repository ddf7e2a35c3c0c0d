// flush(): what it promises, and in which orders of events it must not promise it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <string>
#include <vector>

#include "fabric/message/body.hpp"
#include "tests/unit/fabric/node/node_world.hpp"
#include "tests/unit/fabric/node/scripted_port.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

class PublisherFlush : public ::testing::Test {
protected:
    std::unique_ptr<Publisher> open(PublisherSettings settings) {
        return support::must(
            Publisher::open(scripted_, clock_, std::move(settings), nullptr, nullptr));
    }
    std::future<FlushResult> flush_in_a_thread(Publisher& publisher) {
        return std::async(std::launch::async, [&] { return publisher.flush(patience); });
    }
    static bool is_done(std::future<FlushResult>& flush) {
        return flush.wait_for(milliseconds{0}) == std::future_status::ready;
    }
    void peers(Publisher& publisher, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) line_.join();
        ASSERT_TRUE(eventually([&] { return publisher.stats().peers == count; }));
    }

    WorldClock clock_;
    ScriptedTransport scripted_;
    Line& line_ = *scripted_.line;
};

TEST_F(PublisherFlush, WithoutSubscribersThereIsNothingToWaitFor) {
    const auto publisher = open(bound_at("inproc://a"));
    publisher->publish("a", {{"x", 1}});

    const FlushResult result = publisher->flush(patience);

    EXPECT_TRUE(result.complete);
    EXPECT_EQ(result.peers, 0u);
    EXPECT_EQ(result.sentence, "");
    EXPECT_EQ(line_.barriers(), 0u);
}

TEST_F(PublisherFlush, IsCompleteOnlyAfterEachSubscriberHasEchoed) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 3);
    auto flush = flush_in_a_thread(*publisher);
    const std::string nonce = line_.barrier(0);

    line_.echo(nonce);
    line_.echo(nonce);
    ASSERT_TRUE(line_.wait_until_read());
    EXPECT_FALSE(is_done(flush));
    line_.echo(nonce);

    const FlushResult result = flush.get();
    EXPECT_TRUE(result.complete);
    EXPECT_EQ(result.peers, 3u);
    EXPECT_EQ(result.answered, 3u);
}

TEST_F(PublisherFlush, TheBarrierFollowsEverythingPublishedBefore) {
    const auto publisher = open(through_relay());
    for (int i = 0; i < 300; ++i) publisher->publish("a", {{"i", i}});
    auto flush = flush_in_a_thread(*publisher);

    line_.join();

    const std::string nonce = line_.barrier(0);
    EXPECT_EQ(line_.messages().size(), 2u);  // runs of 256 and 44
    line_.echo(nonce);
    EXPECT_TRUE(flush.get().complete);
}

TEST_F(PublisherFlush, WhoDoesNotAnswerIsCountedInTheSentence) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 2);
    auto flush =
        std::async(std::launch::async, [&] { return publisher->flush(milliseconds{200}); });
    line_.echo(line_.barrier(0));

    const FlushResult result = flush.get();

    EXPECT_FALSE(result.complete);
    EXPECT_EQ(result.peers, 2u);
    EXPECT_LE(result.answered, 1u);
    EXPECT_THAT(result.sentence, HasSubstr("of 2 subscribers did not confirm within 200 ms"));
}

TEST_F(PublisherFlush, EchoesOfAnEarlierFlushDoNotCount) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 1);
    EXPECT_FALSE(publisher->flush(milliseconds{50}).complete);
    const std::string old = line_.barrier(0);
    auto flush = flush_in_a_thread(*publisher);
    const std::string nonce = line_.barrier(1);
    ASSERT_NE(nonce, old);

    line_.echo(old);
    ASSERT_TRUE(line_.wait_until_read());
    EXPECT_FALSE(is_done(flush));
    line_.echo(nonce);

    EXPECT_TRUE(flush.get().complete);
}

TEST_F(PublisherFlush, ASubscriberThatLeavesIsNotWaitedFor) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 2);
    auto flush = flush_in_a_thread(*publisher);
    ASSERT_NE(line_.barrier(0), "");

    line_.leave();
    line_.echo(line_.barrier(1));

    const FlushResult result = flush.get();
    EXPECT_TRUE(result.complete);
    EXPECT_EQ(result.peers, 1u);
}

TEST_F(PublisherFlush, TheEchoOfOneThatLeftDoesNotStandForOneThatIsSilent) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 2);
    auto flush = flush_in_a_thread(*publisher);
    const std::string nonce = line_.barrier(0);

    line_.echo(nonce);
    line_.leave();  // the one that has answered; the other has not
    ASSERT_NE(line_.barrier(1), "");
    ASSERT_TRUE(line_.wait_until_read());
    EXPECT_FALSE(is_done(flush));
    line_.echo(line_.barrier(1));

    EXPECT_TRUE(flush.get().complete);
}

TEST_F(PublisherFlush, TheEchoOfOneThatCameLateDoesNotStandForOneThatIsSilent) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 1);
    auto flush = flush_in_a_thread(*publisher);
    const std::string nonce = line_.barrier(0);

    line_.join();  // and, as libzmq may do it, the barrier reached it too
    line_.echo(nonce);
    const std::string again = line_.barrier(1);
    line_.echo(again);
    ASSERT_TRUE(line_.wait_until_read());
    EXPECT_FALSE(is_done(flush));
    line_.echo(again);

    const FlushResult result = flush.get();
    EXPECT_TRUE(result.complete);
    EXPECT_EQ(result.peers, 2u);
}

TEST_F(PublisherFlush, WhenTheLastSubscriberLeavesNothingIsLeftToConfirm) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 1);
    auto flush = flush_in_a_thread(*publisher);
    ASSERT_NE(line_.barrier(0), "");

    line_.leave();

    EXPECT_TRUE(flush.get().complete);
}

TEST_F(PublisherFlush, ARelayThatCannotBeReachedIsNamed) {
    const auto publisher = open(through_relay());
    publisher->publish("a", {{"x", 1}});

    const FlushResult result = publisher->flush(milliseconds{20});

    EXPECT_FALSE(result.complete);
    EXPECT_EQ(result.peers, 0u);
    EXPECT_THAT(result.sentence, HasSubstr("tcp://127.0.0.1:9940 cannot be reached"));
    EXPECT_THAT(result.sentence, HasSubstr("weft relay"));
    line_.join();  // or closing waits for it
}

TEST_F(PublisherFlush, ARelayThatGoesAwayMeansThatNothingIsKnown) {
    const auto publisher = open(through_relay());
    peers(*publisher, 1);
    auto flush = flush_in_a_thread(*publisher);
    ASSERT_NE(line_.barrier(0), "");

    line_.leave();

    const FlushResult result = flush.get();
    EXPECT_FALSE(result.complete);
    EXPECT_THAT(result.sentence, HasSubstr("went away before it had confirmed"));
}

TEST_F(PublisherFlush, ClosingEndsAFlushThatWaits) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 1);
    auto flush = flush_in_a_thread(*publisher);
    ASSERT_NE(line_.barrier(0), "");

    publisher->close();

    const FlushResult result = flush.get();
    EXPECT_FALSE(result.complete);
    EXPECT_THAT(result.sentence, HasSubstr("closed"));
}

TEST_F(PublisherFlush, SeveralFlushesWaitSideBySide) {
    const auto publisher = open(bound_at("inproc://a"));
    peers(*publisher, 1);
    auto first = flush_in_a_thread(*publisher);
    auto second = flush_in_a_thread(*publisher);
    line_.echo(line_.barrier(1));
    line_.echo(line_.barrier(0));

    EXPECT_TRUE(first.get().complete);
    EXPECT_TRUE(second.get().complete);
}

// The same with real subscribers, one of which is still busy with an earlier message.
TEST(PublisherFlushWithSubscribers, WaitsForTheOneThatIsBusy) {
    WorldClock clock;
    NodeWorld world(clock);
    const auto publisher = world.publisher(world.signing.identity("git"));
    std::latch busy(1), release(1);
    SubscriberHooks hooks;
    hooks.deliver = [&](const Message&) {
        busy.count_down();
        release.wait();
    };
    Received received;
    const auto quick = world.subscriber(received);
    const auto slow = world.subscriber(connected_to({NodeWorld::endpoint}), std::move(hooks));
    ASSERT_TRUE(quick->wait_ready(patience).ready);
    ASSERT_TRUE(slow->wait_ready(patience).ready);
    publisher->publish("a", {{"x", 1}});
    busy.wait();

    const FlushResult early = publisher->flush(milliseconds{50});
    release.count_down();
    const FlushResult late = publisher->flush(patience);

    EXPECT_FALSE(early.complete);
    EXPECT_EQ(early.peers, 2u);
    EXPECT_LE(early.answered, 1u);
    EXPECT_TRUE(late.complete);
    EXPECT_EQ(late.answered, 2u);
    EXPECT_EQ(received.messages().size(), 1u);
}

}  // namespace
}  // namespace weft::fabric
