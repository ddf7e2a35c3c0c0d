#include "fabric/transport/zmq_links.hpp"

#include <algorithm>

#include "config/endpoint.hpp"
#include "fabric/transport/zmq_socket.hpp"

namespace weft::fabric {
namespace {

/// A SUB socket connects to an address once only, even with another key. Zeros before the port make
/// another address of the same place.
std::string with_zeros(const std::string& endpoint, std::size_t zeros) {
    const auto colon = endpoint.rfind(':');
    if (zeros == 0 || !endpoint.starts_with("tcp://") || colon == std::string::npos)
        return endpoint;
    return endpoint.substr(0, colon + 1) + std::string(zeros, '0') + endpoint.substr(colon + 1);
}

}  // namespace

ZmqLinks::ZmqLinks(zmq::socket_t& socket, std::shared_ptr<Curve> curve)
    : socket_(socket), curve_(std::move(curve)) {
    if (curve_) use_curve_keys(socket_, curve_->own());
}

tl::expected<void, std::string> ZmqLinks::connect(const std::string& endpoint) {
    if (!curve_) return connect_named(socket_, endpoint);
    if (const auto parsed = config::Endpoint::parse(endpoint); !parsed) {
        return tl::make_unexpected("cannot connect to " + endpoint + ": " + parsed.error());
    }
    links_.try_emplace(endpoint);
    return follow(endpoint);
}

tl::expected<void, std::string> ZmqLinks::follow(const std::string& endpoint) {
    std::vector<Link>& links = links_[endpoint];
    const std::vector<signing::PublicKey> keys = curve_->keys_at(endpoint);
    std::erase_if(links, [&](const Link& link) {
        const bool gone = std::find(keys.begin(), keys.end(), link.key) == keys.end();
        if (gone) disconnect_address(link.address);
        return gone;
    });
    for (const signing::PublicKey& key : keys) {
        const auto is_for = [&](const Link& link) { return link.key == key; };
        if (std::any_of(links.begin(), links.end(), is_for)) continue;
        std::size_t zeros = 0;
        std::string address = endpoint;
        while (std::any_of(links.begin(), links.end(),
                           [&](const Link& link) { return link.address == address; })) {
            address = with_zeros(endpoint, ++zeros);
            if (zeros > Curve::keys_max || address == endpoint) return {};  // ipc: one key only
        }
        socket_.set(zmq::sockopt::curve_serverkey, zmq::buffer(key));
        if (auto connected = connect_named(socket_, address); !connected) return connected;
        links.push_back({key, address});
    }
    return {};
}

void ZmqLinks::disconnect(const std::string& endpoint) {
    if (!curve_) {
        disconnect_address(endpoint);
        return;
    }
    for (const Link& link : links_[endpoint]) disconnect_address(link.address);
    links_.erase(endpoint);
}

void ZmqLinks::disconnect_address(const std::string& address) {
    try {
        socket_.disconnect(address);
    } catch (const zmq::error_t&) {
        // Not connected: nothing to undo.
    }
}

void ZmqLinks::look() {
    if (!curve_) return;
    const Instant now = curve_->steady();
    if (now < next_look_) return;
    next_look_ = now + Curve::look_every;
    curve_->look();
    for (auto& [endpoint, links] : links_) {
        // An endpoint that cannot be connected now was reported by connect().
        static_cast<void>(follow(endpoint));
    }
}

}  // namespace weft::fabric
