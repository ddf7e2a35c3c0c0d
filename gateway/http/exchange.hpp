#pragma once
// One request and the way to answer it. A handler gets it on an io thread, must not block there,
// and may answer at once or later, from any thread. Exactly one of answer(), stream() and upgrade()
// is used, once; an Exchange that goes without any is answered 500 and counted.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/http/message.hpp"

namespace weft::gateway {

using SharedBytes = std::shared_ptr<const std::string>;

/// A body that goes on: chunks (HTTP/1.1), or until the end of the connection (1.0).
/// Threads: any. Once closed it stays closed, and everything else does nothing.
class Stream {
public:
    virtual ~Stream() = default;
    /// Queues the bytes, which many streams may share. False: it is closed, or so much waits
    /// unread (limits.stream_queue) that it has been closed now and counted as slow_reader.
    virtual bool send(SharedBytes bytes) = 0;
    /// The end of the body, once what was queued has been sent; the connection may go on.
    virtual void end() = 0;
    [[nodiscard]] virtual bool closed() const = 0;
    /// Bytes that were queued and not yet taken by the operating system.
    [[nodiscard]] virtual std::size_t queued() const = 0;
    /// Called once, by an io thread, when it ends in any way; at once if it has.
    virtual void on_closed(std::function<void()> hook) = 0;
};

/// A WebSocket connection. Threads: any; hooks are called by an io thread, one at a time.
class WebSocket {
public:
    virtual ~WebSocket() = default;
    /// Told once whether the operating system took the whole frame; false also for what is never
    /// sent. By an io thread or by a thread that sends to this socket, maybe before send returns;
    /// no lock may be held that it takes. A client that is seen to have closed is not written to.
    using OnSent = std::function<void(bool all_taken)>;
    /// As Stream::send. `sent` may be empty.
    virtual bool send_text(SharedBytes text, OnSent sent) = 0;
    virtual bool send_binary(SharedBytes bytes, OnSent sent) = 0;
    bool send_text(SharedBytes text) { return send_text(std::move(text), {}); }
    bool send_binary(SharedBytes bytes) { return send_binary(std::move(bytes), {}); }
    /// No more messages are read, until it is called with false; pings, pongs and the end are not
    /// noticed meanwhile.
    virtual void hold_reading(bool held) = 0;
    virtual void close(std::uint16_t code, std::string reason) = 0;
    [[nodiscard]] virtual bool closed() const = 0;
    [[nodiscard]] virtual std::size_t queued() const = 0;
};
struct WebSocketHooks {
    /// After the handshake; keep it to send.
    std::function<void(std::shared_ptr<WebSocket>)> open;
    std::function<void(std::string message, bool is_text)> message;
    std::function<void()> pong{};  ///< May be empty.
    std::function<void(std::uint16_t code)> closed;
    /// Whether the server asks a silent client by ping and drops one that does not answer.
    bool pings = true;
};

class Exchange {
public:
    virtual ~Exchange() = default;
    [[nodiscard]] virtual const Request& request() const = 0;
    virtual void answer(Response response) = 0;
    /// The head goes out now; `head.body`, if there is any, first.
    [[nodiscard]] virtual std::shared_ptr<Stream> stream(Response head) = 0;
    /// False, and the request was answered 426 or 400: it does not ask for a WebSocket.
    virtual bool upgrade(WebSocketHooks hooks, std::string protocol = {}) = 0;
    /// Called once, by an io thread, if the client goes before it was answered; at once if it has.
    virtual void on_gone(std::function<void()> hook) = 0;
};

/// Serves what is mounted below one prefix. Threads: any number of io threads at once.
class Handler {
public:
    virtual ~Handler() = default;
    virtual void handle(std::shared_ptr<Exchange> exchange) = 0;
    /// The head is whole, and a long body, or one that waits for "100 Continue", is still to come.
    /// An answer refuses the request now: nothing more of it is read and the connection ends. A
    /// body of up to 64 KiB is read instead, and handle() called, so that the connection stays.
    [[nodiscard]] virtual std::optional<Response> refuse_early(const Request& /*head*/) {
        return std::nullopt;
    }
    /// The client closed its half in the middle of the body; nothing: it gets no answer.
    [[nodiscard]] virtual std::optional<Response> on_body_cut_short(const Request& /*head*/) {
        return std::nullopt;
    }
    /// The server stops: streams get a last word, what waits gets an answer, soon.
    virtual void stop() {}
};

/// Work for later, on an io thread. Threads: any.
class Timers {
public:
    virtual ~Timers() = default;
    /// Not before `after`; when the server stops what is left is dropped.
    virtual void run(std::chrono::milliseconds after, std::function<void()> work) = 0;
    /// As soon as an io thread is free.
    virtual void post(std::function<void()> work) = 0;
};

}  // namespace weft::gateway
