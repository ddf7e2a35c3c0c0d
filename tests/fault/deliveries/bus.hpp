#pragma once
// `weft gateway` with Routemaster, and the relay it needs; it may be killed and started again, on
// the same port.
// Threads: publish() of a Publisher by one thread of its own; everything else by the one that made
// it. Errors: std::runtime_error.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/http_client.hpp"

namespace weft::fault {

class Bus {
public:
    /// Subscribers are s0--1, s1--1, and so on; the publisher is shop--1.
    explicit Bus(std::size_t subscribers);

    void start();
    void kill();
    /// As an operator does; the exit code.
    [[nodiscard]] int stop();
    void subscribe(std::size_t subscriber, const std::string& callback, std::size_t max,
                   std::size_t timeout_ms);
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::string output() const { return gateway_ ? gateway_->output() : ""; }

private:
    testing::Fabric fabric_;
    std::uint16_t port_;
    std::optional<testing::Process> relay_, gateway_;
};

/// Publishes the events 0, 1, 2, one after the other, each until it is told that it is stored.
class Publisher {
public:
    explicit Publisher(std::uint16_t port) : port_(port) {}
    /// False: not yet; the same event is to be tried again.
    bool publish_next();
    [[nodiscard]] std::uint64_t published() const noexcept { return published_; }

private:
    const std::uint16_t port_;
    std::unique_ptr<testing::HttpClient> client_;
    std::atomic<std::uint64_t> published_{0};
};

}  // namespace weft::fault
