// libzmq's side of the transport seam.

#include <sys/socket.h>

#include <algorithm>

#include "fabric/transport/transport.hpp"
#include "fabric/transport/zmq_socket.hpp"

namespace weft::fabric {
namespace {

class ZmqPublishPort final : public PublishPort {
public:
    ZmqPublishPort(zmq::context_t& context, const ZmqOptions& options)
        : socket_(context, zmq::socket_type::xpub) {
        configure(socket_, options);
        // Each subscriber is seen, not only the first of a prefix: flush() counts peers.
        socket_.set(zmq::sockopt::xpub_verboser, true);
        socket_.set(zmq::sockopt::maxmsgsize, subscription_frame_bytes_max);
        // A pipe ends with its connection, so that subscriptions of a dead relay go away and
        // nothing is queued for a peer that is not there.
        socket_.set(zmq::sockopt::immediate, true);
    }

    tl::expected<void, std::string> bind_first(const std::vector<std::string>& endpoints) {
        std::string tried;
        for (const std::string& endpoint : endpoints) {
            auto bound = bind_named(socket_, endpoint);
            if (bound) {
                bound_ = *bound;
                return {};
            }
            tried += (tried.empty() ? "" : "; ") + bound.error();
        }
        return tl::make_unexpected(tried.empty() ? "no endpoint to bind was given" : tried);
    }
    tl::expected<void, std::string> connect(const std::string& endpoint) {
        return connect_named(socket_, endpoint);
    }

    void send(std::string_view topic, std::string_view contents, std::string_view proof) override {
        send_frames(socket_, topic, contents, proof);
    }
    bool next_subscription(SubscriptionEvent& event) override {
        while (receive_all(socket_, frames_)) {
            const std::string_view body = view(frames_.frame[0]);
            // Anything but one frame that starts with 0 or 1 is a stranger's noise.
            if (frames_.count != 1 || body.empty() || static_cast<unsigned char>(body[0]) > 1) {
                continue;
            }
            event.subscribed = body[0] == 1;
            event.prefix.assign(body.substr(1));
            event.gone = !event.subscribed && peer_of(frames_.frame[0]).empty();
            return true;
        }
        return false;
    }
    void wait(std::chrono::milliseconds timeout) override {
        wait_readable(socket_, wake_, timeout);
    }
    void wake() override { wake_.wake(); }
    std::string bound() const override { return bound_; }

private:
    zmq::socket_t socket_;
    WakeFd wake_;
    ZmqFrames frames_;
    std::string bound_;
};

class ZmqSubscribePort final : public SubscribePort {
public:
    ZmqSubscribePort(zmq::context_t& context, const ZmqOptions& options)
        : socket_(context, zmq::socket_type::sub) {
        configure(socket_, options);
        // On SUB the send mark limits subscriptions, silently, again at each reconnect.
        socket_.set(zmq::sockopt::sndhwm, 0);
        // It has nothing to hand over, so nobody need wait for it at the end.
        socket_.set(zmq::sockopt::linger, 0);
    }

    tl::expected<void, std::string> connect(const std::string& endpoint) override {
        return connect_named(socket_, endpoint);
    }
    void disconnect(const std::string& endpoint) override {
        try {
            socket_.disconnect(endpoint);
        } catch (const zmq::error_t&) {
            // Not connected: nothing to undo.
        }
    }
    void subscribe(std::string_view prefix) override {
        socket_.set(zmq::sockopt::subscribe, zmq::const_buffer(prefix.data(), prefix.size()));
    }
    void unsubscribe(std::string_view prefix) override {
        socket_.set(zmq::sockopt::unsubscribe, zmq::const_buffer(prefix.data(), prefix.size()));
    }
    bool receive(Arrival& arrival) override {
        if (!receive_all(socket_, frames_)) return false;
        arrival.frames = frames_.count;
        arrival.topic = view(frames_.frame[0]);
        arrival.contents = frames_.count > 1 ? view(frames_.frame[1]) : std::string_view{};
        arrival.proof = frames_.count > 2 ? view(frames_.frame[2]) : std::string_view{};
        return true;
    }
    std::string peer() const override { return peer_of(frames_.frame[0]); }
    void wait(std::chrono::milliseconds timeout) override {
        wait_readable(socket_, wake_, timeout);
    }
    void wake() override { wake_.wake(); }

private:
    zmq::socket_t socket_;
    WakeFd wake_;
    ZmqFrames frames_;
};

class ZmqTransport final : public Transport {
public:
    explicit ZmqTransport(const ZmqOptions& options) : options_(options) {
        context_.set(zmq::ctxopt::max_sockets, 4096);
    }

    tl::expected<std::unique_ptr<PublishPort>, std::string> bind_publisher(
        const std::vector<std::string>& endpoints) override {
        auto port = std::make_unique<ZmqPublishPort>(context_, options_);
        if (auto bound = port->bind_first(endpoints); !bound) {
            return tl::make_unexpected(bound.error());
        }
        return port;
    }
    tl::expected<std::unique_ptr<PublishPort>, std::string> connect_publisher(
        const std::string& endpoint) override {
        auto port = std::make_unique<ZmqPublishPort>(context_, options_);
        if (auto connected = port->connect(endpoint); !connected) {
            return tl::make_unexpected(connected.error());
        }
        return port;
    }
    tl::expected<std::unique_ptr<SubscribePort>, std::string> open_subscriber() override {
        return std::make_unique<ZmqSubscribePort>(context_, options_);
    }

private:
    ZmqOptions options_;
    zmq::context_t context_;
};

}  // namespace

std::unique_ptr<Transport> make_zmq_transport(const ZmqOptions& options) {
    return std::make_unique<ZmqTransport>(options);
}

}  // namespace weft::fabric
