#include "tools/http_load.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "tools/answer_reader.hpp"

namespace weft::tools {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Between looks at the time, and before a connection that failed is tried again.
constexpr milliseconds turn{50};
constexpr std::size_t buffer_bytes = std::size_t{64} << 10U;

struct Connection {
    reliability::hub::Descriptor socket;
    AnswerReader reader;
    std::size_t sent = 0;  ///< Of the request under way.
    bool is_connected = false;
    Clock::time_point began;
};

class Load {
public:
    Load(const HttpLoad& load, const SocketAddress& address)
        : load_(load), address_(address), connections_(load.connections) {
        const bool posts = !load.body.empty();
        request_ = std::string{posts ? "POST " : "GET "} + load.target.path +
                   " HTTP/1.1\r\nHost: " + load.target.authority() + "\r\n";
        if (posts) request_ += "Content-Length: " + std::to_string(load.body.size()) + "\r\n";
        request_ += "\r\n" + load.body;
    }

    tl::expected<HttpLoadResult, std::string> run(const std::function<bool()>& stopped) {
        if (!epoll_.is_open()) {
            return tl::make_unexpected(std::string{"epoll: "} + std::strerror(errno));
        }
        const auto start = Clock::now();
        const auto end = start + load_.duration;
        auto next_turn = start;
        std::array<epoll_event, 256> events{};
        for (auto now = start; now < end; now = Clock::now()) {
            if (now >= next_turn) {
                if (stopped()) break;
                open_missing();
                next_turn = now + turn;
            }
            const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(),
                                           static_cast<int>(turn.count()));
            for (int i = 0; i < ready; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                serve(connections_[event.data.u64]);
            }
        }
        result_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        return std::move(result_);
    }

private:
    void open_missing() {
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            if (!connections_[i].socket.is_open()) open(i);
        }
    }
    void open(std::size_t index) {
        Connection& connection = connections_[index];
        connection = {};
        connection.socket = begin_connecting(address_);
        connection.began = Clock::now();
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.u64 = index;
        if (!connection.socket.is_open() ||
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.socket.get(), &event) != 0) {
            ++result_.not_connected;
            connection.socket.close();
        }
    }
    void fail(Connection& connection) {
        ++(connection.is_connected ? result_.broken : result_.not_connected);
        connection.socket.close();
    }

    /// Edges are told once: on until nothing more goes.
    void serve(Connection& connection) {
        if (!connection.socket.is_open() || !send_rest(connection)) return;
        while (connection.is_connected && connection.socket.is_open()) {
            const ssize_t got = ::recv(connection.socket.get(), buffer_.data(), buffer_.size(), 0);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
            if (got <= 0) return fail(connection);
            result_.bytes += static_cast<std::uint64_t>(got);
            if (!take(connection, {buffer_.data(), static_cast<std::size_t>(got)})) return;
        }
    }
    /// False: the connection is gone.
    bool send_rest(Connection& connection) {
        while (connection.sent < request_.size()) {
            const ssize_t sent = ::send(connection.socket.get(), request_.data() + connection.sent,
                                        request_.size() - connection.sent, MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            // Not connected yet looks like this, too.
            if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
            if (sent < 0) {
                fail(connection);
                return false;
            }
            connection.is_connected = true;
            connection.sent += static_cast<std::size_t>(sent);
        }
        return true;
    }
    bool take(Connection& connection, std::string_view bytes) {
        const auto state = connection.reader.read(bytes);
        if (state == AnswerReader::State::more) return true;
        if (state == AnswerReader::State::broken || !bytes.empty()) {
            fail(connection);
            return false;
        }
        const auto now = Clock::now();
        ++result_.requests;
        ++result_.statuses[connection.reader.status()];
        result_.latency.add(
            std::chrono::duration<double, std::micro>(now - connection.began).count());
        connection.began = now;
        connection.sent = 0;
        if (connection.reader.keeps_alive()) return send_rest(connection);
        open(static_cast<std::size_t>(&connection - connections_.data()));
        return false;
    }

    const HttpLoad& load_;
    const SocketAddress address_;
    std::string request_;
    reliability::hub::Descriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
    std::vector<Connection> connections_;
    std::vector<char> buffer_ = std::vector<char>(buffer_bytes);
    HttpLoadResult result_;
};

}  // namespace

std::uint64_t HttpLoadResult::errors() const {
    std::uint64_t all = not_connected + broken;
    for (const auto& [status, count] : statuses) {
        if (status >= 400) all += count;
    }
    return all;
}

tl::expected<HttpLoadResult, std::string> run_http_load(const HttpLoad& load,
                                                        const std::function<bool()>& stopped) {
    const auto address = find_address(load.target);
    if (!address) return tl::make_unexpected(address.error());
    return Load(load, *address).run(stopped);
}

}  // namespace weft::tools
