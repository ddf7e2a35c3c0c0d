#pragma once
// Where a socket binds or connects: `tcp://host:port`, `tcp://*:0`, `tcp://[::1]:9940`,
// `ipc:///path`, `inproc://name`. Parsed once, at the edge; nothing is resolved or opened here.
// Threads: a plain value; parse is pure.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace weft::config {

struct Endpoint {
    enum class Scheme { tcp, ipc, inproc };
    static constexpr std::size_t ipc_path_bytes_max = 107;  ///< what fits in a sockaddr_un
    static constexpr std::size_t inproc_name_bytes_max = 255;

    Scheme scheme = Scheme::tcp;
    std::string host = "127.0.0.1";  ///< tcp: name, IPv4, IPv6 without brackets, or `*`
    std::uint16_t port = 0;          ///< tcp: 0 asks for a free port
    std::string path;                ///< ipc: the absolute path; inproc: the name

    /// The error says what is wrong and shows an endpoint that would be right.
    [[nodiscard]] static tl::expected<Endpoint, std::string> parse(std::string_view text);

    /// The form that parse() and ZeroMQ read.
    [[nodiscard]] std::string text() const;

    /// tcp with port 0: the system chooses when it is bound.
    [[nodiscard]] bool is_wildcard_port() const noexcept;
    /// tcp on every interface: `*`, `0.0.0.0` or `[::]`.
    [[nodiscard]] bool is_wildcard_host() const noexcept;
    /// Nobody outside this machine can reach it: localhost, 127.0.0.0/8, ::1, ipc and inproc. Any
    /// other name is not loopback, whatever it resolves to.
    [[nodiscard]] bool is_loopback() const noexcept;

    bool operator==(const Endpoint&) const = default;
};

}  // namespace weft::config
