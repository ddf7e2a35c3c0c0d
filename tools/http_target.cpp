#include "tools/http_target.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "config/host.hpp"
#include "config/problem.hpp"
#include "tools/answer_reader.hpp"

namespace weft::tools {
namespace {

using Clock = std::chrono::steady_clock;

bool wait_for(int descriptor, short what, Clock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd wanted{descriptor, what, 0};
    return left > 0 && ::poll(&wanted, 1, static_cast<int>(left)) == 1;
}

int connect_error(int descriptor) {
    int error = 0;
    socklen_t bytes = sizeof error;
    ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &bytes);
    return error;
}

}  // namespace

tl::expected<HttpTarget, std::string> HttpTarget::parse(std::string_view url) {
    const auto wrong = [&](const std::string& why) {
        return tl::make_unexpected(config::in_quotes(url) + " " + why +
                                   "; write http://127.0.0.1:8080/healthz or the like");
    };
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) return wrong("does not begin with http://");
    const std::string_view rest = url.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find('/'));
    HttpTarget target;
    const bool has_port = authority.find(':', authority.rfind(']') + 1) != std::string_view::npos;
    const auto place = config::parse_host_port(std::string{authority} + (has_port ? "" : ":80"));
    if (!place || place->host == "*" || place->port == 0) return wrong("names no host and port");
    target.host = place->host;
    target.port = place->port;
    if (authority.size() < rest.size()) target.path = rest.substr(authority.size());
    for (const char byte : target.path) {
        if (byte <= 0x20 || byte >= 0x7F || byte == '#') return wrong("has a byte to be escaped");
    }
    return target;
}

std::string HttpTarget::authority() const {
    return config::host_port_text(host, port);
}

tl::expected<SocketAddress, std::string> find_address(const HttpTarget& target) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int error =
        ::getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &list);
    if (error != 0) {
        return tl::make_unexpected(target.host + " cannot be found: " + ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> found(list, &::freeaddrinfo);
    SocketAddress address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.bytes = found->ai_addrlen;
    return address;
}

reliability::hub::Descriptor begin_connecting(const SocketAddress& address) {
    reliability::hub::Descriptor socket(
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return socket;
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* where = reinterpret_cast<const sockaddr*>(&address.storage);
    if (::connect(socket.get(), where, address.bytes) != 0 && errno != EINPROGRESS) {
        socket.close();
    }
    return socket;
}

tl::expected<TargetReply, std::string> http_get(const HttpTarget& target,
                                                std::chrono::milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    const auto address = find_address(target);
    if (!address) return tl::make_unexpected(address.error());
    const reliability::hub::Descriptor socket = begin_connecting(*address);
    const auto silent = [&] {
        return tl::make_unexpected("no answer within " + std::to_string(timeout.count()) + " ms");
    };
    if (!socket.is_open()) return tl::make_unexpected(std::string{});
    if (!wait_for(socket.get(), POLLOUT, deadline)) return silent();
    if (const int error = connect_error(socket.get()); error != 0) {
        return tl::make_unexpected(error == ECONNREFUSED ? "" : std::string{std::strerror(error)});
    }
    const std::string request = "GET " + target.path + " HTTP/1.1\r\nHost: " + target.authority() +
                                "\r\nConnection: close\r\n\r\n";
    // A new connection has room for so little.
    if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
        return tl::make_unexpected("the connection was closed");
    }
    AnswerReader reader;
    std::array<char, 4096> buffer{};
    while (wait_for(socket.get(), POLLIN, deadline)) {
        const ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0) return tl::make_unexpected("the connection was closed without an answer");
        std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
        const auto state = reader.read(bytes);
        if (state == AnswerReader::State::complete)
            return TargetReply{reader.status(), reader.body()};
        if (state == AnswerReader::State::broken) {
            return tl::make_unexpected("what answers there speaks no HTTP/1.1 that we read");
        }
    }
    return silent();
}

}  // namespace weft::tools
