#pragma once
// A peer that speaks ZMTP 3.0 (the wire protocol of ZeroMQ, NULL mechanism) by hand, so that it can
// say what no libzmq socket would. The greeting is 64 bytes: 0xFF, 8 bytes, 0x7F, version 3.0,
// mechanism "NULL" in 20 bytes, as-server 0, filler; then one READY command each way; then frames:
// flags, length, body. A subscription is a frame of 1 or 0 and the prefix.
// Threads: one. Errors: a failed expectation of the test.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace weft::fabric {

class ZmtpStranger {
public:
    /// `endpoint` is tcp://127.0.0.1:port.
    ZmtpStranger(const std::string& endpoint, const std::string& socket_type)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        std::string greeting("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0NULL", 16);
        greeting.resize(64, '\0');
        write(greeting);
        read(64);
        std::string ready = "\x05READY\x0BSocket-Type";
        ready += std::string(3, '\0') + static_cast<char>(socket_type.size()) + socket_type;
        write("\x04" + std::string(1, static_cast<char>(ready.size())) + ready);
        const std::string head = read(2);
        if (head.size() == 2) read(static_cast<unsigned char>(head[1]));
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

private:
    void frame(char action, std::string_view prefix) {
        std::string bytes(1, '\0');
        bytes += static_cast<char>(prefix.size() + 1);
        bytes += action;
        bytes += prefix;
        write(bytes);
    }
    void write(std::string_view bytes) {
        EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    std::string read(std::size_t bytes) {
        std::string got(bytes, '\0');
        EXPECT_EQ(::recv(fd_, got.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
        return got;
    }

    int fd_;
};

}  // namespace weft::fabric
