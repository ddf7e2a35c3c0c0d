// libzmq's side of the transport seam.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "fabric/transport/transport.hpp"
#include "fabric/transport/zmq_answers.hpp"
#include "fabric/transport/zmq_connection.hpp"
#include "fabric/transport/zmq_links.hpp"
#include "fabric/transport/zmq_listener.hpp"
#include "fabric/transport/zmq_socket.hpp"

namespace weft::fabric {
namespace {

void configure_publisher(zmq::socket_t& socket, const ZmqOptions& options) {
    configure(socket, options);
    // Each subscriber is seen, not only the first of a prefix: flush() counts peers.
    socket.set(zmq::sockopt::xpub_verboser, true);
    socket.set(zmq::sockopt::maxmsgsize, subscription_frame_bytes_max);
    // A pipe ends with its connection, so that subscriptions of a dead relay go away and
    // nothing is queued for a peer that is not there.
    socket.set(zmq::sockopt::immediate, true);
}

/// False if there is none now.
bool read_subscription(zmq::socket_t& socket, ZmqFrames& frames, SubscriptionEvent& event) {
    while (receive_all(socket, frames)) {
        const std::string_view body = view(frames.frame[0]);
        // Anything but one frame that starts with 0 or 1 is a stranger's noise.
        if (frames.count != 1 || body.empty() || static_cast<unsigned char>(body[0]) > 1) continue;
        event.subscribed = body[0] == 1;
        event.prefix.assign(body.substr(1));
        event.gone = !event.subscribed && peer_of(frames.frame[0]).empty();
        event.all_gone = false;
        return true;
    }
    return false;
}

class ZmqBoundPublishPort final : public PublishPort {
public:
    ZmqBoundPublishPort(zmq::context_t& context, const ZmqOptions& options, ZmqGate* gate)
        : listener_(
              context, zmq::socket_type::xpub,
              [options](zmq::socket_t& socket) { configure_publisher(socket, options); }, gate,
              Door::outbound, wake_) {}

    tl::expected<void, std::string> bind_first(const std::vector<std::string>& endpoints) {
        std::string tried;
        for (const std::string& endpoint : endpoints) {
            auto bound = listener_.bind(endpoint);
            if (bound) {
                bound_ = *bound;
                return {};
            }
            tried += (tried.empty() ? "" : "; ") + bound.error();
        }
        return tl::make_unexpected(tried.empty() ? "no endpoint to bind was given" : tried);
    }

    void send(std::string_view topic, std::string_view contents, std::string_view proof) override {
        send_frames(listener_.socket(), topic, contents, proof);
    }
    bool next_subscription(SubscriptionEvent& event) override {
        const bool reopened = listener_.reopened();
        listener_.keep_bound();
        if (!reopened) return read_subscription(listener_.socket(), frames_, event);
        event = {};
        event.all_gone = true;
        return true;
    }
    void wait(std::chrono::milliseconds timeout) override {
        wait_readable(listener_.socket(), wake_, listener_.patience(timeout));
    }
    void wake() override { wake_.wake(); }
    std::string bound() const override { return bound_; }

private:
    WakeFd wake_;
    ZmqListener listener_;
    ZmqFrames frames_;
    std::string bound_;
};

class ZmqConnectedPublishPort final : public PublishPort {
public:
    ZmqConnectedPublishPort(zmq::context_t& context, const ZmqOptions& options,
                            std::shared_ptr<Curve> curve)
        : socket_(context, zmq::socket_type::xpub), links_(socket_, std::move(curve)) {
        configure_publisher(socket_, options);
    }

    tl::expected<void, std::string> connect(const std::string& endpoint) {
        return links_.connect(endpoint);
    }
    void send(std::string_view topic, std::string_view contents, std::string_view proof) override {
        send_frames(socket_, topic, contents, proof);
    }
    bool next_subscription(SubscriptionEvent& event) override {
        if (read_subscription(socket_, frames_, event)) return true;
        links_.look();
        return false;
    }
    void wait(std::chrono::milliseconds timeout) override {
        wait_readable(socket_, wake_, timeout);
    }
    void wake() override { wake_.wake(); }
    std::string bound() const override { return ""; }

private:
    zmq::socket_t socket_;
    WakeFd wake_;
    ZmqFrames frames_;
    ZmqLinks links_;
};

class ZmqSubscribePort final : public SubscribePort {
public:
    ZmqSubscribePort(zmq::context_t& context, const ZmqOptions& options,
                     std::shared_ptr<Curve> curve)
        : socket_(context, zmq::socket_type::sub), links_(socket_, std::move(curve)) {
        configure(socket_, options);
        // On SUB the send mark limits subscriptions, silently, again at each reconnect.
        socket_.set(zmq::sockopt::sndhwm, 0);
        // It has nothing to hand over, so nobody need wait for it at the end.
        socket_.set(zmq::sockopt::linger, 0);
    }

