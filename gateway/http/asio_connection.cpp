// The reading half: from bytes to requests and handlers. The writing half is in
// asio_connection_write.cpp.
#include "gateway/http/asio_connection.hpp"

#include <array>
#include <cassert>

#include "config/host.hpp"
#include "gateway/http/asio_exchange.hpp"
#include "gateway/http/asio_websocket.hpp"
#include "gateway/http/problem.hpp"
#include "gateway/http/trace_parent.hpp"

namespace weft::gateway {
namespace {

/// For a client to read the last answer and close, too; while the server stops, less.
constexpr std::chrono::milliseconds linger_time{2000}, linger_time_of_stop{300};
constexpr unsigned char tls_handshake_byte = 0x16;
/// A body that is this short is read before its request is refused: the connection is worth more.
constexpr std::uint64_t short_body = std::uint64_t{64} << 10U;

bool asks_for_websocket(const Request& request) noexcept {
    return request.headers.lists("Upgrade", "websocket");
}

}  // namespace

Connection::Connection(std::shared_ptr<Core> core, Loop& loop, std::shared_ptr<const Site> site,
                       OpenSlot slot)
    : core_(std::move(core)),
      loop_(loop),
      site_(std::move(site)),
      slot_(std::move(slot)),
      reader_(core_->limits) {}

void Connection::start(tcp::socket socket, bool refuse_it) {
    loop_.add(shared_from_this());
    SocketError error;
    const auto peer = socket.remote_endpoint(error);
    if (!error) socket.non_blocking(true, error);
    if (error) return close();
    SocketError ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    peer_ = config::host_port_text(peer.address().to_string(), peer.port());
    loopback_ = peer.address().is_loopback();
    same_system_ = loopback_ || socket.local_endpoint(ignored).address() == peer.address();
    deadline_ = loop_.now() + core_->limits.header_time;
    if (refuse_it) {
        wire_ = plain_wire(std::move(socket), loop_.scratch());
        return refuse(
            {Refused::too_many_connections, 503, "too many connections are open; try again later"});
    }
    if (!site_->tls) return begin_http(plain_wire(std::move(socket), loop_.scratch()), false);

    // The first byte says whether it is TLS; it stays where it is.
    opening_ = std::make_unique<TlsStream>(std::move(socket), *core_->tls.current());
    opening_->next_layer().async_wait(
        tcp::socket::wait_read, [self = shared_from_this()](SocketError failed) {
            if (self->phase_ == Phase::closed) return;
            unsigned char first = 0;
            tcp::socket& plain = self->opening_->next_layer();
            if (!failed) {
                plain.receive(asio::buffer(&first, 1), tcp::socket::message_peek, failed);
            }
            if (failed) return self->close();
            if (first == tls_handshake_byte) return self->begin_tls();
            auto wire = plain_wire(std::move(plain), self->loop_.scratch());
            self->opening_.reset();
            self->begin_http(std::move(wire), false);
        });
}

void Connection::begin_tls() {
    opening_->async_handshake(TlsStream::server, [self = shared_from_this()](SocketError failed) {
        if (self->phase_ == Phase::closed) return;
        if (failed) {
            ++self->core_->counters[Count::tls_failed];
            return self->close();
        }
        self->begin_http(tls_wire(std::move(self->opening_)), true);
    });
}

void Connection::begin_http(std::unique_ptr<Wire> wire, bool tls) {
    wire_ = std::move(wire);
    tls_ = tls;
    phase_ = Phase::reading;
    deadline_ = loop_.now() + core_->limits.header_time;
    listen();
}

void Connection::listen() {
    if (listening_ || eof_ || phase_ == Phase::closed || !wire_) return;
    const bool is_busy =
        phase_ == Phase::handling || phase_ == Phase::writing || phase_ == Phase::streaming;
    if (is_busy && input_.size() >= core_->limits.header) return;
    // Its socket will go to the WebSocket, with nobody else reading from it.
    if (turn_ && asks_for_websocket(turn_->request)) return;
    listening_ = true;
    wire_->read([self = shared_from_this()](SocketError error, std::string_view bytes) {
        self->listening_ = false;
        if (self->phase_ != Phase::closed) self->on_bytes(error, bytes);
    });
}

void Connection::on_bytes(SocketError error, std::string_view bytes) {
    settle_direct();
    if (phase_ == Phase::closed) return;
    if (error) return on_end_of_input(error);
    if (phase_ == Phase::reading && input_.empty()) {
        is_feeding_ = true;
        bytes.remove_prefix(feed_some(bytes));
        is_feeding_ = false;
    }
    if (phase_ != Phase::lingering) input_ += bytes;
    feed();
    listen();
}

void Connection::on_end_of_input(SocketError error) {
    const bool is_orderly = error == asio::error::eof;
    eof_ = true;
    if (phase_ == Phase::reading && reader_.state() != RequestReader::State::idle) {
        core_->counters.refused(Refused::body_cut_short);
        if (is_orderly && reader_.state() == RequestReader::State::body && head_seen_) {
            const Request& head = reader_.request();
            if (auto last = site_->router.find(head.raw_path())->on_body_cut_short(head)) {
                return refuse_with(std::move(*last));
            }
        }
    }
    // A client may close its half after the request and still read the answer: so what is being
    // answered goes on, and only who waits is told.
    if (is_orderly && phase_ == Phase::handling) {
        turn_->direct.shut();
        if (settle_direct()) return close();
        ++core_->counters[Count::gone];
        asio::post(loop_.context(), [turn = turn_] { turn->gone.happen(); });
        return;
    }
    if (is_orderly && phase_ == Phase::writing) return;
    close();
}

void Connection::feed() {
    is_feeding_ = true;
    const auto may_go_on = [this] {
        if (phase_ == Phase::handling && turn_->direct.is_done_or_tell()) settle_direct();
        return phase_ == Phase::reading;
    };
    while (!input_.empty() && may_go_on()) {
        input_.erase(0, feed_some(input_));
    }
    is_feeding_ = false;
    if (input_.empty()) input_ = {};
}

std::size_t Connection::feed_some(std::string_view bytes) {
    using State = RequestReader::State;
    if (reader_.state() == State::idle) deadline_ = loop_.now() + core_->limits.header_time;
    const std::size_t taken = reader_.read(bytes);
    const State state = reader_.state();
    if (state == State::refused) {
        refuse(reader_.refusal());
    } else if (state == State::body || state == State::complete) {
        if (!head_seen_ && !on_head()) return taken;
        if (!count_body()) return taken;
        if (state == State::complete) begin_turn();
    }
    return taken;
}

bool Connection::on_head() {
    head_seen_ = true;
    deadline_ = loop_.now() + core_->limits.body_time;
    if (core_->tls.is_only() && !tls_) {
        refuse_to_https();
        return false;
    }
    if (core_->draining) {
        refuse({Refused::stopping, 503, "the server is stopping; try again"});
        return false;
    }
    Handler* handler = site_->router.find(reader_.request().raw_path());
    if (handler == nullptr) {
        refuse({Refused::not_mounted, 404, "nothing is served at this path on this port"});
        return false;
    }
    if (reader_.state() == RequestReader::State::body && !will_soon_be_complete()) {
        if (auto refusal = handler->refuse_early(reader_.request())) {
            refuse_with(std::move(*refusal));
            return false;
        }
    }
    if (reader_.expects_continue() && reader_.request().body.empty()) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        write({asio::buffer(go_on.data(), go_on.size())});
    }
    return true;
}

