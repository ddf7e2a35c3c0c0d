#pragma once
// A receiver of webhooks that does nothing but answer 200: one thread, epoll, keep-alive; and a
// client as plain as it, to learn what the receiver can take at most.
// Threads: counts from any; `on_request` is called by the receiver's thread. Errors:
// std::system_error.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

#include "tests/support/loopback_listener.hpp"

namespace weft::bench {

class FastReceiver {
public:
    using OnRequest = std::function<void(std::string_view path, std::string_view body)>;

    explicit FastReceiver(OnRequest on_request = {});
    ~FastReceiver();
    FastReceiver(const FastReceiver&) = delete;
    FastReceiver& operator=(const FastReceiver&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }
    [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }
    /// Answers 503 instead of 200.
    void refuse(bool refuse) noexcept { refuses_ = refuse; }

private:
    struct Connection;
    void run();
    bool serve(Connection& connection);

    OnRequest on_request_;
    testing::LoopbackListener listener_{2048};
    std::atomic<std::uint64_t> requests_{0};
    std::atomic<bool> refuses_{false};
    std::thread thread_;
};

/// Requests a second of `connections` blocking keep-alive clients, one thread each.
[[nodiscard]] double plain_client_rate(std::uint16_t port, std::size_t connections,
                                       std::size_t requests_each, std::string_view body);

}  // namespace weft::bench
