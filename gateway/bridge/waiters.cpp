#include "gateway/bridge/waiters.hpp"

#include <algorithm>

namespace weft::gateway {

using reliability::JournalId;
using reliability::TopicFilter;

Waiters::Added Waiters::add(JournalId after, const TopicFilter& filter, fabric::Instant deadline,
                            OnWoken& done) {
    const bool unknown = after < known_;
    for (auto at = recent_.rbegin(); at != recent_.rend() && at->last > after; ++at) {
        if (filter.matches(at->topic)) return {Came::already};
    }
    if (waiting_.size() + to_call_.size() >= limits_.waiters) return {Came::full};
    const Ticket ticket = next_++;
    waiting_.emplace(ticket, Waiter{after, filter, deadline, std::move(done)});
    by_deadline_.emplace(deadline, ticket);
    if (filter.everything()) {
        of_everything_.insert(ticket);
    } else {
        for (const auto& glob : filter.globs()) enter(ticket, glob);
    }
    return {unknown ? Came::unknown : Came::waits, ticket};
}

void Waiters::enter(Ticket ticket, const signing::TopicGlob& glob) {
    auto [known, is_new] = handles_.try_emplace(std::string{glob.text()}, next_handle_);
    if (is_new) {
        groups_.emplace(next_handle_, Group{glob, {}});
        index_.add(glob, next_handle_++);
    }
    groups_.at(known->second).tickets.insert(ticket);
}

void Waiters::leave(Ticket ticket, const signing::TopicGlob& glob) {
    const auto known = handles_.find(std::string{glob.text()});
    if (known == handles_.end()) return;  // named twice by one filter
    const auto group = groups_.find(known->second);
    group->second.tickets.erase(ticket);
    if (!group->second.tickets.empty()) return;
    index_.remove(glob, known->second);
    groups_.erase(group);
    handles_.erase(known);
}

Waiters::OnWoken Waiters::take_out(Waiting::iterator at) {
    const Ticket ticket = at->first;
    Waiter& waiter = at->second;
    by_deadline_.erase({waiter.deadline, ticket});
    if (waiter.filter.everything()) {
        of_everything_.erase(ticket);
    } else {
        for (const auto& glob : waiter.filter.globs()) leave(ticket, glob);
    }
    OnWoken done = std::move(waiter.done);
    waiting_.erase(at);
    return done;
}

Waiters::OnWoken Waiters::forget(Ticket ticket) {
    if (const auto found = waiting_.find(ticket); found != waiting_.end()) return take_out(found);
    auto woken = to_call_.extract(ticket);
    return woken ? std::move(woken.mapped()) : OnWoken{};
}

void Waiters::wake(Ticket ticket, Woken why) {
    const auto found = waiting_.find(ticket);
    if (found == waiting_.end()) return;
    to_call_.emplace(ticket, take_out(found));
    woken_.emplace_back(ticket, why);
}

void Waiters::stored(JournalId id, std::string_view topic) {
    seen_ = std::max(seen_, id);
    if (!recent_.empty() && recent_.back().topic == topic) {
        // Whoever waits for this topic after an id before it is told the same.
        recent_.back().last = id;
    } else {
        recent_.push_back({id, std::string{topic}});
    }
    if (recent_.size() > limits_.remembered) {
        known_ = recent_.front().last;
        recent_.pop_front();
    }
    if (waiting_.empty()) return;
    matched_.clear();
    index_.match(topic, matched_);
    for (const Handle handle : matched_) {
        // Waking others may have ended it: a filter may have several globs.
        const auto group = groups_.find(handle);
        if (group != groups_.end()) wake_all(group->second.tickets, id);
    }
    wake_all(of_everything_, id);
}

void Waiters::wake_all(const std::unordered_set<Ticket>& tickets, JournalId id) {
    going_.clear();
    for (const Ticket ticket : tickets) {
        // Who has read further than we were told waits for what comes next.
        if (waiting_.at(ticket).after < id) going_.push_back(ticket);
    }
    for (const Ticket ticket : going_) wake(ticket, Woken::stored);
}

void Waiters::looked(JournalId id) {
    seen_ = std::max(seen_, id);
}

void Waiters::skipped(JournalId id) {
    if (id <= seen_) return;
    seen_ = known_ = id;
    recent_.clear();
}

void Waiters::tick(fabric::Instant now) {
    while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
        wake(by_deadline_.begin()->second, Woken::timeout);
    }
}

void Waiters::all(Woken why) {
    while (!waiting_.empty()) wake(waiting_.begin()->first, why);
}

std::optional<std::pair<Waiters::OnWoken, Woken>> Waiters::take_woken() {
    while (!woken_.empty()) {
        const auto [ticket, why] = woken_.front();
        woken_.pop_front();
        const auto found = to_call_.find(ticket);
        if (found == to_call_.end()) continue;
        OnWoken done = std::move(found->second);
        to_call_.erase(found);
        return std::pair{std::move(done), why};
    }
    return std::nullopt;
}

std::optional<fabric::Instant> Waiters::next_deadline() const {
    if (by_deadline_.empty()) return std::nullopt;
    return by_deadline_.begin()->first;
}

}  // namespace weft::gateway
