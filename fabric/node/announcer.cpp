#include "fabric/node/announcer.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "config/endpoint.hpp"
#include "fabric/node/beacon.hpp"

namespace weft::fabric {
namespace {

/// The source address that the kernel would use towards `host`; nothing is sent. "" if none.
std::string local_address_towards(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return "";
    std::string address;
    for (const addrinfo* entry = found; entry != nullptr && address.empty();
         entry = entry->ai_next) {
        const int fd = ::socket(entry->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0) continue;
        sockaddr_storage local{};
        socklen_t length = sizeof local;
        std::array<char, NI_MAXHOST> text{};
        if (::connect(fd, entry->ai_addr, entry->ai_addrlen) == 0 &&
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0 &&
            ::getnameinfo(reinterpret_cast<sockaddr*>(&local), length, text.data(), text.size(),
                          nullptr, 0, NI_NUMERICHOST) == 0) {
            address = text.data();
        }
        ::close(fd);
    }
    ::freeaddrinfo(found);
    return address;
}

}  // namespace

Announcer::Announcer(std::unique_ptr<Publisher> relay, std::string topic, std::string endpoint)
    : relay_(std::move(relay)),
      topic_(std::move(topic)),
      endpoint_(std::move(endpoint)),
      body_(endpoint_beacon({endpoint_})) {}

void Announcer::tick(Instant now) {
    if (last_ && now - *last_ < std::chrono::seconds{1}) return;
    // While the relay is away nothing may pile up: one announcement waits, no more.
    if (last_ && relay_->stats().peers == 0) return;
    PublishOptions options;
    options.kind = signing::Kind::beacon;
    static_cast<void>(relay_->try_publish(topic_, body_.view(), options));
    last_ = now;
}

std::string announced_address(const std::string& bound, const std::string& relay) {
    auto endpoint = config::Endpoint::parse(bound);
    if (!endpoint || !endpoint->is_wildcard_host()) return bound;
    const auto towards = config::Endpoint::parse(relay);
    std::string host;
    if (towards && towards->scheme == config::Endpoint::Scheme::tcp) {
        host = local_address_towards(towards->host, towards->port);
    }
    endpoint->host = host.empty() ? "127.0.0.1" : host;
    return endpoint->text();
}

}  // namespace weft::fabric
