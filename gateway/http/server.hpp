#pragma once
// The HTTP server: HTTP/1.1 and 1.0, TLS, streams and WebSockets, for any number of protocols on
// any number of ports. Each connection belongs to one of the io threads for good; everything about
// it happens there, one at a time, and what other threads ask for is posted to it.
//
// Threads: open() and stop() by the owner; everything else by any. Handlers, hooks and timers run
// on io threads and must not block. Ownership: the server keeps its handlers until it is destroyed;
// exchanges, streams and sockets that handlers keep may outlive it and do nothing then.
// Limits: limits.hpp. Errors: open() says in a sentence what could not be had.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/http/exchange.hpp"
#include "gateway/http/limits.hpp"
#include "gateway/http/router.hpp"

namespace weft::gateway {

struct TlsSettings {
    std::string certificate;  ///< File with the PEM chain; "": no TLS on any listener.
    std::string key;          ///< File with its PEM key.
    /// Plain requests are told to come back by https (308) before any handler sees them (H5).
    bool only = false;
};

struct ListenerSettings {
    std::string address = "127.0.0.1:0";  ///< As in the configuration; port 0 takes a free one.
    /// With a certificate, TLS and plain HTTP are both spoken on the port, unless tls.only.
    std::vector<Mount> mounts;
};

/// One answered request, for the access log. Method and target are as the client sent them, any
/// bytes: escape and cut what is shown (rule L1), as access_line() does.
struct AccessRecord {
    std::string_view method, target, peer, request_id, listener;
    std::string_view token;          ///< Name of the token that was shown; "" is anonymous.
    std::string_view forwarded_for;  ///< X-Forwarded-For, several joined by commas; any bytes.
    std::string_view traceparent;    ///< The client's if it is one, else one that was made.
    unsigned version = 11;           ///< Of the request: 10 or 11.
    unsigned status = 0;             ///< 499: the client went before it was answered.
    std::uint64_t bytes = 0;         ///< Of the answer as sent, headers and chunks included.
    std::chrono::microseconds took{0};
};
/// Called by an io thread; must not block.
using AccessHook = std::function<void(const AccessRecord&)>;

struct ServerSettings {
    std::vector<ListenerSettings> listeners;
    unsigned threads = 0;  ///< 0: as many as there are cores.
    Limits limits;
    TlsSettings tls;
    AccessHook on_access{};  ///< May be empty.
};

struct BoundListener {
    std::string address;     ///< As in the settings.
    std::string host;        ///< Numeric.
    std::uint16_t port = 0;  ///< As bound.
    bool tls = false;
    [[nodiscard]] std::string url() const;  ///< "http://127.0.0.1:8080", or https.
};

class Server {
public:
    /// Binds all listeners and serves. Nothing is bound after an error.
    [[nodiscard]] static tl::expected<std::unique_ptr<Server>, std::string> open(
        ServerSettings settings);
    virtual ~Server() = default;  ///< As stop(0s).

    [[nodiscard]] virtual const std::vector<BoundListener>& listeners() const = 0;
    /// Lives as long as the server.
    [[nodiscard]] virtual Timers& timers() = 0;
    /// Takes no new connections, calls Handler::stop() of each handler once, closes idle
    /// connections, and waits for answers and streams to end. Streams, WebSockets and requests
    /// that are still open after a quarter of `patience` are ended by the server; whatever is left
    /// after all of it is cut off. Then the io threads are gone. Once.
    virtual void stop(std::chrono::milliseconds patience = std::chrono::seconds{5}) = 0;
    /// Reads certificate and key again, for connections from now on; the old ones go on after an
    /// error.
    [[nodiscard]] virtual tl::expected<void, std::string> reload_tls() = 0;
    /// By name: "connections", "connections_open", "requests", "requests_open", "slow_reader",
    /// "refused.bad_framing", … Every name is always there.
    [[nodiscard]] virtual std::map<std::string, std::uint64_t> stats() const = 0;
};

}  // namespace weft::gateway
