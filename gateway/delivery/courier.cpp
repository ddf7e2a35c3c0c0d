#include "gateway/delivery/courier.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weft::gateway::delivery {

using fabric::Instant;
using reliability::Position;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t read_least = 256;
constexpr std::size_t read_bytes_least = std::size_t{1} << 20;
constexpr Instant again_after = std::chrono::seconds{1};

}  // namespace

Courier::Courier(Subscription subscription, Progress progress, std::uint64_t seed, Moment now)
    : subscription_(std::move(subscription)), progress_(std::move(progress)), random_(seed) {
    read_ = cut_ = progress_.position;
    for (FailedBatch& failed : std::exchange(progress_.failed, {})) {
        Batch batch;
        batch.ids = std::move(failed.ids);
        batch.attempts = failed.attempts;
        batch.failed = true;
        batch.is = Is::waiting;
        batch.due = batch.failing_since = now.steady;
        // One that is ordered goes on at once; the others keep their pause.
        if (!subscription_.ordered && failed.due_us > now.utc_us) {
            const auto left = microseconds{failed.due_us - now.utc_us};
            batch.due += std::min<Instant>(left, std::chrono::hours{24});
        }
        // One that is parked says nothing of what lies in front of it.
        if (subscription_.ordered) cut_.id = std::max(cut_.id, batch.ids.back());
        batches_.emplace(std::move(failed.delivery), std::move(batch));
    }
    if (subscription_.ordered) read_ = cut_;
}

std::size_t Courier::concurrency() const noexcept {
    if (subscription_.ordered || in_a_row_ >= failing_at) return 1;
    return std::max<std::size_t>(subscription_.concurrency, 1);
}

std::string Courier::new_name(Moment now) {
    constexpr const char* digits = "0123456789abcdef";
    std::string name = "d";
    for (const std::uint64_t part : {now.utc_us, random_()}) {
        for (int shift = 60; shift >= 0; shift -= 4) name += digits[(part >> shift) & 15U];
    }
    return name;
}

// ---- Reading ----

bool Courier::may_take() const {
    if (!active()) return false;
    if (subscription_.ordered) return batches_.empty();
    std::size_t parked = 0, ids = 0;
    for (const auto& [name, batch] : batches_) {
        if (!batch.failed) continue;
        ++parked;
        ids += batch.ids.size();
    }
    // Room for everything that is under way to fail.
    return parked + in_flight_ < Subscription::parked_max &&
           ids + (in_flight_ + 1) * subscription_.batching.max <=
               parked_ids_max + subscription_.batching.max;
}

std::optional<Courier::Read> Courier::next_read(Moment now) {
    const Batching& batching = subscription_.batching;
    if (reading_ == Reading::paused && now.steady >= read_again_at_) reading_ = Reading::idle;
    if (!active() || reading_ != Reading::idle) return std::nullopt;
    // What follows a batch that has failed would only lie in memory.
    if (failing() && subscription_.ordered && !batches_.empty()) return std::nullopt;
    if (queue_.size() >= std::max<std::size_t>(batching.max, read_least / 4)) return std::nullopt;
    if (queue_bytes_ >= std::max(batching.bytes, read_bytes_least)) return std::nullopt;
    Read read;
    read.token = ++token_;
    read.after = read_;
    read.messages = std::max<std::uint64_t>(read_least, 2 * batching.max);
    read.bytes = std::max(batching.bytes, read_bytes_least);
    read.wait = at_head_;
    reading_ = at_head_ ? Reading::waiting : Reading::reading;
    return read;
}

void Courier::front_changed(Moment now) {
    if (queue_.empty()) return;
    const auto timeout = static_cast<std::uint64_t>(
        std::max<microseconds>(subscription_.batching.timeout, microseconds{0}).count());
    const std::uint64_t due_us = queue_.front().stored_us + timeout;
    // A calendar that jumps makes nobody wait longer than the timeout.
    const std::uint64_t left = due_us > now.utc_us ? std::min(due_us - now.utc_us, timeout) : 0;
    front_due_ = now.steady + microseconds{left};
}

void Courier::on_page(std::uint64_t token, std::vector<StoredEvent> wanted, const EventPage& page,
                      Moment now) {
    if (token != token_ || reading_ != Reading::reading) return;
    reading_ = Reading::idle;
    read_failed_ = false;
    read_ = page.next;
    at_head_ = page.at_head;
    if (page.gap) progress_.dropped += page.gap->lost.value_or(0);
    const bool was_empty = queue_.empty();
    for (StoredEvent& event : wanted) {
        queue_bytes_ += event.message.content().size();
        queue_.push_back(std::move(event));
    }
    if (was_empty) front_changed(now);
}

