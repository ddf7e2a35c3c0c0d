#include "fabric/node/outgoing_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "fabric/node/control.hpp"
#include "signing/proof.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Kind;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Reason = OutgoingError::Reason;

/// A batch as the receiver will see it: the items of its bytes.
std::vector<std::string> items_of(const OutgoingBatch& batch) {
    std::vector<std::string> items;
    signing::ItemReader reader({batch.bytes.get(), batch.used});
    while (!reader.at_end()) {
        const auto item = reader.next();
        if (!item) {
            ADD_FAILURE() << "the batch ends within an item";
            break;
        }
        items.emplace_back(item->bytes);
    }
    return items;
}

class OutgoingQueueTest : public ::testing::Test {
protected:
    OutgoingQueueTest() { queue_.set_link_up(true); }

    tl::expected<OutgoingQueue::Claim, OutgoingError> claim(std::string_view topic,
                                                            std::size_t bytes,
                                                            Kind kind = Kind::message) {
        return queue_.claim(topic, kind, bytes, clock_.steady());
    }
    /// Claims, writes, commits; the sequence number, 0 for nobody wants it.
    std::uint64_t put(std::string_view topic, std::string_view content) {
        const auto claimed = claim(topic, content.size());
        EXPECT_TRUE(claimed) << (claimed ? "" : claimed.error().sentence);
        if (!claimed || claimed->slot == nullptr) return 0;
        std::memcpy(claimed->content, content.data(), content.size());
        OutgoingQueue::commit(*claimed);
        return claimed->seq;
    }
    Reason reason_of(std::string_view topic, std::size_t bytes = 1) {
        const auto claimed = claim(topic, bytes);
        EXPECT_FALSE(claimed);
        return claimed ? Reason::stopped : claimed.error().reason;
    }

    ManualClock clock_;
    std::string judgement_;
    std::atomic<int> judged_{0};
    OutgoingQueue queue_{clock_, [this](std::string_view) {
                             ++judged_;
                             return judgement_;
                         }};
};

TEST_F(OutgoingQueueTest, WhatGatheredSinceTheLastLookIsOneBatchInOrder) {
    queue_.on_subscription("", true);
    put("a", "one");
    put("b", "two");
    put("a", "three");

    const auto batch = queue_.take();

    ASSERT_TRUE(batch);
    EXPECT_THAT(items_of(*batch), ElementsAre("one", "two", "three"));
    EXPECT_EQ(batch->count, 3u);
    EXPECT_EQ(batch->slots[1].topic->text, "b");
    EXPECT_EQ(batch->slots[0].topic, batch->slots[2].topic);
    EXPECT_EQ(batch->slots[2].offset, batch->slots[0].item_bytes + batch->slots[1].item_bytes);
    EXPECT_FALSE(queue_.take());
}

TEST_F(OutgoingQueueTest, EachTopicIsNumberedFromOneWithoutHoles) {
    queue_.on_subscription("", true);

    EXPECT_EQ(put("a", "x"), 1u);
    EXPECT_EQ(put("b", "x"), 1u);
    EXPECT_EQ(put("a", "x"), 2u);
}

TEST_F(OutgoingQueueTest, WhatNobodyWantsTakesANumberAndNoRoom) {
    queue_.on_subscription("a", true);

    const auto unwanted = claim("b", 100);

    ASSERT_TRUE(unwanted);
    EXPECT_EQ(unwanted->slot, nullptr);
    EXPECT_FALSE(unwanted->wake_sender);
    OutgoingQueue::commit(*unwanted);
    EXPECT_FALSE(queue_.take());
    EXPECT_EQ(queue_.unwanted(), 1u);
    EXPECT_EQ(queue_.claimed(), 0u);
    queue_.on_subscription("b", true);
    EXPECT_EQ(put("b", "x"), 2u);
}

TEST_F(OutgoingQueueTest, WhileTheLinkIsDownEverythingIsKept) {
    queue_.set_link_up(false);

    EXPECT_EQ(put("a", "x"), 1u);

    EXPECT_EQ(queue_.claimed(), 1u);
    EXPECT_FALSE(queue_.is_wanted("a"));
    queue_.on_subscription("a", true);
    EXPECT_FALSE(queue_.is_wanted("a"));
    queue_.set_link_up(true);
    EXPECT_TRUE(queue_.is_wanted("a"));
}

TEST_F(OutgoingQueueTest, AnInvalidTopicIsRefusedAndShownEscaped) {
    for (const std::string& topic :
         {std::string{}, std::string{".a"}, std::string{"a..b"}, std::string{"a\nb"},
          std::string(256, 'x'), std::string{barrier_prefix} + "x"}) {
        const auto claimed = claim(topic, 1);
        ASSERT_FALSE(claimed) << topic;
        EXPECT_EQ(claimed.error().reason, Reason::invalid_topic);
        EXPECT_EQ(claimed.error().sentence.find('\n'), std::string::npos);
    }
    EXPECT_EQ(judged_, 0);
}

