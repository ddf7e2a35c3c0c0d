#pragma once
// Whose request it is, if proxies in front are believed about it: X-Forwarded-For counts only as
// far as each that added to it is in a trusted network. Threads: values and pure functions.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::gateway {

/// "10.0.0.0/8", "192.0.2.1", "2001:db8::/32".
class Network {
public:
    /// Nothing: it is no network, or has bits behind its length.
    [[nodiscard]] static std::optional<Network> parse(std::string_view text);
    /// False for what is no numeric address.
    [[nodiscard]] bool contains(std::string_view address) const;

private:
    std::array<std::uint8_t, 16> bytes_{};  ///< IPv4 as ::ffff:a.b.c.d.
    unsigned bits_ = 128;
};

/// `peer` as in Request::peer; `forwarded_for` is the header, several joined by commas. The
/// answer is numeric and without a port: the nearest that is not trusted, or the farthest trusted
/// one. What is no address is not believed, nor anything before it.
[[nodiscard]] std::string client_address(std::string_view peer, std::string_view forwarded_for,
                                         const std::vector<Network>& trusted);

}  // namespace weft::gateway
