#include "gateway/http/asio_wire.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>

namespace weft::gateway {
namespace {

bool has_closed(tcp::socket::lowest_layer_type& socket) {
    pollfd look{socket.native_handle(), POLLRDHUP, 0};
    return ::poll(&look, 1, 0) != 0;
}

class PlainWire : public Wire {
public:
    PlainWire(tcp::socket socket, asio::mutable_buffer scratch)
        : socket_(std::move(socket)), scratch_(scratch) {}

    /// Into a few bytes of its own, which need no call of epoll for each read and take most
    /// requests; what is longer is put together in the bytes that all connections of the thread
    /// share, since those are looked at before another connection reads.
    void read(OnRead done) override {
        socket_.async_read_some(asio::buffer(first_), [this, done = std::move(done)](
                                                          SocketError error, std::size_t bytes) {
            if (error || bytes < first_.size()) return done(error, {first_.data(), bytes});
            asio::buffer_copy(scratch_, asio::buffer(first_));
            bytes += socket_.read_some(scratch_ + bytes, error);
            // An end is met again by the next read; a reset is said once.
            const bool is_over =
                error && error != asio::error::would_block && error != asio::error::eof;
            if (is_over) return done(error, {});
            done({}, {static_cast<const char*>(scratch_.data()), bytes});
        });
    }
    void write(const std::vector<asio::const_buffer>& buffers, OnWritten done) override {
        socket_.async_write_some(buffers, std::move(done));
    }
    std::size_t write_now(const std::vector<asio::const_buffer>& buffers,
                          SocketError& error) override {
        return socket_.write_some(buffers, error);
    }
    [[nodiscard]] bool peer_has_closed() override { return has_closed(socket_); }
    [[nodiscard]] Progress progress(bool sent_is_enough) override {
        return progress_of(socket_, sent_is_enough);
    }
    void give_up() override { forget_unsent(socket_); }
    void finish(std::function<void()> done) override {
        SocketError ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        done();
    }
    void close() override {
        SocketError ignored;
        socket_.close(ignored);
    }
    [[nodiscard]] int direct_socket() override { return socket_.native_handle(); }

private:
    tcp::socket socket_;
    asio::mutable_buffer scratch_;
    std::array<char, 512> first_{};
};

class TlsWire : public Wire {
public:
    explicit TlsWire(std::unique_ptr<TlsStream> stream) : stream_(std::move(stream)) {}

    void read(OnRead done) override {
        stream_->async_read_some(asio::buffer(buffer_),
                                 [this, done = std::move(done)](SocketError error, std::size_t n) {
                                     done(error, {buffer_.data(), n});
                                 });
    }
    /// One record takes one buffer: small ones are put together first.
    void write(const std::vector<asio::const_buffer>& buffers, OnWritten done) override {
        record_.resize(std::min(asio::buffer_size(buffers), record_bytes_max));
        asio::buffer_copy(asio::buffer(record_), buffers);
        stream_->async_write_some(asio::buffer(record_), std::move(done));
    }
    std::size_t write_now(const std::vector<asio::const_buffer>& /*buffers*/,
                          SocketError& error) override {
        error = asio::error::would_block;  // A record is encrypted first, by Asio's own steps.
        return 0;
    }
    [[nodiscard]] bool peer_has_closed() override { return has_closed(stream_->lowest_layer()); }
    [[nodiscard]] Progress progress(bool sent_is_enough) override {
        return progress_of(stream_->lowest_layer(), sent_is_enough);
    }
    void give_up() override { forget_unsent(stream_->lowest_layer()); }
    void finish(std::function<void()> done) override {
        stream_->async_shutdown([done = std::move(done)](SocketError) { done(); });
    }
    void close() override {
        SocketError ignored;
        stream_->lowest_layer().close(ignored);
    }

private:
    static constexpr std::size_t record_bytes_max = std::size_t{16} << 10U;
    std::unique_ptr<TlsStream> stream_;
    std::vector<char> record_;
    std::array<char, 4096> buffer_{};
};

}  // namespace

Wire::Progress progress_of(tcp::socket::lowest_layer_type& socket, bool sent_is_enough) {
    Wire::Progress progress;
    if (::ioctl(socket.native_handle(), SIOCOUTQ, &progress.left) != 0) return progress;
    int unsent = 0;
    if (progress.left > 0 && ::ioctl(socket.native_handle(), SIOCOUTQNSD, &unsent) != 0) {
        return progress;
    }
    // After the count: a reset empties nothing, but it says that the rest will not be taken.
    pollfd look{socket.native_handle(), 0, 0};
    if (::poll(&look, 1, 0) != 0) return progress;
    progress.fate = Wire::Fate::under_way;
    if (progress.left == 0 || (sent_is_enough && unsent == 0)) {
        progress.fate = Wire::Fate::taken;
    }
    return progress;
}

void forget_unsent(tcp::socket::lowest_layer_type& socket) {
    SocketError ignored;
    socket.set_option(tcp::socket::linger(true, 0), ignored);
}

std::unique_ptr<Wire> plain_wire(tcp::socket socket, asio::mutable_buffer scratch) {
    return std::make_unique<PlainWire>(std::move(socket), scratch);
}

std::unique_ptr<Wire> tls_wire(std::unique_ptr<TlsStream> stream) {
    return std::make_unique<TlsWire>(std::move(stream));
}

}  // namespace weft::gateway
