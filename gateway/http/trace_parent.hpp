#pragma once
// `traceparent` of the W3C Trace Context: who asked for this, across services.
// Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/message.hpp"

namespace weft::gateway {

/// The value as version 00 writes it, "00-<32 hex>-<16 hex>-<2 hex>"; of a later version what 00
/// knows of it. Nothing: it is none (capital letters, ids of zeros, version ff).
[[nodiscard]] std::optional<std::string> trace_parent(std::string_view text);
/// Of the one header of that name; of two, none can be believed.
[[nodiscard]] std::optional<std::string> trace_parent(const Headers& headers);
/// A new one, which nobody records yet (flags 00). `random`: 24 bytes, not all of one id zeros.
[[nodiscard]] std::string made_trace_parent(std::string_view random);

}  // namespace weft::gateway
