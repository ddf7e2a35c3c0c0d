#pragma once
// An IP address, and whether the outside world may be reached by it (rule W2). Pure.
// Threads: values.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

struct sockaddr;

namespace weft::gateway::delivery {

struct Address {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};  ///< IPv4: the first four.

    /// As inet_pton has it: "192.0.2.1", "2001:db8::1". Nothing else.
    [[nodiscard]] static std::optional<Address> parse(std::string_view text);
    /// Nothing: neither IPv4 nor IPv6.
    [[nodiscard]] static std::optional<Address> of(const sockaddr& from);
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Address&, const Address&) = default;
};

/// Why a webhook may not go there, as words that follow "it is": "a loopback address"; "" if it
/// may. An address that has another inside (IPv4-mapped, 6to4, NAT64, Teredo) is never allowed.
[[nodiscard]] std::string_view inner_kind(const Address& address) noexcept;

class Network {
public:
    /// "10.0.0.0/8", "::1/128", or an address alone. The error says what would be right.
    [[nodiscard]] static tl::expected<Network, std::string> parse(std::string_view text);
    [[nodiscard]] bool contains(const Address& address) const noexcept;

private:
    Address base_;
    unsigned bits_ = 0;
};

}  // namespace weft::gateway::delivery
