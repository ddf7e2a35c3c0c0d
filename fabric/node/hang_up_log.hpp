#pragma once
// At most one log line a second about connections that were ended for their failed proofs. Pure;
// time comes in.
// Threads: not synchronised.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fabric/transport/clock.hpp"

namespace weft::fabric {

class HangUpLog {
public:
    /// The line to be written now, or nothing: another was written less than a second ago. `peer`
    /// is foreign and gets escaped.
    [[nodiscard]] std::optional<std::string> line(std::string_view peer, Instant now);

private:
    std::optional<Instant> last_;
    std::uint64_t silent_ = 0;
};

}  // namespace weft::fabric
