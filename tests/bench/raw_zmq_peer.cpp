// The limit to compare with: what libzmq does when nothing is encoded, signed or checked.

#include <zmq.hpp>

#include "tests/bench/peers.hpp"

namespace weft::bench {
namespace {

class RawZmq final : public Peer {
public:
    explicit RawZmq(bool curve) : curve_(curve) {
        if (!curve_) return;
        zmq_curve_keypair(server_public_, server_secret_);
        zmq_curve_keypair(client_public_, client_secret_);
    }
    [[nodiscard]] std::string name() const override { return curve_ ? "raw_curve" : "raw"; }

    void publish(const Meeting& meeting, const Load& load) const override {
        zmq::context_t context;
        zmq::socket_t socket(context, zmq::socket_type::xpub);
        socket.set(zmq::sockopt::sndhwm, 0);
        socket.set(zmq::sockopt::xpub_verboser, true);  // each subscriber comes and goes visibly
        if (curve_) {
            socket.set(zmq::sockopt::curve_server, true);
            socket.set(zmq::sockopt::curve_secretkey, server_secret_);
        }
        socket.bind(meeting.publish_at);
        zmq::message_t subscription;
        const auto await_all = [&] {
            for (std::size_t i = 0; i < load.subscribers; ++i) {
                static_cast<void>(socket.recv(subscription));
            }
        };
        await_all();
        Source source(load);
        for (std::uint64_t i = 0; i < load.messages; ++i) {
            socket.send(zmq::buffer(source.next(i)), zmq::send_flags::sndmore);
            socket.send(zmq::buffer(source.body()), zmq::send_flags::none);
        }
        await_all();  // they have everything and leave
    }

    [[nodiscard]] Seen receive(const Meeting& meeting, const Load& load) const override {
        zmq::context_t context;
        zmq::socket_t socket(context, zmq::socket_type::sub);
        socket.set(zmq::sockopt::rcvhwm, 0);
        socket.set(zmq::sockopt::rcvtimeo, 5000);
        socket.set(zmq::sockopt::reconnect_ivl, 10);
        if (curve_) {
            socket.set(zmq::sockopt::curve_serverkey, server_public_);
            socket.set(zmq::sockopt::curve_publickey, client_public_);
            socket.set(zmq::sockopt::curve_secretkey, client_secret_);
        }
        socket.connect(meeting.subscribe_at);
        socket.set(zmq::sockopt::subscribe, "org.weft.dev.bench.");
        Arrivals arrivals(load);
        zmq::message_t topic, body;
        while (!arrivals.complete() && socket.recv(topic) && socket.recv(body)) {
            arrivals.add({static_cast<const char*>(body.data()), body.size()});
        }
        return arrivals.seen();
    }

private:
    const bool curve_;
    char server_public_[41]{}, server_secret_[41]{}, client_public_[41]{}, client_secret_[41]{};
};

}  // namespace

std::unique_ptr<Peer> raw_zmq(bool curve) {
    return std::make_unique<RawZmq>(curve);
}

}  // namespace weft::bench
