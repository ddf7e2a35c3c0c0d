#include "gateway/esub/psub_member.hpp"

#include <utility>

#include "config/utf8.hpp"

namespace weft::gateway::esub {
namespace {

constexpr std::uint16_t code_none = 1006, code_policy = 1008;

}  // namespace

PsubMember::PsubMember(Of of_it, Parcels::Rules rules, std::weak_ptr<MemberHome> home,
                       const fabric::Clock& clock)
    : of(std::move(of_it)),
      home_(std::move(home)),
      clock_(clock),
      parcels_(rules),
      heard_at_(of.since) {}

WebSocketHooks PsubMember::hooks() {
    const auto self = shared_from_this();
    WebSocketHooks hooks;
    hooks.open = [self](std::shared_ptr<WebSocket> socket) { self->on_open(std::move(socket)); };
    hooks.message = [self](const std::string&, bool) { self->on_message(); };
    hooks.pong = [self] { self->heard_at_ = self->clock_.steady(); };
    hooks.closed = [self](std::uint16_t code) { self->on_closed(code); };
    hooks.pings = false;  // It is the client that says that it lives.
    return hooks;
}

void PsubMember::on_open(std::shared_ptr<WebSocket> socket) {
    was_open_ = true;
    std::unique_lock lock(mutex_);
    if (close_code_ != 0) {
        lock.unlock();
        return socket->close(close_code_, close_reason_);
    }
    socket_ = std::move(socket);
    pump(lock);
}

void PsubMember::take(Parcel parcel) {
    std::unique_lock lock(mutex_);
    if (has_left_) {
        lock.unlock();
        if (const auto home = home_.lock()) home->pass_on(of.key, std::move(parcel));
        return;
    }
    parcels_.add(std::move(parcel));
    pump(lock);
}

/// One thread at a time sends, so that messages stay in their order; without the lock, since it may
/// be told at once how that went.
void PsubMember::pump(std::unique_lock<std::mutex>& lock) {
    if (!socket_ || std::exchange(is_pumping_, true)) return;
    while (SharedBytes bytes = has_left_ ? nullptr : parcels_.next(clock_.steady())) {
        const std::shared_ptr<WebSocket> socket = socket_;
        lock.unlock();
        auto sent = [self = shared_from_this()](bool all_taken) {
            if (all_taken) self->on_sent();  // If not, the socket ends, and on_closed() says so.
        };
        if (config::is_utf8(*bytes)) {
            socket->send_text(std::move(bytes), std::move(sent));
        } else {
            socket->send_binary(std::move(bytes), std::move(sent));
        }
        lock.lock();
    }
    is_pumping_ = false;
}

void PsubMember::on_sent() {
    std::unique_lock lock(mutex_);
    auto done = parcels_.on_written();
    pump(lock);
    lock.unlock();
    if (done && done->done) done->done(Verdict::delivered);
}

void PsubMember::on_message() {
    std::unique_lock lock(mutex_);
    auto done = parcels_.on_receipt();
    if (!done) return;
    pump(lock);
    lock.unlock();
    if (done->done) done->done(Verdict::delivered);
}

void PsubMember::on_closed(std::uint16_t code) {
    leave(code != code_none);
}

void PsubMember::retire(std::uint16_t code, const std::string& reason, bool orderly) {
    std::shared_ptr<WebSocket> socket;
    {
        const std::lock_guard lock(mutex_);
        if (has_left_) return;
        socket = socket_;
        close_code_ = code;
        close_reason_ = reason;
    }
    leave(orderly);
    if (socket) socket->close(code, reason);
}

void PsubMember::tick(fabric::Instant now) {
    {
        const std::lock_guard lock(mutex_);
        if (!parcels_.is_overdue(now)) return;
    }
    retire(code_policy, "no receipt came in time", false);
}

void PsubMember::leave(bool orderly) {
    std::vector<Parcel> left;
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(has_left_, true)) return;
        left = parcels_.take_all(orderly);
        socket_.reset();
    }
    const auto home = home_.lock();
    if (!home) return;
    home->left(*this);
    for (Parcel& parcel : left) home->pass_on(of.key, std::move(parcel));
}

}  // namespace weft::gateway::esub