TEST_F(OutgoingQueueTest, ATopicIsJudgedOncePerGeneration) {
    queue_.on_subscription("", true);
    put("a", "x");
    put("b", "x");
    put("a", "x");
    EXPECT_EQ(judged_, 2);

    judgement_ = "no longer";
    put("a", "x");
    queue_.judge_again();

    const auto claimed = claim("a", 1);
    ASSERT_FALSE(claimed);
    EXPECT_EQ(claimed.error().reason, Reason::not_granted);
    EXPECT_EQ(claimed.error().sentence, "no longer");
    judgement_.clear();
    queue_.judge_again();
    EXPECT_EQ(put("a", "x"), 4u);
}

TEST_F(OutgoingQueueTest, ABeaconOnATopicDoesNotOpenItForMessages) {
    judgement_ = "not yours";

    EXPECT_TRUE(claim("a", 1, Kind::beacon));
    EXPECT_TRUE(claim("a", 1, Kind::ack));
    EXPECT_EQ(reason_of("a"), Reason::not_granted);
    EXPECT_TRUE(claim("a", 1, Kind::beacon));
}

TEST_F(OutgoingQueueTest, TheFirstClaimAfterTheSenderWentToSleepWakesIt) {
    queue_.on_subscription("", true);
    EXPECT_TRUE(queue_.about_to_sleep());

    const auto first = claim("a", 1);
    const auto second = claim("a", 1);

    ASSERT_TRUE(first && second);
    EXPECT_TRUE(first->wake_sender);
    EXPECT_FALSE(second->wake_sender);
    EXPECT_FALSE(queue_.about_to_sleep());
}

TEST_F(OutgoingQueueTest, IsFullWithSoManyBytesAndSaysSo) {
    queue_.on_subscription("", true);
    const std::string megabyte(1024 * 1024, 'x');
    const std::size_t fits = OutgoingQueue::bytes_max / (megabyte.size() + 4);
    for (std::size_t i = 0; i < fits; ++i) ASSERT_EQ(put("a", megabyte), i + 1);

    const auto full = claim("a", megabyte.size());

    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().reason, Reason::full);
    EXPECT_THAT(full.error().sentence, HasSubstr("full"));
    EXPECT_EQ(queue_.refused_full(), 1u);
    auto batch = queue_.take();
    EXPECT_EQ(reason_of("a", megabyte.size()), Reason::full);  // taken, but not yet handled
    queue_.recycle(std::move(batch));
    EXPECT_EQ(put("a", megabyte), fits + 1);  // what was refused took no number
}

TEST_F(OutgoingQueueTest, IsFullWithSoManyMessages) {
    queue_.on_subscription("", true);
    for (std::size_t i = 0; i < OutgoingQueue::messages_max; ++i) ASSERT_NE(put("a", "x"), 0u);

    EXPECT_EQ(reason_of("a"), Reason::full);
    std::size_t taken = 0;
    while (auto batch = queue_.take()) {
        EXPECT_LE(batch->count, OutgoingBatch::messages_max);
        taken += batch->count;
        queue_.recycle(std::move(batch));
    }
    EXPECT_EQ(taken, OutgoingQueue::messages_max);
    EXPECT_NE(put("a", "x"), 0u);
}

TEST_F(OutgoingQueueTest, WhileTheLinkIsDownAFullQueueAsksForTheRelay) {
    queue_.set_link_up(false);
    ASSERT_TRUE(claim("a", OutgoingQueue::bytes_max));

    const auto full = claim("a", 1);

    ASSERT_FALSE(full);
    EXPECT_THAT(full.error().sentence, HasSubstr("is the relay running?"));
}

TEST_F(OutgoingQueueTest, OneMessageFitsIntoAnEmptyQueueHoweverLargeItIs) {
    queue_.on_subscription("", true);

    put("a", std::string(OutgoingQueue::bytes_max + 1, 'x'));

    const auto batch = queue_.take();
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->count, 1u);
    EXPECT_EQ(batch->used, OutgoingQueue::bytes_max + 5);
}

TEST_F(OutgoingQueueTest, WaitsForRoomUntilItsDeadlineAndNotLonger) {
    queue_.on_subscription("", true);
    ASSERT_TRUE(claim("a", OutgoingQueue::bytes_max));
    std::atomic<bool> failed{false};
    const Instant deadline = clock_.steady() + milliseconds{20};
    std::jthread waiting([&] {
        const auto late = queue_.claim("a", Kind::message, 1, deadline);
        failed = !late && late.error().reason == Reason::full;
    });

    clock_.advance(milliseconds{20});
    waiting.join();

    EXPECT_TRUE(failed);
    EXPECT_EQ(queue_.refused_full(), 1u);
}

