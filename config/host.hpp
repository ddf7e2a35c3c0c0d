#pragma once
// The host part of an endpoint or a listen address. Only the text is looked at: no name is
// resolved. Threads: pure functions.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace weft::config {

inline constexpr std::size_t host_bytes_max = 253;

struct HostPort {
    std::string host;  ///< IPv6 without its brackets and in its shortest form
    std::uint16_t port = 0;
};

/// Splits and checks `host:port`, `[v6]:port`; `*` is let through as a host. A port is 0 to 65535
/// in decimal. The error is the end of a sentence: what is wrong and what would be right.
[[nodiscard]] tl::expected<HostPort, std::string> parse_host_port(std::string_view text);

/// `host:port`, with brackets round an IPv6 address.
[[nodiscard]] std::string host_port_text(std::string_view host, std::uint16_t port);

/// `*`, `0.0.0.0` and `::`: every interface of this machine.
[[nodiscard]] bool is_wildcard_host(std::string_view host) noexcept;

/// `localhost`, 127.0.0.0/8 and ::1. A name that only happens to resolve to one of them is not.
[[nodiscard]] bool is_loopback_host(std::string_view host) noexcept;

}  // namespace weft::config
