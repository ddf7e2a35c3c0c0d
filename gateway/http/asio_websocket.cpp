#include "gateway/http/asio_websocket.hpp"

#include <atomic>

#include "gateway/http/frame_outlet.hpp"
#include "gateway/http/request_grammar.hpp"
#include "gateway/http/response_head.hpp"
#include "gateway/http/websocket_accept.hpp"
#include "gateway/http/websocket_frames.hpp"

namespace weft::gateway {
namespace {

/// For the other side to answer a goodbye, or to close after it.
constexpr std::chrono::seconds goodbye_time{1};
/// For frames that somebody answers for: so long without progress, and longer if they are large.
constexpr std::chrono::seconds frame_time{5};
constexpr std::size_t frame_bytes_per_ms = 256;

class SocketSession;

/// What handlers and the connection share. Threads: any.
class SocketLink : public std::enable_shared_from_this<SocketLink> {
public:
    SocketLink(std::shared_ptr<Core> core, std::shared_ptr<LoopHandle> loop)
        : outlet(core->limits.stream_queue), core_(std::move(core)), loop_(std::move(loop)) {}

    FrameOutlet outlet;
    std::atomic<std::uint16_t> close_code{0};  ///< As we say it; 0: we have not.
    std::weak_ptr<SocketSession> session;      ///< Written before anybody else has the link.

    bool send(SendQueue::Item item);
    void close(std::uint16_t code, std::string_view reason);
    /// A close frame, which tells the session when it is out.
    [[nodiscard]] SendQueue::Item goodbye(std::uint16_t code, std::string_view reason) const;
    /// By who is awake.
    void pump();
    template <typename Work>
    void on_loop(Work work) const {
        (void)loop_->run([session = session, work = std::move(work)] {
            if (const auto open = session.lock()) work(*open);
        });
    }

private:
    const std::shared_ptr<Core> core_;
    const std::shared_ptr<LoopHandle> loop_;
};

class SocketSession final : public LoopMember, public std::enable_shared_from_this<SocketSession> {
public:
    SocketSession(WebSocketStart start, std::unique_ptr<Wire> wire)
        : start_(std::move(start)),
          wire_(std::move(wire)),
          link_(std::make_shared<SocketLink>(start_.core, start_.loop.handle())),
          reader_(start_.core->limits.body) {}

    void open();
    void tick(SteadyTime now) override;
    void drain() override {}
    void end() override;
    void abort() override { finish(close_code::lost); }

    // What the link asks for.
    void on_flushed(FrameOutlet::Flushed flushed);
    void go_on();
    void on_goodbye_sent();
    void cut_off() { finish(close_code::policy); }
    void hold_reading(bool held);

private:
    template <typename Call>
    void guarded(const Call& call);
    void write_head(std::size_t written);
    void begin();
    void read_next();
    void on_bytes(std::string_view bytes);
    void on_found();
    void on_client_close();
    void refuse(std::uint16_t code);
    void answer_ping(std::string payload);
    void send_control(Opcode opcode, std::string payload);
    void write_rest();
    void look_for_silence(SteadyTime now);
    void await_goodbye();
    [[nodiscard]] std::uint16_t code_or(std::uint16_t otherwise) const;
    void finish(std::uint16_t code);

