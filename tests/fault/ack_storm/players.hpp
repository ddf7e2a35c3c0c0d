#pragma once
// What each recipient of the storm does in its process, until it is over. Each returns one line
// about what it saw.

#include <string>

#include "tests/fault/ack_storm/cast.hpp"
#include "tests/fault/ack_storm/stage.hpp"

namespace weft::fault::storm {

[[nodiscard]] std::string play(const Member& who, const World& world, const Cue& cue);

// Parts with a file of their own.
[[nodiscard]] std::string play_forger(const std::string& name, const World& world, const Cue& cue);
[[nodiscard]] std::string play_replayer(const World& world, const Cue& cue);

}  // namespace weft::fault::storm
