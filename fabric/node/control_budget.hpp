#pragma once
// How many control messages a node answers in one second; a flood of them is somebody's mischief.
// Pure; time comes in. Threads: not synchronised.

#include <cstdint>

#include "fabric/transport/clock.hpp"

namespace weft::fabric {

class ControlBudget {
public:
    explicit ControlBudget(std::uint32_t per_second) : per_second_(per_second) {}

    /// False: over the limit, do not answer.
    [[nodiscard]] bool take(Instant now) {
        if (now - second_ >= Instant{1'000'000'000}) {
            second_ = now;
            used_ = 0;
        }
        return ++used_ <= per_second_;
    }

private:
    std::uint32_t per_second_;
    std::uint32_t used_ = 0;
    Instant second_{};
};

}  // namespace weft::fabric
