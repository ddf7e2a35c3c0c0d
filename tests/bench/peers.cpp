#include "tests/bench/peers.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace weft::bench {

Meeting::Meeting(std::string publish, std::string subscribe, std::string flood)
    : publish_at(std::move(publish)),
      subscribe_at(std::move(subscribe)),
      flood_at(std::move(flood)) {
    if (::pipe(ends_) != 0) throw std::runtime_error("no pipe");
}

Meeting::~Meeting() {
    ::close(ends_[0]);
    ::close(ends_[1]);
}

void Meeting::i_am_ready() const {
    if (::write(ends_[1], "r", 1) != 1) throw std::runtime_error("the publisher has gone");
}

void Meeting::await_ready(std::size_t count) const {
    char byte = 0;
    for (std::size_t i = 0; i < count; ++i) {
        pollfd ready{ends_[0], POLLIN, 0};
        if (::poll(&ready, 1, 30'000) != 1 || ::read(ends_[0], &byte, 1) != 1) {
            throw std::runtime_error("a subscriber did not come");
        }
    }
}

Middle::~Middle() {
    for (const int pid : pids_) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
}

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                       ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    ::close(fd);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

Source::Source(const Load& load)
    : load_(load), topics_(topics_of(load)), body_(load.body_bytes, 'w'), start_ns_(now_ns()) {}

const std::string& Source::next(std::uint64_t index) {
    pace(load_, start_ns_, index);
    if (load_.with_latency) {
        const std::uint64_t now = now_ns();
        std::memcpy(body_.data(), &now, sizeof now);
    }
    if (topics_.size() == 1) return topics_.front();
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    return topics_[(random_ >> 33U) % topics_.size()];
}

std::vector<std::string> topics_of(const Load& load) {
    std::vector<std::string> topics;
    for (std::size_t i = 0; i < load.topics; ++i) {
        topics.push_back("org.weft.dev.bench." + std::to_string(1000 + i));
    }
    return topics;
}

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds{1});
}

void pace(const Load& load, std::uint64_t start_ns, std::uint64_t index) {
    if (load.rate == 0) return;
    const std::uint64_t due = start_ns + index * 1'000'000'000 / load.rate;
    while (now_ns() < due) std::this_thread::yield();
}

void Arrivals::add(std::string_view body) {
    const bool timed = load_.with_latency || count_ == 0 || count_ + 1 >= load_.messages;
    if (timed) {
        last_ns_ = now_ns();
        if (count_ == 0) first_ns_ = last_ns_;
        std::uint64_t sent = 0;
        if (load_.with_latency && body.size() >= sizeof sent) {
            std::memcpy(&sent, body.data(), sizeof sent);
            latencies_ns_.push_back(static_cast<std::uint32_t>(
                std::min<std::uint64_t>(last_ns_ - std::min(sent, last_ns_), UINT32_MAX)));
        }
    }
    ++count_;
}

Seen Arrivals::seen() {
    Seen seen;
    seen.messages = count_;
    seen.seconds = static_cast<double>(last_ns_ - first_ns_) / 1e9;
    if (!latencies_ns_.empty()) {
        std::sort(latencies_ns_.begin(), latencies_ns_.end());
        const auto at = [&](double share) {
            const auto index =
                static_cast<std::size_t>(share * static_cast<double>(latencies_ns_.size() - 1));
            return static_cast<double>(latencies_ns_[index]) / 1e3;
        };
        seen.p50_us = at(0.5);
        seen.p99_us = at(0.99);
    }
    return seen;
}

}  // namespace weft::bench
