#include "fabric/transport/zmq_socket.hpp"

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "config/endpoint.hpp"
#include "fabric/transport/port_holder.hpp"

namespace weft::fabric {

WakeFd::WakeFd() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) throw std::runtime_error("no file descriptor left for an eventfd");
}

WakeFd::~WakeFd() {
    ::close(fd_);
}

void WakeFd::wake() noexcept {
    const std::uint64_t one = 1;
    // A full counter means that a wake-up is pending already.
    static_cast<void>(!::write(fd_, &one, sizeof one));
}

void WakeFd::drain() noexcept {
    std::uint64_t count = 0;
    static_cast<void>(!::read(fd_, &count, sizeof count));
}

void configure(zmq::socket_t& socket, const ZmqOptions& options) {
    socket.set(zmq::sockopt::linger, static_cast<int>(options.linger.count()));
    socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(options.frame_bytes_max));
    socket.set(zmq::sockopt::sndhwm, options.high_water_mark);
    socket.set(zmq::sockopt::rcvhwm, options.high_water_mark);
    // libzmq adds up to as much again by chance. Its own back-off begins anew with each connection
    // that was accepted, so 100 ms would be seven attempts a second at a peer that accepts and
    // closes.
    socket.set(zmq::sockopt::reconnect_ivl, static_cast<int>(reconnect_after_max.count() / 2));
    socket.set(zmq::sockopt::reconnect_ivl_max, 0);
    // Dead peers are found by the kernel: libzmq 4.3.4's own heartbeats abort a SUB whose queue is
    // full (zeromq/libzmq#3937), so they stay off. A subscriber only reads: where the other end
    // gave up during a partition and its reset was lost, nothing but these probes tells. Within ten
    // seconds of silence, then, and within twenty where nobody answers at all.
    socket.set(zmq::sockopt::tcp_keepalive, 1);
    socket.set(zmq::sockopt::tcp_keepalive_idle, 10);
    socket.set(zmq::sockopt::tcp_keepalive_intvl, 3);
    socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
}

void use_curve_keys(zmq::socket_t& socket, const signing::CurveKeyPair& own) {
    const std::string_view secret = own.secret_key.reveal();
    socket.set(zmq::sockopt::curve_publickey, zmq::buffer(own.public_key));
    socket.set(zmq::sockopt::curve_secretkey, zmq::const_buffer(secret.data(), secret.size()));
    // Whoever does not finish its handshake is sent away, and tries again, after this.
    socket.set(zmq::sockopt::handshake_ivl, 5000);
}

bool receive_all(zmq::socket_t& socket, ZmqFrames& frames) {
    frames.count = 0;
    zmq::message_t rest;
    bool more = true;
    while (more) {
        zmq::message_t& into =
            frames.count < frames.frame.size() ? frames.frame[frames.count] : rest;
        if (!uninterrupted([&] { return socket.recv(into, zmq::recv_flags::dontwait); })) {
            return false;
        }
        more = into.more();
        ++frames.count;
    }
    return true;
}

std::string peer_of(const zmq::message_t& message) {
    // libzmq keeps the peer's address with each received frame. Older headers take no const.
    const char* address =
        zmq_msg_gets(const_cast<zmq::message_t&>(message).handle(), "Peer-Address");
    return address != nullptr ? address : "";
}

void send_frames(zmq::socket_t& socket, std::string_view topic, std::string_view contents,
                 std::string_view proof) {
    send_frame(socket, zmq::const_buffer(topic.data(), topic.size()), true);
    send_frame(socket, zmq::const_buffer(contents.data(), contents.size()), true);
    send_frame(socket, zmq::const_buffer(proof.data(), proof.size()), false);
}

namespace {

/// IPv6 is switched on for names, wildcards and IPv6 literals only: with it, libzmq would show IPv4
/// addresses as ::ffff:a.b.c.d.
void choose_family(zmq::socket_t& socket, const std::string& endpoint) {
    const auto parsed = config::Endpoint::parse(endpoint);
    const bool ipv4_literal = parsed && parsed->scheme == config::Endpoint::Scheme::tcp &&
                              !parsed->host.empty() &&
                              parsed->host.find_first_not_of("0123456789.") == std::string::npos;
    socket.set(zmq::sockopt::ipv6, !ipv4_literal);
}

/// libzmq binds addresses and interface names only; a host name of the configuration is looked up
/// here. Everything else stays as it is, also a name that does not resolve: the bind will say so.
std::string with_address(const std::string& text) {
    auto endpoint = config::Endpoint::parse(text);
    if (!endpoint || endpoint->scheme != config::Endpoint::Scheme::tcp ||
        endpoint->is_wildcard_host()) {
        return text;
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (::getaddrinfo(endpoint->host.c_str(), nullptr, &hints, &found) != 0) return text;
    std::array<char, NI_MAXHOST> address{};
    if (::getnameinfo(found->ai_addr, found->ai_addrlen, address.data(), address.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
        endpoint->host = address.data();
    }
    ::freeaddrinfo(found);
    return endpoint->text();
}

/// libzmq removes the socket file of an ipc endpoint before it binds, and so takes the path from
/// whoever listens there, without a word to either. True if somebody does.
bool is_answered(const std::string& text) {
    const auto endpoint = config::Endpoint::parse(text);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!endpoint || endpoint->scheme != config::Endpoint::Scheme::ipc ||
        endpoint->path.size() >= sizeof address.sun_path) {
        return false;
    }
    endpoint->path.copy(address.sun_path, endpoint->path.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    // EAGAIN: there is a listener, and its queue is full.
    const bool answered =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno == EAGAIN;
    ::close(fd);
    return answered;
}

}  // namespace

tl::expected<std::string, std::string> bind_named(zmq::socket_t& socket,
                                                  const std::string& endpoint) {
    if (is_answered(endpoint)) {
        return tl::make_unexpected("cannot bind " + endpoint +
                                   ": somebody listens there (choose another path, or stop what "
                                   "uses it)");
    }
    try {
        const std::string address = with_address(endpoint);
        choose_family(socket, address);
        socket.bind(address);
        return socket.get(zmq::sockopt::last_endpoint);
    } catch (const zmq::error_t& error) {
        std::string sentence = "cannot bind " + endpoint + ": " + error.what();
        if (error.num() == EADDRINUSE) {
            const std::string holder = port_holder(endpoint);
            sentence += holder.empty() ? " (choose another port, or stop what uses it)"
                                       : "; the port is held by " + holder;
        }
        return tl::make_unexpected(sentence);
    }
}

tl::expected<void, std::string> connect_named(zmq::socket_t& socket, const std::string& endpoint) {
    try {
        choose_family(socket, endpoint);
        socket.connect(endpoint);
        return {};
    } catch (const zmq::error_t& error) {
        return tl::make_unexpected("cannot connect to " + endpoint + ": " + error.what());
    }
}

void wait_readable(zmq::socket_t& socket, WakeFd& wake, std::chrono::milliseconds timeout) {
    std::array<zmq::pollitem_t, 2> items{
        {{socket.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, wake.fd(), ZMQ_POLLIN, 0}}};
    try {
        zmq::poll(items.data(), items.size(), timeout);
    } catch (const zmq::error_t& error) {
        if (error.num() != EINTR) throw;
        return;
    }
    if ((items[1].revents & ZMQ_POLLIN) != 0) wake.drain();
}

}  // namespace weft::fabric
