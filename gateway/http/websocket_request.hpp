#pragma once
// Whether a request asks for a WebSocket, and may have one. Browsers send no preflight for
// WebSockets but say which page asks: only pages of this very host may (rule H6).
// Threads: pure function.

#include <optional>

#include "gateway/http/message.hpp"
#include "gateway/http/refused.hpp"

namespace weft::gateway {

/// Nothing: it is a handshake that can be answered. Without an Origin it is no browser.
[[nodiscard]] std::optional<Refusal> refuse_websocket(const Request& request);

}  // namespace weft::gateway
