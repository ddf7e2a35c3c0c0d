#pragma once
// A small world of publishers, recipients and an adversary over a bad network, run from a seed: the
// same seed, the same world. It breaks what can break, and an oracle holds the promises against
// what the tracker and the responder did.
// Threads: one simulation has none; several may run at the same time.

#include <ostream>
#include <string>
#include <vector>

#include "tests/fault/run_log.hpp"
#include "tests/fault/under_test.hpp"

namespace weft::fault {

struct Report {
    std::uint64_t seed = 0;
    Figures figures;
    std::vector<std::string> violations;  ///< The first few.
};

struct Subjects {
    MakeTracker make_tracker;
    MakeResponder make_responder;
};
/// The product's own.
[[nodiscard]] Subjects genuine_subjects();

/// `trace` may be nobody.
[[nodiscard]] Report simulate(std::uint64_t seed, const Subjects& subjects,
                              std::ostream* trace = nullptr);

}  // namespace weft::fault
