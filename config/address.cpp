#include "config/address.hpp"

#include "config/host.hpp"
#include "config/problem.hpp"

namespace weft::config {

tl::expected<Address, std::string> Address::parse(std::string_view text) {
    if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
        return tl::make_unexpected(
            in_quotes(text) + " has a scheme: write only host:port, such as " + "127.0.0.1:8080");
    }
    auto parsed = parse_host_port(text);
    if (!parsed) return tl::make_unexpected(std::move(parsed.error()));
    if (parsed->host == "*") {
        return tl::make_unexpected(in_quotes(text) + " has no address: write 0.0.0.0:" +
                                   std::to_string(parsed->port) + " for every IPv4 interface or " +
                                   host_port_text("::", parsed->port) + " for every interface");
    }
    return Address{std::move(parsed->host), parsed->port};
}

std::string Address::text() const {
    return host_port_text(host, port);
}

bool Address::is_wildcard_host() const noexcept {
    return config::is_wildcard_host(host);
}

bool Address::is_loopback() const noexcept {
    return is_loopback_host(host);
}

}  // namespace weft::config
