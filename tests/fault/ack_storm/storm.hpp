#pragma once
// Publishes to random sets of recipients, many at a time, while others forge and replay ACKs, and
// holds each outcome against the truth.
// Threads: one; forks, so none other may exist. Errors: std::runtime_error where the stage cannot
//          be set.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weft::fault::storm {

struct StormSettings {
    std::uint64_t publishes = 200'000;
    std::uint64_t seed = 1;
    std::size_t in_flight = 300;  ///< Of those that end as soon as all have spoken.
    std::size_t open = 10'000;    ///< With those that can only end by their deadline.
    /// Of publishes that may have to wait for somebody who never answers; longer while answers are
    /// slow to come.
    std::chrono::milliseconds short_timeout{1500};
    std::chrono::milliseconds long_timeout{120'000};
};

/// Prints progress and a summary. True if nothing was violated, and the attacks did take place.
[[nodiscard]] bool run_storm(const StormSettings& settings);

}  // namespace weft::fault::storm