void Courier::woken(std::uint64_t token) {
    if (token != token_ || reading_ != Reading::waiting) return;
    reading_ = Reading::idle;
    at_head_ = false;
}

void Courier::on_read_failed(std::uint64_t token, Moment now) {
    if (token != token_) return;
    reading_ = Reading::paused;
    read_failed_ = true;
    read_again_at_ = now.steady + again_after;
}

void Courier::read_again(Position after) {
    read_ = after;
    cut_ = after;
    ++token_;
    reading_ = Reading::idle;
    at_head_ = false;
    queue_.clear();
    queue_bytes_ = 0;
}

// ---- Sending ----

bool Courier::batch_is_due(Moment now) const {
    if (queue_.empty()) return false;
    const Batching& batching = subscription_.batching;
    if (queue_.size() >= batching.max || queue_bytes_ >= batching.bytes) return true;
    if (now.steady < front_due_) return false;
    // More that is due may be on its way from the journal.
    return at_head_ || read_failed_ || reading_ == Reading::waiting;
}

Courier::Batches::const_iterator Courier::ready_batch() const {
    return std::find_if(batches_.begin(), batches_.end(),
                        [](const auto& entry) { return entry.second.is == Is::ready; });
}

bool Courier::wants_to_send(Moment now) const {
    if (!active() || in_flight_ >= concurrency() || now.steady < next_send_) return false;
    if (ready_batch() != batches_.end()) return true;
    return may_take() && (!subscription_.ordered || !has_unnoted()) && batch_is_due(now);
}

