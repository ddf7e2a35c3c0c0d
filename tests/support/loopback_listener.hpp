#pragma once
// What receivers of one thread have in common: a socket that listens on a free port of 127.0.0.1,
// an epoll that watches it, and an eventfd that ends it. Closed with it.
// Threads: stop() from any, the rest by the receiver's. Errors: std::system_error.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace weft::testing {

class LoopbackListener {
public:
    explicit LoopbackListener(int backlog)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
          poller_(::epoll_create1(EPOLL_CLOEXEC)),
          stopper_(::eventfd(0, EFD_CLOEXEC)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* any = reinterpret_cast<sockaddr*>(&address);
        if (::bind(socket_, any, size) != 0 || ::listen(socket_, backlog) != 0 ||
            ::getsockname(socket_, any, &size) != 0) {
            throw std::system_error(errno, std::generic_category(), "a receiver's socket");
        }
        port_ = ntohs(address.sin_port);
        watch(socket_);
        watch(stopper_);
    }
    ~LoopbackListener() {
        for (const int fd : {socket_, poller_, stopper_}) ::close(fd);
    }
    LoopbackListener(const LoopbackListener&) = delete;
    LoopbackListener& operator=(const LoopbackListener&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] int poller() const noexcept { return poller_; }
    [[nodiscard]] bool is_socket(int fd) const noexcept { return fd == socket_; }
    [[nodiscard]] bool is_stopper(int fd) const noexcept { return fd == stopper_; }

    /// A connection, watched; -1: there was none.
    [[nodiscard]] int accept() const {
        const int made = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (made < 0) return -1;
        const int on = 1;
        ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(made);
        return made;
    }
    void stop() const {
        const std::uint64_t one = 1;
        static_cast<void>(!::write(stopper_, &one, sizeof one));
    }

private:
    void watch(int fd) const {
        epoll_event event{EPOLLIN, {.fd = fd}};
        if (::epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event) != 0) {
            throw std::system_error(errno, std::generic_category(), "epoll");
        }
    }

    const int socket_, poller_, stopper_;
    std::uint16_t port_ = 0;
};

}  // namespace weft::testing
