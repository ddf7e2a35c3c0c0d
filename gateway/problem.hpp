#pragma once
// Errors as people and programs read them: application/problem+json (RFC 9457), where a protocol
// does not prescribe its own. Threads: pure functions.

#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/message.hpp"

namespace weft::gateway {

/// "Not Found" of 404; "" of a status that nobody knows.
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

/// `detail` says what is wrong and what to do.
[[nodiscard]] Response problem(unsigned status, std::string_view detail, const Request& request);

/// The status of an error of the bridge; what may be tried again says when.
[[nodiscard]] unsigned status_of(BridgeError::Kind kind) noexcept;
[[nodiscard]] Response problem(const BridgeError& error, const Request& request);

}  // namespace weft::gateway
