#pragma once
// Asio, for the few files that drive sockets; the only header that names its parts.
// Threads: none of its own.

#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>

namespace weft::gateway {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using SocketError = boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

}  // namespace weft::gateway
