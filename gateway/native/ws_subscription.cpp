#include "gateway/native/ws_subscription.hpp"

#include <algorithm>
#include <utility>

#include "gateway/native/ws_frames.hpp"

namespace weft::gateway::native {
namespace {

using reliability::JournalId;
using std::chrono::milliseconds;

constexpr std::uint64_t page_messages = 500;
/// Until we look again whether the client has read: longer and longer while it does not.
constexpr milliseconds pause_least{2}, pause_most{250};

}  // namespace

WsJournalSubscription::WsJournalSubscription(std::shared_ptr<WsWorld> world,
                                             std::shared_ptr<WebSocket> socket, Wanted wanted)
    : world_(std::move(world)),
      socket_(std::move(socket)),
      topics_(std::move(wanted.topics)),
      about_(ws_about_id(wanted.id)),
      position_(wanted.after),
      last_(wanted.last),
      stored_since_us_(wanted.stored_since_us),
      credit_(wanted.credit) {}

bool WsJournalSubscription::add_credit(std::uint64_t messages) {
    {
        const std::scoped_lock lock(mutex_);
        if (!credit_.add(messages)) return false;
    }
    go_on();
    return true;
}

WsSubscription::Acked WsJournalSubscription::ack(JournalId through) {
    Acked acked;
    {
        const std::scoped_lock lock(mutex_);
        acked.seen = position_.id;
        if (through > acked.seen) return acked;
        acked.ids = credit_.ack(through);
    }
    go_on();
    return acked;
}

void WsJournalSubscription::close() {
    LiveReads::Ticket ticket = 0;
    {
        const std::scoped_lock lock(mutex_);
        state_ = State::closed;
        ticket = std::exchange(ticket_, 0);
    }
    if (ticket != 0) world_->live.leave(ticket);
}

/// Reads on, if nothing is under way and there is credit.
void WsJournalSubscription::go_on() {
    ReadRequest request;
    {
        const std::scoped_lock lock(mutex_);
        if (state_ != State::idle) return;
        // Where the last N begin is looked up without any: what comes then is after that place.
        if (credit_.left() == 0 && last_ == 0) return;
        state_ = State::reading;
        if (must_pause()) return later(pause_);
        request = next_read();
    }
    world_->bridge.read(std::move(request),
                        [weak = weak_from_this()](BridgeResult<EventPage> page) {
                            const auto self = weak.lock();
                            if (self) self->on_page(std::move(page));
                        });
}

/// Under the lock.
ReadRequest WsJournalSubscription::next_read() const {
    ReadRequest request;
    request.after = position_;
    request.filter = topics_.filter;
    request.keep = topics_.keep;
    request.stored_since_us = stored_since_us_;
    request.messages = std::min(page_messages, credit_.left());
    request.bytes = world_->limits.history_ahead;
    if (last_ != 0) {
        request.order = ReadRequest::Order::newest;
        request.messages = last_;
    }
    return request;
}

/// Under the lock. Whether the client shall read first.
bool WsJournalSubscription::must_pause() {
    const std::size_t unread = socket_->queued();
    if (fits(unread, needed_)) {
        unread_since_.reset();
        no_more_patience_ = false;
        return false;
    }
    const fabric::Instant now = world_->clock.steady();
    if (!unread_since_ || unread < unread_) {
        unread_since_ = now;
        no_more_patience_ = false;
        pause_ = pause_least;
    } else {
        pause_ = std::min(2 * pause_, pause_most);
    }
    unread_ = unread;
    // Then it is sent all the same, until the queue is full and the connection is ended by that.
    if (now - *unread_since_ >= world_->limits.patience) no_more_patience_ = true;
    return !no_more_patience_;
}

/// A large message goes out once nothing else waits.
bool WsJournalSubscription::fits(std::size_t unread, std::size_t bytes) const {
    return unread == 0 || unread + bytes <= world_->limits.history_ahead;
}

/// Under the lock.
void WsJournalSubscription::later(milliseconds after) {
    world_->timers.run(after, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        {
            const std::scoped_lock lock(self->mutex_);
            if (self->state_ != State::reading) return;
            self->state_ = State::idle;
        }
        self->go_on();
    });
}

void WsJournalSubscription::on_page(BridgeResult<EventPage> page) {
    // JSON is written before the lock is taken: others wait for it.
    LivePage live;
    if (page) live = live_page(*page);
    {
        const std::scoped_lock lock(mutex_);
        if (state_ != State::reading) return;
        if (!page) {
            if (page.error().kind != BridgeError::Kind::stopped) later(pause_most);
            return;
        }
        state_ = State::idle;
        if (last_ != 0) {
            begin_at_last(*page);
        } else {
            const Sent sent = send(live);
            if (sent == Sent::closed) return;
            if (sent == Sent::all && page->at_head) {
                stored_since_us_ = 0;
                ticket_ = world_->live.join(topics_, position_, weak_from_this());
                if (ticket_ != 0) state_ = State::live;
            }
        }
    }
    go_on();
}

/// The newest come in one page; from the oldest of them on it is a reader as any other.
void WsJournalSubscription::begin_at_last(const EventPage& page) {
    JournalId before = page.head;
    for (const StoredEvent& event : page.events) before = std::min(before, event.id - 1);
    position_ = {page.next.epoch, std::max(before, position_.id)};
    last_ = 0;
}

bool WsJournalSubscription::on_live(LiveReads::Ticket ticket, const LivePage& page) {
    {
        const std::scoped_lock lock(mutex_);
        if (state_ != State::live || ticket != ticket_) return false;
        const Sent sent = send(page);
        if (sent == Sent::all) return true;
        ticket_ = 0;
        if (sent == Sent::closed) return false;
        state_ = State::idle;  // back to the journal, once there is credit and room
    }
    go_on();
    return false;
}

/// Under the lock. What of the page lies behind our position, as far as credit and room go; the
/// position stands behind what was sent.
WsJournalSubscription::Sent WsJournalSubscription::send(const LivePage& page) {
    const bool same_life = position_.epoch == page.next.epoch;
    if (page.gap && (!same_life || page.gap->to > position_.id)) {
        if (!send(ws_gap(about_, *page.gap))) return Sent::closed;
        position_ = {page.next.epoch, page.gap->to};
    } else if (!same_life) {
        position_ = {page.next.epoch, 0};
    }
    for (const LivePage::Event& event : page.events) {
        if (event.id <= position_.id) continue;
        if (credit_.left() == 0) return Sent::some;
        std::string frame = ws_message(about_, event.json);
        if (!no_more_patience_ && !fits(socket_->queued(), frame.size())) {
            needed_ = frame.size();
            return Sent::some;
        }
        if (!send(std::move(frame))) return Sent::closed;
        credit_.take(event.id);
        position_ = {page.next.epoch, event.id};
        needed_ = 0;
    }
    if (page.next.id > position_.id) position_ = page.next;
    return Sent::all;
}

/// False: the connection is closed, and the subscription with it.
bool WsJournalSubscription::send(std::string text) {
    if (socket_->send_text(std::make_shared<const std::string>(std::move(text)))) return true;
    state_ = State::closed;
    return false;
}

}  // namespace weft::gateway::native
