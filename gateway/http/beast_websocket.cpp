#include "gateway/http/beast_websocket.hpp"

#include <algorithm>
#include <optional>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "gateway/http/beast_queueing.hpp"
#include "gateway/http/request_grammar.hpp"
#include "gateway/http/send_queue.hpp"

namespace weft::gateway {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

constexpr std::uint16_t code_none = 1006;
constexpr std::uint16_t code_going_away = 1001;
constexpr std::uint16_t code_policy = 1008;
constexpr std::uint16_t code_fault = 1011;
/// For the other side to answer a goodbye, or to close after it.
constexpr std::chrono::seconds goodbye_time{1};
/// For a frame that somebody answers for: so long, and longer if it is large.
constexpr std::chrono::seconds frame_time{5};
constexpr std::size_t frame_bytes_per_ms = 256;

/// What handlers and the connection share.
struct SocketLink {
    explicit SocketLink(std::size_t bytes_max) : queue(bytes_max) {}
    SendQueue queue;
    std::mutex mutex;
    std::uint16_t close_code = 1000;
    std::string close_reason;
};

class SocketSession : public LoopMember {
public:
    virtual void wake() = 0;
    virtual void hold_reading(bool held) = 0;
};

/// What a handler holds.
class HttpWebSocket final : public WebSocket {
public:
    HttpWebSocket(std::shared_ptr<Core> core, std::shared_ptr<SocketLink> link,
                  std::weak_ptr<SocketSession> session, std::shared_ptr<LoopHandle> loop)
        : core_(std::move(core)),
          link_(std::move(link)),
          session_(std::move(session)),
          loop_(std::move(loop)) {}

    bool send_text(SharedBytes text, OnSent sent) override {
        return send({std::move(text), true, SendQueue::Sent(std::move(sent))});
    }
    bool send_binary(SharedBytes bytes, OnSent sent) override {
        return send({std::move(bytes), false, SendQueue::Sent(std::move(sent))});
    }
    void hold_reading(bool held) override {
        (void)loop_->run([session = session_, held] {
            if (const auto open = session.lock()) open->hold_reading(held);
        });
    }
    void close(std::uint16_t code, std::string reason) override {
        {
            const std::lock_guard lock(link_->mutex);
            if (link_->queue.closed()) return;
            link_->close_code = code;
            link_->close_reason = std::move(reason);
        }
        if (link_->queue.end()) wake();
    }
    [[nodiscard]] bool closed() const override { return link_->queue.closed(); }
    [[nodiscard]] std::size_t queued() const override { return link_->queue.queued(); }

private:
    bool send(SendQueue::Item item) {
        if (!item.bytes) return !closed();
        return put_or_cut_off(link_->queue, std::move(item), core_->counters, [this] { wake(); });
    }
    void wake() {
        (void)loop_->run([session = session_] {
            if (const auto open = session.lock()) open->wake();
        });
    }
    std::shared_ptr<Core> core_;
    std::shared_ptr<SocketLink> link_;
    std::weak_ptr<SocketSession> session_;
    std::shared_ptr<LoopHandle> loop_;
};

/// The request as it came, for Beast's handshake.
std::string handshake_bytes(const WebSocketStart& start) {
    const Request& request = start.turn->request;
    std::string bytes = request.method + " " + request.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.headers.list()) bytes += name + ": " + value + "\r\n";
    return bytes + "\r\n" + start.input;
}

/// A close frame has room for 123 bytes of reason.
websocket::close_reason close_reason(std::uint16_t code, std::string_view reason) {
    const std::string_view shown = reason.substr(0, 123);
    return {static_cast<websocket::close_code>(code), {shown.data(), shown.size()}};
}

template <typename Stream>
class Session final : public SocketSession, public std::enable_shared_from_this<Session<Stream>> {
public:
    template <typename... Arguments>
    explicit Session(WebSocketStart start, Arguments&&... stream)
        : start_(std::move(start)),
          link_(std::make_shared<SocketLink>(start_.core->limits.stream_queue)),
          socket_(std::forward<Arguments>(stream)...) {}

