#include "fabric/node/flush_tracker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace weft::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Nonces are "n1", "n2" and so on.
class FlushTrackerTest : public ::testing::Test {
protected:
    std::shared_ptr<PendingFlush> open(FlushTracker& tracker, std::uint64_t position) {
        auto flush = std::make_shared<PendingFlush>();
        flush->position = position;
        tracker.open(flush);
        return flush;
    }

    int made_ = 0;
    FlushTracker::MakeNonce next_nonce_ = [this] { return "n" + std::to_string(++made_); };
    FlushTracker mesh_{false, next_nonce_};
    FlushTracker relay_{true, next_nonce_};
};

TEST_F(FlushTrackerTest, TheBarrierWaitsUntilEverythingBeforeItWasHandled) {
    const auto flush = open(mesh_, 10);

    EXPECT_THAT(mesh_.due(9, 1), IsEmpty());
    EXPECT_THAT(mesh_.due(10, 1), ElementsAre("n1"));
    EXPECT_FALSE(flush->done);
}

TEST_F(FlushTrackerTest, ABarrierIsSentOnce) {
    open(mesh_, 0);

    EXPECT_THAT(mesh_.due(0, 1), ElementsAre("n1"));
    EXPECT_THAT(mesh_.due(5, 1), IsEmpty());
}

TEST_F(FlushTrackerTest, IsDoneWhenEachPeerHasEchoed) {
    const auto flush = open(mesh_, 0);
    EXPECT_THAT(mesh_.due(0, 3), ElementsAre("n1"));

    EXPECT_FALSE(mesh_.on_echo("n1"));
    EXPECT_FALSE(mesh_.on_echo("n1"));
    EXPECT_FALSE(flush->done);
    EXPECT_TRUE(mesh_.on_echo("n1"));

    EXPECT_TRUE(flush->done);
    EXPECT_EQ(flush->expected, 3u);
    EXPECT_EQ(flush->answered, 3u);
}

TEST_F(FlushTrackerTest, EchoesOfOtherNoncesCountForNothing) {
    const auto flush = open(mesh_, 0);
    EXPECT_THAT(mesh_.due(0, 1), ElementsAre("n1"));

    EXPECT_FALSE(mesh_.on_echo("n2"));
    EXPECT_FALSE(mesh_.on_echo(""));

    EXPECT_EQ(flush->answered, 0u);
    EXPECT_FALSE(flush->done);
}

TEST_F(FlushTrackerTest, TheEmptyNonceOfAFlushThatHasNoBarrierYetIsNoEcho) {
    const auto flush = open(mesh_, 10);

    EXPECT_FALSE(mesh_.on_echo(""));

    EXPECT_EQ(flush->answered, 0u);
}

TEST_F(FlushTrackerTest, WithoutPeersThereIsNothingToWaitForOnceEverythingWasHandled) {
    const auto flush = open(mesh_, 3);

    EXPECT_THAT(mesh_.due(2, 0), IsEmpty());
    EXPECT_FALSE(flush->done);
    EXPECT_THAT(mesh_.due(3, 0), IsEmpty());
    EXPECT_TRUE(flush->done);
    EXPECT_EQ(flush->expected, 0u);
}

TEST_F(FlushTrackerTest, WhereARelayIsNeededNoPeerIsNoSuccess) {
    const auto flush = open(relay_, 0);

    EXPECT_THAT(relay_.due(0, 0), IsEmpty());
    EXPECT_FALSE(flush->done);

    EXPECT_THAT(relay_.due(0, 1), ElementsAre("n1"));
    EXPECT_TRUE(relay_.on_echo("n1"));
    EXPECT_TRUE(flush->done);
    EXPECT_FALSE(flush->peer_lost);
}

TEST_F(FlushTrackerTest, ARelayThatGoesAwayEndsTheFlushAsLost) {
    const auto flush = open(relay_, 0);
    EXPECT_THAT(relay_.due(0, 1), ElementsAre("n1"));

    EXPECT_TRUE(relay_.on_peer_lost());

    EXPECT_TRUE(flush->done);
    EXPECT_TRUE(flush->peer_lost);
    EXPECT_EQ(flush->answered, 0u);
}

TEST_F(FlushTrackerTest, ARelayLostBeforeTheBarrierDoesNotHarm) {
    const auto flush = open(relay_, 5);

    EXPECT_FALSE(relay_.on_peer_lost());

    EXPECT_FALSE(flush->peer_lost);
    EXPECT_THAT(relay_.due(5, 1), ElementsAre("n1"));
}

TEST_F(FlushTrackerTest, WhoAnsweredAndLeftDoesNotStandForWhoHasNotAnswered) {
    const auto flush = open(mesh_, 0);
    EXPECT_THAT(mesh_.due(0, 2), ElementsAre("n1"));
    EXPECT_FALSE(mesh_.on_echo("n1"));  // from one of the two

    EXPECT_FALSE(mesh_.on_peer_lost());  // the same one, or the other: nobody can tell
    EXPECT_FALSE(flush->done);

    EXPECT_THAT(mesh_.due(0, 1), ElementsAre("n2"));
    EXPECT_FALSE(mesh_.on_echo("n1"));
    EXPECT_TRUE(mesh_.on_echo("n2"));
    EXPECT_EQ(flush->expected, 1u);
    EXPECT_EQ(flush->answered, 1u);
}

TEST_F(FlushTrackerTest, WhoCameLateDoesNotStandForWhoHasNotAnswered) {
    const auto flush = open(mesh_, 0);
    EXPECT_THAT(mesh_.due(0, 1), ElementsAre("n1"));

    mesh_.on_peer_joined();  // it may or may not have got the barrier
    EXPECT_FALSE(mesh_.on_echo("n1"));
    EXPECT_FALSE(flush->done);

    EXPECT_THAT(mesh_.due(0, 2), ElementsAre("n2"));
    EXPECT_FALSE(mesh_.on_echo("n2"));
    EXPECT_TRUE(mesh_.on_echo("n2"));
}

TEST_F(FlushTrackerTest, WhenTheLastPeerLeavesNobodyIsLeftToWaitFor) {
    const auto flush = open(mesh_, 0);
    EXPECT_THAT(mesh_.due(0, 1), ElementsAre("n1"));

    mesh_.on_peer_lost();
    EXPECT_THAT(mesh_.due(0, 0), IsEmpty());

    EXPECT_TRUE(flush->done);
}

TEST_F(FlushTrackerTest, FlushesAreIndependent) {
    const auto first = open(mesh_, 1);
    const auto second = open(mesh_, 2);
    EXPECT_THAT(mesh_.due(1, 1), ElementsAre("n1"));
    EXPECT_THAT(mesh_.due(2, 1), ElementsAre("n2"));

    EXPECT_TRUE(mesh_.on_echo("n2"));

    EXPECT_TRUE(second->done);
    EXPECT_FALSE(first->done);
}

TEST_F(FlushTrackerTest, IsIdleWhenEveryFlushIsClosed) {
    EXPECT_TRUE(mesh_.idle());
    const auto flush = open(mesh_, 0);
    EXPECT_FALSE(mesh_.idle());

    mesh_.close(flush);

    EXPECT_TRUE(mesh_.idle());
    EXPECT_THAT(mesh_.due(0, 1), IsEmpty());
}

}  // namespace
}  // namespace weft::fabric
