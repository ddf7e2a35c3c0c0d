#include "gateway/delivery/engine_core.hpp"

#include <algorithm>

namespace weft::gateway::delivery {

using fabric::Instant;

namespace {

constexpr Instant sweep_every = std::chrono::seconds{1};
constexpr Instant last_patience = std::chrono::seconds{1};
/// Subscriptions whose attempts are kept at a time: while it runs, and at its end.
constexpr std::size_t attempts_at_once = 8, attempts_at_end = 32;
constexpr std::uint64_t lagging_us = 5ULL * 60 * 1'000'000;

}  // namespace

LiveEngine::Core::Core(Parts the_parts, AddressGuard the_guard)
    : parts(std::move(the_parts)), guard(std::move(the_guard)) {}

LiveEngine::Core::~Core() = default;

bool LiveEngine::Core::post(Task task) {
    bool waits = false;
    {
        const std::scoped_lock lock(inbox_mutex);
        if (closed) return false;
        const bool first = inbox.empty();
        inbox.push_back(std::move(task));
        // The loop looks before it waits.
        waits = first && loop_thread != std::this_thread::get_id();
    }
    if (waits) posted.notify_one();  // behind the lock, which the loop needs at once
    return true;
}

/// Until somebody posted something, or then.
void LiveEngine::Core::wait_until(Instant until, std::vector<Task>& tasks) {
    const Instant left = until - parts.clock.steady();
    std::unique_lock lock(inbox_mutex);
    if (inbox.empty() && left > Instant{0}) {
        posted.wait_for(lock, left, [&] { return !inbox.empty(); });
    }
    tasks.swap(inbox);
}

void LiveEngine::Core::run() {
    std::vector<Task> tasks;
    while (true) {
        Instant until = next_sweep;
        if (!timers.empty()) until = std::min(until, timers.begin()->first);
        wait_until(until, tasks);
        for (Task& task : tasks) task();
        tasks.clear();
        fire_timers();
        sweep();
        write_notes(false);  // first: what is noted at once may be sent in this turn
        send_ready();
        start_keeping();
        if (draining && drained()) break;
    }
    stopped = true;
    {
        const std::scoped_lock lock(inbox_mutex);
        closed = true;
        tasks.swap(inbox);
    }
    for (Task& task : tasks) task();
    for (auto& [work, then] : std::exchange(to_keep, {})) {
        then(tl::make_unexpected(reliability::JournalError{
            reliability::JournalError::Reason::closed, "the gateway stops"}));
    }
    for (const auto& [serial, entry] : entries) {
        if (entry->waiter != 0) parts.bridge.forget(entry->waiter);
    }
}

bool LiveEngine::Core::drained() {
    const Instant now = parts.clock.steady();
    if (!cancelled_rest && now >= drain_deadline) {
        cancelled_rest = true;
        for (const auto& [serial, entry] : entries) {
            for (const auto& [delivery, flight] : entry->flights)
                parts.sender->cancel(flight.ticket);
        }
        for (const auto& [number, ticket] : side_tickets) parts.sender->cancel(ticket);
    }
    if (now >= drain_deadline + last_patience) return true;
    next_sweep = std::min(next_sweep,
                          now < drain_deadline ? drain_deadline : drain_deadline + last_patience);
    if (in_flight > 0 || side_sends > 0) return false;
    write_notes(true);
    keep_attempts(attempts_at_end);
    start_keeping();
    return !keeping && !keeping_attempts && to_keep.empty() && to_note.empty() && unkept.empty();
}

void LiveEngine::Core::fire_timers() {
    const Instant now = parts.clock.steady();
    while (!timers.empty() && timers.begin()->first <= now) {
        Entry* entry = find(timers.begin()->second);
        timers.erase(timers.begin());
        if (entry == nullptr) continue;
        entry->timer.reset();
        pump(*entry);
    }
}

void LiveEngine::Core::sweep() {
    const Moment now = moment();
    if (now.steady < next_sweep) return;
    next_sweep = now.steady + sweep_every;
    pages.clear();
    keep_attempts(attempts_at_once);
    std::size_t failing = 0, active = 0, paused = 0, off = 0, parked = 0;
    for (const auto& [serial, entry] : entries) {
        const Courier& courier = entry->courier;
        failing += courier.failing() ? 1 : 0;
        parked += courier.parked();
        const auto state = courier.subscription().state;
        active += state == Subscription::State::active ? 1 : 0;
        paused += state == Subscription::State::paused ? 1 : 0;
        off += state == Subscription::State::disabled ? 1 : 0;
        if (!(courier.position() == entry->noted) && !entry->to_be_noted) {
            entry->to_be_noted = true;
            to_note.push_back(serial);
        }
        const auto oldest = courier.oldest_us();
        const bool lags = oldest && now.utc_us > *oldest && now.utc_us - *oldest > lagging_us;
        if (lags && !entry->said_lagging) {
            say(*entry, Notice::Kind::lagging,
                "what it should have got has waited for more than five minutes");
        } else if (!lags && entry->said_lagging) {
            say(*entry, Notice::Kind::recovered, "it has caught up");
        }
        entry->said_lagging = lags;
    }
    failing_now = failing;
    active_now = active;
    paused_now = paused;
    disabled_now = off;
    parked_now = parked;
}

Entry* LiveEngine::Core::find(std::uint64_t serial) {
    const auto found = entries.find(serial);
    return found == entries.end() || found->second->removing ? nullptr : found->second.get();
}

Entry* LiveEngine::Core::find(const std::string& id) {
    const auto found = serials.find(id);
    return found == serials.end() ? nullptr : find(found->second);
}

void LiveEngine::Core::interests_changed(Entry& entry) {
    const Subscription& subscription = entry.courier.subscription();
    std::vector<signing::TopicGlob> globs;
    std::set<std::string> texts;
    for (const Interest& interest : subscription.interests) {
        globs.push_back(interest.glob);
        texts.emplace(interest.glob.text());
    }
    entry.globs.clear();
    for (const std::string& text : texts) entry.globs += text + '\n';
    entry.interests = std::make_shared<const std::vector<Interest>>(subscription.interests);
    entry.filter = reliability::TopicFilter(std::move(globs));
    if (entry.waiter != 0) parts.bridge.forget(std::exchange(entry.waiter, 0));
}

void LiveEngine::Core::show(const Subscription& subscription) {
    const std::scoped_lock lock(shown_mutex);
    shown.insert_or_assign(subscription.id, subscription);
}

Entry& LiveEngine::Core::adopt(Subscription subscription, Progress progress) {
    show(subscription);
    const std::uint64_t serial = ++last_serial;
    const std::string id = subscription.id;
    const reliability::Position noted = progress.position;
    auto entry = std::make_unique<Entry>(
        serial, Courier(std::move(subscription), std::move(progress), seeds(), moment()));
    const auto presenter = presenters.find(entry->courier.subscription().kind);
    if (presenter != presenters.end()) entry->presenter = presenter->second;
    entry->noted = noted;
    interests_changed(*entry);
    serials[id] = serial;
    return *entries.emplace(serial, std::move(entry)).first->second;
}

void LiveEngine::Core::forget(Entry& entry) {
    const std::string id = entry.courier.subscription().id;
    {
        const std::scoped_lock lock(shown_mutex);
        shown.erase(id);
    }
    if (entry.timer) timers.erase({*entry.timer, entry.serial});
    serials.erase(id);
    entries.erase(entry.serial);
}

}  // namespace weft::gateway::delivery
