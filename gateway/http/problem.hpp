#pragma once
// Errors as application/problem+json (RFC 9457). Threads: pure functions.

#include <string_view>

#include "gateway/http/message.hpp"

namespace weft::gateway {

/// "Not Found"; "Unknown" for a status that has no name here.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

/// {type, title, status, detail}: `detail` is a sentence that says what to do.
[[nodiscard]] Response problem(unsigned status, std::string_view detail);

}  // namespace weft::gateway
