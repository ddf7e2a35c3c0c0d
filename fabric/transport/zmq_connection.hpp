#pragma once
// Which connection a received frame came over. libzmq has no name for it that it would show; the
// kernel has: the cookie of the socket, never given twice while the machine runs.
// Stays inside fabric: it shows libzmq's types.
// Threads: any; a connection may end at any moment, so what is said here is about a moment ago.

#include <cstdint>
#include <string>
#include <zmq.hpp>

namespace weft::fabric {

struct Connection {
    std::uint64_t id = 0;  ///< 0: none is known, as for what libzmq made itself, and inproc.
    int fd = -1;
};

[[nodiscard]] Connection connection_of(const zmq::message_t& message);
/// The peer's address, '#' and the descriptor, which is unique among the connections that live: a
/// string, and no system call. "" as id is 0.
[[nodiscard]] std::string connection_name_of(const zmq::message_t& message);
[[nodiscard]] bool is_open(const Connection& connection);
/// Whether its other end is where `endpoint` leads, as far as its port (or path) tells, and its
/// address where the endpoint has an IPv4 one. True if it has ended.
[[nodiscard]] bool may_lead_to(const Connection& connection, const std::string& endpoint);
/// Ends it, as its peer would; libzmq then forgets what it knew of that peer. False: it had ended.
bool end_connection(const Connection& connection);

}  // namespace weft::fabric