Courier::Batches::iterator Courier::cut(Moment now) {
    const Batching& batching = subscription_.batching;
    Batch batch;
    batch.first_us = queue_.front().stored_us;
    std::size_t bytes = 0;
    while (!queue_.empty() && batch.ids.size() < batching.max) {
        const std::size_t more = queue_.front().message.content().size();
        if (!batch.ids.empty() && bytes + more > batching.bytes) break;
        bytes += more;
        queue_bytes_ -= more;
        batch.ids.push_back(queue_.front().id);
        batch.events.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    cut_ = {read_.epoch, batch.ids.back()};
    front_changed(now);
    return batches_.emplace(new_name(now), std::move(batch)).first;
}

Courier::Send Courier::begin_send(Moment now) {
    assert(wants_to_send(now));
    const auto ready = ready_batch();
    const auto batch = ready != batches_.end() ? batches_.find(ready->first) : cut(now);
    batch->second.is = Is::flying;
    ++batch->second.attempts;
    ++in_flight_;
    ++progress_.attempts;
    if (subscription_.per_second_max > 0) {
        const auto apart = static_cast<std::int64_t>(1e9 / subscription_.per_second_max);
        next_send_ = std::max(next_send_, now.steady) + Instant{apart};
    }
    return {batch->first, batch->second.attempts, batch->second.events};
}

std::optional<Courier::Fetch> Courier::next_fetch(Moment now) {
    if (!active()) return std::nullopt;
    std::size_t ahead = in_flight_;
    for (const auto& [name, batch] : batches_) {
        ahead += batch.is == Is::ready || batch.is == Is::fetching ? 1 : 0;
    }
    if (ahead >= concurrency()) return std::nullopt;
    auto first = batches_.end();
    for (auto at = batches_.begin(); at != batches_.end(); ++at) {
        if (at->second.is != Is::waiting || at->second.due > now.steady) continue;
        if (first == batches_.end() || at->second.due < first->second.due) first = at;
    }
    if (first == batches_.end()) return std::nullopt;
    first->second.is = Is::fetching;
    return Fetch{first->first, first->second.ids};
}

void Courier::on_fetched(const std::string& delivery, std::vector<StoredEvent> events,
                         Moment /*now*/) {
    const auto at = batches_.find(delivery);
    if (at == batches_.end() || at->second.is != Is::fetching) return;
    Batch& batch = at->second;
    progress_.dropped += batch.ids.size() - events.size();
    if (events.empty()) {
        batches_.erase(at);
        ++version_;
        return;
    }
    batch.ids.clear();
    for (const StoredEvent& event : events) batch.ids.push_back(event.id);
    batch.first_us = events.front().stored_us;
    batch.events = std::move(events);
    batch.is = Is::ready;
}

void Courier::on_fetch_failed(const std::string& delivery, Moment now) {
    const auto at = batches_.find(delivery);
    if (at == batches_.end() || at->second.is != Is::fetching) return;
    at->second.is = Is::waiting;
    at->second.due = now.steady + again_after;
}

void Courier::on_sent(const std::string& delivery, const Outcome& outcome, Moment now) {
    const auto at = batches_.find(delivery);
    if (at == batches_.end() || at->second.is != Is::flying) return;
    --in_flight_;
    if (outcome.cancelled) {
        at->second.is = Is::ready;
        --at->second.attempts;
        return;
    }
    if (!outcome.succeeded) return failed(at, outcome, now);
    progress_.sent += at->second.ids.size();
    batches_.erase(at);
    ++version_;
    in_a_row_ = 0;
    failing_since_us_.reset();
    failing_since_.reset();
    last_error_.clear();
    // Whoever has no schedule of their own has only waited for this.
    if (!subscription_.retry.pauses.empty()) return;
    for (auto& [name, batch] : batches_) {
        if (batch.is == Is::waiting) batch.due = std::min(batch.due, now.steady);
    }
}

std::optional<milliseconds> Courier::pause_after(const Batch& failed, Moment now) {
    const auto& pauses = subscription_.retry.pauses;
    const std::uint64_t attempts = failed.attempts;
    milliseconds pause{};
    if (pauses.empty()) {
        const auto doubled = std::min<std::uint64_t>(attempts - 1, 20);
        const auto away =
            std::chrono::duration_cast<milliseconds>(now.steady - failed.failing_since);
        const auto most = std::clamp(away / pause_share, pause_first, pause_longest);
        pause = std::min(pause_first * (std::int64_t{1} << doubled), most);
    } else if (attempts <= pauses.size()) {
        pause = pauses[attempts - 1];
    } else if (subscription_.ordered) {
        pause = pauses.back();
    } else {
        return std::nullopt;
    }
    // Never a busy loop, whatever the schedule says.
    pause = std::max(pause, milliseconds{10});
    const auto jitter = static_cast<std::uint64_t>(pause.count()) / 5 + 1;
    return pause + milliseconds{static_cast<std::int64_t>(random_() % jitter)};
}

void Courier::failed(Batches::iterator at, const Outcome& outcome, Moment now) {
    Batch& batch = at->second;
    ++progress_.failures;
    ++in_a_row_;
    last_error_ = outcome.sentence;
    if (!failing_since_) {
        failing_since_ = now.steady;
        failing_since_us_ = now.utc_us;
    }
    if (!batch.failed) {
        ++version_;  // its name and its messages are to be kept
        batch.failing_since = now.steady;
    }
    batch.failed = true;
    batch.events = {};
    batch.is = Is::waiting;
    const RetryPolicy& retry = subscription_.retry;
    if (subscription_.ordered) read_again({read_.epoch, batch.ids.back()});
    if (const auto pause = pause_after(batch, now)) {
        batch.due = now.steady + *pause;
        if (outcome.retry_after && retry.honours_retry_after) {
            const Instant asked = std::min(*outcome.retry_after, retry_after_longest);
            batch.due = std::max(batch.due, now.steady + asked);
        }
    } else {
        progress_.given_up += batch.ids.size();
        batches_.erase(at);
        ++version_;
    }
    if (outcome.gone && retry.gone_disables) {
        disable("its receiver answered 410: it wants no more");
    } else if (retry.disable_after && now.steady - *failing_since_ >= *retry.disable_after) {
        disable("every attempt has failed for too long; the last one: " + outcome.sentence);
    }
}

void Courier::disable(std::string reason) {
    subscription_.state = Subscription::State::disabled;
    subscription_.reason = std::move(reason);
}

std::optional<Instant> Courier::deadline(Moment now) const {
    if (!active()) return std::nullopt;
    std::optional<Instant> first;
    // What is overdue is done by whoever asks, or waits for something else to end.
    const auto at = [&](Instant when) {
        if (when > now.steady) first = std::min(first.value_or(when), when);
    };
    if (reading_ == Reading::paused) at(read_again_at_);
    for (const auto& [name, batch] : batches_) {
        if (batch.is == Is::waiting) at(batch.due);
    }
    if (!queue_.empty()) at(front_due_);
    at(next_send_);
    return first;
}

}  // namespace weft::gateway::delivery
