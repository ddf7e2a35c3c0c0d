#include "fabric/transport/zmq_monitor.hpp"

#include <atomic>
#include <cstring>
#include <string>

namespace weft::fabric {
namespace {

constexpr int handshake_failed = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

}  // namespace

ConnectionMonitor::ConnectionMonitor(zmq::context_t& context, zmq::socket_t& watched)
    : watched_(watched), events_(context, zmq::socket_type::pair) {
    events_.set(zmq::sockopt::linger, 0);
    // A name of its own: a context has several, and frees a name some time after it was used.
    static std::atomic<std::uint64_t> made{0};
    const std::string name = "inproc://weft.monitor." + std::to_string(++made);
    if (zmq_socket_monitor(watched.handle(), name.c_str(),
                           handshake_failed | ZMQ_EVENT_ACCEPT_FAILED) != 0) {
        throw zmq::error_t();
    }
    events_.connect(name);
}

ConnectionMonitor::~ConnectionMonitor() {
    zmq_socket_monitor(watched_.handle(), nullptr, 0);
}

ConnectionMonitor::Counts ConnectionMonitor::drain() {
    Counts counts;
    // Two frames: event (16 bits) and value (32 bits) in host order, then the endpoint.
    while (receive_all(events_, frames_)) {
        std::uint16_t event = 0;
        if (frames_.frame[0].size() < sizeof event) continue;
        std::memcpy(&event, frames_.frame[0].data(), sizeof event);
        if ((event & handshake_failed) != 0) ++counts.handshakes_failed;
        if (event == ZMQ_EVENT_ACCEPT_FAILED) ++counts.accepts_failed;
    }
    return counts;
}

}  // namespace weft::fabric
