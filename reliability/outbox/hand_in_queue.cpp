#include "reliability/outbox/hand_in_queue.hpp"

#include <algorithm>
#include <cassert>

namespace weft::reliability {

using fabric::Instant;

void HandInQueue::add(const Item& item, Instant not_before) {
    if (skipped_.contains(item.place)) return;
    waiting_.try_emplace(item.place, Waiting{item, not_before});
}

HandInQueue::Batch HandInQueue::next(Instant now) const {
    Batch batch;
    if (now < paused_until_) return batch;
    std::size_t bytes = 0;
    for (const auto& [place, waiting] : waiting_) {
        if (waiting.not_before > now) continue;
        if (!batch.empty() && bytes + waiting.item.bytes > batch_bytes_max) break;
        bytes += waiting.item.bytes;
        batch.push_back(waiting.item);
        if (batch.size() >= at_a_time_) break;
    }
    return batch;
}

std::optional<Instant> HandInQueue::next_due() const {
    std::optional<Instant> due;
    for (const auto& [place, waiting] : waiting_) {
        due = std::min(due.value_or(waiting.not_before), waiting.not_before);
        if (*due <= paused_until_) break;
    }
    if (due) due = std::max(*due, paused_until_);
    return due;
}

void HandInQueue::stored(const Batch& batch) {
    for (const Item& item : batch) waiting_.erase(item.place);
    at_a_time_ = std::min(at_a_time_ * 2, batch_messages_max);
    refused_in_a_row_ = 0;
    attempt_ = 0;
}

void HandInQueue::gone(const Item& item) {
    waiting_.erase(item.place);
    skipped_.erase(item.place);
}

void HandInQueue::away(Instant now) {
    pause(now);
}

bool HandInQueue::refused(const Batch& batch, Instant now) {
    assert(!batch.empty());
    if (batch.size() > 1) {
        at_a_time_ = batch.size() / 2;
        return false;
    }
    const Item& item = batch.front();
    waiting_.erase(item.place);
    skipped_.emplace(item.place, item);
    if (++refused_in_a_row_ >= refused_in_a_row_max) {
        refused_in_a_row_ = 0;
        pause(now);
    }
    return true;
}

void HandInQueue::try_skipped_again() {
    for (const auto& [place, item] : skipped_) waiting_.try_emplace(place, Waiting{item, {}});
    skipped_.clear();
    at_a_time_ = batch_messages_max;
    refused_in_a_row_ = 0;
    attempt_ = 0;
    paused_until_ = {};
}

void HandInQueue::pause(Instant now) {
    // SplitMix64: all that jitter needs.
    random_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = random_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111eb;
    mixed ^= mixed >> 31U;
    paused_until_ = now + pause_before(retries_, attempt_, mixed);
    // The longest pause is reached long before.
    attempt_ = std::min<std::uint32_t>(attempt_ + 1, 1000);
}

}  // namespace weft::reliability
