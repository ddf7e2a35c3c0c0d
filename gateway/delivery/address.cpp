#include "gateway/delivery/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weft::gateway::delivery {
namespace {

struct Special {
    bool v6;
    std::array<std::uint8_t, 16> base;
    unsigned bits;
    std::string_view kind;
};

// The IANA registries of special-purpose addresses, and what has an IPv4 address inside.
constexpr std::array specials{
    Special{false, {0}, 8, "an address of this host"},
    Special{false, {10}, 8, "a private address"},
    Special{false, {100, 64}, 10, "a shared address (carrier NAT)"},
    Special{false, {127}, 8, "a loopback address"},
    Special{false, {169, 254}, 16, "a link-local address"},
    Special{false, {172, 16}, 12, "a private address"},
    Special{false, {192, 0, 0}, 24, "a reserved address"},
    Special{false, {192, 0, 2}, 24, "an address for documentation"},
    Special{false, {192, 31, 196}, 24, "a reserved address"},
    Special{false, {192, 52, 193}, 24, "a reserved address"},
    Special{false, {192, 88, 99}, 24, "a 6to4 relay"},
    Special{false, {192, 168}, 16, "a private address"},
    Special{false, {192, 175, 48}, 24, "a reserved address"},
    Special{false, {198, 18}, 15, "an address for benchmarks"},
    Special{false, {198, 51, 100}, 24, "an address for documentation"},
    Special{false, {203, 0, 113}, 24, "an address for documentation"},
    Special{false, {224}, 4, "a multicast address"},
    Special{false, {240}, 4, "a reserved address"},
    Special{true, {0, 0x64, 0xff, 0x9b}, 32, "a NAT64 address"},
    Special{true, {0x01}, 8, "a reserved address"},
    Special{true, {0x20, 0x01, 0}, 23, "a reserved address"},  // Teredo among them
    Special{true, {0x20, 0x01, 0x0d, 0xb8}, 32, "an address for documentation"},
    Special{true, {0x20, 0x02}, 16, "a 6to4 address"},
    Special{true, {0x26, 0x20, 0, 0x4f, 0x80}, 48, "a reserved address"},
    Special{true, {0x3f, 0xff}, 20, "an address for documentation"},
    Special{true, {0x5f}, 16, "a reserved address"},
    Special{true, {0xfc}, 7, "a unique local address"},
    Special{true, {0xfe, 0x80}, 10, "a link-local address"},
    Special{true, {0xfe, 0xc0}, 10, "a site-local address"},
    Special{true, {0xff}, 8, "a multicast address"},
    // Everything else of ::/8: unspecified, loopback, IPv4-mapped and IPv4-compatible ones.
    Special{true, {0}, 8, "a loopback, IPv4-mapped or reserved address"},
};

bool within(const std::array<std::uint8_t, 16>& bytes, const std::array<std::uint8_t, 16>& base,
            unsigned bits) {
    const unsigned whole = bits / 8;
    if (!std::equal(bytes.begin(), bytes.begin() + whole, base.begin())) return false;
    if (bits % 8 == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xffU << (8 - bits % 8));
    return ((bytes[whole] ^ base[whole]) & mask) == 0;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
    Address address;
    const std::string copy(text);
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
    address.v6 = true;
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
    return std::nullopt;
}

std::optional<Address> Address::of(const sockaddr& from) {
    Address address;
    if (from.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from, sizeof v4);
        std::memcpy(address.bytes.data(), &v4.sin_addr, 4);
        return address;
    }
    if (from.sa_family != AF_INET6) return std::nullopt;
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    address.v6 = true;
    std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
    return address;
}

std::string Address::text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    static_cast<void>(::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(),
                                  static_cast<socklen_t>(text.size())));
    return text.data();
}

std::string_view inner_kind(const Address& address) noexcept {
    for (const Special& special : specials) {
        if (special.v6 == address.v6 && within(address.bytes, special.base, special.bits)) {
            return special.kind;
        }
    }
    // Of IPv6 only 2000::/3 is given out.
    if (address.v6 && (address.bytes[0] & 0xe0U) != 0x20U) return "a reserved address";
    return {};
}

tl::expected<Network, std::string> Network::parse(std::string_view text) {
    const auto wrong = [&] {
        return tl::make_unexpected("'" + std::string{text} +
                                   "' is no network; right are 10.0.0.0/8, fd00::/8 or one "
                                   "address");
    };
    const auto slash = text.find('/');
    const auto base = Address::parse(text.substr(0, slash));
    if (!base) return wrong();
    const unsigned most = base->v6 ? 128 : 32;
    Network network;
    network.base_ = *base;
    network.bits_ = most;
    if (slash != std::string_view::npos) {
        const std::string_view bits = text.substr(slash + 1);
        const auto [end, error] =
            std::from_chars(bits.data(), bits.data() + bits.size(), network.bits_);
        if (bits.empty() || error != std::errc{} || end != bits.data() + bits.size() ||
            network.bits_ > most) {
            return wrong();
        }
    }
    return network;
}

bool Network::contains(const Address& address) const noexcept {
    return address.v6 == base_.v6 && within(address.bytes, base_.bytes, bits_);
}

}  // namespace weft::gateway::delivery
