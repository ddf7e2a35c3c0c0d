#pragma once
// A clock that the test moves by hand. Threads: any.

#include <atomic>

#include "fabric/transport/clock.hpp"

namespace weft::reliability {

class HandClock final : public fabric::Clock {
public:
    /// Both clocks go on.
    void pass(std::chrono::nanoseconds by) {
        steady_ns_ += by.count();
        shift(by);
    }
    /// Somebody sets the calendar.
    void shift(std::chrono::nanoseconds by) { utc_us_ += by.count() / 1000; }

    [[nodiscard]] fabric::Instant steady() const noexcept override {
        return fabric::Instant{steady_ns_.load()};
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return static_cast<std::uint64_t>(utc_us_.load());
    }

private:
    std::atomic<std::int64_t> steady_ns_{1'000'000'000'000};
    std::atomic<std::int64_t> utc_us_{1'800'000'000'000'000};
};

}  // namespace weft::reliability
