// The limit to compare with: what libzmq does when nothing is encoded, signed or checked.

#include <cstring>
#include <random>
#include <zmq.hpp>

#include "tests/bench/peers.hpp"

namespace weft::bench {
namespace {

class RawZmq final : public Peer {
public:
    [[nodiscard]] std::string name() const override { return "raw"; }

    void publish(const std::string& endpoint, const Load& load) const override {
        zmq::context_t context;
        zmq::socket_t socket(context, zmq::socket_type::xpub);
        socket.set(zmq::sockopt::sndhwm, 0);
        socket.bind(endpoint);
        zmq::message_t subscription;
        static_cast<void>(socket.recv(subscription));  // the subscriber is there
        const auto topics = topics_of(load);
        std::string body(load.body_bytes, 'w');
        std::minstd_rand random(1);
        const std::uint64_t start = now_ns();
        for (std::uint64_t i = 0; i < load.messages; ++i) {
            pace(load, start, i);
            if (load.with_latency) {
                const std::uint64_t now = now_ns();
                std::memcpy(body.data(), &now, sizeof now);
            }
            const std::string& topic = topics[topics.size() == 1 ? 0 : random() % topics.size()];
            socket.send(zmq::buffer(topic), zmq::send_flags::sndmore);
            socket.send(zmq::buffer(body), zmq::send_flags::none);
        }
        static_cast<void>(socket.recv(subscription));  // it has everything and leaves
    }

    [[nodiscard]] Seen receive(const std::string& endpoint, const Load& load) const override {
        zmq::context_t context;
        zmq::socket_t socket(context, zmq::socket_type::sub);
        socket.set(zmq::sockopt::rcvhwm, 0);
        socket.set(zmq::sockopt::rcvtimeo, 5000);
        socket.set(zmq::sockopt::reconnect_ivl, 10);
        socket.connect(endpoint);
        socket.set(zmq::sockopt::subscribe, "org.weft.dev.bench.");
        Arrivals arrivals(load);
        zmq::message_t topic, body;
        while (!arrivals.complete() && socket.recv(topic) && socket.recv(body)) {
            arrivals.add({static_cast<const char*>(body.data()), body.size()});
        }
        return arrivals.seen();
    }
};

}  // namespace

std::unique_ptr<Peer> raw_zmq() {
    return std::make_unique<RawZmq>();
}

}  // namespace weft::bench
