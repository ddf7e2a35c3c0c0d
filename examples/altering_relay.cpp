// A liar between a publisher and a relay: passes everything on, but flips one bit in the content of
// each message. `make demo` and the tests use it to show that receivers notice.
//
//   altering_relay INBOUND RELAY      e.g. altering_relay tcp://127.0.0.1:0 tcp://127.0.0.1:9940
//
// Prints `listening ENDPOINT` and runs until it is killed.

#include <array>
#include <chrono>
#include <cstdio>
#include <vector>
#include <zmq.hpp>

namespace {

std::vector<zmq::message_t> receive(zmq::socket_t& socket) {
    std::vector<zmq::message_t> frames;
    do {
        frames.emplace_back();
        static_cast<void>(socket.recv(frames.back()));
    } while (frames.back().more());
    return frames;
}

void send(zmq::socket_t& socket, std::vector<zmq::message_t>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
        socket.send(frames[i],
                    i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
}

void alter(std::vector<zmq::message_t>& frames) {
    if (frames.size() == 3 && frames[1].size() > 0) {
        frames[1].data<unsigned char>()[frames[1].size() - 1] ^= 1;
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: altering_relay INBOUND RELAY\n", stderr);
        return 2;
    }
    try {
        zmq::context_t context;
        zmq::socket_t publishers(context, zmq::socket_type::xsub);
        zmq::socket_t relay(context, zmq::socket_type::xpub);
        publishers.set(zmq::sockopt::linger, 0);
        relay.set(zmq::sockopt::linger, 0);
        publishers.bind(argv[1]);
        relay.connect(argv[2]);
        std::printf("listening %s\n", publishers.get(zmq::sockopt::last_endpoint).c_str());
        std::fflush(stdout);
        std::array<zmq::pollitem_t, 2> items{
            {{publishers.handle(), 0, ZMQ_POLLIN, 0}, {relay.handle(), 0, ZMQ_POLLIN, 0}}};
        while (true) {
            zmq::poll(items.data(), items.size(), std::chrono::milliseconds{-1});
            if ((items[0].revents & ZMQ_POLLIN) != 0) {
                auto frames = receive(publishers);
                alter(frames);
                send(relay, frames);
            }
            if ((items[1].revents & ZMQ_POLLIN) != 0) {
                auto frames = receive(relay);
                send(publishers, frames);
            }
        }
    } catch (const zmq::error_t& error) {
        std::fprintf(stderr, "altering_relay: %s\n", error.what());
        return 1;
    }
}
