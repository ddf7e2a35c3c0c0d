#pragma once
// Where a server listens: `127.0.0.1:8080`, `[::1]:0`, `localhost:8080`. Nothing is resolved here.
// Threads: a plain value; parse is pure.
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace weft::config {

struct Address {
    std::string host = "127.0.0.1";  ///< name, IPv4, or IPv6 without brackets
    std::uint16_t port = 0;          ///< 0 asks for a free port

    /// The error says what is wrong and shows an address that would be right.
    [[nodiscard]] static tl::expected<Address, std::string> parse(std::string_view text);

    [[nodiscard]] std::string text() const;  ///< the form that parse() reads
    [[nodiscard]] bool is_wildcard_port() const noexcept { return port == 0; }
    [[nodiscard]] bool is_wildcard_host() const noexcept;  ///< 0.0.0.0 or [::]
    [[nodiscard]] bool is_loopback() const noexcept;       ///< localhost, 127.0.0.0/8 or ::1

    bool operator==(const Address&) const = default;
};

}  // namespace weft::config
