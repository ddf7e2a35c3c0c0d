#pragma once
// What a server answers to a Sec-WebSocket-Key, so that the client knows that it was understood.
// Threads: pure function.

#include <string>
#include <string_view>

namespace weft::gateway {

[[nodiscard]] std::string websocket_accept(std::string_view key);

}  // namespace weft::gateway
