#include "gateway/native/ws_leases.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "gateway/native/ws_frames.hpp"

namespace weft::gateway::native {
namespace {

using reliability::JournalError;
using reliability::JournalId;
using std::chrono::milliseconds;

/// Leased at a time: what one has, others do not.
constexpr std::uint64_t leases_max = 100;
/// After an error, and while the client does not read.
constexpr milliseconds again_after{250};
/// Others may let go of messages without anything being stored.
constexpr milliseconds look_every{500};

/// It counts as an attempt: the client had them.
void let_go(JournalThings& things, const std::string& cursor, const std::string& member,
            const std::vector<JournalId>& ids) {
    static_assert(WsCredit::credit_max <= reliability::ConsumerGroup::in_flight_max);
    constexpr milliseconds at_once{1};
    // Nothing can be done where it fails: the leases end by themselves.
    static_cast<void>(things.groups.extend(cursor, member, ids, at_once));
}

}  // namespace

WsLeaseSubscription::WsLeaseSubscription(std::shared_ptr<WsWorld> world,
                                         std::shared_ptr<WebSocket> socket, Wanted wanted)
    : world_(std::move(world)),
      socket_(std::move(socket)),
      about_(ws_about_id(wanted.id)),
      cursor_(std::move(wanted.cursor)),
      member_(std::move(wanted.member)),
      credit_(wanted.credit) {
    assert(world_->room != nullptr);
}

bool WsLeaseSubscription::add_credit(std::uint64_t messages) {
    {
        const std::scoped_lock lock(mutex_);
        if (!credit_.add(messages)) return false;
    }
    look();
    return true;
}

WsSubscription::Acked WsLeaseSubscription::ack(JournalId through) {
    Acked acked;
    {
        const std::scoped_lock lock(mutex_);
        acked.seen = seen_;
        if (through > seen_) return acked;
        acked.ids = credit_.ack(through);
    }
    look();
    return acked;
}

void WsLeaseSubscription::close() {
    FabricBridge::Ticket waiting = 0;
    std::vector<JournalId> leased;
    {
        const std::scoped_lock lock(mutex_);
        state_ = State::closed;
        waiting = std::exchange(waiting_, 0);
        leased = credit_.ack(seen_);
    }
    if (waiting != 0) world_->bridge.forget(waiting);
    if (leased.empty()) return;
    // Where the room is full the leases end by themselves.
    static_cast<void>(
        world_->room->work([cursor = cursor_, member = member_, leased = std::move(leased)](
                               JournalThings& things) { let_go(things, cursor, member, leased); }));
}

/// Asks the group, if nothing is under way and there is credit.
void WsLeaseSubscription::look() {
    std::size_t max = 0;
    {
        const std::scoped_lock lock(mutex_);
        if (state_ != State::idle || credit_.left() == 0) return;
        state_ = State::looking;
        max = static_cast<std::size_t>(std::min(leases_max, credit_.left()));
    }
    if (socket_->queued() > world_->limits.history_ahead) return look_later(again_after);
    const bool taken = world_->room->work([weak = weak_from_this(), max](JournalThings& things) {
        if (const auto self = weak.lock()) self->give(things, max);
    });
    if (!taken) look_later(again_after);
}

/// What was under way is over.
void WsLeaseSubscription::again() {
    {
        const std::scoped_lock lock(mutex_);
        if (state_ != State::looking) return;
        state_ = State::idle;
    }
    look();
}

void WsLeaseSubscription::look_later(milliseconds after) {
    world_->timers.run(after, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->again();
    });
}

void WsLeaseSubscription::give(JournalThings& things, std::size_t max) {
    const auto cursor = things.cursors.show(cursor_);
    if (!cursor) return fail(cursor.error());
    const JournalId head = things.journal.info().head;
    {
        // Nothing is leased for who has gone.
        const std::scoped_lock lock(mutex_);
        if (state_ != State::looking) return;
    }
    auto got = things.groups.next(cursor_, member_, max, {}, milliseconds{0},
                                  world_->limits.history_ahead);
    if (!got) return fail(got.error());
    bool some = got->gap.has_value();
    std::vector<JournalId> unsent;
    if (got->gap && !send(ws_gap(about_, *got->gap))) return;
    for (const auto& leased : got->messages) {
        const std::string more = "\"attempt\":" + std::to_string(leased.attempt) +
                                 ",\"lease_ms\":" + std::to_string(leased.lease.count());
        const auto each = [&](const reliability::VerifiedMessage& verified) {
            const std::string json = fabric::to_json(verified.message, verified.id);
            const std::scoped_lock lock(mutex_);
            if (state_ != State::looking) {
                unsent.push_back(verified.id);
                return;
            }
            // First it is known as sent: the acknowledgement may be quicker than we are.
            credit_.take(verified.id);
            seen_ = std::max(seen_, verified.id);
            some = true;
            if (!send(ws_message(about_, json, more))) state_ = State::closed;
        };
        things.verifier.verify(leased.message.run, leased.message.bytes, each,
                               [](const reliability::StoredRefusal&) {});
    }
    // It was closed meanwhile.
    if (!unsent.empty()) return let_go(things, cursor_, member_, unsent);
    if (some) {
        // Not from here: a worker has other things to do, too.
        look_later(milliseconds{0});
    } else {
        wait(head, cursor->filter());
    }
}

void WsLeaseSubscription::wait(JournalId head, const reliability::TopicFilter& filter) {
    const auto ticket =
        world_->bridge.wait(head, filter, look_every, [weak = weak_from_this()](Woken woken) {
            const auto self = weak.lock();
            if (!self || woken == Woken::stopped) return;
            if (woken == Woken::full) return self->look_later(again_after);
            self->look_later(milliseconds{0});
        });
    bool closed = false;
    {
        const std::scoped_lock lock(mutex_);
        closed = state_ == State::closed;
        waiting_ = std::max(waiting_, ticket);
    }
    if (closed && ticket != 0) world_->bridge.forget(ticket);
}

void WsLeaseSubscription::fail(const JournalError& error) {
    const bool for_good = error.reason == JournalError::Reason::not_found ||
                          error.reason == JournalError::Reason::invalid ||
                          error.reason == JournalError::Reason::refused;
    if (error.reason == JournalError::Reason::closed) return;
    if (!for_good) return look_later(again_after);
    const std::scoped_lock lock(mutex_);
    if (state_ != State::looking) return;
    state_ = State::closed;
    send(ws_error({404, error.sentence + "; the subscription is over", about_}));
}

bool WsLeaseSubscription::send(std::string text) {
    return socket_->send_text(std::make_shared<const std::string>(std::move(text)));
}

}  // namespace weft::gateway::native
