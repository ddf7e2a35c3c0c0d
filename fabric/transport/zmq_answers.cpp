#include "fabric/transport/zmq_answers.hpp"

#include <algorithm>

#include "fabric/transport/zmq_connection.hpp"

namespace weft::fabric {
namespace {

void configure_marks(zmq::socket_t& socket, const ZmqOptions& options) {
    configure(socket, options);
    // Each may be megabytes long, so fewer of them may wait than of messages.
    const int mark = std::min(options.high_water_mark, answers_queued_max);
    socket.set(zmq::sockopt::sndhwm, mark);
    socket.set(zmq::sockopt::rcvhwm, mark);
}

void configure_answers(zmq::socket_t& socket, const ZmqOptions& options) {
    configure_marks(socket, options);
    // Otherwise what cannot be sent would be dropped without a word.
    socket.set(zmq::sockopt::router_mandatory, true);
    // A peer that takes the name of another one must not get its answers.
    socket.set(zmq::sockopt::router_handover, false);
}

/// The first frame of a message decides whether the peer takes it; the others follow it. False if
/// it does not, or is gone.
bool begins(zmq::socket_t& socket, std::string_view frame) {
    try {
        return uninterrupted([&] {
                   return socket.send(zmq::const_buffer(frame.data(), frame.size()),
                                      zmq::send_flags::dontwait | zmq::send_flags::sndmore);
               })
            .has_value();
    } catch (const zmq::error_t& error) {
        if (error.num() == EHOSTUNREACH) return false;
        throw;
    }
}

void fill(const ZmqFrames& frames, Arrival& arrival) {
    const auto frame = [&](std::size_t i) {
        return frames.count > i ? view(frames.frame[i]) : std::string_view{};
    };
    arrival = {frames.count, frame(0), frame(1), frame(2)};
}

}  // namespace

ZmqAnswerPort::ZmqAnswerPort(zmq::context_t& context, const ZmqOptions& options, ZmqGate* gate)
    : listener_(
          context, zmq::socket_type::router,
          [options](zmq::socket_t& socket) { configure_answers(socket, options); }, gate,
          Door::answers, wake_) {}

tl::expected<void, std::string> ZmqAnswerPort::bind_first(
    const std::vector<std::string>& endpoints) {
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

bool ZmqAnswerPort::receive(std::string_view& who, Arrival& arrival) {
    // Somebody was cut off: with the old socket all requests and identities are gone.
    static_cast<void>(listener_.reopened());
    listener_.keep_bound();
    zmq::socket_t& socket = listener_.socket();
    if (!uninterrupted([&] { return socket.recv(who_, zmq::recv_flags::dontwait); })) return false;
    frames_.count = 0;
    if (who_.more()) receive_all(socket, frames_);
    who = view(who_);
    fill(frames_, arrival);
    return true;
}

std::string ZmqAnswerPort::peer() const {
    return frames_.count > 0 ? connection_name_of(frames_.frame[0]) : "";
}

bool ZmqAnswerPort::send(std::string_view who, std::string_view topic, std::string_view contents,
                         std::string_view proof) {
    zmq::socket_t& socket = listener_.socket();
    if (!begins(socket, who)) return false;
    send_frames(socket, topic, contents, proof);
    return true;
}

void ZmqAnswerPort::wait(std::chrono::milliseconds timeout) {
    wait_readable(listener_.socket(), wake_, listener_.patience(timeout));
}

ZmqRequestPort::ZmqRequestPort(zmq::context_t& context, const ZmqOptions& options,
                               std::shared_ptr<Curve> curve)
    : socket_(context, zmq::socket_type::dealer), links_(socket_, std::move(curve)) {
    configure_marks(socket_, options);
    // While nobody is connected nothing is queued: whoever asks knows, and asks again.
    socket_.set(zmq::sockopt::immediate, true);
    // Who has gone does not want its answers.
    socket_.set(zmq::sockopt::linger, 0);
}

tl::expected<void, std::string> ZmqRequestPort::connect(const std::string& endpoint) {
    if (!endpoint_.empty()) {
        return tl::make_unexpected("cannot connect to " + endpoint + ": this port asks " +
                                   endpoint_ + " already");
    }
    auto connected = links_.connect(endpoint);
    if (connected) endpoint_ = endpoint;
    return connected;
}

bool ZmqRequestPort::send(std::string_view topic, std::string_view contents,
                          std::string_view proof) {
    if (!begins(socket_, topic)) return false;
    send_frame(socket_, zmq::const_buffer(contents.data(), contents.size()), true);
    send_frame(socket_, zmq::const_buffer(proof.data(), proof.size()), false);
    return true;
}

bool ZmqRequestPort::receive(Arrival& arrival) {
    links_.look();
    if (!receive_all(socket_, frames_)) return false;
    fill(frames_, arrival);
    return true;
}

std::string ZmqRequestPort::peer() const {
    return frames_.count > 0 ? connection_name_of(frames_.frame[0]) : "";
}

void ZmqRequestPort::wait(std::chrono::milliseconds timeout) {
    wait_readable(socket_, wake_, timeout);
}

}  // namespace weft::fabric
