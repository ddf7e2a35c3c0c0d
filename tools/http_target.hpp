#pragma once
// Where an HTTP server is, and one question to it. Threads: any.

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "reliability/hub/descriptor.hpp"

namespace weft::tools {

struct HttpTarget {
    std::string host;  ///< Name or number, IPv6 without brackets.
    std::uint16_t port = 80;
    std::string path = "/";

    /// "http://127.0.0.1:8080/healthz"; the error is a sentence.
    [[nodiscard]] static tl::expected<HttpTarget, std::string> parse(std::string_view url);
    [[nodiscard]] std::string authority() const;  ///< "127.0.0.1:8080", for the Host header.
};

/// Where a target is, once its name has been looked up.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t bytes = 0;
};
[[nodiscard]] tl::expected<SocketAddress, std::string> find_address(const HttpTarget& target);
/// A socket that does not block, its connection on the way; closed if there is none to be had.
[[nodiscard]] reliability::hub::Descriptor begin_connecting(const SocketAddress& address);

struct TargetReply {
    unsigned status = 0;
    std::string body;  ///< Its beginning.
};
/// GET, without TLS. The error is a sentence; it is "" if nobody listens there.
[[nodiscard]] tl::expected<TargetReply, std::string> http_get(const HttpTarget& target,
                                                              std::chrono::milliseconds timeout);

}  // namespace weft::tools
