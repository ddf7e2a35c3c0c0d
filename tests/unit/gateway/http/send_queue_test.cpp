#include "gateway/http/send_queue.hpp"

#include <gtest/gtest.h>

#include <string>

namespace weft::gateway {
namespace {

using Put = SendQueue::Put;

SendQueue::Item item(std::size_t size) {
    return {std::make_shared<const std::string>(size, 'x'), false};
}

TEST(SendQueue, WakesTheReaderOnceAndAgainOnlyAfterItFoundNothing) {
    SendQueue queue(100);
    EXPECT_EQ(queue.put(item(1)), Put::queued) << "the reader comes by itself the first time";
    EXPECT_EQ(queue.take(10).size(), 1U);
    EXPECT_TRUE(queue.take(10).empty());
    EXPECT_EQ(queue.put(item(1)), Put::wake);
    EXPECT_EQ(queue.put(item(1)), Put::queued);
    EXPECT_EQ(queue.take(1).size(), 1U);
    EXPECT_EQ(queue.put(item(1)), Put::queued);
}

TEST(SendQueue, CountsWhatIsOnItsWayUntilItHasBeenTaken) {
    SendQueue queue(100);
    (void)queue.put(item(60));
    EXPECT_EQ(queue.take(10).size(), 1U);
    EXPECT_EQ(queue.queued(), 60U);
    EXPECT_EQ(queue.put(item(40)), Put::queued);
    queue.taken(60);
    EXPECT_EQ(queue.queued(), 40U);
    EXPECT_EQ(queue.put(item(60)), Put::queued);
}

TEST(SendQueue, ClosesWhenTooMuchWaitsAndLetsEverythingGo) {
    SendQueue queue(100);
    SendQueue::Item first = item(60);
    const SharedBytes bytes = first.bytes;
    (void)queue.put(std::move(first));
    EXPECT_EQ(queue.put(item(41)), Put::overflow);
    EXPECT_TRUE(queue.cut_off());
    EXPECT_EQ(bytes.use_count(), 1);
    EXPECT_EQ(queue.put(item(1)), Put::closed);
    EXPECT_TRUE(queue.take(10).empty());
    EXPECT_FALSE(queue.finished());
}

TEST(SendQueue, TakesOneThatIsLargerThanAllIfNothingElseWaits) {
    SendQueue queue(100);
    EXPECT_EQ(queue.put(item(1000)), Put::queued);
    EXPECT_EQ(queue.put(item(1)), Put::overflow);
}

TEST(SendQueue, IsFinishedOnceItWasEndedAndEverythingTaken) {
    SendQueue queue(100);
    (void)queue.put(item(1));
    EXPECT_FALSE(queue.end()) << "the reader is on its way";
    EXPECT_EQ(queue.put(item(1)), Put::closed);
    EXPECT_FALSE(queue.finished());
    EXPECT_EQ(queue.take(10).size(), 1U);
    EXPECT_TRUE(queue.finished());
    EXPECT_FALSE(queue.cut_off());
}

}  // namespace
}  // namespace weft::gateway
