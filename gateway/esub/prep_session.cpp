#include "gateway/esub/prep_session.hpp"

#include <utility>

#include "gateway/esub/answers.hpp"

namespace weft::gateway::esub {
namespace {

constexpr std::uint16_t code_bad_data = 1007;
constexpr std::size_t out_max = 64;

}  // namespace

PrepSession::PrepSession(bool confirm, Deliver deliver, std::function<void(bool)> ended)
    : confirm_(confirm), deliver_(std::move(deliver)), ended_(std::move(ended)) {}

WebSocketHooks PrepSession::hooks() {
    const auto self = shared_from_this();
    WebSocketHooks hooks;
    hooks.open = [self](std::shared_ptr<WebSocket> socket) {
        const std::lock_guard lock(self->mutex_);
        self->socket_ = std::move(socket);
        self->was_open_ = true;
    };
    hooks.message = [self](const std::string& text, bool) { self->on_message(text); };
    hooks.closed = [self](std::uint16_t) {
        bool was_open = false;
        {
            const std::lock_guard lock(self->mutex_);
            self->socket_.reset();
            self->is_over_ = true;
            was_open = self->was_open_;
        }
        self->ended_(was_open);
    };
    hooks.pings = false;  // A client that answers none may stay.
    return hooks;
}

void PrepSession::on_message(std::string_view text) {
    auto frame = read_prep_frame(text);
    std::unique_lock lock(mutex_);
    if (is_over_ || !socket_) return;
    if (!frame) {
        is_over_ = true;  // What came before is still handed on.
        const auto socket = socket_;
        lock.unlock();
        return socket->close(code_bad_data, "a frame is one JSON object with key, token and data");
    }
    waiting_.push_back(std::move(*frame));
    pump(lock);
    if (waiting_.empty() || is_held_ || !socket_) return;
    is_held_ = true;
    const auto socket = socket_;
    lock.unlock();
    socket->hold_reading(true);
}

/// One thread at a time, so that frames stay in their order; without the lock, since a reply may be
/// done at once.
void PrepSession::pump(std::unique_lock<std::mutex>& lock) {
    if (std::exchange(is_pumping_, true)) return;
    while (!waiting_.empty() && out_ < (confirm_ ? 1 : out_max)) {
        PrepFrame frame = std::move(waiting_.front());
        waiting_.pop_front();
        ++out_;
        lock.unlock();
        deliver_({frame.key, frame.token, frame.psub}, std::move(frame.data),
                 [self = shared_from_this()](Verdict verdict) { self->on_done(verdict); });
        lock.lock();
    }
    is_pumping_ = false;
}

void PrepSession::on_done(Verdict verdict) {
    std::unique_lock lock(mutex_);
    --out_;
    const auto socket = socket_;
    if (confirm_ && socket) {
        socket->send_text(std::make_shared<const std::string>(words_of(verdict).text));
    }
    pump(lock);
    if (!is_held_ || !waiting_.empty() || !socket) return;
    is_held_ = false;
    lock.unlock();
    socket->hold_reading(false);
}

}  // namespace weft::gateway::esub
