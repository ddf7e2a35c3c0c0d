#pragma once
// Publishes that found the fabric's sending queue full and wait for room in it, as a publish of any
// other program does: a burst makes its publishers slower, and refuses nobody. First come first
// served; what comes while some wait waits behind them, so the order of each publisher stays.
//
// Threads: one, which tries and answers; every function from any thread, stop() not from an
//          attempt.
// Limits:  `waiting_max` publishes, `bytes_max` of them together; `patience` for each.
// Stop:    whoever waits is told.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/workers.hpp"

namespace weft::gateway {

class PublishesForRoom {
public:
    struct Limits {
        std::size_t waiting_max, bytes_max;
        std::chrono::milliseconds patience;
    };
    /// Waits so long for room. False: there was none, and nobody has been answered.
    using Attempt = std::function<bool(std::chrono::milliseconds patience)>;
    /// Its time was up, or everything stops: the publish is to be answered so.
    using NoRoom = std::function<void(bool stopped)>;

    PublishesForRoom(const fabric::Clock& clock, const Limits& limits);
    PublishesForRoom(const PublishesForRoom&) = delete;
    PublishesForRoom& operator=(const PublishesForRoom&) = delete;

    /// Some wait: whoever comes now has to wait behind them.
    [[nodiscard]] bool any() const noexcept { return waiting_ > 0; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
    /// Exactly one of both is what answers it. False: too many wait; neither is called.
    [[nodiscard]] bool wait(std::size_t bytes, Attempt attempt, NoRoom no_room);
    void stop();

private:
    void serve(fabric::Instant deadline, const Attempt& attempt, const NoRoom& no_room,
               bool stopped) const;

    const fabric::Clock& clock_;
    const Limits limits_;
    std::atomic<std::size_t> waiting_{0}, bytes_{0};
    std::atomic<bool> stopping_{false};
    Workers worker_;  // last: its jobs use everything above
};

}  // namespace weft::gateway
