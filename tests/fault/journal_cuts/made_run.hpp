#pragma once
// Runs whose every byte follows from (writer, life, number), so that who finds one in a journal
// knows what it must be. Their proofs have the shape of genuine ones and prove nothing. Threads:
// pure functions.

#include <cstdint>
#include <string>

#include "reliability/journal/journal.hpp"

namespace weft::fault {

struct MadeRun {
    std::uint64_t writer = 0, life = 0, number = 0;  ///< number: from 1, of its first message.
    std::uint64_t messages = 1;
};

[[nodiscard]] reliability::RunToStore make_run(const MadeRun& run);

}  // namespace weft::fault
