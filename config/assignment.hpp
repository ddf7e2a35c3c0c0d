#pragma once
// Layers of one value: `--set a.b=value` and the environment variable WEFT_A__B=value. The value is
// YAML: a scalar, or a list or map in flow style. No value is empty text.
// Threads: pure functions.
#include <string_view>

#include "config/problem.hpp"
#include "config/schema.hpp"
#include "config/value.hpp"

namespace weft::config {

struct Assignment {
    Value layer;  ///< a map from the root down to the one value; null if there is a problem
    Problems problems;
};

/// `setting` as typed after --set. Where the schema has free keys, the rest of the dotted key is
/// one key, dots and all: `signing.policy.org.weft.**=[a]`.
[[nodiscard]] Assignment read_setting(std::string_view setting, const Schema& schema);

/// `variable` begins with WEFT_; two underscores go one level down, letters are lower-cased.
[[nodiscard]] Assignment read_variable(std::string_view variable, std::string_view value,
                                       const Schema& schema);

/// As read_variable(), for a variable of another name that means the same.
[[nodiscard]] Assignment read_variable_as(const Origin& origin, std::string_view variable,
                                          std::string_view value, const Schema& schema);

inline constexpr std::string_view variable_prefix = "WEFT_";

}  // namespace weft::config
