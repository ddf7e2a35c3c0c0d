#include "tests/fault/esub_deaths/client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>

namespace weft::testing {
namespace {

constexpr int patience_ms = 20'000;
constexpr int wide = 256 << 10;

void set_buffer(int socket, int bytes) {
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

}  // namespace

Client::Client(const Address& address, int receive_buffer) {
    socket_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket_.is_open()) fail_with_errno("socket");
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer > 0) set_buffer(socket_.get(), receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &to.sin_addr);
    if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
        fail_with_errno("connect");
    }
}

bool Client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void Client::reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.close();
}

void Client::close_sending() {
    ::shutdown(socket_.get(), SHUT_WR);
}

void Client::widen() {
    set_buffer(socket_.get(), wide);
}

bool Client::fill(std::string& into) {
    if (!socket_.is_open()) return false;
    pollfd wanted{socket_.get(), POLLIN, 0};
    if (::poll(&wanted, 1, patience_ms) <= 0) return false;
    std::array<char, 65536> bytes;
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    into.append(bytes.data(), static_cast<std::size_t>(got));
    return true;
}

unsigned Client::read_status() {
    std::string head;
    std::size_t end = 0;
    while ((end = head.find("\r\n\r\n")) == std::string::npos) {
        if (!fill(head)) return 0;
    }
    body_ = head.substr(end + 4);
    head.resize(end);
    constexpr std::string_view name = "\r\nContent-Length: ";
    const std::size_t at = head.find(name);
    length_ =
        at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + name.size(), nullptr, 10);
    return static_cast<unsigned>(std::strtoul(head.c_str() + head.find(' '), nullptr, 10));
}

bool Client::read_body(std::size_t bytes) {
    while (body_.size() < bytes) {
        if (!fill(body_)) return false;
    }
    return true;
}

void Client::read_some() {
    std::array<char, 65536> bytes;
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) body_.append(bytes.data(), static_cast<std::size_t>(got));
}

bool Client::read_frame(std::string& payload) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(body_[at]); };
    if (!read_body(2)) return false;
    std::size_t begin = 2, size = byte(1) & 0x7FU;
    if (size == 126) {
        if (!read_body(4)) return false;
        begin = 4;
        size = static_cast<std::size_t>(byte(2)) << 8U | byte(3);
    }
    const bool is_data = (byte(0) & 0x0FU) <= 2;
    if (!is_data || size == 127 || !read_body(begin + size)) return false;
    payload = body_.substr(begin, size);
    body_.erase(0, begin + size);
    return true;
}

}  // namespace weft::testing
