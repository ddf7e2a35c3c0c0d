#pragma once
// Whether what somebody may read covers what they want to read, and who may do the same. Threads:
// pure functions.

#include <string>
#include <vector>

#include "gateway/principal.hpp"
#include "signing/topic_glob.hpp"

namespace weft::gateway {

/// Whether everything that `glob` matches is among what `grants` match. It may say no where it is
/// so: a grant counts if it is the same glob, `**`, or ends in `.**` in front of the glob's literal
/// part.
[[nodiscard]] bool covers(const std::vector<signing::TopicGlob>& grants,
                          const signing::TopicGlob& glob);
/// Equal for all who may read the same topics, whatever their names are; "": everything.
[[nodiscard]] std::string reading_rights(const Principal& who);
/// Of one name, and each may do what the other may.
[[nodiscard]] bool same(const Principal& one, const Principal& other);

}  // namespace weft::gateway
