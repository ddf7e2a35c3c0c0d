#pragma once
// Where in a value something stands: steps with dots between, keys of maps (the last one of a name
// counts) and indexes of lists from 0, as in `files.0.name`.
// Threads: pure functions. Ownership: what is found is part of `value`.

#include <optional>
#include <string>
#include <string_view>

#include "fabric/message/value.hpp"

namespace weft::reliability::hub {

/// Null if there is nothing; an empty path is the whole value. A key with a dot in it cannot be
/// named.
[[nodiscard]] const fabric::Value* find(const fabric::Value& value, std::string_view path);
/// An integer or a floating point number.
[[nodiscard]] std::optional<double> number_of(const fabric::Value& value);
/// "the text \"often\"", "the number 1.5", "a list": for sentences.
[[nodiscard]] std::string described(const fabric::Value& value);

}  // namespace weft::reliability::hub
