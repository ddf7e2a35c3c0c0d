#pragma once
// Writes a Value tree as YAML that read_yaml() reads back to the same content.
// Threads: pure functions.
#include <string>

#include "config/value.hpp"

namespace weft::config {

/// Block style for maps and for lists of maps, flow style for the rest; ends with a newline. An
/// empty map at the root is empty text.
[[nodiscard]] std::string yaml_block(const Value& value);

/// One line without a newline: `[a, {b: c}]`.
[[nodiscard]] std::string yaml_flow(const Value& value);

}  // namespace weft::config
