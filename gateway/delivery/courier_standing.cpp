// Where a courier stands: what is to be noted of it, what its owner changes, and what they are
// shown.

#include <algorithm>
#include <utility>

#include "gateway/delivery/courier.hpp"

namespace weft::gateway::delivery {

using fabric::Instant;
using reliability::JournalId;
using reliability::Position;
using std::chrono::microseconds;

Position Courier::position() const {
    JournalId through = queue_.empty() ? read_.id : queue_.front().id - 1;
    for (const auto& [name, batch] : batches_) {
        if (batch.failed && !subscription_.ordered) continue;  // parked
        through = std::min(through, batch.ids.front() - 1);
    }
    if (progress_.position.epoch == read_.epoch) through = std::max(through, progress_.position.id);
    return {read_.epoch, through};
}

Courier::Note Courier::note(Moment now) const {
    Note note{version_, progress_};
    note.progress.position = position();
    for (const auto& [name, batch] : batches_) {
        if (!batch.failed) continue;
        const Instant left = batch.due - now.steady;
        const auto left_us =
            std::max<std::int64_t>(std::chrono::duration_cast<microseconds>(left).count(), 0);
        note.progress.failed.push_back(
            {name, batch.ids, batch.attempts, now.utc_us + static_cast<std::uint64_t>(left_us)});
    }
    return note;
}

void Courier::on_noted(std::uint64_t version) {
    noted_ = std::max(noted_, version);
    progress_.position = position();
}

// ---- The owner ----

void Courier::replace(Subscription subscription, Moment now) {
    const bool moved = subscription.url != subscription_.url;
    const bool was_active = active();
    const Position at{read_.epoch, std::max(cut_.id, position().id)};
    subscription_ = std::move(subscription);
    read_again(at);
    for (auto& [name, batch] : batches_) {
        if (batch.is == Is::waiting && (moved || (!was_active && active()))) {
            batch.due = now.steady;
        }
    }
}

void Courier::set_state(Subscription::State state, std::string reason, Moment now) {
    subscription_.state = state;
    subscription_.reason = std::move(reason);
    if (!active()) return;
    failing_since_.reset();
    failing_since_us_.reset();
    in_a_row_ = 0;
    if (reading_ == Reading::paused) reading_ = Reading::idle;
    for (auto& [name, batch] : batches_) {
        if (batch.is == Is::waiting) batch.due = now.steady;
    }
}

std::vector<std::string> Courier::go_to(Position position, Moment now) {
    std::vector<std::string> under_way;
    for (auto at = batches_.begin(); at != batches_.end();) {
        const bool forget =
            subscription_.ordered || at->second.ids.back() > position.id || !at->second.failed;
        if (forget && at->second.is == Is::flying) {
            under_way.push_back(at->first);
            --in_flight_;
        }
        at = forget ? batches_.erase(at) : std::next(at);
    }
    progress_.position = position;
    read_again(position);
    ++version_;
    front_changed(now);
    return under_way;
}

std::vector<std::string> Courier::confirm(const Fetched& fetched, Moment now) {
    const Position place = position();
    if (fetched.through <= place.id) return {};
    if (fetched.from == place.id) {
        progress_.sent += fetched.sent;
        progress_.dropped += fetched.dropped;
    }
    return go_to({place.epoch, fetched.through}, now);
}

std::size_t Courier::parked() const {
    if (subscription_.ordered) return 0;
    return static_cast<std::size_t>(std::count_if(
        batches_.begin(), batches_.end(), [](const auto& entry) { return entry.second.failed; }));
}

std::size_t Courier::parked_messages() const {
    std::size_t messages = 0;
    if (subscription_.ordered) return messages;
    for (const auto& [name, batch] : batches_) {
        if (batch.failed) messages += batch.ids.size();
    }
    return messages;
}

std::optional<Instant> Courier::next_attempt() const {
    std::optional<Instant> first;
    for (const auto& [name, batch] : batches_) {
        if (batch.is == Is::waiting) first = std::min(first.value_or(batch.due), batch.due);
    }
    return first;
}

std::optional<std::uint64_t> Courier::oldest_us() const {
    std::optional<std::uint64_t> oldest;
    if (!queue_.empty()) oldest = queue_.front().stored_us;
    for (const auto& [name, batch] : batches_) {
        if (batch.first_us != 0) oldest = std::min(oldest.value_or(batch.first_us), batch.first_us);
    }
    return oldest;
}

}  // namespace weft::gateway::delivery
