#include "config/host.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "config/decimal.hpp"
#include "config/problem.hpp"

namespace weft::config {

namespace {

constexpr std::size_t label_bytes_max = 63;

auto refuse(std::string_view text, std::string_view why) {
    return tl::make_unexpected(in_quotes(text) + std::string(why));
}

bool is_letter_or_digit(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::optional<in6_addr> read_v6(std::string_view host) {
    in6_addr address{};
    if (inet_pton(AF_INET6, std::string(host).c_str(), &address) != 1) return std::nullopt;
    return address;
}

std::optional<std::string> shortest_v6(std::string_view host) {
    const auto address = read_v6(host);
    if (!address) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (inet_ntop(AF_INET6, &*address, text.data(), text.size()) == nullptr) return std::nullopt;
    return std::string(text.data());
}

bool is_v4(std::string_view host) {
    in_addr address{};
    return inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

bool is_name(std::string_view host) {
    if (host.empty() || host.size() > host_bytes_max) return false;
    while (true) {
        const std::size_t dot = host.find('.');
        const std::string_view label = host.substr(0, dot);
        const bool good = !label.empty() && label.size() <= label_bytes_max &&
                          label.front() != '-' && label.back() != '-' &&
                          std::all_of(label.begin(), label.end(), [](char c) {
                              return is_letter_or_digit(c) || c == '-' || c == '_';
                          });
        if (!good) return false;
        if (dot == std::string_view::npos) return true;
        host.remove_prefix(dot + 1);
    }
}

/// Resolvers read `127.1` and `2130706433` as addresses too; nobody means them, so nobody gets
/// them.
bool ends_in_number(std::string_view host) noexcept {
    const std::string_view last = host.substr(host.rfind('.') + 1);
    return leading_digits(last) == last.size() || last.substr(0, 2) == "0x" ||
           last.substr(0, 2) == "0X";
}

tl::expected<std::uint16_t, std::string> parse_port(std::string_view text) {
    if (text.empty()) {
        return tl::make_unexpected(
            std::string("the port is missing: write host:port, with port 0 for a free one"));
    }
    auto number = parse_decimal(text);
    if (!number) return tl::make_unexpected("the port " + number.error());
    if (*number > 65'535) {
        return tl::make_unexpected("the port " + in_quotes(text) +
                                   " is too large: write a number from 0 to 65535");
    }
    return static_cast<std::uint16_t>(*number);
}

tl::expected<HostPort, std::string> parse_v6_and_port(std::string_view text) {
    const std::size_t end = text.find(']');
    const auto host =
        end == std::string_view::npos ? std::nullopt : shortest_v6(text.substr(1, end - 1));
    if (!host) {
        return refuse(text, " has no IPv6 address between [ and ]: write it like [::1]:9940");
    }
    const std::string_view rest = text.substr(end + 1);
    if (rest.empty() || rest.front() != ':') {
        return refuse(text, " has no port: write it after the bracket, like [::1]:9940");
    }
    auto port = parse_port(rest.substr(1));
    if (!port) return tl::make_unexpected(std::move(port.error()));
    return HostPort{*host, *port};
}

}  // namespace

tl::expected<HostPort, std::string> parse_host_port(std::string_view text) {
    if (!text.empty() && text.front() == '[') return parse_v6_and_port(text);
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return refuse(text, " has no port: write host:port, such as 127.0.0.1:9940");
    }
    const std::string_view host = text.substr(0, colon);
    if (host.find(':') != std::string_view::npos) {
        return refuse(text,
                      " has more than one colon: put an IPv6 address in brackets, like "
                      "[::1]:9940");
    }
    if (host.empty()) {
        return refuse(text,
                      " has no host before the colon: write host:port, such as "
                      "127.0.0.1:9940");
    }
    if (host != "*" && !is_v4(host)) {
        if (!is_name(host)) {
            return refuse(host,
                          " is not a host: write a name, an IPv4 address or an IPv6 address in "
                          "brackets");
        }
        if (ends_in_number(host)) {
            return refuse(host,
                          " is not an IPv4 address: write four decimal numbers from 0 to 255, "
                          "such as 127.0.0.1");
        }
    }
    auto port = parse_port(text.substr(colon + 1));
    if (!port) return tl::make_unexpected(std::move(port.error()));
    return HostPort{std::string(host), *port};
}

std::string host_port_text(std::string_view host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string_view::npos;
    std::string text = v6 ? "[" + std::string(host) + "]" : std::string(host);
    return text + ":" + std::to_string(port);
}

bool is_wildcard_host(std::string_view host) noexcept {
    return host == "*" || host == "0.0.0.0" || host == "::";
}

bool is_loopback_host(std::string_view host) noexcept {
    static constexpr std::string_view local = "localhost";
    const bool named_local = std::equal(
        host.begin(), host.end(), local.begin(), local.end(),
        [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b); });
    if (named_local || host == "::1") return true;
    return host.substr(0, 4) == "127." && is_v4(host);
}

}  // namespace weft::config
