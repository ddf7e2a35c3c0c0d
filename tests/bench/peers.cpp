#include "tests/bench/peers.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

namespace weft::bench {

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
