#pragma once
// The answers of Routemaster: success is empty or JSON, an error is a line of plain text.
// Threads: pure functions.

#include <string>
#include <string_view>

#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/delivery/engine.hpp"
#include "gateway/http/message.hpp"

namespace weft::gateway::routemaster {

[[nodiscard]] Response empty(unsigned status = 204);
[[nodiscard]] Response json_answer(unsigned status, std::string json);
[[nodiscard]] Response error(unsigned status, std::string_view sentence);
/// 503 with Retry-After.
[[nodiscard]] Response away(std::string_view sentence);
/// 401 with the challenge (M21).
[[nodiscard]] Response who_are_you(std::string_view sentence);
[[nodiscard]] Response wrong_method(std::string allow);
[[nodiscard]] Response failed(const BridgeError& why);
[[nodiscard]] Response failed(const delivery::EngineError& why);

}  // namespace weft::gateway::routemaster
