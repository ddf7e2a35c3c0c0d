#pragma once
// Whether what somebody may read covers what they want to read. Threads: pure functions.

#include <vector>

#include "signing/topic_glob.hpp"

namespace weft::gateway {

/// Whether everything that `glob` matches is among what `grants` match. It may say no where it is
/// so: a grant counts if it is the same glob, `**`, or ends in `.**` in front of the glob's literal
/// part.
[[nodiscard]] bool covers(const std::vector<signing::TopicGlob>& grants,
                          const signing::TopicGlob& glob);

}  // namespace weft::gateway
