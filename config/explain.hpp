#pragma once
// What `weft config` prints. Secrets are shown as `***`, here and nowhere decided otherwise: those
// that the schema marks, and in free-form settings whatever is named like one.
// Threads: pure functions of an immutable configuration.
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "config/configuration.hpp"
#include "config/problem.hpp"

namespace weft::config {

inline constexpr std::string_view secret_mask = "***";

/// The whole configuration as YAML, which loads to the same configuration again (secrets apart).
[[nodiscard]] std::string effective_yaml(const Configuration& configuration);

/// The value of one key: a scalar bare on a line, a list one item a line, a map as YAML. Each line
/// ends with a newline; an empty list or map prints nothing. An unknown key is a problem that names
/// the nearest known one.
[[nodiscard]] tl::expected<std::string, Problem> query(const Configuration& configuration,
                                                       std::string_view key);

/// Each leaf below `key` (of everything, if it is empty) with its origin, one a line:
/// `fabric.mode: relay   # weft.d/10-weft.yaml:3`.
[[nodiscard]] tl::expected<std::string, Problem> origins(const Configuration& configuration,
                                                         std::string_view key = {});

}  // namespace weft::config
