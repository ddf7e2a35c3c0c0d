#pragma once
// At most one log line a second for each reason why messages are refused, with the number of those
// that it stands for. Pure; time comes in.
// Threads: not synchronised.

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "fabric/transport/clock.hpp"
#include "signing/refusal.hpp"

namespace weft::fabric {

class RefusalLog {
public:
    /// The line to be written now, or nothing: the reason was named less than a second ago. `peer`
    /// and `topic` are foreign and get escaped.
    [[nodiscard]] std::optional<std::string> line(const signing::Refused& refused,
                                                  std::string_view peer, std::string_view topic,
                                                  Instant now);

private:
    struct Reason {
        std::optional<Instant> last;
        std::uint64_t silent = 0;
    };
    std::array<Reason, signing::refusal_count> reasons_;
};

}  // namespace weft::fabric
