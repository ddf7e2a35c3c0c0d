#pragma once
// A server with scripted handlers, for the tests of the HTTP core.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "gateway/http/server.hpp"
#include "tests/support/http_client.hpp"

namespace weft::gateway {

using namespace std::chrono_literals;

inline SharedBytes bytes(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

/// True as soon as `holds` is; false after 20 s.
template <typename Condition>
bool eventually(Condition holds) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable().wait_for(lock, 2ms);
    }
    return true;
}

/// Answers by a function, and counts.
class ScriptedHandler : public Handler {
public:
    using Script = std::function<void(std::shared_ptr<Exchange>)>;
    explicit ScriptedHandler(Script script) : script_(std::move(script)) {}
    void handle(std::shared_ptr<Exchange> exchange) override {
        ++handled;
        script_(std::move(exchange));
    }
    void stop() override {
        ++stopped;
        if (on_stop) on_stop();
    }
    std::atomic<int> handled{0}, stopped{0};
    std::function<void()> on_stop{};

private:
    Script script_;
};

/// Keeps exchanges until the test takes them.
class Shelf {
public:
    void put(std::shared_ptr<Exchange> exchange) {
        const std::lock_guard lock(mutex_);
        kept_.push_back(std::move(exchange));
        changed_.notify_all();
    }
    /// Waits for the next one; nullptr after 20 s.
    std::shared_ptr<Exchange> take() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, 20s, [&] { return !kept_.empty(); })) return nullptr;
        auto exchange = std::move(kept_.front());
        kept_.pop_front();
        return exchange;
    }
    std::size_t size() {
        const std::lock_guard lock(mutex_);
        return kept_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Exchange>> kept_;
};

/// "METHOD TARGET BODY"
inline Response echo(const Request& request) {
    return Response::of(200, "text/plain",
                        request.method + " " + request.target + " " + request.body);
}

class HttpServerTest : public ::testing::Test {
protected:
    /// One listener with `script` at the root.
    void serve(ScriptedHandler::Script script) {
        handler_ = std::make_shared<ScriptedHandler>(std::move(script));
        settings_.listeners = {{"127.0.0.1:0", {{"/", handler_}}}};
        open();
    }
    void serve_echo() {
        serve([](const auto& exchange) { exchange->answer(echo(exchange->request())); });
    }
    void serve_shelf() {
        serve([this](auto exchange) { shelf_.put(std::move(exchange)); });
    }
    void open() {
        settings_.threads = 2;
        auto server = Server::open(settings_);
        ASSERT_TRUE(server) << server.error();
        server_ = std::move(*server);
    }
    [[nodiscard]] std::uint16_t port() const { return server_->listeners().front().port; }
    testing::HttpClient connect() { return testing::HttpClient(port()); }
    std::uint64_t stat(const std::string& name) { return server_->stats().at(name); }

    ServerSettings settings_;
    Shelf shelf_;
    std::shared_ptr<ScriptedHandler> handler_;
    std::unique_ptr<Server> server_;
};

inline std::string get(const std::string& target, const std::string& headers = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n";
}

inline std::string post(const std::string& target, const std::string& body,
                        const std::string& headers = {}) {
    return "POST " + target +
           " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body;
}

}  // namespace weft::gateway
