#include "gateway/bridge/waiters.hpp"

#include <utility>

namespace weft::gateway {
namespace {

using reliability::JournalId;
using reliability::TopicFilter;

template <class Each>
void for_each_glob(const TopicFilter& filter, Each each) {
    if (filter.everything()) {
        each(*signing::TopicGlob::parse("**"));
        return;
    }
    for (const signing::TopicGlob& glob : filter.globs()) each(glob);
}

}  // namespace

Waiters::Waiters(std::size_t waiters_max, JournalId head)
    : waiters_max_(waiters_max), newest_(head) {}

bool Waiters::may_have_had(JournalId after, const TopicFilter& filter) const {
    const std::scoped_lock lock(mutex_);
    return stopped_ || newest_.may_have(after, filter);
}

Waiters::Ticket Waiters::add(JournalId after, const TopicFilter& filter, fabric::Instant deadline,
                             FabricBridge::OnWoken done) {
    Woken at_once = Woken::stopped;
    {
        const std::scoped_lock lock(mutex_);
        if (!stopped_) {
            if (newest_.may_have(after, filter)) {
                at_once = Woken::stored;
            } else if (waiters_.size() >= waiters_max_) {
                at_once = Woken::full;
            } else {
                const Ticket ticket = ++last_ticket_;
                for_each_glob(filter, [&](const auto& glob) { index_.add(glob, ticket); });
                deadlines_.emplace(deadline, ticket);
                waiters_.emplace(ticket, Waiter{after, filter, deadline, std::move(done)});
                return ticket;
            }
        }
    }
    done(at_once);
    return 0;
}

FabricBridge::OnWoken Waiters::take(Ticket ticket) {
    const auto found = waiters_.find(ticket);
    if (found == waiters_.end()) return {};
    Waiter& waiter = found->second;
    for_each_glob(waiter.filter, [&](const auto& glob) { index_.remove(glob, ticket); });
    const auto [from, to] = deadlines_.equal_range(waiter.deadline);
    for (auto at = from; at != to; ++at) {
        if (at->second != ticket) continue;
        deadlines_.erase(at);
        break;
    }
    FabricBridge::OnWoken done = std::move(waiter.done);
    waiters_.erase(found);
    return done;
}

void Waiters::forget(Ticket ticket) {
    FabricBridge::OnWoken dropped;  // Outlives the lock: it may hold anything.
    const std::scoped_lock lock(mutex_);
    dropped = take(ticket);
}

void Waiters::stored(std::string_view topic, JournalId last) {
    std::vector<FabricBridge::OnWoken> woken;
    {
        const std::scoped_lock lock(mutex_);
        newest_.stored(topic, last);
        std::vector<Ticket> tickets;
        index_.match(topic, tickets);
        for (const Ticket ticket : tickets) {
            const auto found = waiters_.find(ticket);
            if (found != waiters_.end() && found->second.after < last) {
                woken.push_back(take(ticket));
            }
        }
    }
    for (const auto& done : woken) done(Woken::stored);
}

void Waiters::unknown(JournalId last) {
    std::vector<FabricBridge::OnWoken> woken;
    {
        const std::scoped_lock lock(mutex_);
        newest_.forget(last);
        std::vector<Ticket> tickets;
        for (const auto& [ticket, waiter] : waiters_) {
            if (waiter.after < last) tickets.push_back(ticket);
        }
        for (const Ticket ticket : tickets) woken.push_back(take(ticket));
    }
    for (const auto& done : woken) done(Woken::stored);
}

void Waiters::tick(fabric::Instant now) {
    std::vector<FabricBridge::OnWoken> woken;
    {
        const std::scoped_lock lock(mutex_);
        while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
            woken.push_back(take(deadlines_.begin()->second));
        }
    }
    for (const auto& done : woken) done(Woken::timeout);
}

std::optional<fabric::Instant> Waiters::next_deadline() const {
    const std::scoped_lock lock(mutex_);
    if (deadlines_.empty()) return std::nullopt;
    return deadlines_.begin()->first;
}

void Waiters::stop() {
    std::vector<FabricBridge::OnWoken> woken;
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
        std::vector<Ticket> tickets;
        for (const auto& [ticket, waiter] : waiters_) tickets.push_back(ticket);
        for (const Ticket ticket : tickets) woken.push_back(take(ticket));
    }
    for (const auto& done : woken) done(Woken::stopped);
}

std::size_t Waiters::size() const {
    const std::scoped_lock lock(mutex_);
    return waiters_.size();
}

}  // namespace weft::gateway
