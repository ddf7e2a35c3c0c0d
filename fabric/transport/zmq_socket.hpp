#pragma once
// What every libzmq socket of weft has in common: options, the eventfd that wakes its thread, and
// reading a whole multipart message. Stays inside fabric: it shows libzmq's types.

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <zmq.hpp>

#include "fabric/transport/transport.hpp"
#include "signing/curve_key.hpp"

namespace weft::fabric {

/// Wakes a poll from any thread, also from a signal handler.
class WakeFd {
public:
    WakeFd();
    ~WakeFd();
    WakeFd(const WakeFd&) = delete;
    WakeFd& operator=(const WakeFd&) = delete;

    void wake() noexcept;
    void drain() noexcept;
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
};

/// Up to three frames of one message; further ones are read, counted and thrown away.
struct ZmqFrames {
    std::array<zmq::message_t, 3> frame;
    std::size_t count = 0;
};

/// On a socket that receives nothing but subscriptions. libzmq keeps them in a tree with a node for
/// each byte: a longer one costs its sender the connection instead of us the memory.
inline constexpr std::int64_t subscription_frame_bytes_max = 1024;

/// Sets what must always be set: see docs in zmq_socket.cpp.
void configure(zmq::socket_t& socket, const ZmqOptions& options);

/// Makes it a CURVE socket with these keys. libzmq keeps a copy of them outside of locked memory.
void use_curve_keys(zmq::socket_t& socket, const signing::CurveKeyPair& own);

/// Does it again where a signal that this thread happened to get cut it short.
template <typename Call>
auto uninterrupted(Call call) {
    while (true) {
        try {
            return call();
        } catch (const zmq::error_t& error) {
            if (error.num() != EINTR) throw;
        }
    }
}

/// Sends one frame without waiting.
template <typename Frame>
void send_frame(zmq::socket_t& socket, Frame&& frame, bool more) {
    const auto flags =
        zmq::send_flags::dontwait | (more ? zmq::send_flags::sndmore : zmq::send_flags::none);
    uninterrupted([&] { return socket.send(std::forward<Frame>(frame), flags); });
}

/// Reads one whole message without waiting; false if there is none.
bool receive_all(zmq::socket_t& socket, ZmqFrames& frames);

[[nodiscard]] inline std::string_view view(const zmq::message_t& message) noexcept {
    return {static_cast<const char*>(message.data()), message.size()};
}

/// Address of the peer that sent this; "" for what libzmq made itself, such as the unsubscription
/// of a peer whose connection ended.
[[nodiscard]] std::string peer_of(const zmq::message_t& message);

/// Sends three frames without waiting.
void send_frames(zmq::socket_t& socket, std::string_view topic, std::string_view contents,
                 std::string_view proof);

/// Binds; on error a sentence that names the endpoint and, for a port in use, who has it as far as
/// the kernel tells. Returns the endpoint with its real port.
[[nodiscard]] tl::expected<std::string, std::string> bind_named(zmq::socket_t& socket,
                                                                const std::string& endpoint);
[[nodiscard]] tl::expected<void, std::string> connect_named(zmq::socket_t& socket,
                                                            const std::string& endpoint);

/// Waits for input on the socket or the wake-up.
void wait_readable(zmq::socket_t& socket, WakeFd& wake, std::chrono::milliseconds timeout);

}  // namespace weft::fabric
