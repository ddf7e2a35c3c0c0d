#pragma once
// Numbers as JSON writes them.
// Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>

#include "fabric/message/value.hpp"

namespace weft::fabric {

/// The grammar of RFC 8259: no leading zeros or plus sign, no NaN or Infinity.
[[nodiscard]] bool is_json_number(std::string_view text) noexcept;

/// An integer if `text`, which must be a JSON number, is one of -2^63 to 2^64-1; else a double.
/// Nothing if it is beyond every double, as 1e400 is; what is too small for one becomes zero.
[[nodiscard]] std::optional<Value> number_value(std::string_view text);

/// The shortest text that reads back as the same double, and as a double: "1.0", not "1". null
/// where it is NaN or infinite.
[[nodiscard]] std::string json_number(double number);

}  // namespace weft::fabric