    tl::expected<void, std::string> connect(const std::string& endpoint) override {
        return links_.connect(endpoint);
    }
    void disconnect(const std::string& endpoint) override { links_.disconnect(endpoint); }
    void subscribe(std::string_view prefix) override {
        socket_.set(zmq::sockopt::subscribe, zmq::const_buffer(prefix.data(), prefix.size()));
    }
    void unsubscribe(std::string_view prefix) override {
        socket_.set(zmq::sockopt::unsubscribe, zmq::const_buffer(prefix.data(), prefix.size()));
    }
    bool receive(Arrival& arrival) override {
        links_.look();
        if (!receive_all(socket_, frames_)) return false;
        arrival.frames = frames_.count;
        arrival.topic = view(frames_.frame[0]);
        arrival.contents = frames_.count > 1 ? view(frames_.frame[1]) : std::string_view{};
        arrival.proof = frames_.count > 2 ? view(frames_.frame[2]) : std::string_view{};
        return true;
    }
    std::string peer() const override { return connection_name_of(frames_.frame[0]); }
    bool may_be_from(const std::string& endpoint) const override {
        return may_lead_to(connection_of(frames_.frame[0]), endpoint);
    }
    bool hang_up() override {
        const Connection connection = connection_of(frames_.frame[0]);
        // The kernel ends one that is ending as often as it is asked to.
        if (std::find(ended_.begin(), ended_.end(), connection.id) != ended_.end()) return false;
        if (!end_connection(connection)) return false;
        ended_[next_ended_++ % ended_.size()] = connection.id;
        return true;
    }
    void wait(std::chrono::milliseconds timeout) override {
        wait_readable(socket_, wake_, timeout);
    }
    void wake() override { wake_.wake(); }

private:
    zmq::socket_t socket_;
    WakeFd wake_;
    ZmqFrames frames_;
    ZmqLinks links_;
    std::array<std::uint64_t, 64> ended_{};  // the last that were hung up on
    std::size_t next_ended_ = 0;
};

class ZmqTransport final : public Transport {
public:
    ZmqTransport(const ZmqOptions& options, std::shared_ptr<Curve> curve)
        : options_(options), curve_(std::move(curve)) {
        context_.set(zmq::ctxopt::max_sockets, 4096);
    }

    tl::expected<std::unique_ptr<PublishPort>, std::string> bind_publisher(
        const std::vector<std::string>& endpoints) override {
        auto port = std::make_unique<ZmqBoundPublishPort>(context_, options_, gate());
        if (auto bound = port->bind_first(endpoints); !bound) {
            return tl::make_unexpected(bound.error());
        }
        return port;
    }
    tl::expected<std::unique_ptr<PublishPort>, std::string> connect_publisher(
        const std::string& endpoint) override {
        auto port = std::make_unique<ZmqConnectedPublishPort>(context_, options_, curve_);
        if (auto connected = port->connect(endpoint); !connected) {
            return tl::make_unexpected(connected.error());
        }
        return port;
    }
    tl::expected<std::unique_ptr<SubscribePort>, std::string> open_subscriber() override {
        return std::make_unique<ZmqSubscribePort>(context_, options_, curve_);
    }
    tl::expected<std::unique_ptr<AnswerPort>, std::string> bind_answers(
        const std::vector<std::string>& endpoints) override {
        auto port = std::make_unique<ZmqAnswerPort>(context_, options_, gate());
        if (auto bound = port->bind_first(endpoints); !bound) {
            return tl::make_unexpected(bound.error());
        }
        return port;
    }
    tl::expected<std::unique_ptr<RequestPort>, std::string> open_requests() override {
        return std::make_unique<ZmqRequestPort>(context_, options_, curve_);
    }

private:
    /// Made for the first that binds; null without CURVE.
    ZmqGate* gate() {
        const std::scoped_lock lock(mutex_);
        if (curve_ && !gate_) gate_ = std::make_unique<ZmqGate>(context_, curve_);
        return gate_.get();
    }

    const ZmqOptions options_;
    const std::shared_ptr<Curve> curve_;
    zmq::context_t context_;
    std::mutex mutex_;  // guards gate_
    std::unique_ptr<ZmqGate> gate_;
};

}  // namespace

std::unique_ptr<Transport> make_zmq_transport(const ZmqOptions& options,
                                              std::shared_ptr<Curve> curve) {
    return std::make_unique<ZmqTransport>(options, std::move(curve));
}

}  // namespace weft::fabric
