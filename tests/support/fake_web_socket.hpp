#pragma once
// A WebSocket and the client behind it, for tests of handlers: keeps what the server says, and can
// stop reading. Threads: as WebSocket says; the client's side from one thread.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gateway/http/exchange.hpp"

namespace weft::support {

class FakeWebSocket final : public gateway::WebSocket {
public:
    /// Of Limits::stream_queue.
    static constexpr std::size_t queue_max = std::size_t{1} << 20;

    using WebSocket::send_binary;
    using WebSocket::send_text;
    bool send_text(gateway::SharedBytes text, OnSent sent) override {
        const bool taken = take(std::move(text));
        if (sent) sent(taken);
        return taken;
    }
    bool send_binary(gateway::SharedBytes, OnSent) override {
        throw std::logic_error("no binary frame was expected");
    }
    void hold_reading(bool) override {}
    void close(std::uint16_t code, std::string) override {
        const std::scoped_lock lock(mutex_);
        if (closed_) return;
        closed_ = true;
        code_ = code;
        changed_.notify_all();
    }
    [[nodiscard]] bool closed() const override {
        const std::scoped_lock lock(mutex_);
        return closed_;
    }
    [[nodiscard]] std::size_t queued() const override {
        const std::scoped_lock lock(mutex_);
        return unread_;
    }

    void read(bool reads) {
        const std::scoped_lock lock(mutex_);
        reads_ = reads;
        if (reads_) unread_ = 0;
    }
    /// Until `enough` says so of all that was said, ten seconds at most.
    void wait(const std::function<bool(const std::vector<std::string>&)>& enough) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return enough(said_); });
    }
    /// Whether it is closed within ten seconds.
    bool wait_closed() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return closed_; });
    }
    [[nodiscard]] std::optional<std::uint16_t> code() const {
        const std::scoped_lock lock(mutex_);
        return code_;
    }
    /// It did not read, and so much waited for it that the server let go.
    [[nodiscard]] bool cut_off() const {
        const std::scoped_lock lock(mutex_);
        return cut_off_;
    }
    [[nodiscard]] std::size_t most_unread() const {
        const std::scoped_lock lock(mutex_);
        return most_unread_;
    }

private:
    [[nodiscard]] bool take(gateway::SharedBytes text) {
        const std::scoped_lock lock(mutex_);
        if (closed_) return false;
        if (!reads_ && unread_ > 0 && unread_ + text->size() > queue_max) {
            closed_ = cut_off_ = true;
            changed_.notify_all();
            return false;
        }
        if (!reads_) unread_ += text->size();
        most_unread_ = std::max(most_unread_, unread_);
        said_.push_back(*text);
        changed_.notify_all();
        return true;
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> said_;
    std::size_t unread_ = 0, most_unread_ = 0;
    std::optional<std::uint16_t> code_;
    bool reads_ = true, closed_ = false, cut_off_ = false;
};

/// A request that becomes a WebSocket.
class SocketExchange final : public gateway::Exchange {
public:
    explicit SocketExchange(gateway::Request request) : request_(std::move(request)) {}

    const gateway::Request& request() const override { return request_; }
    void answer(gateway::Response response) override { response_ = std::move(response); }
    std::shared_ptr<gateway::Stream> stream(gateway::Response) override {
        throw std::logic_error("no stream was expected");
    }
    bool upgrade(gateway::WebSocketHooks hooks, std::string) override {
        hooks_ = std::move(hooks);
        return true;
    }
    void on_gone(std::function<void()>) override {}

    [[nodiscard]] const std::optional<gateway::Response>& response() const { return response_; }
    [[nodiscard]] gateway::WebSocketHooks& hooks() { return hooks_; }

private:
    const gateway::Request request_;
    std::optional<gateway::Response> response_;
    gateway::WebSocketHooks hooks_;
};

}  // namespace weft::support
