#pragma once
// A receiver of webhooks that does what its script says, also badly: it answers, redirects, hangs,
// resets, stops in the middle, drips, floods. One thread a connection; keep-alive.
// Threads: the script is asked by the threads of connections, one at a time; everything else from
// any. Errors: std::system_error.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/descriptor.hpp"

namespace weft::support {

struct ReceivedRequest {
    std::string line;  ///< "POST /path HTTP/1.1"
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::size_t connection = 0, number = 0;  ///< From 1.

    [[nodiscard]] std::string header(const std::string& name) const {
        for (const auto& [key, value] : headers) {
            if (std::equal(key.begin(), key.end(), name.begin(), name.end(),
                           [](char a, char b) { return std::tolower(a) == std::tolower(b); })) {
                return value;
            }
        }
        return {};
    }
};

struct ReceiverDoes {
    enum class What { answer, hang, reset, half, drip, flood, close };
    What what = What::answer;
    int status = 200;
    std::string headers{};  ///< Whole lines.
    std::string body = "ok";

    static ReceiverDoes answer(int with, std::string more = {}, std::string text = "ok") {
        return {What::answer, with, std::move(more), std::move(text)};
    }
    static ReceiverDoes hang() { return {What::hang}; }    ///< Says nothing, until the end.
    static ReceiverDoes reset() { return {What::reset}; }  ///< RST instead of an answer.
    static ReceiverDoes half() { return {What::half}; }    ///< Half of the answer, then the end.
    static ReceiverDoes drip() { return {What::drip}; }    ///< A byte every 50 ms, for ever.
    static ReceiverDoes flood(std::string more = {}) {     ///< An answer that never ends.
        return {What::flood, 200, std::move(more)};
    }
};

class HttpReceiver {
public:
    using Script = std::function<ReceiverDoes(const ReceivedRequest&)>;

