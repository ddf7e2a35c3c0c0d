#include "config/endpoint.hpp"

#include "config/host.hpp"
#include "config/problem.hpp"
#include "config/utf8.hpp"

namespace weft::config {

namespace {

constexpr std::string_view tcp_prefix = "tcp://";
constexpr std::string_view ipc_prefix = "ipc://";
constexpr std::string_view inproc_prefix = "inproc://";

auto refuse(std::string_view text, std::string_view why) {
    return tl::make_unexpected(in_quotes(text) + std::string(why));
}

bool is_plain_text(std::string_view text) {
    while (!text.empty()) {
        const std::size_t bytes = shown_character_bytes(text);
        if (bytes == 0) return false;
        text.remove_prefix(bytes);
    }
    return true;
}

tl::expected<Endpoint, std::string> parse_tcp(std::string_view rest) {
    // ZeroMQ also writes a free port as `*`.
    std::string host_and_port(rest);
    if (rest.size() >= 2 && rest.substr(rest.size() - 2) == ":*") host_and_port.back() = '0';
    auto parsed = parse_host_port(host_and_port);
    if (!parsed) return tl::make_unexpected(std::move(parsed.error()));
    return Endpoint{Endpoint::Scheme::tcp, std::move(parsed->host), parsed->port, {}};
}

}  // namespace

tl::expected<Endpoint, std::string> Endpoint::parse(std::string_view text) {
    if (!is_plain_text(text)) {
        return refuse(text,
                      " has a control character in it, or is not UTF-8: write an endpoint such as "
                      "tcp://127.0.0.1:9940");
    }
    if (text.substr(0, tcp_prefix.size()) == tcp_prefix) {
        return parse_tcp(text.substr(tcp_prefix.size()));
    }
    if (text.substr(0, ipc_prefix.size()) == ipc_prefix) {
        const std::string_view path = text.substr(ipc_prefix.size());
        if (path.size() < 2 || path.front() != '/' || path.size() > ipc_path_bytes_max) {
            return refuse(text,
                          " needs an absolute path of at most 107 bytes, such as "
                          "ipc:///run/weft/relay");
        }
        return Endpoint{Scheme::ipc, {}, 0, std::string(path)};
    }
    if (text.substr(0, inproc_prefix.size()) == inproc_prefix) {
        const std::string_view name = text.substr(inproc_prefix.size());
        if (name.empty() || name.size() > inproc_name_bytes_max) {
            return refuse(text, " needs a name of 1 to 255 bytes, such as inproc://relay");
        }
        return Endpoint{Scheme::inproc, {}, 0, std::string(name)};
    }
    return refuse(text, " is not an endpoint: write tcp://host:port, ipc:///path or inproc://name");
}

std::string Endpoint::text() const {
    switch (scheme) {
        case Scheme::ipc:
            return std::string(ipc_prefix) + path;
        case Scheme::inproc:
            return std::string(inproc_prefix) + path;
        case Scheme::tcp:
            break;
    }
    return std::string(tcp_prefix) + host_port_text(host, port);
}

bool Endpoint::is_wildcard_port() const noexcept {
    return scheme == Scheme::tcp && port == 0;
}

bool Endpoint::is_wildcard_host() const noexcept {
    return scheme == Scheme::tcp && config::is_wildcard_host(host);
}

bool Endpoint::is_loopback() const noexcept {
    return scheme != Scheme::tcp || is_loopback_host(host);
}

}  // namespace weft::config
