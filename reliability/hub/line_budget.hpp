#pragma once
// How much of what a program writes to stderr goes to the log: so many lines and bytes a second;
// the rest is counted. A state machine: time comes in.
// Threads: one at a time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weft::reliability::hub {

class LineBudget {
public:
    using Instant = std::chrono::steady_clock::time_point;

    static constexpr unsigned lines_a_second = 100;
    static constexpr std::size_t bytes_a_second = std::size_t{1} << 20;

    /// False: leave it out. One line may pass the bound on bytes.
    [[nodiscard]] bool take(std::size_t line_bytes, Instant now) noexcept {
        if (!begun_ || now - second_ >= std::chrono::seconds{1}) {
            begun_ = true;
            second_ = now;
            lines_ = 0;
            bytes_ = 0;
        }
        if (lines_ >= lines_a_second || bytes_ >= bytes_a_second) {
            ++left_out_;
            return false;
        }
        ++lines_;
        bytes_ += line_bytes;
        return true;
    }
    /// How many were left out since it was asked last.
    [[nodiscard]] std::uint64_t take_left_out() noexcept { return std::exchange(left_out_, 0); }

private:
    bool begun_ = false;
    Instant second_{};
    unsigned lines_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace weft::reliability::hub
