#pragma once
// Whether two topic globs have a topic in common. Threads: pure functions.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signing/topic_glob.hpp"

namespace weft::reliability::hub {

[[nodiscard]] bool overlap(const signing::TopicGlob& a, const signing::TopicGlob& b);

/// The first pair that does.
[[nodiscard]] std::optional<std::pair<std::string, std::string>> overlapping(
    const std::vector<signing::TopicGlob>& a, const std::vector<signing::TopicGlob>& b);

}  // namespace weft::reliability::hub
