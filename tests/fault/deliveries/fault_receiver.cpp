#include "tests/fault/deliveries/fault_receiver.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>
#include <vector>

namespace weft::fault {
namespace {

bool put(int fd, std::string_view bytes) {
    return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

}  // namespace

FaultReceiver::FaultReceiver(Script script)
    : script_(std::move(script)), thread_([this] { run(); }) {}

FaultReceiver::~FaultReceiver() {
    listener_.stop();
    thread_.join();
    for (const auto& [fd, connection] : connections_) ::close(fd);
}

void FaultReceiver::run() {
    std::array<epoll_event, 64> events{};
    while (true) {
        const int count = ::epoll_wait(listener_.poller(), events.data(), events.size(), 1000);
        for (int i = 0; i < count; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (listener_.is_stopper(fd)) return;
            if (listener_.is_socket(fd)) {
                const int made = listener_.accept();
                if (made >= 0) connections_[made] = {};
            } else if (!serve(fd, connections_.at(fd))) {
                connections_.erase(fd);
                ::close(fd);
            }
        }
        drip();
    }
}

bool FaultReceiver::serve(int fd, Connection& connection) {
    std::array<char, 65536> bytes;
    const auto got = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    connection.buffer.append(bytes.data(), static_cast<std::size_t>(got));
    while (true) {
        const std::string_view all = connection.buffer;
        const auto end = all.find("\r\n\r\n");
        if (end == std::string_view::npos) return true;
        const std::string_view head = all.substr(0, end);
        std::size_t length = 0;
        if (const auto at = head.find("Content-Length: "); at != std::string_view::npos) {
            std::from_chars(head.data() + at + 16, head.data() + head.size(), length);
        }
        if (all.size() < end + 4 + length) return true;
        const auto path = head.find(' ') + 1;
        const Answer answer =
            script_(head.substr(path, head.find(' ', path) - path), all.substr(end + 4, length));
        connection.buffer.erase(0, end + 4 + length);
        if (!reply(fd, connection, answer)) return false;
    }
}

bool FaultReceiver::reply(int fd, Connection& connection, Answer answer) const {
    switch (answer) {
        case Answer::ok:
            return put(fd, "HTTP/1.1 204 Taken\r\n\r\n");
        case Answer::error:
            return put(fd, "HTTP/1.1 500 Broken\r\nContent-Length: 6\r\n\r\nbroken");
        case Answer::too_many:
            return put(fd, "HTTP/1.1 429 Slowly\r\nContent-Length: 0\r\n\r\n");
        case Answer::hang:
            connection.silent = true;
            return true;
        case Answer::reset: {
            const linger now{1, 0};
            ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
            return false;
        }
        case Answer::half:
            static_cast<void>(put(fd, "HTTP/1.1 200 Taken\r\nContent-Length: 100\r\n\r\nhalf"));
            return false;
        case Answer::drip:
            connection.drips = true;
            return put(fd, "HTTP/1.1 200 Taken\r\nContent-Length: 100\r\n\r\n");
    }
    return false;
}

void FaultReceiver::drip() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_drip_) return;
    next_drip_ = now + std::chrono::seconds{1};
    for (const auto& [fd, connection] : connections_) {
        if (connection.drips) static_cast<void>(put(fd, "."));
    }
}

}  // namespace weft::fault
