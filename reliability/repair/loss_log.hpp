#pragma once
// Says what was lost for good: at most one log line a second. Pure; time comes in.
// Threads: not synchronised.

#include <cstdint>
#include <optional>
#include <string>

#include "fabric/transport/clock.hpp"
#include "reliability/repair/gap_tracker.hpp"

namespace weft::reliability {

class LossLog {
public:
    /// The line to be written now, or nothing: another was written less than a second ago, and the
    /// next one says how many messages it did not name.
    [[nodiscard]] std::optional<std::string> line(const Lost& lost, fabric::Instant now);

private:
    std::optional<fabric::Instant> last_;
    std::uint64_t silent_holes_ = 0, silent_messages_ = 0;
};

}  // namespace weft::reliability
