#pragma once
// One request and what a handler says to it, an answer or a stream; and timers, for tests of
// handlers. Threads: as Exchange, Stream and Timers say.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/http/exchange.hpp"
#include "gateway/http/problem.hpp"
#include "gateway/http/websocket_request.hpp"

namespace weft::support {

class FakeStream final : public gateway::Stream {
public:
    bool send(gateway::SharedBytes bytes) override {
        const std::scoped_lock lock(mutex_);
        if (closed_) return false;
        text_ += *bytes;
        if (!slow_) unread_ = 0;
        if (slow_) unread_ += bytes->size();
        changed_.notify_all();
        return true;
    }
    void end() override { close(); }
    [[nodiscard]] bool closed() const override {
        const std::scoped_lock lock(mutex_);
        return closed_;
    }
    [[nodiscard]] std::size_t queued() const override {
        const std::scoped_lock lock(mutex_);
        return unread_;
    }
    void on_closed(std::function<void()> hook) override {
        const std::scoped_lock lock(mutex_);
        hook_ = std::move(hook);
    }

    void close() {
        std::function<void()> hook;
        {
            const std::scoped_lock lock(mutex_);
            closed_ = true;
            hook = std::exchange(hook_, {});
            changed_.notify_all();
        }
        if (hook) hook();
    }
    /// From now on nobody reads.
    void stop_reading() {
        const std::scoped_lock lock(mutex_);
        slow_ = true;
    }
    void read_all() {
        const std::scoped_lock lock(mutex_);
        slow_ = false;
        unread_ = 0;
    }
    [[nodiscard]] std::string text() const {
        const std::scoped_lock lock(mutex_);
        return text_;
    }
    /// Everything so far, once `part` is in it; else what there is after ten seconds.
    std::string wait_for(const std::string& part) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(10),
                          [&] { return text_.find(part) != std::string::npos; });
        return text_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
    std::size_t unread_ = 0;
    bool slow_ = false, closed_ = false;
    std::function<void()> hook_;
};

class StreamingExchange final : public gateway::Exchange {
public:
    /// `reads_nothing`: its stream has a client that does not read.
    explicit StreamingExchange(gateway::Request request, bool reads_nothing = false)
        : request_(std::move(request)), reads_nothing_(reads_nothing) {}

    const gateway::Request& request() const override { return request_; }
    void answer(gateway::Response response) override {
        const std::scoped_lock lock(mutex_);
        response_ = std::move(response);
        answered_.notify_all();
    }
    std::shared_ptr<gateway::Stream> stream(gateway::Response head) override {
        const std::scoped_lock lock(mutex_);
        head_ = std::move(head);
        stream_ = std::make_shared<FakeStream>();
        if (reads_nothing_) stream_->stop_reading();
        return stream_;
    }
    /// Answered as the server does; nobody is behind the socket.
    bool upgrade(gateway::WebSocketHooks hooks, std::string) override {
        if (const auto refusal = gateway::refuse_websocket(request_)) {
            answer(gateway::problem(refusal->status, refusal->sentence));
            return false;
        }
        gateway::Response switching;
        switching.status = 101;
        answer(std::move(switching));
        if (hooks.closed) hooks.closed(1006);
        return true;
    }
    void on_gone(std::function<void()>) override {}

    std::optional<gateway::Response> wait(
        std::chrono::milliseconds within = std::chrono::seconds(10)) {
        std::unique_lock lock(mutex_);
        answered_.wait_for(lock, within, [&] { return response_.has_value(); });
        return response_;
    }
    [[nodiscard]] std::shared_ptr<FakeStream> streamed() {
        const std::scoped_lock lock(mutex_);
        return stream_;
    }
    [[nodiscard]] gateway::Response head() {
        const std::scoped_lock lock(mutex_);
        return head_;
    }

private:
    const gateway::Request request_;
    const bool reads_nothing_;
    std::mutex mutex_;
    std::condition_variable answered_;
    std::optional<gateway::Response> response_;
    gateway::Response head_;
    std::shared_ptr<FakeStream> stream_;
};

/// Runs what is due in a thread of its own.
class ThreadTimers final : public gateway::Timers {
public:
    ~ThreadTimers() override { stop(); }
    void run(std::chrono::milliseconds after, std::function<void()> work) override {
        const std::scoped_lock lock(mutex_);
        if (stopped_) return;
        due_.emplace_back(std::chrono::steady_clock::now() + after, std::move(work));
        changed_.notify_all();
    }
    void post(std::function<void()> work) override {
        run(std::chrono::milliseconds{0}, std::move(work));
    }
    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            stopped_ = true;
            changed_.notify_all();
        }
        if (thread_.joinable()) thread_.join();
    }

private:
    using Due = std::pair<std::chrono::steady_clock::time_point, std::function<void()>>;
    void work() {
        std::unique_lock lock(mutex_);
        while (!stopped_) {
            changed_.wait_for(lock, std::chrono::milliseconds{2});
            const auto now = std::chrono::steady_clock::now();
            std::vector<Due> waiting, ready;
            for (Due& due : due_) (due.first <= now ? ready : waiting).push_back(std::move(due));
            due_ = std::move(waiting);
            lock.unlock();
            for (const Due& due : ready) due.second();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Due> due_;
    bool stopped_ = false;
    std::thread thread_{[this] { work(); }};  // last
};

}  // namespace weft::support
