#include "gateway/http/beast_loop.hpp"

namespace weft::gateway {

Loop::Loop(ServerCounters& counters, std::chrono::milliseconds tick_every)
    : counters_(counters), tick_every_(tick_every) {}

Loop::~Loop() {
    stop();
}

void Loop::start() {
    await_tick();
    thread_ = std::thread([this] { run(); });
}

void Loop::stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    handle_->close();
    members_.clear();
}

void Loop::run() {
    handle_->runs_here();
    for (;;) {
        try {
            context_.run();
            return;
        } catch (...) {
            // A hook or a timer of a handler threw: its fault ends nobody else's connection.
            ++counters_[Count::handler_exceptions];
        }
    }
}

void Loop::await_tick() {
    ticker_.expires_after(tick_every_);
    ticker_.async_wait([this](SocketError error) {
        if (error) return;
        await_tick();
        const SteadyTime time = now();
        for (const auto& member : members()) member->tick(time);
    });
}

void LoopTimers::run(std::chrono::milliseconds after, std::function<void()> work) {
    Loop& loop = next();
    const SteadyTime due = std::chrono::steady_clock::now() + after;
    (void)loop.handle()->post([&loop, due, work = std::move(work)]() mutable {
        auto timer = std::make_shared<asio::steady_timer>(loop.context(), due);
        timer->async_wait([timer, work = std::move(work)](SocketError error) {
            if (!error) work();
        });
    });
}

void LoopTimers::post(std::function<void()> work) {
    (void)next().handle()->post(std::move(work));
}

}  // namespace weft::gateway
