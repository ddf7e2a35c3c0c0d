#pragma once
// Checks one layer against the schema, so that merging and reading never meet a value of the wrong
// type. Layers are checked one by one: a mistake is reported even where a later layer hides it.
// Threads: pure functions.
#include <string_view>

#include "config/problem.hpp"
#include "config/schema.hpp"
#include "config/value.hpp"

namespace weft::config {

/// Adds every problem of `layer`, takes out what is wrong, and completes the items of lists of
/// sections with their defaults.
void check_layer(Value& layer, const Schema& schema, Problems& problems);

/// The built-in values of every key that has one.
[[nodiscard]] Value default_values(const Schema& schema);

/// `unknown key 'fabrik': did you mean 'fabric'?` for a key of `section`.
[[nodiscard]] std::string unknown_key(std::string_view key, const Schema& section);

}  // namespace weft::config