bool Connection::will_soon_be_complete() const {
    const std::uint64_t left = reader_.body_left();
    return left != 0 && left <= short_body && !reader_.expects_continue();
}

bool Connection::count_body() {
    auto& all = core_->counters[Count::body_bytes];
    const std::uint64_t here = reader_.request().body.size();
    const std::uint64_t now = all += here - counted_body_;
    counted_body_ = here;
    if (here == 0 || now <= core_->limits.bodies) return true;
    refuse({Refused::too_many_bodies, 503,
            "the memory for bodies is in use by other requests; try again later"});
    return false;
}

void Connection::begin_turn() {
    keep_alive_ = reader_.keeps_alive();
    Request request = reader_.take_request();
    request.id = core_->request_id(request.headers);
    request.traceparent = trace_parent(request.headers).value_or("");
    if (core_->on_access) request.caller = std::make_shared<CallerNote>();
    request.peer = peer_;
    request.listener = site_->address;
    request.tls = tls_;
    request.loopback = loopback_;
    turn_ = std::make_shared<Turn>(core_, std::move(request), loop_.now());
    counted_body_ = 0;  // The turn gives it back.
    head_seen_ = false;
    phase_ = Phase::handling;
    deadline_ = SteadyTime::max();
    ++core_->counters[Count::requests];
    if (++core_->counters[Count::requests_open] > core_->limits.requests) {
        core_->counters.refused(Refused::too_many_requests);
        return answer(turn_, problem(503, "too many requests wait for answers; try again later"));
    }
    // What is behind the handshake of a WebSocket is not read before the answer.
    const bool is_plain = keep_alive_ && !is_writing_ && turn_->request.method != "HEAD" &&
                          wire_->direct_socket() >= 0 && !asks_for_websocket(turn_->request);
    if (is_plain) turn_->direct.open(wire_->direct_socket(), same_system_);
    try {
        Handler* handler = site_->router.find(turn_->request.raw_path());
        // If the handler lets go of it, by an exception too, it answers 500.
        handler->handle(std::make_shared<HttpExchange>(turn_, weak_from_this(), loop_.handle()));
    } catch (...) {
        ++core_->counters[Count::handler_exceptions];
    }
}

