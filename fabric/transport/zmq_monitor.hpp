#pragma once
// What libzmq says about the connections of a socket: peers that never got as far as a message. A
// socket has one monitor at most.
// Stays inside fabric: it shows libzmq's types.
// Threads: the thread that owns the watched socket. Ownership: must go before that socket does.
// Limits:  beyond a thousand events that wait, libzmq drops them: the counts are lower bounds.

#include <cstdint>
#include <zmq.hpp>

#include "fabric/transport/zmq_socket.hpp"

namespace weft::fabric {

class ConnectionMonitor {
public:
    ConnectionMonitor(zmq::context_t& context, zmq::socket_t& watched);
    ~ConnectionMonitor();
    ConnectionMonitor(const ConnectionMonitor&) = delete;
    ConnectionMonitor& operator=(const ConnectionMonitor&) = delete;

    struct Counts {
        std::uint64_t handshakes_failed = 0;  ///< No peer of ours: noise, or gone too early.
        std::uint64_t accepts_failed = 0;     ///< Such as no descriptor left.
    };
    /// Reads what has happened since the last call.
    [[nodiscard]] Counts drain();
    /// For polling: readable when there is something to drain.
    [[nodiscard]] void* handle() noexcept { return events_.handle(); }

private:
    zmq::socket_t& watched_;
    zmq::socket_t events_;
    ZmqFrames frames_;
};

}  // namespace weft::fabric
