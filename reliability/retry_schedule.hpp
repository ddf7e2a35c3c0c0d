#pragma once
// When to try again: each pause longer than the one before, up to a limit, with jitter so that many
// that began together do not stay together.
// Threads: values. Time: durations only.

#include <chrono>
#include <cstdint>

namespace weft::reliability {

struct RetrySettings {
    std::chrono::microseconds first = std::chrono::milliseconds{60};
    double factor = 2.0;
    std::chrono::microseconds longest = std::chrono::seconds{2};
    double jitter = 0.25;  ///< Each pause is made longer or shorter by up to this share of it.
};

/// No pause is shorter than this, whatever the settings say: a schedule never becomes a busy loop.
inline constexpr std::chrono::microseconds pause_min = std::chrono::milliseconds{1};

/// `attempt` counts from 0; `random` is uniform over all of its values.
[[nodiscard]] std::chrono::microseconds pause_before(const RetrySettings& settings,
                                                     std::uint32_t attempt, std::uint64_t random);

}  // namespace weft::reliability
