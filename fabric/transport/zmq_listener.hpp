#pragma once
// A socket that others connect to. With CURVE it can be closed and opened again at the same
// endpoint, which is how a peer that may no longer be there is cut off (see zmq_gate.hpp).
// Threads: one.

#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <zmq.hpp>

#include "fabric/transport/zmq_gate.hpp"
#include "fabric/transport/zmq_socket.hpp"

namespace weft::fabric {

class ZmqListener {
public:
    using Configure = std::function<void(zmq::socket_t&)>;

    /// `gate` null: no CURVE. `wake` wakes the thread that calls reopened(); both must outlive
    /// this. `configure` sets the options of each new socket.
    ZmqListener(zmq::context_t& context, zmq::socket_type type, Configure configure, ZmqGate* gate,
                Door side, WakeFd& wake);
    ~ZmqListener();
    ZmqListener(const ZmqListener&) = delete;
    ZmqListener& operator=(const ZmqListener&) = delete;

    [[nodiscard]] zmq::socket_t& socket() noexcept { return socket_; }
    /// The error is bind_named()'s. Returns the endpoint with its real port.
    [[nodiscard]] tl::expected<std::string, std::string> bind(const std::string& endpoint);
    /// True if the socket is a new one now: nobody is connected, and nothing is subscribed. It is
    /// not bound yet, so that it can be prepared first.
    [[nodiscard]] bool reopened();
    /// Binds again after reopened(), at once or as soon as the kernel lets go of the old socket.
    void keep_bound();
    /// How long to wait at most before keep_bound() should be called again.
    [[nodiscard]] std::chrono::milliseconds patience(std::chrono::milliseconds otherwise) const;

private:
    void open();

    zmq::context_t& context_;
    const zmq::socket_type type_;
    const Configure configure_;
    ZmqGate* const gate_;
    const std::shared_ptr<ZmqDoor> door_;
    zmq::socket_t socket_;
    std::string bound_;
    bool must_bind_ = false;
    Instant next_warning_{};
};

}  // namespace weft::fabric
