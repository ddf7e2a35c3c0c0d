#pragma once
// A hole in a stream, and at most one log line a second about holes. Pure; time comes in.
// Threads: not synchronised.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fabric/transport/clock.hpp"

namespace weft::fabric {

/// Messages `from` to `to` of this stream have not come. Some may still come: late ones are taken
/// off SubscriberStats::missing, without an event of their own.
struct Gap {
    std::string_view signer;
    std::uint64_t epoch = 0;
    std::string_view topic;
    std::uint64_t from = 0, to = 0, count = 0;
};

class GapLog {
public:
    /// The line to be written now, or nothing: another was written less than a second ago.
    [[nodiscard]] std::optional<std::string> line(const Gap& gap, Instant now);

private:
    std::optional<Instant> last_;
    std::uint64_t silent_gaps_ = 0, silent_messages_ = 0;
};

}  // namespace weft::fabric
