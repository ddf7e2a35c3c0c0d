#pragma once
// The answers of RSE that are not events. Every error is a JSON object with a text `message`, also
// for JSONP, whose reader sees the status alone.
// Threads: pure functions.

#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/message.hpp"

namespace weft::gateway::rse {

inline constexpr const char* json_type = "application/json; charset=utf-8";

[[nodiscard]] Response error(unsigned status, std::string_view message);
/// 503 with Retry-After; says nothing of what is inside.
[[nodiscard]] Response away(std::string_view message);
/// 405 with Allow; `method` stands in the message.
[[nodiscard]] Response wrong_method(std::string_view method, std::string allow);
/// 401 with a challenge and an empty message.
[[nodiscard]] Response unknown_token();
/// What failed in the bridge: a client's fault is 4xx, a full disk 507, everything else 503.
[[nodiscard]] Response failed(const BridgeError& why);
[[nodiscard]] Response script(std::string_view callback, std::string_view json);

}  // namespace weft::gateway::rse
