#pragma once
// What the doorkeeper of encrypted connections did (see curve_entry.hpp).
// Threads: a value.

#include <array>
#include <cstdint>
#include <numeric>

#include "signing/refusal.hpp"

namespace weft::fabric {

struct GateStats {
    std::uint64_t let_in = 0;
    std::uint64_t reopened = 0;  ///< Sockets that were to be opened anew, to cut somebody off.
    std::array<std::uint64_t, signing::refusal_count> refused{};
    [[nodiscard]] std::uint64_t refused_total() const noexcept {
        return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
    }
};

}  // namespace weft::fabric