void Connection::upgrade(const std::shared_ptr<Turn>& turn, WebSocketHooks hooks,
                         std::string protocol) {
    if (turn != turn_ || phase_ != Phase::handling || listening_ || is_writing_) {
        if (hooks.closed) hooks.closed(1006);
        return;
    }
    record_access(101);
    WebSocketStart start{core_,
                         loop_,
                         std::move(*slot_),
                         turn,
                         std::move(input_),
                         std::move(hooks),
                         std::move(protocol)};
    slot_.reset();
    end_turn();
    phase_ = Phase::closed;
    const auto self = shared_from_this();
    loop_.remove(self);
    start_websocket(std::move(start), std::move(wire_));
}

/// If another thread has written the answer: what was left to do about it.
bool Connection::settle_direct() {
    if (phase_ != Phase::handling || !turn_->direct.is_done()) return false;
    turn_.reset();  // It was counted and recorded by who answered.
    phase_ = Phase::reading;
    deadline_ = loop_.now() + core_->limits.idle;
    if (core_->draining) linger();
    return true;
}

void Connection::go_on(const std::shared_ptr<Turn>& turn) {
    if (turn != turn_ || !settle_direct() || is_feeding_) return;
    feed();
    listen();
}

void Connection::tick(SteadyTime now) {
    settle_direct();
    if (now < deadline_) return;
    if (phase_ == Phase::reading) {
        if (reader_.state() != RequestReader::State::idle) {
            return refuse(
                {Refused::too_slow, 408, "the request did not come in time; send it in one go"});
        }
        ++core_->counters[Count::idle_closed];
    } else if (phase_ == Phase::writing || phase_ == Phase::streaming) {
        ++core_->counters[Count::stalled_writer];
        // Whoever is told that it was not delivered must not see it delivered later.
        if (report_) wire_->give_up();
    }
    close();
}

void Connection::drain() {
    if (settle_direct()) return close();
    const bool is_idle =
        phase_ == Phase::opening ||
        (phase_ == Phase::reading && reader_.state() == RequestReader::State::idle);
    if (is_idle) close();
}

void Connection::end() {
    settle_direct();
    switch (phase_) {
        case Phase::handling:
            // Who has begun to answer goes on.
            if (turn_->direct.shut() == DirectAnswer::State::partial) return;
            if (settle_direct()) return close();
            core_->counters.refused(Refused::stopping);
            return answer(turn_, problem(503, "the server is stopping; try again"));
        case Phase::streaming:
            if (stream_->queue.end()) wake(stream_);
            return;
        case Phase::opening:
        case Phase::reading:
            return close();
        case Phase::writing:
        case Phase::lingering:
        case Phase::closed:
            return;
    }
}

void Connection::end_turn() {
    if (!turn_) return;
    turn_->gone.forget();
    turn_.reset();
    --core_->counters[Count::requests_open];
}

void Connection::linger() {
    if (eof_) return close();
    // Closing while the client still sends would destroy the answer on its way.
    phase_ = Phase::lingering;
    deadline_ = loop_.now() + (core_->draining ? linger_time_of_stop : linger_time);
    input_ = {};
    wire_->finish([self = shared_from_this(), is_tls = tls_] {
        if (is_tls) self->close();
    });
    if (!tls_) listen();
}

void Connection::close() {
    if (phase_ == Phase::closed) return;
    const auto self = shared_from_this();
    if (turn_) {
        turn_->direct.shut();
        if (phase_ == Phase::handling && turn_->direct.is_done()) {
            turn_.reset();
        } else if (phase_ == Phase::handling) {
            if (!eof_) ++core_->counters[Count::gone];
            record_access(499);
            asio::post(loop_.context(), [turn = turn_] { turn->gone.happen(); });
            turn_.reset();
            --core_->counters[Count::requests_open];
        } else {
            record_access(status_);
            end_turn();
        }
    }
    phase_ = Phase::closed;
    if (opening_) {
        SocketError ignored;
        opening_->lowest_layer().close(ignored);
    }
    if (wire_) {
        if (report_) wire_->give_up();
        wire_->close();
    }
    tell_report(false);  // Nothing more reaches the client once this is said.
    if (stream_) close_stream();
    core_->counters[Count::body_bytes] -= std::exchange(counted_body_, 0);
    slot_.reset();
    loop_.remove(self);
}

void Connection::record_access(unsigned status) {
    if (turn_) {
        const auto took = loop_.now() - turn_->begin;
        return core_->record(turn_->request, turn_->request.id, status, turn_bytes_,
                             std::chrono::duration_cast<std::chrono::microseconds>(took));
    }
    if (!core_->on_access) return;
    const Request& read = reader_.request();
    Request refused;
    refused.method = read.method;
    refused.target = read.target;
    refused.version = read.version;
    refused.headers = read.headers;
    refused.peer = peer_;
    refused.listener = site_->address;
    core_->record(refused, refused_id_, status, turn_bytes_, {});
}

}  // namespace weft::gateway
