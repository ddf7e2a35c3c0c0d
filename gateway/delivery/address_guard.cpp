#include "gateway/delivery/address_guard.hpp"

#include <algorithm>

#include "gateway/delivery/callback_url.hpp"

namespace weft::gateway::delivery {

tl::expected<AddressGuard, std::string> AddressGuard::make(
    bool allow_http, const std::vector<std::string>& allow_networks) {
    AddressGuard guard;
    guard.allow_http_ = allow_http;
    for (const std::string& text : allow_networks) {
        auto network = Network::parse(text);
        if (!network) return tl::make_unexpected(std::move(network.error()));
        guard.networks_.push_back(*network);
    }
    return guard;
}

std::string AddressGuard::form_error(std::string_view url) const {
    const auto parts = CallbackUrl::parse(url);
    if (!parts) return parts.error();
    if (!parts->https && !allow_http_) {
        return "a callback's URL begins with https:// (plain HTTP only where "
               "gateway.webhooks.allow_http is true)";
    }
    if (const auto address = Address::parse(parts->host)) return address_error(*address);
    // Old spellings of IPv4 (0x7f.1, 017700000001, 2130706433) that nobody means.
    const auto last = parts->host.substr(parts->host.find_last_of('.') + 1);
    if (last.find_first_not_of("0123456789") == std::string::npos || last.starts_with("0x") ||
        last.starts_with("0X")) {
        return "a callback's host is a name, or an address as 192.0.2.1 or [2001:db8::1]";
    }
    return {};
}

std::string AddressGuard::address_error(const Address& address) const {
    const std::string_view kind = inner_kind(address);
    if (kind.empty()) return {};
    const bool allowed = std::any_of(networks_.begin(), networks_.end(),
                                     [&](const Network& one) { return one.contains(address); });
    if (allowed) return {};
    return "a callback may not lead to " + address.text() + ": it is " + std::string{kind} +
           " (networks that may be reached all the same: gateway.webhooks.allow_networks)";
}

}  // namespace weft::gateway::delivery
