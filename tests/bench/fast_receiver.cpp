#include "tests/bench/fast_receiver.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <string>
#include <unordered_map>
#include <vector>

namespace weft::bench {
namespace {

constexpr std::string_view good = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view bad = "HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n";

}  // namespace

struct FastReceiver::Connection {
    int fd = -1;
    std::string buffer;
};

FastReceiver::FastReceiver(OnRequest on_request)
    : on_request_(std::move(on_request)), thread_([this] { run(); }) {}

FastReceiver::~FastReceiver() {
    listener_.stop();
    thread_.join();
}

void FastReceiver::run() {
    std::unordered_map<int, Connection> connections;
    std::array<epoll_event, 256> events{};
    while (true) {
        const int count =
            ::epoll_wait(listener_.poller(), events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (listener_.is_stopper(fd)) {
                for (const auto& [open, connection] : connections) ::close(open);
                return;
            }
            if (listener_.is_socket(fd)) {
                const int made = listener_.accept();
                if (made >= 0) connections[made].fd = made;
            } else if (!serve(connections.at(fd))) {
                connections.erase(fd);
                ::close(fd);
            }
        }
    }
}

bool FastReceiver::serve(Connection& connection) {
    std::array<char, 65536> bytes;
    const auto got = ::recv(connection.fd, bytes.data(), bytes.size(), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    connection.buffer.append(bytes.data(), static_cast<std::size_t>(got));
    std::string_view left = connection.buffer;
    while (true) {
        const auto end = left.find("\r\n\r\n");
        if (end == std::string_view::npos) break;
        const std::string_view head = left.substr(0, end);
        const auto at = head.find("Content-Length: ");
        std::size_t length = 0;
        if (at != std::string_view::npos) {
            std::from_chars(head.data() + at + 16, head.data() + head.size(), length);
        }
        if (left.size() < end + 4 + length) break;
        if (on_request_) {
            const auto path = head.find(' ') + 1;
            on_request_(head.substr(path, head.find(' ', path) - path),
                        left.substr(end + 4, length));
        }
        ++requests_;
        const std::string_view answer = refuses_ ? bad : good;
        if (::send(connection.fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return false;
        left.remove_prefix(end + 4 + length);
    }
    connection.buffer.erase(0, connection.buffer.size() - left.size());
    return true;
}

double plain_client_rate(std::uint16_t port, std::size_t connections, std::size_t requests_each,
                         std::string_view body) {
    const std::string request =
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + std::string{body};
    const auto began = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < connections; ++i) {
        threads.emplace_back([&] {
            const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            to.sin_port = htons(port);
            if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
                ::close(fd);
                return;
            }
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            std::array<char, 4096> answer;
            for (std::size_t n = 0; n < requests_each; ++n) {
                if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) break;
                std::size_t got = 0;
                while (got < good.size()) {
                    const auto some = ::recv(fd, answer.data(), answer.size(), 0);
                    if (some <= 0) break;
                    got += static_cast<std::size_t>(some);
                }
            }
            ::close(fd);
        });
    }
    for (std::thread& thread : threads) thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return static_cast<double>(connections * requests_each) / took.count();
}

}  // namespace weft::bench
