#pragma once
// One frame of a prep: {"key": text, "token": text, "psub": flag, "data": text}, in JSON. What is
// missing or null is empty; other members are ignored, names compare without regard to case, the
// last of a name counts. Bytes that are not UTF-8, and half a surrogate pair, become U+FFFD.
// Threads: pure function. Limits: 64 levels.

#include <optional>
#include <string>
#include <string_view>

namespace weft::gateway::esub {

struct PrepFrame {
    std::string key, token, data;
    bool psub = false;
};
/// Nothing: it is not such an object.
[[nodiscard]] std::optional<PrepFrame> read_prep_frame(std::string_view text);

}  // namespace weft::gateway::esub
