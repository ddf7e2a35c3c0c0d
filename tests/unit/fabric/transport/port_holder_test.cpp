#include "fabric/transport/port_holder.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace weft::fabric {
namespace {

/// A socket on a port of 127.0.0.1, listening or not.
class BoundSocket {
public:
    explicit BoundSocket(bool listening) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(fd_, any, length), 0);
        EXPECT_EQ(::getsockname(fd_, any, &length), 0);
        port_ = ntohs(address.sin_port);
        if (listening) {
            EXPECT_EQ(::listen(fd_, 1), 0);
        }
    }
    ~BoundSocket() { ::close(fd_); }
    BoundSocket(const BoundSocket&) = delete;
    BoundSocket& operator=(const BoundSocket&) = delete;
    std::string endpoint(const std::string& host) const {
        return "tcp://" + host + ":" + std::to_string(port_);
    }

private:
    int fd_;
    std::uint16_t port_ = 0;
};

TEST(PortHolder, NamesTheProcessThatListens) {
    const BoundSocket socket(true);
    std::ifstream comm("/proc/self/comm");
    std::string name;
    std::getline(comm, name);
    const std::string expected = "pid " + std::to_string(::getpid()) + " (" + name + ")";

    EXPECT_EQ(port_holder(socket.endpoint("127.0.0.1")), expected);
    EXPECT_EQ(port_holder(socket.endpoint("*")), expected);
    EXPECT_EQ(port_holder(socket.endpoint("[::1]")), expected);
}

TEST(PortHolder, WhoDoesNotListenHoldsNothing) {
    const BoundSocket socket(false);

    EXPECT_EQ(port_holder(socket.endpoint("127.0.0.1")), "");
}

TEST(PortHolder, WhatHasNoPortHasNoHolder) {
    for (const char* endpoint : {"", "ipc:///run/weft", "inproc://x:1", "tcp://127.0.0.1",
                                 "tcp://127.0.0.1:0", "tcp://127.0.0.1:x", "tcp://127.0.0.1:"}) {
        EXPECT_EQ(port_holder(endpoint), "") << endpoint;
    }
}

}  // namespace
}  // namespace weft::fabric
