#pragma once
// The outgoing connections of one socket. Without CURVE libzmq connects once and for all. With it
// each connection is bound to the key of the server, so look() follows the certificates: a server
// whose certificate is gone, expired or revoked is left at once, one that gets another key is
// connected anew, and one that is not known yet is connected when its certificate comes.
// Threads: that of the socket.

#include <map>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>
#include <zmq.hpp>

#include "fabric/transport/clock.hpp"
#include "fabric/transport/curve.hpp"

namespace weft::fabric {

class ZmqLinks {
public:
    /// `curve` null: no CURVE. Both must outlive this.
    ZmqLinks(zmq::socket_t& socket, std::shared_ptr<Curve> curve);

    [[nodiscard]] tl::expected<void, std::string> connect(const std::string& endpoint);
    void disconnect(const std::string& endpoint);
    /// Cheap unless Curve::look_every has passed.
    void look();

private:
    struct Link {
        signing::PublicKey key;
        std::string address;  ///< What libzmq was told.
    };
    [[nodiscard]] tl::expected<void, std::string> follow(const std::string& endpoint);
    void disconnect_address(const std::string& address);

    zmq::socket_t& socket_;
    const std::shared_ptr<Curve> curve_;
    std::map<std::string, std::vector<Link>> links_;  // by endpoint; with CURVE only
    Instant next_look_{};
};

}  // namespace weft::fabric
