#include "fabric/transport/zmq_connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

#include "config/endpoint.hpp"
#include "fabric/transport/zmq_socket.hpp"

namespace weft::fabric {
namespace {

std::uint64_t cookie_of(int fd) {
    std::uint64_t cookie = 0;
    socklen_t bytes = sizeof cookie;
    if (fd < 0 || ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &bytes) != 0) return 0;
    return cookie;
}

/// -1 if there is none.
int descriptor_of(const zmq::message_t& message) {
    // Older headers take no const.
    return zmq_msg_get(const_cast<zmq::message_t&>(message).handle(), ZMQ_SRCFD);
}

/// Of the other end, over tcp.
struct Place {
    std::uint16_t port = 0;
    std::optional<in_addr> ipv4;
};

Place place_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        return {ntohs(v4.sin_port), v4.sin_addr};
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    Place place{ntohs(v6.sin6_port), std::nullopt};
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        in_addr v4{};
        std::memcpy(&v4, &v6.sin6_addr.s6_addr[12], sizeof v4);
        place.ipv4 = v4;
    }
    return place;
}

std::string path_of(const sockaddr_storage& address, socklen_t bytes) {
    sockaddr_un local{};
    std::memcpy(&local, &address, std::min<std::size_t>(bytes, sizeof local));
    const std::size_t header = offsetof(sockaddr_un, sun_path);
    if (bytes <= header) return "";
    return std::string{local.sun_path, ::strnlen(local.sun_path, bytes - header)};
}

}  // namespace

Connection connection_of(const zmq::message_t& message) {
    const int fd = descriptor_of(message);
    return {cookie_of(fd), fd};
}

std::string connection_name_of(const zmq::message_t& message) {
    std::string name = peer_of(message);
    if (const int fd = descriptor_of(message); fd >= 0) name += '#' + std::to_string(fd);
    return name;
}

bool is_open(const Connection& connection) {
    return connection.id != 0 && cookie_of(connection.fd) == connection.id;
}

bool may_lead_to(const Connection& connection, const std::string& endpoint) {
    sockaddr_storage address{};
    socklen_t bytes = sizeof address;
    const auto wanted = config::Endpoint::parse(endpoint);
    if (!wanted || connection.fd < 0 ||
        ::getpeername(connection.fd, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
        return true;
    }
    const bool local = address.ss_family == AF_UNIX;
    if (local != (wanted->scheme == config::Endpoint::Scheme::ipc)) return false;
    if (local) return path_of(address, bytes) == wanted->path;
    const Place place = place_of(address);
    if (place.port != wanted->port) return false;
    in_addr literal{};
    const bool comparable = place.ipv4 && ::inet_pton(AF_INET, wanted->host.c_str(), &literal) == 1;
    return !comparable || place.ipv4->s_addr == literal.s_addr;
}

bool end_connection(const Connection& connection) {
    // libzmq may have closed it meanwhile, and the number may stand for another one.
    return is_open(connection) && ::shutdown(connection.fd, SHUT_RDWR) == 0;
}

}  // namespace weft::fabric
