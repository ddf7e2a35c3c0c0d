#pragma once
// A raw TCP client for tests of HTTP servers: sends exactly the bytes it is given, and reads
// answers strictly enough to see a wrong one. Threads: a value; one at a time. Errors:
// std::system_error, std::runtime_error; a read that lasts longer than 20 s is one.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/descriptor.hpp"

namespace weft::testing {

struct HttpAnswer {
    unsigned status = 0;
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;                            ///< Chunks put together.
    bool chunked = false;
};

class HttpClient {
public:
    static constexpr std::chrono::seconds patience{20};

    explicit HttpClient(std::uint16_t port, int receive_buffer = 0) {
        socket_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!socket_.is_open()) fail_with_errno("socket");
        const int on = 1;
        ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (receive_buffer > 0) {
            ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                         sizeof receive_buffer);
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            fail_with_errno("connect");
        }
    }

    /// False: the server has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void close() { socket_.close(); }
    void close_sending() { ::shutdown(socket_.get(), SHUT_WR); }
    /// The server sees a reset, not an orderly end.
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.close();
    }
    [[nodiscard]] int fd() const { return socket_.get(); }

    /// One whole answer; `to_head`: to a HEAD request, without a body. Throws if the connection
    /// ends before.
    HttpAnswer answer(bool to_head = false) {
        HttpAnswer answer = head();
        if (to_head || answer.status == 204 || answer.status == 304 || answer.status < 200) {
            return answer;
        }
        if (answer.chunked) {
            for (std::string piece = chunk(); !piece.empty(); piece = chunk()) answer.body += piece;
        } else if (answer.headers.contains("content-length")) {
            answer.body = take(std::stoul(answer.headers["content-length"]));
        } else {
            answer.body = rest();
        }
        return answer;
    }
    /// Status line and headers only.
    HttpAnswer head() {
        HttpAnswer answer;
        std::string text = line();
        if (!text.starts_with("HTTP/1.1 ")) throw std::runtime_error("no status line: " + text);
        answer.status = static_cast<unsigned>(std::stoul(text.substr(9, 3)));
        for (text = line(); !text.empty(); text = line()) {
            const std::size_t colon = text.find(": ");
            if (colon == std::string::npos) throw std::runtime_error("no header: " + text);
            std::string name = text.substr(0, colon);
            std::transform(name.begin(), name.end(), name.begin(), [](char letter) {
                return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
            });
            if (!answer.headers.emplace(name, text.substr(colon + 2)).second) {
                throw std::runtime_error("header twice: " + name);
            }
        }
        answer.chunked = answer.headers.contains("transfer-encoding");
        return answer;
    }
    /// The bytes of the next chunk; "" is the last one.
    std::string chunk() {
        const std::size_t bytes = std::stoul(line(), nullptr, 16);
        std::string data = take(bytes);
        if (take(2) != "\r\n") throw std::runtime_error("a chunk does not end");
        return data;
    }
    HttpAnswer ask(std::string_view request) {
        send(request);
        return answer();
    }
    std::string line() {
        std::size_t end = 0;
        while ((end = read_.find("\r\n")) == std::string::npos) more();
        std::string text = read_.substr(0, end);
        read_.erase(0, end + 2);
        return text;
    }
    std::string take(std::size_t bytes) {
        while (read_.size() < bytes) more();
        std::string data = read_.substr(0, bytes);
        read_.erase(0, bytes);
        return data;
    }
    /// Everything until the server closes.
    std::string rest() {
        while (fill()) {
        }
        return std::exchange(read_, {});
    }
    /// The server has closed, and sent nothing that was not read.
    bool is_closed() { return read_.empty() && !fill(); }
    /// Nothing comes for a while; the server has not closed either.
    bool is_quiet_for(std::chrono::milliseconds span) {
        pollfd wanted{socket_.get(), POLLIN, 0};
        return read_.empty() && ::poll(&wanted, 1, static_cast<int>(span.count())) == 0;
    }

private:
    bool fill() {
        pollfd wanted{socket_.get(), POLLIN, 0};
        constexpr auto limit = std::chrono::milliseconds(patience).count();
        if (::poll(&wanted, 1, static_cast<int>(limit)) <= 0) {
            throw std::runtime_error("the server says nothing for 20 s; so far: " + read_);
        }
        char bytes[65536];
        const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        if (got <= 0) return false;
        read_.append(bytes, static_cast<std::size_t>(got));
        return true;
    }
    void more() {
        if (!fill()) throw std::runtime_error("the server has closed after: " + read_);
    }

    Descriptor socket_;
    std::string read_;
};

}  // namespace weft::testing
