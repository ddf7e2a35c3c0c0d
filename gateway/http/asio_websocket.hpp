#pragma once
// A connection that has become a WebSocket: frames are read and control frames answered on the io
// thread; what handlers send is written by the thread that sends it (frame_outlet.hpp).
// Threads: start_websocket() on the io thread of the connection.

#include <memory>
#include <string>

#include "gateway/http/asio_core.hpp"
#include "gateway/http/asio_wire.hpp"

namespace weft::gateway {

struct WebSocketStart {
    std::shared_ptr<Core> core;
    Loop& loop;
    OpenSlot slot;
    std::shared_ptr<Turn> turn;  ///< The handshake; refuse_websocket() has nothing against it.
    std::string input;           ///< Read already, behind the handshake.
    WebSocketHooks hooks;
    std::string protocol;  ///< Of Sec-WebSocket-Protocol; "": none is chosen.
};

void start_websocket(WebSocketStart start, std::unique_ptr<Wire> wire);

}  // namespace weft::gateway
