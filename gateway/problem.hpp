#pragma once
// Errors of the bridge as answers (gateway/http/problem.hpp). Threads: pure functions.

#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/message.hpp"
#include "gateway/http/problem.hpp"

namespace weft::gateway {

/// With the request's id as `instance`, for who has to find it in a log.
[[nodiscard]] Response problem(unsigned status, std::string_view detail, const Request& request);

/// The status of an error of the bridge; what may be tried again says when.
[[nodiscard]] unsigned status_of(BridgeError::Kind kind) noexcept;
[[nodiscard]] Response problem(const BridgeError& error, const Request& request);

}  // namespace weft::gateway
