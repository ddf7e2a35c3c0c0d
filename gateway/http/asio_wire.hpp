#pragma once
// The bytes of one connection, plain or in TLS. Threads: the io thread of the connection alone.

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "gateway/http/asio.hpp"

namespace weft::gateway {

using TlsStream = asio::ssl::stream<tcp::socket>;

class Wire {
public:
    /// The bytes are only there during the call.
    using OnRead = std::function<void(SocketError, std::string_view)>;
    using OnWritten = std::function<void(SocketError, std::size_t)>;

    virtual ~Wire() = default;
    /// One at a time; `done` keeps the wire alive.
    virtual void read(OnRead done) = 0;
    /// Some of the bytes; one at a time.
    virtual void write(const std::vector<asio::const_buffer>& buffers, OnWritten done) = 0;
    /// What can be written without waiting; would_block: nothing. No write() is under way.
    virtual std::size_t write_now(const std::vector<asio::const_buffer>& buffers,
                                  SocketError& error) = 0;
    /// The other side has closed its half, or all of it, whether that was read yet or not.
    [[nodiscard]] virtual bool peer_has_closed() = 0;
    /// Whether the other system has all that was written. `sent_is_enough`: both are one system,
    /// and what has left is there.
    enum class Fate { under_way, taken, lost };
    struct Progress {
        Fate fate = Fate::lost;
        int left = 0;  ///< Bytes that it has not acknowledged.
    };
    [[nodiscard]] virtual Progress progress(bool sent_is_enough) = 0;
    /// What was written and is not there yet never will be: close() resets the connection.
    virtual void give_up() = 0;
    /// Nothing more is written.
    virtual void finish(std::function<void()> done) = 0;
    virtual void close() = 0;

    /// The socket, if bytes go over it as they are, without waiting; else -1.
    [[nodiscard]] virtual int direct_socket() { return -1; }
};

[[nodiscard]] Wire::Progress progress_of(tcp::socket::lowest_layer_type& socket,
                                         bool sent_is_enough);
/// Closing drops what is not acknowledged, and resets.
void forget_unsent(tcp::socket::lowest_layer_type& socket);
/// Long reads go on in `scratch`, which all connections of the thread share: an idle one has 512
/// bytes of its own.
[[nodiscard]] std::unique_ptr<Wire> plain_wire(tcp::socket socket, asio::mutable_buffer scratch);
/// After the handshake.
[[nodiscard]] std::unique_ptr<Wire> tls_wire(std::unique_ptr<TlsStream> stream);

}  // namespace weft::gateway
