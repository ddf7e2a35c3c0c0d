// How often a peer that is away is tried again.

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "fabric/transport/transport.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::fabric {
namespace {

using namespace std::chrono_literals;

/// Accepts and closes, as a port does whose process is in a crash loop, or a balancer without
/// anybody behind it.
class ClosingListener {
public:
    ClosingListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t bytes = sizeof address;
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(fd_, 128), 0);
        EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &bytes), 0);
        endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    ~ClosingListener() { ::close(fd_); }
    ClosingListener(const ClosingListener&) = delete;
    ClosingListener& operator=(const ClosingListener&) = delete;

    [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
    /// How many connections came in this time.
    int count_for(std::chrono::milliseconds time) const {
        const auto end = std::chrono::steady_clock::now() + time;
        int count = 0;
        while (true) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                end - std::chrono::steady_clock::now());
            pollfd poll{fd_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&poll, 1, static_cast<int>(left.count())) <= 0) break;
            ::close(::accept(fd_, nullptr, nullptr));
            ++count;
        }
        return count;
    }

private:
    int fd_;
    std::string endpoint_;
};

TEST(Reconnect, APeerThatAcceptsAndClosesIsTriedAtMostTwiceASecondAndNeverGivenUp) {
    const ClosingListener listener;
    const auto transport = make_zmq_transport({});
    const auto port = support::must(transport->open_subscriber());
    support::must(port->connect(listener.endpoint()));

    const int connects = listener.count_for(10s);

    std::printf("%d connects in 10 s\n", connects);
    EXPECT_LE(connects, 21);
    EXPECT_GE(connects, 5);
}

}  // namespace
}  // namespace weft::fabric
