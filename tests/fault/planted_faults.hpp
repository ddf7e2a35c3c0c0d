#pragma once
// Trackers and responders with a fault planted on purpose: the simulator is worth something only if
// it finds each of them.

#include <string>
#include <vector>

#include "tests/fault/ack_simulator.hpp"

namespace weft::fault {

struct PlantedFault {
    std::string name;
    std::string seen_as;  ///< What the oracle must say of it, among others.
    Subjects subjects;
};

[[nodiscard]] std::vector<PlantedFault> planted_faults();

}  // namespace weft::fault