TEST_F(OutgoingQueueTest, RoomThatComesInTimeIsTaken) {
    queue_.on_subscription("", true);
    put("a", std::string(OutgoingQueue::bytes_max, 'x'));
    auto batch = queue_.take();
    std::atomic<bool> got{false};
    std::jthread waiting(
        [&] { got = queue_.claim("a", Kind::message, 1, clock_.steady() + patience).has_value(); });

    queue_.recycle(std::move(batch));
    waiting.join();

    EXPECT_TRUE(got);
    EXPECT_EQ(queue_.refused_full(), 0u);
}

TEST_F(OutgoingQueueTest, StoppingEndsEveryWaitAndEveryClaim) {
    queue_.on_subscription("", true);
    ASSERT_TRUE(claim("a", OutgoingQueue::bytes_max));
    std::atomic<int> stopped{0};
    std::vector<std::jthread> waiting;
    for (int i = 0; i < 3; ++i) {
        waiting.emplace_back([&] {
            const auto late = queue_.claim("a", Kind::message, 1, clock_.steady() + patience);
            if (!late && late.error().reason == Reason::stopped) ++stopped;
        });
    }

    queue_.stop();
    waiting.clear();

    EXPECT_EQ(stopped, 3);
    EXPECT_EQ(reason_of("a"), Reason::stopped);
}

/// "<writer> <counter> <seq> " and then filling up to `bytes`.
std::string line_of(int writer, int counter, std::uint64_t seq, std::size_t bytes) {
    std::string line =
        std::to_string(writer) + " " + std::to_string(counter) + " " + std::to_string(seq) + " ";
    line.resize(std::max(bytes, line.size()), '.');
    return line;
}

/// Checks one batch: shape, limits, sequence per topic, order per writer.
class BatchChecker {
public:
    void check(const OutgoingBatch& batch) {
        ASSERT_GE(batch.count, 1u);
        ASSERT_LE(batch.count, OutgoingBatch::messages_max);
        ASSERT_LE(batch.used, batch.capacity);
        std::size_t offset = 0;
        for (std::size_t i = 0; i < batch.count; ++i) {
            OutgoingQueue::await(batch.slots[i]);
            ASSERT_EQ(batch.slots[i].offset, offset);
            offset += batch.slots[i].item_bytes;
        }
        ASSERT_EQ(offset, batch.used);
        const auto items = items_of(batch);
        ASSERT_EQ(items.size(), batch.count);
        for (std::size_t i = 0; i < batch.count; ++i) {
            check_item(batch.slots[i].topic->text, items[i]);
        }
        messages_ += batch.count;
    }
    std::size_t messages() const { return messages_; }

private:
    void check_item(const std::string& topic, const std::string& item) {
        std::istringstream fields(item.substr(0, 80));
        int writer = 0, counter = 0;
        std::uint64_t seq = 0;
        fields >> writer >> counter >> seq;
        ASSERT_EQ(seq, ++seq_[topic]) << topic;
        const auto [last, first] = counter_.emplace(writer, -1);
        ASSERT_GT(counter, last->second) << "writer " << writer;
        last->second = counter;
    }

    std::map<std::string, std::uint64_t> seq_;
    std::map<int, int> counter_;
    std::size_t messages_ = 0;
};

// Several threads, sizes from nothing to more than a batch, a queue that is full again and again:
// no message is lost, each topic's numbers come in order, and so does what one thread said.
TEST_F(OutgoingQueueTest, KeepsEveryMessageInOrderWhateverTheThreadsDo) {
    queue_.on_subscription("", true);
    constexpr int writers = 4, each = 500;
    std::atomic<int> running{writers};
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&, writer] {
            std::mt19937 random(static_cast<unsigned>(writer) + 1);
            for (int i = 0; i < each; ++i) {
                const std::string topic = "t" + std::to_string(random() % 3);
                const std::size_t bytes =
                    random() % 50 == 0 ? 1024 * 1024 + random() % 100'000 : 60 + random() % 200;
                const auto claimed =
                    queue_.claim(topic, Kind::message, bytes, clock_.steady() + patience);
                ASSERT_TRUE(claimed);
                const std::string line = line_of(writer, i, claimed->seq, bytes);
                std::memcpy(claimed->content, line.data(), bytes);
                OutgoingQueue::commit(*claimed);
            }
            --running;
        });
    }

    BatchChecker checker;
    while (true) {
        const bool last_look = running == 0;
        if (auto batch = queue_.take()) {
            ASSERT_NO_FATAL_FAILURE(checker.check(*batch));
            queue_.recycle(std::move(batch));
        } else if (last_look) {
            break;
        } else {
            std::this_thread::yield();
        }
    }

    EXPECT_EQ(checker.messages(), std::size_t{writers} * each);
    EXPECT_EQ(queue_.claimed(), std::uint64_t{writers} * each);
    EXPECT_TRUE(queue_.about_to_sleep());
}

}  // namespace
}  // namespace weft::fabric
