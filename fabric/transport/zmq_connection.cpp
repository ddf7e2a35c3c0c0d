#include "fabric/transport/zmq_connection.hpp"

#include <sys/socket.h>

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

void end_connection(const Connection& connection) {
    // libzmq may have closed it meanwhile, and the number may stand for another one.
    if (is_open(connection)) ::shutdown(connection.fd, SHUT_RDWR);
}

}  // namespace weft::fabric
