#pragma once
// Time comes in from outside: loops hold a Clock, logic takes `now`.
// Threads: every function from any thread.

#include <chrono>
#include <cstdint>

namespace weft::fabric {

/// Never goes back; deadlines use only this.
using Instant = std::chrono::nanoseconds;

class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Instant steady() const noexcept = 0;
    /// Microseconds since 1970-01-01 UTC; may jump either way.
    [[nodiscard]] virtual std::uint64_t utc_us() const noexcept = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Instant steady() const noexcept override {
        return std::chrono::steady_clock::now().time_since_epoch();
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                              std::chrono::system_clock::now().time_since_epoch())
                                              .count());
    }
};

}  // namespace weft::fabric