    explicit HttpReceiver(Script script = {})
        : script_(std::move(script)), pipe_(testing::make_pipe()) {
        listener_ = testing::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* any = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_.get(), any, size) != 0 || ::listen(listener_.get(), 512) != 0 ||
            ::getsockname(listener_.get(), any, &size) != 0) {
            testing::fail_with_errno("receiver");
        }
        port_ = ntohs(address.sin_port);
        accepting_ = std::thread([this] { accept_all(); });
    }
    ~HttpReceiver() {
        stopping_ = true;
        pipe_.write_end.close();
        accepting_.join();
        for (Connection& connection : connections_) connection.thread.join();
    }
    HttpReceiver(const HttpReceiver&) = delete;
    HttpReceiver& operator=(const HttpReceiver&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url(const std::string& path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }
    void script(Script script) {
        const std::scoped_lock lock(mutex_);
        script_ = std::move(script);
    }
    [[nodiscard]] std::vector<ReceivedRequest> requests() const {
        const std::scoped_lock lock(mutex_);
        return requests_;
    }
    /// False: fewer came within ten seconds.
    [[nodiscard]] bool wait_for(std::size_t count) const {
        std::unique_lock lock(mutex_);
        return came_.wait_for(lock, std::chrono::seconds{10},
                              [&] { return requests_.size() >= count; });
    }
    [[nodiscard]] std::size_t connections() const { return accepted_; }

private:
    struct Connection {
        testing::Descriptor socket;
        std::thread thread;
    };

    /// False: the receiver ends.
    [[nodiscard]] bool readable(int fd, int timeout_ms = -1) const {
        std::array<pollfd, 2> wait{pollfd{fd, POLLIN, 0}, pollfd{pipe_.read_end.get(), POLLIN, 0}};
        static_cast<void>(::poll(wait.data(), wait.size(), timeout_ms));
        return !stopping_;
    }

    void accept_all() {
        while (readable(listener_.get())) {
            testing::Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!socket.is_open()) continue;
            const int on = 1;
            ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const std::size_t number = ++accepted_;
            Connection& made = connections_.emplace_back();
            made.socket = std::move(socket);
            made.thread = std::thread([this, &made, number] { serve(made.socket, number); });
        }
    }

    void serve(testing::Descriptor& socket, std::size_t connection) {
        std::string buffer;
        while (true) {
            ReceivedRequest request;
            request.connection = connection;
            if (!read_request(socket, buffer, request)) break;
            ReceiverDoes does;
            {
                const std::scoped_lock lock(mutex_);
                request.number = requests_.size() + 1;
                if (script_) does = script_(request);
                requests_.push_back(std::move(request));
                came_.notify_all();
            }
            if (!reply(socket, does)) break;
        }
        socket.close();
    }

    [[nodiscard]] bool more(const testing::Descriptor& socket, std::string& buffer) const {
        std::array<char, 65536> bytes{};
        if (!readable(socket.get())) return false;
        const auto got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
        if (got <= 0) return false;
        buffer.append(bytes.data(), static_cast<std::size_t>(got));
        return true;
    }

    [[nodiscard]] bool read_request(const testing::Descriptor& socket, std::string& buffer,
                                    ReceivedRequest& request) const {
        std::size_t end = 0;
        while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
            if (!more(socket, buffer)) return false;
        }
        std::size_t at = buffer.find("\r\n");
        request.line = buffer.substr(0, at);
        while (at < end) {
            const std::size_t begin = at + 2;
            at = buffer.find("\r\n", begin);
            const std::size_t colon = buffer.find(": ", begin);
            if (colon < at) {
                request.headers.emplace_back(buffer.substr(begin, colon - begin),
                                             buffer.substr(colon + 2, at - colon - 2));
            }
        }
        buffer.erase(0, end + 4);
        const std::string length = request.header("Content-Length");
        const std::size_t bytes = length.empty() ? 0 : std::stoull(length);
        while (buffer.size() < bytes) {
            if (!more(socket, buffer)) return false;
        }
        request.body = buffer.substr(0, bytes);
        buffer.erase(0, bytes);
        return true;
    }

    [[nodiscard]] static bool put(const testing::Descriptor& socket, const std::string& bytes) {
        return ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
    }

    [[nodiscard]] bool reply(testing::Descriptor& socket, const ReceiverDoes& does) const {
        const std::string head =
            "HTTP/1.1 " + std::to_string(does.status) + " Said\r\n" + does.headers;
        const std::string length =
            "Content-Length: " + std::to_string(does.body.size()) + "\r\n\r\n";
        switch (does.what) {
            case ReceiverDoes::What::answer:
                return put(socket, head + length + does.body);
            case ReceiverDoes::What::hang:
                static_cast<void>(readable(pipe_.read_end.get()));
                return false;
            case ReceiverDoes::What::reset: {
                const linger now{1, 0};
                ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
                return false;
            }
            case ReceiverDoes::What::half:
                static_cast<void>(put(socket, head + "Content-Length: 1000\r\n\r\nhalf"));
                return false;
            case ReceiverDoes::What::close:
                return false;
            case ReceiverDoes::What::drip:
                if (!put(socket, head + "Content-Length: 100000\r\n\r\n")) return false;
                while (readable(pipe_.read_end.get(), 50) && put(socket, ".")) {
                }
                return false;
            case ReceiverDoes::What::flood:
                if (!put(socket, head + "Content-Length: 1073741824\r\n\r\n")) return false;
                while (!stopping_ && put(socket, std::string(65536, '\x1f'))) {
                }
                return false;
        }
        return false;
    }

    mutable std::mutex mutex_;
    mutable std::condition_variable came_;
    Script script_;
    std::vector<ReceivedRequest> requests_;
    testing::Pipe pipe_;
    testing::Descriptor listener_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<std::size_t> accepted_{0};
    std::list<Connection> connections_;  // the accepting thread's, until it ends
    std::thread accepting_;
};

}  // namespace weft::support
