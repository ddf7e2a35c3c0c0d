#include "gateway/http/frame_outlet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

namespace weft::gateway {
namespace {

using ::testing::ElementsAre;
using Flushed = FrameOutlet::Flushed;

class FrameOutlets : public ::testing::Test {
protected:
    FrameOutlets() {
        int ends[2] = {-1, -1};
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) throw std::runtime_error("no pair");
        ours_ = ends[0];
        theirs_ = ends[1];
        outlet_.open(ours_);
        EXPECT_EQ(outlet_.flush(), Flushed::all);  // The one that is awake at first.
    }
    ~FrameOutlets() override {
        outlet_.close();
        ::close(ours_);
        if (theirs_ >= 0) ::close(theirs_);
    }
    SendQueue::Item text(std::string bytes) {
        const std::string name = bytes.substr(0, 5);
        return {std::make_shared<const std::string>(std::move(bytes)), true,
                SendQueue::Sent([this, name](bool all_taken) {
                    told_.push_back(name + (all_taken ? " sent" : " lost"));
                })};
    }
    std::string read(std::size_t most) const {
        std::string bytes(most, '\0');
        const ssize_t got = ::recv(theirs_, bytes.data(), most, MSG_DONTWAIT);
        bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return bytes;
    }

    FrameOutlet outlet_{std::size_t{64} << 20U};
    int ours_ = -1, theirs_ = -1;
    std::vector<std::string> told_;
};

TEST_F(FrameOutlets, WriteAllThatWaitsInItsOrderAndTellOfEach) {
    EXPECT_EQ(outlet_.queue.put(text("a")), SendQueue::Put::wake);
    EXPECT_EQ(outlet_.queue.put(text("bb")), SendQueue::Put::queued);
    EXPECT_EQ(outlet_.queue.put({std::make_shared<const std::string>("p"), false, {}, 10}),
              SendQueue::Put::queued);
    EXPECT_EQ(outlet_.flush(), Flushed::all);
    EXPECT_EQ(read(100),
              "\x81\x01"
              "a\x81\x02"
              "bb\x8A\x01p");
    EXPECT_THAT(told_, ElementsAre("a sent", "bb sent"));
    EXPECT_EQ(outlet_.queue.queued(), 0U);
    EXPECT_EQ(outlet_.queue.put(text("c")), SendQueue::Put::wake) << "nobody is awake any more";
}

TEST_F(FrameOutlets, LeaveWhatTheSocketDoesNotTakeToTheIoThread) {
    (void)outlet_.queue.put(text("small"));
    (void)outlet_.queue.put(text(std::string(8U << 20U, 'x')));
    (void)outlet_.queue.put(text("after"));
    EXPECT_EQ(outlet_.flush(), Flushed::blocked);
    EXPECT_THAT(told_, ElementsAre("small sent"));
    EXPECT_EQ(outlet_.queue.put(text("later")), SendQueue::Put::queued) << "somebody is awake";
    std::string all;
    for (Flushed flushed = Flushed::blocked; flushed != Flushed::all; flushed = outlet_.flush()) {
        ASSERT_NE(flushed, Flushed::failed);
        for (std::string piece = read(1U << 20U); !piece.empty(); piece = read(1U << 20U)) {
            all += piece;
        }
    }
    for (std::string piece = read(1U << 20U); !piece.empty(); piece = read(1U << 20U)) all += piece;
    EXPECT_THAT(told_, ElementsAre("small sent", "xxxxx sent", "after sent", "later sent"));
    EXPECT_EQ(all.size(), 7U + 10U + (8U << 20U) + 7U + 7U);
    EXPECT_TRUE(
        all.ends_with("\x81\x05"
                      "after\x81\x05later"));
}

TEST_F(FrameOutlets, WriteNothingThatSomebodyAnswersForToAClientThatHasLeft) {
    ::close(std::exchange(theirs_, -1));
    (void)outlet_.queue.put(text("a"));
    EXPECT_EQ(outlet_.flush(), Flushed::failed);
    EXPECT_THAT(told_, ElementsAre("a lost"));
}

TEST_F(FrameOutlets, TouchTheSocketNoMoreOnceTheyAreClosed) {
    (void)outlet_.queue.put(text("a"));
    ASSERT_TRUE(outlet_.load());
    outlet_.close();
    EXPECT_FALSE(outlet_.is_direct());
    EXPECT_EQ(outlet_.flush(), Flushed::failed);
    EXPECT_THAT(told_, ElementsAre("a lost"));
    EXPECT_EQ(read(10), "");
}

TEST_F(FrameOutlets, KeepFramesOfManyThreadsWhole) {
    constexpr int threads = 4, each = 500;
    std::vector<std::thread> senders;
    for (int i = 0; i < threads; ++i) {
        senders.emplace_back([&, i] {
            for (int n = 0; n < each; ++n) {
                SendQueue::Item item{
                    std::make_shared<const std::string>(static_cast<std::size_t>(1 + n % 100),
                                                        static_cast<char>('a' + i)),
                    true};
                if (outlet_.queue.put(std::move(item)) != SendQueue::Put::wake) continue;
                while (outlet_.flush() == Flushed::blocked) std::this_thread::yield();
            }
        });
    }
    std::string bytes;
    int frames = 0;
    while (frames < threads * each) {
        bytes += read(1U << 16U);
        for (std::size_t size = 0; bytes.size() >= 2; ++frames) {
            size = static_cast<unsigned char>(bytes[1]);
            if (bytes.size() < 2 + size) break;
            ASSERT_EQ(bytes[0], '\x81');
            ASSERT_EQ(bytes.substr(2, size), std::string(size, bytes[2]));
            bytes.erase(0, 2 + size);
        }
    }
    for (std::thread& sender : senders) sender.join();
    EXPECT_EQ(outlet_.queue.queued(), 0U);
}

}  // namespace
}  // namespace weft::gateway
