#pragma once
// One request and what a handler says to it, for tests of handlers.
// Threads: as Exchange says.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "gateway/http/exchange.hpp"

namespace weft::support {

class FakeExchange final : public gateway::Exchange {
public:
    explicit FakeExchange(gateway::Request request) : request_(std::move(request)) {}

    const gateway::Request& request() const override { return request_; }
    void answer(gateway::Response response) override {
        const std::scoped_lock lock(mutex_);
        ++answers_;
        response_ = std::move(response);
        answered_.notify_all();
    }
    std::shared_ptr<gateway::Stream> stream(gateway::Response) override {
        throw std::logic_error("no stream was expected");
    }
    bool upgrade(gateway::WebSocketHooks, std::string) override { return false; }
    void on_gone(std::function<void()> hook) override {
        const std::scoped_lock lock(mutex_);
        gone_ = std::move(hook);
    }

    /// The client closes the connection.
    void go() {
        std::function<void()> hook;
        {
            const std::scoped_lock lock(mutex_);
            hook = std::move(gone_);
        }
        if (hook) hook();
    }
    /// Nothing: no answer within ten seconds, or `within`.
    std::optional<gateway::Response> wait(
        std::chrono::milliseconds within = std::chrono::seconds(10)) {
        std::unique_lock lock(mutex_);
        answered_.wait_for(lock, within, [&] { return response_.has_value(); });
        return response_;
    }
    [[nodiscard]] int answers() {
        const std::scoped_lock lock(mutex_);
        return answers_;
    }

private:
    const gateway::Request request_;
    std::mutex mutex_;
    std::condition_variable answered_;
    std::optional<gateway::Response> response_;
    std::function<void()> gone_;
    int answers_ = 0;
};

}  // namespace weft::support
