#pragma once
// Is somebody withholding revocations from us (T4)? What promises more than an ordinary message,
// such as a publish that must be acknowledged, asks first.
// Threads: pure function.

#include <optional>
#include <string>

#include "signing/trust_store.hpp"

namespace weft::signing {

/// A sentence about the first revocation list that is past its next update, skew allowed for.
[[nodiscard]] std::optional<std::string> overdue_list(const Trust& trust, UtcSeconds now);

}  // namespace weft::signing