    void open() {
        const Limits& limits = start_.core->limits;
        websocket::stream_base::timeout times{};
        times.handshake_timeout = limits.header_time;
        times.idle_timeout = 2 * limits.ping;  // Beast pings after half of it.
        times.keep_alive_pings = true;
        if (!start_.hooks.pings) {
            times.idle_timeout = websocket::stream_base::none();
            times.keep_alive_pings = false;
        }
        socket_.set_option(times);
        socket_.read_message_max(limits.body);
        socket_.auto_fragment(false);  // One message is one frame, written as it stands.
        socket_.set_option(websocket::stream_base::decorator(
            [protocol = start_.protocol,
             id = start_.turn->request.id](websocket::response_type& response) {
                if (is_token(protocol)) response.set("Sec-WebSocket-Protocol", protocol);
                response.set("X-Request-Id", id);
                response.set("Server", "weft");
            }));
        socket_.control_callback([this](websocket::frame_type type, beast::string_view) {
            if (type == websocket::frame_type::pong && start_.hooks.pong) {
                guarded([this] { start_.hooks.pong(); });
            }
            if (type == websocket::frame_type::close) await_goodbye();
        });
        const auto self = this->shared_from_this();
        start_.loop.add(self);
        const std::string bytes = handshake_bytes(start_);
        start_.input = {};
        socket_.async_accept(asio::buffer(bytes), [self](SocketError error) {
            self->is_open_ = !error;
            if (error) return self->finish(code_none);
            ++self->start_.core->counters[Count::websockets];
            self->begin();
        });
    }

    /// Beast's own timers see silence; this one ends who does not close after the last word.
    void tick(SteadyTime now) override {
        if (now >= stalled_at_) ++start_.core->counters[Count::stalled_writer];
        if (now >= deadline_ || now >= stalled_at_) finish(code_none);
    }
    void drain() override {}
    void end() override { say_goodbye(code_going_away, "the server is stopping"); }
    void abort() override { finish(code_none); }

    void wake() override {
        if (finished_) return;
        if (link_->queue.cut_off()) return finish(code_policy);
        if (is_open_ && !is_writing_) write_next();
    }
    void hold_reading(bool held) override {
        is_held_ = held;
        if (!held && is_open_ && !finished_) read_next();
    }

private:
    /// What a hook throws ends this connection and no other.
    template <typename Call>
    void guarded(const Call& call) {
        try {
            call();
        } catch (...) {
            ++start_.core->counters[Count::handler_exceptions];
            finish(code_fault);
        }
    }

    void begin() {
        guarded([this] {
            if (!start_.hooks.open) return;
            start_.hooks.open(std::make_shared<HttpWebSocket>(
                start_.core, link_, this->weak_from_this(), start_.loop.handle()));
        });
        if (finished_) return;
        read_next();
        if (!is_writing_) write_next();
    }

    void read_next() {
        if (is_held_ || std::exchange(is_reading_, true)) return;
        socket_.async_read(
            buffer_, [self = this->shared_from_this()](SocketError error, std::size_t) {
                self->is_reading_ = false;
                if (self->finished_) return;
                if (error) {
                    const auto code = self->socket_.reason().code;
                    return self->finish(code == websocket::close_code::none ? code_none : code);
                }
                const auto data = self->buffer_.data();
                std::string message(static_cast<const char*>(data.data()), data.size());
                self->buffer_ = {};
                self->guarded([&] {
                    if (!self->start_.hooks.message) return;
                    self->start_.hooks.message(std::move(message), self->socket_.got_text());
                });
                if (!self->finished_) self->read_next();
            });
    }

