#pragma once
// A peer that speaks ZMTP 3.0 (the wire protocol of ZeroMQ, NULL mechanism) by hand, so that it can
// say what no libzmq socket would, and read as slowly as it likes. The greeting is 64 bytes: 0xFF,
// 8 bytes, 0x7F, version 3.0, mechanism "NULL" in 20 bytes, as-server 0, filler; then one READY
// command each way; then frames: flags, length, body. A subscription is a frame of 1 or 0 and the
// prefix. Threads: one. Errors: std::runtime_error, which GoogleTest reports as the failure of the
// test.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weft::support {

class ZmtpStranger {
public:
    /// `endpoint` is tcp://127.0.0.1:port. `receive_buffer` bytes (0: as the system has it) are
    /// what the kernel keeps of what was not read yet, about.
    ZmtpStranger(const std::string& endpoint, const std::string& socket_type,
                 int receive_buffer = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer > 0) {
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        }
        try {
            greet(endpoint, socket_type);
        } catch (...) {
            ::close(fd_);
            throw;
        }
    }
    ~ZmtpStranger() { ::close(fd_); }
    ZmtpStranger(const ZmtpStranger&) = delete;
    ZmtpStranger& operator=(const ZmtpStranger&) = delete;

    void subscribe(std::string_view prefix) { frame('\x01', prefix); }
    void unsubscribe(std::string_view prefix) { frame('\x00', prefix); }
    /// Any frames, as many of them as the other side takes before it ends the connection.
    void write_some(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// What is there now, at most `bytes_max` of it. Throws once the other side has hung up.
    std::string read_some(std::size_t bytes_max) const {
        std::string got(bytes_max, '\0');
        const ssize_t count = ::recv(fd_, got.data(), got.size(), MSG_DONTWAIT);
        if (count == 0) throw std::runtime_error("the peer has ended the connection");
        if (count < 0 && errno != EAGAIN) throw std::runtime_error("the connection broke");
        got.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return got;
    }

private:
    void greet(const std::string& endpoint, const std::string& socket_type) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error("cannot connect to " + endpoint);
        }
        std::string greeting("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0NULL", 16);
        greeting.resize(64, '\0');
        write(greeting);
        read(64);
        std::string ready = "\x05READY\x0BSocket-Type";
        ready += std::string(3, '\0') + static_cast<char>(socket_type.size()) + socket_type;
        write("\x04" + std::string(1, static_cast<char>(ready.size())) + ready);
        const std::string head = read(2);
        read(static_cast<unsigned char>(head[1]));
    }
    void frame(char action, std::string_view prefix) {
        std::string bytes(1, '\0');
        bytes += static_cast<char>(prefix.size() + 1);
        bytes += action;
        bytes += prefix;
        write(bytes);
    }
    void write(std::string_view bytes) {
        if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(bytes.size())) {
            throw std::runtime_error("the peer does not take what is sent");
        }
    }
    std::string read(std::size_t bytes) {
        std::string got(bytes, '\0');
        if (::recv(fd_, got.data(), bytes, MSG_WAITALL) != static_cast<ssize_t>(bytes)) {
            throw std::runtime_error("the peer ended the handshake");
        }
        return got;
    }

    int fd_;
};

}  // namespace weft::support
