#include "reliability/retry_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace weft::reliability {

std::chrono::microseconds pause_before(const RetrySettings& settings, std::uint32_t attempt,
                                       std::uint64_t random) {
    const auto shortest = static_cast<double>(pause_min.count());
    const auto longest = std::max(shortest, static_cast<double>(settings.longest.count()));
    // Written so that what is not a number fails each comparison and falls back.
    const double factor = settings.factor > 1.0 ? settings.factor : 1.0;
    const double jitter = settings.jitter > 0.0 ? std::min(settings.jitter, 1.0) : 0.0;
    const double first = std::max(shortest, static_cast<double>(settings.first.count()));
    const double grown = first * std::pow(factor, static_cast<double>(attempt));
    const double pause = std::min(longest, grown);
    // 53 bits are what a double holds: from -1 up to, but not including, 1.
    const double share = static_cast<double>(random >> 11) * 0x1p-52 - 1.0;
    const double jittered = std::max(shortest, pause * (1.0 + jitter * share));
    return std::chrono::microseconds{static_cast<std::int64_t>(std::min(jittered, 0x1p62))};
}

}  // namespace weft::reliability