    void write_next() {
        batch_ = link_->queue.take(1);
        if (batch_.empty()) {
            if (link_->queue.finished()) close_now();
            return;
        }
        const std::string& bytes = *batch_.front().bytes;
        if (batch_.front().sent) {
            // Nothing that somebody answers for goes to a client that has left already.
            if (has_closed(beast::get_lowest_layer(socket_))) return finish(code_none);
            stalled_at_ = start_.loop.now() + frame_time +
                          std::chrono::milliseconds{bytes.size() / frame_bytes_per_ms};
        }
        is_writing_ = true;
        socket_.text(batch_.front().is_text);
        socket_.async_write(asio::buffer(bytes),
                            [self = this->shared_from_this()](SocketError error, std::size_t) {
                                if (self->finished_) return;
                                self->is_writing_ = false;
                                self->stalled_at_ = SteadyTime::max();
                                if (error) return self->finish(code_none);
                                SendQueue::Item sent = std::move(self->batch_.front());
                                self->batch_.clear();
                                self->link_->queue.taken(sent.bytes->size());
                                sent.sent.say(true);
                                self->wake();
                            });
    }

    void say_goodbye(std::uint16_t code, std::string reason) {
        {
            const std::lock_guard lock(link_->mutex);
            link_->close_code = code;
            link_->close_reason = std::move(reason);
        }
        if (!is_open_) return finish(code_none);
        if (link_->queue.end()) wake();
    }

    void close_now() {
        if (std::exchange(is_closing_, true)) return;
        await_goodbye();
        websocket::close_reason reason;
        {
            const std::lock_guard lock(link_->mutex);
            reason = close_reason(link_->close_code, link_->close_reason);
        }
        socket_.async_close(reason, [self = this->shared_from_this(), reason](SocketError) {
            self->finish(reason.code);
        });
    }

    void await_goodbye() {
        if (deadline_ == SteadyTime::max()) deadline_ = start_.loop.now() + goodbye_time;
    }

    /// What was said to be the reason, if anything was.
    std::uint16_t code_or(std::uint16_t otherwise) {
        if (otherwise != code_none) return otherwise;
        if (is_closing_) {
            const std::lock_guard lock(link_->mutex);
            return link_->close_code;
        }
        const std::uint16_t said = socket_.reason().code;
        return said == websocket::close_code::none ? code_none : said;
    }

    void finish(std::uint16_t code) {
        if (std::exchange(finished_, true)) return;
        code = code_or(code);
        for (SendQueue::Item& item : batch_) item.sent.say(false);  // Its bytes are in use.
        link_->queue.close();
        SocketError ignored;
        beast::get_lowest_layer(socket_).close(ignored);
        const auto self = this->shared_from_this();
        asio::post(start_.loop.context(), [self, code] {
            if (self->start_.hooks.closed) self->start_.hooks.closed(code);
            self->start_.hooks = {};  // They may keep the handler's end, and so on round.
            self->slot_gone();
        });
        start_.loop.remove(self);
    }
    void slot_gone() { OpenSlot gone(std::move(start_.slot)); }

    WebSocketStart start_;
    std::shared_ptr<SocketLink> link_;
    websocket::stream<Stream> socket_;
    beast::flat_buffer buffer_;
    std::vector<SendQueue::Item> batch_;
    SteadyTime deadline_ = SteadyTime::max();
    SteadyTime stalled_at_ = SteadyTime::max();
    bool is_held_ = false, is_reading_ = false;
    bool is_open_ = false, is_writing_ = false, is_closing_ = false, finished_ = false;
};

}  // namespace

void start_websocket(WebSocketStart start, tcp::socket socket) {
    std::make_shared<Session<tcp::socket>>(std::move(start), std::move(socket))->open();
}

void start_websocket(WebSocketStart start, std::unique_ptr<TlsStream> stream) {
    std::make_shared<Session<TlsStream>>(std::move(start), std::move(*stream))->open();
}

}  // namespace weft::gateway
