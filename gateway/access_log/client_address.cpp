#include "gateway/access_log/client_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "gateway/http/message.hpp"

namespace weft::gateway {
namespace {

using AddressBytes = std::array<std::uint8_t, 16>;

/// A header can name any number; nobody has so many proxies.
constexpr std::size_t hops_max = 16;

std::optional<AddressBytes> parse_address(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    if (text.empty() || text.size() >= buffer.size()) return std::nullopt;
    std::memcpy(buffer.data(), text.data(), text.size());
    AddressBytes bytes{};
    if (::inet_pton(AF_INET6, buffer.data(), bytes.data()) == 1) return bytes;
    if (::inet_pton(AF_INET, buffer.data(), &bytes[12]) != 1) return std::nullopt;
    bytes[10] = bytes[11] = 0xFF;
    return bytes;
}

/// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80" without brackets and port.
std::string_view without_port(std::string_view text) {
    if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
    const std::size_t colon = text.find(':');
    const bool is_port = colon != std::string_view::npos && text.rfind(':') == colon;
    return is_port ? text.substr(0, colon) : text;
}

std::string text_of(const AddressBytes& bytes) {
    const std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool is_v4 = std::equal(mapped.begin(), mapped.end(), bytes.begin());
    ::inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? &bytes[12] : bytes.data(), text.data(),
                text.size());
    return text.data();
}

bool is_trusted(std::string_view address, const std::vector<Network>& trusted) {
    return std::any_of(trusted.begin(), trusted.end(),
                       [&](const Network& network) { return network.contains(address); });
}

}  // namespace

std::optional<Network> Network::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string_view address = text.substr(0, slash);
    const auto bytes = parse_address(address);
    if (!bytes) return std::nullopt;
    Network network;
    network.bytes_ = *bytes;
    if (slash == std::string_view::npos) return network;
    const std::string_view length = text.substr(slash + 1);
    const bool is_v4 = address.find(':') == std::string_view::npos;
    const auto [end, error] =
        std::from_chars(length.data(), length.data() + length.size(), network.bits_);
    if (error != std::errc{} || end != length.data() + length.size()) return std::nullopt;
    if (network.bits_ > (is_v4 ? 32U : 128U)) return std::nullopt;
    if (is_v4) network.bits_ += 96;
    for (unsigned bit = network.bits_; bit < 128; ++bit) {
        if ((network.bytes_[bit / 8] & (0x80U >> bit % 8)) != 0) return std::nullopt;
    }
    return network;
}

bool Network::contains(std::string_view address) const {
    const auto bytes = parse_address(address);
    if (!bytes) return false;
    for (unsigned bit = 0; bit < bits_; ++bit) {
        if ((((*bytes)[bit / 8] ^ bytes_[bit / 8]) & (0x80U >> bit % 8)) != 0) return false;
    }
    return true;
}

std::string client_address(std::string_view peer, std::string_view forwarded_for,
                           const std::vector<Network>& trusted) {
    std::string client{without_port(peer)};
    for (std::size_t hop = 0; hop < hops_max && !forwarded_for.empty(); ++hop) {
        if (!is_trusted(client, trusted)) return client;
        const std::size_t comma = forwarded_for.rfind(',');
        const bool is_first = comma == std::string_view::npos;
        const std::string_view one =
            trimmed(is_first ? forwarded_for : forwarded_for.substr(comma + 1));
        forwarded_for = is_first ? std::string_view{} : forwarded_for.substr(0, comma);
        const auto bytes = parse_address(without_port(one));
        if (!bytes) return client;
        client = text_of(*bytes);
    }
    return client;
}

}  // namespace weft::gateway
