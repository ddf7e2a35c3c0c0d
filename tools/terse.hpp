#pragma once
// Messages for people: one short line, or JSON over several lines.
// Threads: pure functions.

#include <string>
#include <string_view>

#include "fabric/message/message.hpp"

namespace weft::tools {

/// "02:43:29.123456  org.weft.dev.git.commit  git.host1 verified  {…}", the body cut at 200 bytes.
[[nodiscard]] std::string terse(const fabric::Message& message);
/// A valid JSON text with line breaks and two spaces of indentation a level.
[[nodiscard]] std::string pretty(std::string_view json);

}  // namespace weft::tools