    WebSocketStart start_;
    const std::unique_ptr<Wire> wire_;
    const std::shared_ptr<SocketLink> link_;
    FrameReader reader_;
    std::string head_;   ///< Of the answer to the handshake.
    std::string input_;  ///< Read, and held.
    SteadyTime deadline_ = SteadyTime::max();
    SteadyTime stalled_at_ = SteadyTime::max();
    SteadyTime heard_at_{};
    std::uint16_t client_code_ = 0;             ///< As the client closed; 0: it has not.
    SteadyTime pinged_at_ = SteadyTime::max();  ///< Nothing was heard since.
    bool has_heard_ = false;                    ///< Since the last look.
    bool is_held_ = false, is_reading_ = false, is_in_bytes_ = false, looks_again_ = false;
    bool has_ended_ = false;  ///< Nothing more can be read.
    bool is_open_ = false, finished_ = false;
    bool is_leaving_ = false;  ///< Our goodbye is out: only the client's is waited for.
    bool is_over_ = false;     ///< Nothing of the client counts any more.
};

bool SocketLink::send(SendQueue::Item item) {
    if (!item.bytes) return !outlet.queue.closed();
    switch (outlet.queue.put(std::move(item))) {
        case SendQueue::Put::queued:
            return true;
        case SendQueue::Put::wake:
            pump();
            return true;
        case SendQueue::Put::overflow:
            ++core_->counters[Count::slow_reader];
            on_loop([](SocketSession& open) { open.cut_off(); });
            return false;
        case SendQueue::Put::closed:
            break;
    }
    return false;
}

SendQueue::Item SocketLink::goodbye(std::uint16_t code, std::string_view reason) const {
    auto sent = [link = weak_from_this()](bool all_taken) {
        const auto kept = link.lock();
        if (kept && all_taken) kept->on_loop([](SocketSession& open) { open.on_goodbye_sent(); });
    };
    return {std::make_shared<const std::string>(close_payload(code, reason)), false,
            SendQueue::Sent(std::move(sent)), static_cast<std::uint8_t>(Opcode::close)};
}

void SocketLink::close(std::uint16_t code, std::string_view reason) {
    if (outlet.queue.closed()) return;
    close_code = code;
    if (outlet.queue.end(goodbye(code, reason))) pump();
}

void SocketLink::pump() {
    if (!outlet.is_direct()) return on_loop([](SocketSession& open) { open.go_on(); });
    const FrameOutlet::Flushed flushed = outlet.flush();
    if (flushed == FrameOutlet::Flushed::all) return;
    on_loop([flushed](SocketSession& open) { open.on_flushed(flushed); });
}

/// What a handler holds.
class HttpWebSocket final : public WebSocket {
public:
    explicit HttpWebSocket(std::shared_ptr<SocketLink> link) : link_(std::move(link)) {}

