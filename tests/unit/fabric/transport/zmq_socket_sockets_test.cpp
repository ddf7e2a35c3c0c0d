#include "fabric/transport/zmq_socket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "fabric/transport/port_holder.hpp"

namespace weft::fabric {
namespace {

using ::testing::HasSubstr;

bool readable(const WakeFd& wake) {
    pollfd item{wake.fd(), POLLIN, 0};
    return ::poll(&item, 1, 0) == 1;
}

TEST(WakeFd, StaysAwakeUntilItIsDrained) {
    WakeFd wake;
    EXPECT_FALSE(readable(wake));

    wake.wake();
    wake.wake();
    EXPECT_TRUE(readable(wake));
    wake.drain();

    EXPECT_FALSE(readable(wake));
    wake.drain();  // of nothing: does not block
}

class ZmqSocket : public ::testing::Test {
protected:
    zmq::socket_t socket(zmq::socket_type type) {
        zmq::socket_t made(context_, type);
        configure(made, {});
        made.set(zmq::sockopt::linger, 0);
        return made;
    }
    zmq::context_t context_;
};

TEST_F(ZmqSocket, BindReturnsTheEndpointWithItsRealPort) {
    auto made = socket(zmq::socket_type::xpub);

    const auto bound = bind_named(made, "tcp://127.0.0.1:0");

    ASSERT_TRUE(bound) << bound.error();
    EXPECT_THAT(*bound, HasSubstr("tcp://127.0.0.1:"));
    EXPECT_NE(*bound, "tcp://127.0.0.1:0");
}

TEST_F(ZmqSocket, APortInUseIsNamedWithTheProcessThatHasIt) {
    auto first = socket(zmq::socket_type::xpub);
    auto second = socket(zmq::socket_type::xpub);
    const std::string taken = bind_named(first, "tcp://127.0.0.1:0").value();

    const auto bound = bind_named(second, taken);

    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error(), HasSubstr("cannot bind " + taken));
    EXPECT_THAT(bound.error(),
                HasSubstr("the port is held by pid " + std::to_string(::getpid()) + " ("));
}

TEST_F(ZmqSocket, WhereNobodyIsFoundTheErrorSaysWhatToDo) {
    auto first = socket(zmq::socket_type::xpub);
    auto second = socket(zmq::socket_type::xpub);
    ASSERT_TRUE(bind_named(first, "inproc://taken"));

    const auto bound = bind_named(second, "inproc://taken");

    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error(), HasSubstr("choose another port, or stop what uses it"));
}

TEST_F(ZmqSocket, AMessageIsReadWithAllItsFramesAndTheFirstThreeAreKept) {
    auto sender = socket(zmq::socket_type::pair);
    auto receiver = socket(zmq::socket_type::pair);
    ASSERT_TRUE(bind_named(receiver, "inproc://pair"));
    ASSERT_TRUE(connect_named(sender, "inproc://pair"));
    ZmqFrames frames;
    EXPECT_FALSE(receive_all(receiver, frames));
    for (const char* frame : {"1", "2", "3", "4"}) {
        sender.send(zmq::buffer(frame, 1), zmq::send_flags::sndmore);
    }
    sender.send(zmq::str_buffer("5"), zmq::send_flags::none);
    send_frames(sender, "topic", "contents", "proof");

    ASSERT_TRUE(receive_all(receiver, frames));
    EXPECT_EQ(frames.count, 5u);
    EXPECT_EQ(view(frames.frame[0]), "1");
    EXPECT_EQ(view(frames.frame[2]), "3");
    ASSERT_TRUE(receive_all(receiver, frames));
    EXPECT_EQ(frames.count, 3u);
    EXPECT_EQ(view(frames.frame[2]), "proof");
    EXPECT_FALSE(receive_all(receiver, frames));
}

TEST_F(ZmqSocket, WaitingEndsWithInputAndWithAWakeUp) {
    auto sender = socket(zmq::socket_type::pair);
    auto receiver = socket(zmq::socket_type::pair);
    ASSERT_TRUE(bind_named(receiver, "inproc://pair"));
    ASSERT_TRUE(connect_named(sender, "inproc://pair"));
    WakeFd wake;
    const auto begun = std::chrono::steady_clock::now();
    constexpr std::chrono::seconds patience{10};

    sender.send(zmq::str_buffer("x"), zmq::send_flags::none);
    wait_readable(receiver, wake, patience);
    ZmqFrames frames;
    ASSERT_TRUE(receive_all(receiver, frames));
    wake.wake();
    wait_readable(receiver, wake, patience);

    EXPECT_FALSE(readable(wake));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, patience);
}

// zeromq/libzmq#3937: with heartbeats a SUB with a full queue aborts the process.
TEST_F(ZmqSocket, HeartbeatsStayOffAndLimitsAreSet) {
    auto made = socket(zmq::socket_type::sub);

    EXPECT_EQ(made.get(zmq::sockopt::heartbeat_ivl), 0);
    EXPECT_EQ(made.get(zmq::sockopt::tcp_keepalive), 1);
    EXPECT_EQ(made.get(zmq::sockopt::rcvhwm), ZmqOptions{}.high_water_mark);
    EXPECT_EQ(made.get(zmq::sockopt::maxmsgsize),
              static_cast<std::int64_t>(ZmqOptions{}.frame_bytes_max));
}

}  // namespace
}  // namespace weft::fabric
