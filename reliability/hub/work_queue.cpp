#include "reliability/hub/work_queue.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace weft::reliability::hub {

using fabric::Instant;

std::uint64_t key_of(std::string_view topic, std::string_view signer) noexcept {
    const std::hash<std::string_view> hash;
    return hash(topic) * 0x9e3779b97f4a7c15U + hash(signer);
}

void WorkQueue::ready(std::uint64_t lane, const Key& key) {
    if (key.waiting.empty() || key.in_hand) return;
    if (key.not_before) {
        due_.insert({*key.not_before, lane});
    } else {
        ready_.insert({key.waiting.begin()->first, lane});
    }
}

void WorkQueue::unready(std::uint64_t lane, const Key& key) {
    if (key.waiting.empty()) return;
    if (key.not_before) due_.erase({*key.not_before, lane});
    ready_.erase({key.waiting.begin()->first, lane});
}

void WorkQueue::forget_if_empty(std::uint64_t lane) {
    const auto at = keys_.find(lane);
    if (at != keys_.end() && at->second.waiting.empty() && !at->second.in_hand) keys_.erase(at);
}

bool WorkQueue::add(Work work) {
    const std::uint64_t number = work.number;
    if (has(number)) {
        set_lease(number, work.lease_until);
        return false;
    }
    const std::uint64_t at = lane(work);
    Key& key = keys_[at];
    unready(at, key);
    places_.emplace(number, at);
    key.waiting.emplace(number, std::move(work));
    ready(at, key);
    return true;
}

std::optional<Work> WorkQueue::take(Instant now) {
    while (!due_.empty() && due_.begin()->first <= now) {
        const std::uint64_t at = due_.begin()->second;
        due_.erase(due_.begin());
        Key& key = keys_.at(at);
        key.not_before.reset();
        ready(at, key);
    }
    if (ready_.empty()) return std::nullopt;
    const std::uint64_t at = ready_.begin()->second;
    ready_.erase(ready_.begin());
    Key& key = keys_.at(at);
    auto node = key.waiting.extract(key.waiting.begin());
    Work work = std::move(node.mapped());
    key.in_hand = work.number;
    in_hand_.emplace(work.number, InHand{at, now, work.lease_until});
    return work;
}

std::optional<Instant> WorkQueue::next_due() const {
    if (due_.empty()) return std::nullopt;
    return due_.begin()->first;
}

void WorkQueue::done(std::uint64_t number) {
    const auto held = in_hand_.find(number);
    if (held == in_hand_.end()) return;
    const std::uint64_t at = held->second.key;
    in_hand_.erase(held);
    places_.erase(number);
    Key& key = keys_.at(at);
    key.in_hand.reset();
    ready(at, key);
    forget_if_empty(at);
}

void WorkQueue::again(Work work, Instant due) {
    const auto held = in_hand_.find(work.number);
    if (held == in_hand_.end()) return;
    const std::uint64_t at = held->second.key;
    work.lease_until = held->second.lease_until;  // extended, perhaps, since it was taken
    in_hand_.erase(held);
    Key& key = keys_.at(at);
    key.in_hand.reset();
    key.not_before = due;
    key.waiting.emplace(work.number, std::move(work));
    ready(at, key);
}

std::size_t WorkQueue::drop_key(std::uint64_t the_key) {
    const auto at = keys_.find(the_key);
    if (!ordered_ || at == keys_.end()) return 0;
    Key& key = at->second;
    unready(the_key, key);
    key.not_before.reset();
    const std::size_t dropped = key.waiting.size();
    for (const auto& [number, work] : key.waiting) places_.erase(number);
    key.waiting.clear();
    forget_if_empty(the_key);
    return dropped;
}

std::size_t WorkQueue::drop_waiting() {
    const std::size_t dropped = waiting();
    ready_.clear();
    due_.clear();
    for (auto at = keys_.begin(); at != keys_.end();) {
        for (const auto& [number, work] : at->second.waiting) places_.erase(number);
        at->second.waiting.clear();
        at->second.not_before.reset();
        at = at->second.in_hand ? std::next(at) : keys_.erase(at);
    }
    return dropped;
}

std::optional<Instant> WorkQueue::oldest_in_hand() const {
    std::optional<Instant> oldest;
    for (const auto& [number, held] : in_hand_) {
        if (!oldest || held.since < *oldest) oldest = held.since;
    }
    return oldest;
}

std::optional<Instant> WorkQueue::oldest_waiting() const {
    std::optional<Instant> oldest;
    // Numbers do not say who came first: a low one may have come again.
    for (const auto& [lane_of, key] : keys_) {
        for (const auto& [number, work] : key.waiting) {
            if (!oldest || work.since < *oldest) oldest = work.since;
        }
    }
    return oldest;
}

std::vector<std::uint64_t> WorkQueue::leases_before(Instant until, Instant stuck) const {
    std::vector<std::uint64_t> numbers;
    for (const auto& [lane_of, key] : keys_) {
        for (const auto& [number, work] : key.waiting) {
            if (work.lease_until < until) numbers.push_back(number);
        }
    }
    for (const auto& [number, held] : in_hand_) {
        if (held.lease_until < until && held.since >= stuck) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

void WorkQueue::set_lease(std::uint64_t number, Instant until) {
    if (const auto held = in_hand_.find(number); held != in_hand_.end()) {
        held->second.lease_until = until;
        return;
    }
    const auto place = places_.find(number);
    if (place == places_.end()) return;
    keys_.at(place->second).waiting.at(number).lease_until = until;
}

}  // namespace weft::reliability::hub