    bool send_text(SharedBytes text, OnSent sent) override {
        return link_->send({std::move(text), true, SendQueue::Sent(std::move(sent))});
    }
    bool send_binary(SharedBytes bytes, OnSent sent) override {
        return link_->send({std::move(bytes), false, SendQueue::Sent(std::move(sent))});
    }
    void hold_reading(bool held) override {
        link_->on_loop([held](SocketSession& open) { open.hold_reading(held); });
    }
    void close(std::uint16_t code, std::string reason) override { link_->close(code, reason); }
    [[nodiscard]] bool closed() const override { return link_->outlet.queue.closed(); }
    [[nodiscard]] std::size_t queued() const override { return link_->outlet.queue.queued(); }

private:
    const std::shared_ptr<SocketLink> link_;
};

void SocketSession::open() {
    link_->session = weak_from_this();
    start_.loop.add(shared_from_this());
    deadline_ = start_.loop.now() + start_.core->limits.header_time;
    const Request& request = start_.turn->request;
    Headers headers;
    headers.add("Upgrade", "websocket");
    headers.add("Sec-WebSocket-Accept",
                websocket_accept(request.headers.find("Sec-WebSocket-Key").value_or("")));
    if (is_token(start_.protocol)) headers.add("Sec-WebSocket-Protocol", start_.protocol);
    headers.add("Server", "weft");
    HeadShape shape;
    shape.request_id = request.id;
    shape.upgrades = true;
    shape.now = std::time(nullptr);
    head_ = response_head(101, headers, shape);
    write_head(0);
}

void SocketSession::write_head(std::size_t written) {
    std::vector<asio::const_buffer> rest{asio::buffer(head_) + written};
    SocketError error;
    written += wire_->write_now(rest, error);
    if (!error && written == head_.size()) return begin();
    if (error && error != asio::error::would_block) return finish(close_code::lost);
    rest = {asio::buffer(head_) + written};
    wire_->write(rest, [self = shared_from_this(), written](SocketError failed, std::size_t more) {
        if (self->finished_) return;
        if (failed) return self->finish(close_code::lost);
        if (written + more == self->head_.size()) return self->begin();
        self->write_head(written + more);
    });
}

void SocketSession::begin() {
    is_open_ = true;
    head_ = {};
    deadline_ = SteadyTime::max();
    heard_at_ = start_.loop.now();
    ++start_.core->counters[Count::websockets];
    guarded([this] {
        if (start_.hooks.open) start_.hooks.open(std::make_shared<HttpWebSocket>(link_));
    });
    if (finished_) return;
    link_->outlet.open(wire_->direct_socket());
    go_on();
    if (!finished_) on_bytes(std::exchange(start_.input, {}));
}

/// What a hook throws ends this connection and no other.
template <typename Call>
void SocketSession::guarded(const Call& call) {
    try {
        call();
    } catch (...) {
        ++start_.core->counters[Count::handler_exceptions];
        finish(close_code::fault);
    }
}

void SocketSession::tick(SteadyTime now) {
    if (now >= stalled_at_) ++start_.core->counters[Count::stalled_writer];
    if (now >= deadline_ || now >= stalled_at_) return finish(close_code::lost);
    if (is_open_ && start_.hooks.pings) look_for_silence(now);
}

void SocketSession::look_for_silence(SteadyTime now) {
    if (std::exchange(has_heard_, false) || is_held_) {
        heard_at_ = now;
        pinged_at_ = SteadyTime::max();
        return;
    }
    const auto patience = start_.core->limits.ping;
    if (pinged_at_ != SteadyTime::max()) {
        if (now - pinged_at_ >= patience) finish(close_code::lost);
    } else if (now - heard_at_ >= patience) {
        pinged_at_ = now;
        send_control(Opcode::ping, {});
    }
}

void SocketSession::end() {
    if (!is_open_) return finish(close_code::lost);
    link_->close(close_code::going_away, "the server is stopping");
}

void SocketSession::hold_reading(bool held) {
    is_held_ = held;
    if (held || !is_open_ || finished_ || is_in_bytes_) return;
    on_bytes({});
}

void SocketSession::read_next() {
    if (is_held_ || has_ended_ || std::exchange(is_reading_, true)) return;
    wire_->read([self = shared_from_this()](SocketError error, std::string_view bytes) {
        self->is_reading_ = false;
        if (self->finished_) return;
        (error ? self->has_ended_ : self->has_heard_) = true;
        self->on_bytes(error ? std::string_view{} : bytes);
    });
}

void SocketSession::on_bytes(std::string_view bytes) {
    if (link_->outlet.is_telling()) {
        // Another thread writes: who answers for it hears that first, then what the client said.
        input_ += bytes;
        if (std::exchange(looks_again_, true)) return;
        return asio::post(start_.loop.context(), [self = shared_from_this()] {
            self->looks_again_ = false;
            if (!self->finished_) self->on_bytes({});
        });
    }
    std::string kept;
    if (!input_.empty()) {
        input_ += bytes;
        kept = std::exchange(input_, {});
        bytes = kept;
    }
    is_in_bytes_ = true;
    while (!bytes.empty() && !finished_ && !is_held_) {
        bytes.remove_prefix(reader_.read(bytes));
        on_found();
    }
    is_in_bytes_ = false;
    if (finished_) return;
    if (!bytes.empty()) input_ = bytes;
    if (has_ended_ && !is_held_) return finish(close_code::lost);
    read_next();
}

void SocketSession::on_found() {
    using Found = FrameReader::Found;
    if (is_over_) return;
    switch (reader_.found()) {
        case Found::nothing:
            return;
        case Found::text:
        case Found::binary:
            if (is_leaving_) return;
            return guarded([this] {
                const bool is_text = reader_.found() == Found::text;
                if (start_.hooks.message) start_.hooks.message(reader_.take(), is_text);
            });
        case Found::ping:
            return send_control(Opcode::pong, reader_.take());
        case Found::pong:
            return guarded([this] {
                if (start_.hooks.pong) start_.hooks.pong();
            });
        case Found::close:
            return on_client_close();
        case Found::refused:
            return refuse(reader_.code());
    }
}

void SocketSession::send_control(Opcode opcode, std::string payload) {
    (void)link_->send({std::make_shared<const std::string>(std::move(payload)), false,
                       SendQueue::Sent{}, static_cast<std::uint8_t>(opcode)});
}

void SocketSession::on_client_close() {
    is_over_ = true;
    client_code_ = reader_.code();
    await_goodbye();
    const std::uint16_t back =
        client_code_ == close_code::none_sent ? close_code::normal : client_code_;
    // It answers our goodbye, or gets one: nothing else is for a client that has left.
    if (link_->outlet.queue.finished()) return wire_->finish([] {});
    if (link_->outlet.queue.end_instead(link_->goodbye(back, ""))) link_->pump();
}

void SocketSession::refuse(std::uint16_t code) {
    is_over_ = true;
    await_goodbye();
    if (link_->outlet.queue.finished()) return;
    if (link_->outlet.queue.end_instead(link_->goodbye(code, ""))) link_->pump();
}

void SocketSession::on_goodbye_sent() {
    if (finished_) return;
    is_leaving_ = true;
    await_goodbye();
    // What the client still sends is read, since closing over it would destroy the last word.
    if (is_over_) wire_->finish([] {});
    is_held_ = false;
    if (!is_in_bytes_) on_bytes({});
}

void SocketSession::on_flushed(FrameOutlet::Flushed flushed) {
    if (finished_) return link_->outlet.drop();
    if (flushed == FrameOutlet::Flushed::failed) return finish(close_code::lost);
    if (flushed == FrameOutlet::Flushed::blocked) write_rest();
}

void SocketSession::go_on() {
    if (finished_) return link_->outlet.drop();
    if (link_->outlet.is_direct()) return on_flushed(link_->outlet.flush());
    if (link_->outlet.load()) write_rest();
}

/// The batch is ours, until nothing is left of it.
void SocketSession::write_rest() {
    FrameOutlet& outlet = link_->outlet;
    if (!outlet.load()) return;
    if (const auto bytes = outlet.answered_for()) {
        if (client_code_ != 0 || wire_->peer_has_closed()) {
            outlet.drop();
            return finish(close_code::lost);
        }
        stalled_at_ =
            start_.loop.now() + frame_time + std::chrono::milliseconds{*bytes / frame_bytes_per_ms};
    }
    if (outlet.queue.finished()) await_goodbye();
    std::vector<asio::const_buffer> buffers;
    for (const iovec& part : outlet.rest()) buffers.emplace_back(part.iov_base, part.iov_len);
    wire_->write(buffers, [self = shared_from_this()](SocketError error, std::size_t bytes) {
        FrameOutlet& mine = self->link_->outlet;
        if (self->finished_) return mine.drop();
        self->stalled_at_ = SteadyTime::max();
        if (error) {
            mine.drop();
            return self->finish(close_code::lost);
        }
        mine.advance(bytes);
        self->go_on();
    });
}

void SocketSession::await_goodbye() {
    if (deadline_ == SteadyTime::max()) deadline_ = start_.loop.now() + goodbye_time;
}

/// What was said to be the reason, if anything was.
std::uint16_t SocketSession::code_or(std::uint16_t otherwise) const {
    if (otherwise != close_code::lost) return otherwise;
    const std::uint16_t said = link_->close_code;
    if (said != 0 && link_->outlet.queue.finished()) return said;
    return client_code_ != 0 ? client_code_ : close_code::lost;
}

void SocketSession::finish(std::uint16_t code) {
    if (std::exchange(finished_, true)) return;
    code = code_or(code);
    link_->outlet.close();
    wire_->close();
    const auto self = shared_from_this();
    asio::post(start_.loop.context(), [self, code] {
        if (self->start_.hooks.closed) self->start_.hooks.closed(code);
        self->start_.hooks = {};  // They may keep the handler's end, and so on round.
        const OpenSlot gone(std::move(self->start_.slot));
    });
    start_.loop.remove(self);
}

}  // namespace

void start_websocket(WebSocketStart start, std::unique_ptr<Wire> wire) {
    std::make_shared<SocketSession>(std::move(start), std::move(wire))->open();
}

}  // namespace weft::gateway
