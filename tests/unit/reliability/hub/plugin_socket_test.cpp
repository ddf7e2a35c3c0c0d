// Who reads the socket of an isolated plugin, and what its watcher notices.

#include "reliability/hub/plugin_socket.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

namespace weft::reliability::hub {
namespace {

using Got = PluginSocket::Got;

class PluginSocketTest : public ::testing::Test {
protected:
    PluginSocketTest() {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()),
                  0);
        ours = Descriptor(fds[0]);
        theirs = Descriptor(fds[1]);
        EXPECT_TRUE(socket.is_open());
        socket.follow(ours.get());
    }

    [[nodiscard]] bool has_news() const {
        pollfd watched{socket.watch_fd(), POLLIN, 0};
        return ::poll(&watched, 1, 0) == 1;
    }
    void they_say(const std::string& line) const {
        const std::string frame = *frames::encode(frames::Log{1, line});
        EXPECT_EQ(::send(theirs.get(), frame.data(), frame.size(), 0),
                  static_cast<ssize_t>(frame.size()));
    }
    [[nodiscard]] std::string next_line() {
        const auto payload = socket.next();
        if (!payload || !payload->has_value()) return "nothing";
        const auto said = frames::decode_to_hub(**payload);
        const auto* line = said ? std::get_if<frames::Log>(&*said) : nullptr;
        return line == nullptr ? "no line" : std::string{line->line};
    }
    /// What has arrived there.
    [[nodiscard]] std::size_t they_read() const {
        std::array<char, 65'536> bytes;
        std::size_t all = 0;
        for (ssize_t got = 0; (got = ::recv(theirs.get(), bytes.data(), bytes.size(), 0)) > 0;) {
            all += static_cast<std::size_t>(got);
        }
        return all;
    }

    Descriptor ours, theirs;
    PluginSocket socket;
};

TEST_F(PluginSocketTest, GivesWhatComesToTheWatcherWhileNobodyElseReads) {
    EXPECT_FALSE(has_news());
    they_say("hello");

    EXPECT_TRUE(has_news());
    ASSERT_TRUE(socket.watch());
    EXPECT_EQ(socket.read(), Got::something);
    EXPECT_EQ(next_line(), "hello");
    EXPECT_EQ(next_line(), "nothing");
    EXPECT_EQ(socket.read(), Got::nothing);
    socket.watched();
    EXPECT_FALSE(has_news());
}

TEST_F(PluginSocketTest, IsSilentForTheWatcherWhileTheWorkerReads) {
    ASSERT_TRUE(socket.take());
    they_say("one");

    EXPECT_FALSE(has_news());
    EXPECT_FALSE(socket.watch());
    EXPECT_EQ(socket.read(), Got::something);
    EXPECT_EQ(next_line(), "one");

    they_say("two");
    socket.give_back();
    EXPECT_TRUE(has_news());
    EXPECT_TRUE(socket.watch());
}

TEST_F(PluginSocketTest, IsNotTheWorkersWhileTheWatcherReads) {
    they_say("one");
    ASSERT_TRUE(socket.watch());

    EXPECT_FALSE(socket.take());
    socket.watched();
    EXPECT_TRUE(socket.take());
}

TEST_F(PluginSocketTest, HandsAFrameOverBeforeTheOnesBehindIt) {
    ASSERT_TRUE(socket.take());
    they_say("one");
    they_say("two");
    EXPECT_EQ(socket.read(), Got::something);
    auto first = socket.next();
    ASSERT_TRUE(first && first->has_value());

    socket.give_back_with(**std::move(first));

    EXPECT_TRUE(has_news()) << "although nothing more arrives";
    ASSERT_TRUE(socket.watch());
    EXPECT_EQ(next_line(), "one");
    EXPECT_EQ(next_line(), "two");
    EXPECT_EQ(next_line(), "nothing");
}

TEST_F(PluginSocketTest, DoesNotKeepTheWatcherBusyWithAnEndThatTheWorkerHasToNotice) {
    ASSERT_TRUE(socket.take());
    theirs.close();

    static_cast<void>(socket.watch());

    EXPECT_FALSE(has_news());
    EXPECT_EQ(socket.read(), Got::end);
    socket.give_up();
    EXPECT_TRUE(has_news());
    EXPECT_TRUE(socket.is_over());
    EXPECT_FALSE(socket.take());
}

TEST_F(PluginSocketTest, TellsTheWatcherOfAnEndOnceTheWorkerHasGivenBack) {
    ASSERT_TRUE(socket.take());
    theirs.close();
    static_cast<void>(socket.watch());
    socket.give_back();

    EXPECT_TRUE(has_news());
    ASSERT_TRUE(socket.watch());
    EXPECT_EQ(socket.read(), Got::end);
}

TEST_F(PluginSocketTest, SendsLaterWhatTheKernelDoesNotTakeAtOnce) {
    const std::string large(4'000'000, 'x');
    ASSERT_TRUE(socket.take());
    socket.send(large);
    EXPECT_FALSE(has_news()) << "it is full";

    std::size_t arrived = they_read();
    EXPECT_LT(arrived, large.size());
    for (int i = 0; i < 1'000 && has_news(); ++i) {
        EXPECT_FALSE(socket.watch()) << "the worker reads";
        arrived += they_read();
    }
    EXPECT_EQ(arrived, large.size());
    EXPECT_FALSE(has_news());
}

TEST_F(PluginSocketTest, DoesNotReadFromAProcessThatDoesNotRead) {
    const std::string large(PluginSocket::unread_bytes_max + 1'000'000, 'x');
    socket.send(large);
    they_say("one more");

    EXPECT_FALSE(has_news());
    EXPECT_GT(they_read(), 0U);
    bool reads = false;
    for (int i = 0; i < 1'000 && !reads && has_news(); ++i) {
        reads = socket.watch();
        if (!reads) static_cast<void>(they_read());
    }
    EXPECT_TRUE(reads);
    EXPECT_EQ(socket.read(), Got::something);
    EXPECT_EQ(next_line(), "one more");
}

TEST_F(PluginSocketTest, GivesItsLastTurnOnceTheWorkerIsThrough) {
    ASSERT_TRUE(socket.take());
    std::thread worker([&] { socket.give_back(); });

    socket.take_for_good();

    worker.join();
    EXPECT_FALSE(socket.take());
}

}  // namespace
}  // namespace weft::reliability::hub
