#include "gateway/http/asio_loop.hpp"

#include <sched.h>

namespace weft::gateway {
namespace {

/// A thread that falls asleep between two halves of a round costs more than the round: a wake-up
/// takes the time of ten system calls, of who wakes it too. So where the last pause was short, the
/// next one is waited for awake, for so long, leaving the processor to whoever wants it. With more
/// connections than a few there is mostly work, and who waits awake keeps others from theirs.
constexpr std::chrono::microseconds short_pause{50}, awake_time{20};
constexpr std::size_t few_connections = 16;

}  // namespace

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
            while (!context_.stopped()) await_work();
            return;
        } catch (...) {
            // A hook or a timer of a handler threw: its fault ends nobody else's connection.
            ++counters_[Count::handler_exceptions];
        }
    }
}

void Loop::await_work() {
    if (is_busy_) {
        const SteadyTime until = now() + awake_time;
        do {
            if (context_.poll() > 0) return;
            ::sched_yield();
        } while (now() < until && !context_.stopped());
    }
    const SteadyTime before = now();
    context_.run_one();
    is_busy_ = load_ <= few_connections && now() - before < short_pause;
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
