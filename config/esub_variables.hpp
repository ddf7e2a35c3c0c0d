#pragma once
// The environment of the esub server that weft stands in for: its variables are settings of
// gateway.esub, below WEFT_… and above the files. Threads: pure functions.
#include <optional>
#include <string>
#include <string_view>

#include "config/assignment.hpp"

namespace weft::config {

inline constexpr std::string_view esub_variable_prefix = "ESUB_";

/// Nothing: it is none that the server knew, or it says nothing about weft's esub.
[[nodiscard]] std::optional<Assignment> read_esub_variable(std::string_view variable,
                                                           std::string_view value,
                                                           const Schema& schema);

}  // namespace weft::config
