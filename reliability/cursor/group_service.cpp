#include "reliability/cursor/group_service.hpp"

#include <algorithm>
#include <utility>

#include "reliability/cursor/group_service_parts.hpp"
#include "reliability/cursor/message_key.hpp"
#include "signing/certificate.hpp"

namespace weft::reliability {
namespace {

using group_parts::failed;
using group_parts::the_group;
using std::chrono::milliseconds;
using Reason = JournalError::Reason;
using Durability = StateStore::Durability;

/// Messages that are looked up in advance, so that members who take one at a time do not each cost
/// a read.
constexpr std::size_t ahead = 256;
/// Ids so close to each other are read together.
constexpr JournalId near = 64;
constexpr std::size_t entries_at_a_time = 1000;
/// A wait looks again after this, whatever the clock says.
constexpr milliseconds look_again{500};

std::size_t bytes_of(const StoredRun& run) {
    return run.topic.size() + run.contents.size() + run.proof.size();
}

bool lease_is_good(milliseconds lease) {
    return lease.count() > 0 && lease <= GroupSettings::lease_max;
}

tl::unexpected<JournalError> bad_lease() {
    return failed(Reason::invalid, "a lease is more than 0s and at most 24h");
}

}  // namespace

GroupService::GroupService(CursorStore& cursors)
    : cursors_(cursors),
      journal_(cursors.journal()),
      clock_(cursors.clock()),
      watch_(journal_.watch([this](JournalId) { wake(); })) {}

GroupService::~GroupService() {
    stop();
}

void GroupService::stop() {
    {
        const std::scoped_lock lock(wake_mutex_);
        stopped_ = true;
    }
    woken_.notify_all();
}

void GroupService::wake() {
    {
        const std::scoped_lock lock(wake_mutex_);
        ++wakes_;
    }
    woken_.notify_all();
}

Now GroupService::now() const {
    return {clock_.steady(), clock_.utc_us()};
}

// Groups come from the state and go back to it.

JournalResult<std::vector<StateStore::Entry>> GroupService::entries_of(const std::string& name) {
    std::vector<StateStore::Entry> all;
    while (true) {
        auto some = journal_.state().list(
            group_prefix(name), all.empty() ? std::string{} : all.back().first, entries_at_a_time);
        if (!some) return tl::make_unexpected(some.error());
        const bool more = some->size() == entries_at_a_time;
        all.insert(all.end(), std::make_move_iterator(some->begin()),
                   std::make_move_iterator(some->end()));
        if (!more) return all;
    }
}

JournalResult<void> GroupService::purge(const std::string& name) {
    auto entries = entries_of(name);
    if (!entries) return tl::make_unexpected(entries.error());
    std::vector<StateChange> changes;
    for (auto& [key, value] : *entries) {
        changes.push_back({std::move(key), std::nullopt});
        if (changes.size() < entries_at_a_time) continue;
        if (auto applied = journal_.state().apply(changes); !applied) return applied;
        changes.clear();
    }
    return changes.empty() ? JournalResult<void>{} : journal_.state().apply(changes);
}

JournalResult<std::shared_ptr<GroupService::Group>> GroupService::load(const std::string& name) {
    auto cursor = cursors_.show(name);
    if (!cursor) return tl::make_unexpected(cursor.error());
    if (!cursor->group) {
        return failed(Reason::invalid, "cursor '" + name +
                                           "' is read by one reader and has no members; make "
                                           "another one for a group");
    }
    auto entries = entries_of(name);
    if (!entries) return tl::make_unexpected(entries.error());
    auto state = ConsumerGroup::restore(name, *cursor->group, cursor->position, *entries);
    if (!state) {
        return failed(Reason::corrupt, the_group(name) + " is damaged (" + state.error() +
                                           "); set its cursor to a place, or remove it");
    }
    return std::make_shared<Group>(std::move(*cursor), std::move(*state));
}

JournalResult<GroupService::Held> GroupService::hold(const std::string& name) {
    std::shared_ptr<Group> group;
    {
        const std::scoped_lock lock(mutex_);
        const auto found = groups_.find(name);
        if (found != groups_.end()) {
            group = found->second;
        } else {
            auto loaded = load(name);
            if (!loaded) return tl::make_unexpected(loaded.error());
            group = groups_[name] = std::move(*loaded);
        }
    }
    std::unique_lock lock(group->mutex);
    if (group->removed) return failed(Reason::not_found, the_group(name) + " was removed");
    return Held{std::move(group), std::move(lock)};
}

JournalResult<GroupService::Held> GroupService::hold_for_member(const std::string& name,
                                                                const std::string& member) {
    if (const std::string wrong = signing::name_error(member); !wrong.empty()) {
        return failed(Reason::invalid, "a member of " + the_group(name) + ": " + wrong);
    }
    return hold(name);
}

JournalResult<void> GroupService::write(Held& held, Durability durability) {
    Group& group = *held.group;
    const std::uint64_t own = ++group.asked;
    if (durability == Durability::sync) group.sync_asked = own;
    group.turn.wait(held.lock, [&] { return !group.writing || group.written >= own; });
    if (group.written >= own) return {};

    group.writing = true;
    const std::uint64_t up_to = group.asked;
    const auto how = group.sync_asked > group.written ? Durability::sync : Durability::lazy;
    std::vector<StateChange> changes = group.state.changes();
    if (group.record.position != group.state.position()) {
        group.record.position = group.state.position();
        group.record.moved_us = clock_.utc_us();
        group.record_changed = true;
    }
    const bool with_record = std::exchange(group.record_changed, false);
    if (with_record) {
        changes.push_back({cursor_key(group.record.name), encode_cursor(group.record)});
    }
    JournalResult<void> applied;
    if (!changes.empty()) {
        held.lock.unlock();
        applied = journal_.state().apply(changes, how);
        held.lock.lock();
    }
    group.writing = false;
    if (applied) {
        group.written = up_to;
    } else {
        group.state.not_written(changes);
        group.record_changed = group.record_changed || with_record;
    }
    group.turn.notify_all();
    return applied;
}

// Messages.

JournalResult<void> GroupService::begin_anew(Group& group, JournalEpoch epoch) {
    if (auto purged = purge(group.record.name); !purged) return purged;
    group.state = ConsumerGroup(group.record.name, *group.record.group, {epoch, 0});
    return {};
}

JournalResult<void> GroupService::fill(Group& group, std::size_t wanted) {
    const bool keyed = group.record.group->mode == GroupSettings::Mode::keyed;
    for (std::size_t got = 0; got < wanted && group.state.room() > 0;) {
        ReadLimits limits;
        limits.messages = std::min(group.state.room(), std::max(wanted, ahead));
        const Position from = group.state.fetched();
        const auto page = journal_.read(from, group.filter, limits);
        if (!page) return tl::make_unexpected(page.error());
        if (page->next.epoch != from.epoch) {
            if (auto anew = begin_anew(group, page->next.epoch); !anew) return anew;
        }
        if (page->gap) {
            ++group.record.gaps;
            group.record.lost += page->gap->lost.value_or(0);
            group.record_changed = true;
            group.untold = page->gap;
        }
        MessageKeys keys;
        std::vector<ConsumerGroup::Candidate> candidates;
        for (const StoredRun& run : page->runs) {
            const std::uint64_t key = keyed ? keys.of(run.topic, run.proof) : 0;
            for (JournalId id = run.from; id <= run.to; ++id) candidates.push_back({id, key});
        }
        got += candidates.size();
        group.state.offer(candidates, page->next.id);
        if (page->at_head || page->next == from) break;
    }
    return {};
}

JournalResult<GroupService::Fetched> GroupService::fetch(
    Group& group, const std::vector<ConsumerGroup::Lease>& leases, std::size_t bytes,
    fabric::Instant at) {
    Fetched found;
    std::size_t next = 0, total = 0;
    JournalId run = 0;
    while (next < leases.size()) {
        std::size_t last = next;
        while (last + 1 < leases.size() && leases[last + 1].id - leases[last].id <= near) ++last;
        ReadLimits limits;
        limits.through = leases[last].id;
        Position from{group.state.fetched().epoch, leases[next].id - 1};
        while (from.id < limits.through) {
            const auto page = journal_.read(from, TopicFilter{}, limits);
            if (!page) return tl::make_unexpected(page.error());
            for (StoredMessage& message : messages_of(*page)) {
                while (next <= last && leases[next].id < message.id()) ++next;
                if (next > last || leases[next].id != message.id()) continue;
                const std::size_t more = message.run.first == run ? 0 : bytes_of(message.run);
                if (!found.messages.empty() && total + more > bytes) return found;
                total += more;
                run = message.run.first;
                found.through = message.id();
                found.messages.push_back(
                    {std::move(message), leases[next].attempt,
                     std::chrono::duration_cast<milliseconds>(leases[next].until - at)});
            }
            if (page->next.id <= from.id) break;
            from = page->next;
        }
        next = last + 1;
    }
    found.through = UINT64_MAX;
    return found;
}

JournalResult<NextMessages> GroupService::try_next(Held& held, const std::string& member,
                                                   std::size_t max, milliseconds lease,
                                                   std::size_t bytes) {
    Group& group = *held.group;
    const Now at = now();
    NextMessages result;
    ConsumerGroup::Next next = group.state.next(member, max, lease, at);
    std::vector<ConsumerGroup::Lease> leases = next.leases;
    const bool may_have_more = next.why != ConsumerGroup::Next::Why::standby &&
                               next.why != ConsumerGroup::Next::Why::no_room;
    if (leases.size() < max && may_have_more) {
        auto filled = fill(group, max - leases.size());
        if (!filled && leases.empty()) return tl::make_unexpected(filled.error());
        // A journal that was made anew has taken the leases with it.
        if (group.state.position().epoch != group.record.position.epoch) leases.clear();
        next = group.state.next(member, max - leases.size(), lease, at);
        leases.insert(leases.end(), next.leases.begin(), next.leases.end());
        std::sort(leases.begin(), leases.end(),
                  [](const auto& a, const auto& b) { return a.id < b.id; });
    }
    std::vector<JournalId> ids;
    for (const auto& given : leases) ids.push_back(given.id);
    auto fetched = fetch(group, leases, bytes, at.steady);
    if (!fetched) {
        group.state.give_back(member, ids);
        return tl::make_unexpected(fetched.error());
    }
    for (const LeasedMessage& message : fetched->messages) std::erase(ids, message.message.id());
    const auto beyond = std::upper_bound(ids.begin(), ids.end(), fetched->through);
    group.state.give_back(member, {beyond, ids.end()});
    ids.erase(beyond, ids.end());
    for (const JournalId gone : ids) {
        group.state.gone(gone);
        ++group.record.lost;
        group.record_changed = true;
        result.gap = group.untold = JournalGap{ids.front(), gone, ids.size()};
    }
    if (!ids.empty()) ++group.record.gaps;
    // If it fails, a restart may forget attempts; nothing else is at stake.
    static_cast<void>(write(held, Durability::lazy));
    result.messages = std::move(fetched->messages);
    result.gap = std::exchange(group.untold, std::nullopt);
    if (result.messages.empty()) {
        result.why = next.leases.empty() ? next.why : ConsumerGroup::Next::Why::nothing_waits;
        result.sentence = next.sentence;
    }
    return result;
}

JournalResult<NextMessages> GroupService::next(const std::string& name, const std::string& member,
                                               std::size_t max, std::optional<milliseconds> lease,
                                               milliseconds wait, std::size_t bytes) {
    if (max == 0 || max > messages_max) {
        return failed(Reason::invalid, "one may ask for 1 to 1000 messages at a time");
    }
    if (lease && !lease_is_good(*lease)) return bad_lease();
    const fabric::Instant deadline = clock_.steady() + std::max(wait, milliseconds{0});
    while (true) {
        std::uint64_t seen = 0;
        {
            const std::scoped_lock lock(wake_mutex_);
            if (stopped_) return failed(Reason::closed, the_group(name) + ": it is being closed");
            seen = wakes_;
        }
        std::optional<fabric::Instant> due;
        {
            auto held = hold_for_member(name, member);
            if (!held) return tl::make_unexpected(held.error());
            auto got = try_next(*held, member, max,
                                lease.value_or(held->group->record.group->lease), bytes);
            const bool answer =
                !got || !got->messages.empty() || got->gap || clock_.steady() >= deadline;
            if (answer) return got;
            due = held->group->state.next_due();
        }
        const fabric::Instant at = clock_.steady();
        const fabric::Instant until = due ? std::min(*due, deadline) : deadline;
        const auto pause = std::clamp<fabric::Instant>(until - at, fabric::Instant{0}, look_again);
        std::unique_lock lock(wake_mutex_);
        woken_.wait_for(lock, pause, [&] { return stopped_ || wakes_ != seen; });
    }
}

JournalResult<std::vector<GroupService::Answer>> GroupService::ack(
    const std::string& name, const std::string& member, const std::vector<JournalId>& ids) {
    if (ids.size() > ConsumerGroup::in_flight_max) {
        return failed(Reason::invalid, "one may acknowledge at most 10000 messages at a time");
    }
    auto held = hold_for_member(name, member);
    if (!held) return tl::make_unexpected(held.error());
    auto answers = held->group->state.ack(member, ids, now());
    if (auto written = write(*held, Durability::sync); !written) {
        return tl::make_unexpected(written.error());
    }
    // Where messages of one key wait for each other, or the group was full, others can go on.
    wake();
    return answers;
}

JournalResult<GroupService::Answer> GroupService::nack(const std::string& name,
                                                       const std::string& member, JournalId id,
                                                       std::string_view reason,
                                                       milliseconds delay) {
    auto held = hold_for_member(name, member);
    if (!held) return tl::make_unexpected(held.error());
    Answer answer = held->group->state.nack(member, id, reason, delay, now());
    if (auto written = write(*held, Durability::sync); !written) {
        return tl::make_unexpected(written.error());
    }
    wake();
    return answer;
}

JournalResult<GroupService::Answer> GroupService::bury(const std::string& name,
                                                       const std::string& member, JournalId id,
                                                       std::string_view reason) {
    auto held = hold_for_member(name, member);
    if (!held) return tl::make_unexpected(held.error());
    Answer answer = held->group->state.bury(member, id, reason, now());
    if (auto written = write(*held, Durability::sync); !written) {
        return tl::make_unexpected(written.error());
    }
    // In mode keyed those behind it can go on.
    wake();
    return answer;
}

JournalResult<GroupService::Answer> GroupService::extend(const std::string& name,
                                                         const std::string& member, JournalId id,
                                                         std::optional<milliseconds> lease) {
    auto answers = extend(name, member, std::vector{id}, lease);
    if (!answers) return tl::make_unexpected(std::move(answers.error()));
    return std::move(answers->front());
}

JournalResult<std::vector<GroupService::Answer>> GroupService::extend(
    const std::string& name, const std::string& member, const std::vector<JournalId>& ids,
    std::optional<milliseconds> lease) {
    if (ids.size() > ConsumerGroup::in_flight_max) {
        return failed(Reason::invalid, "one may extend at most 10000 leases at a time");
    }
    if (lease && !lease_is_good(*lease)) return bad_lease();
    auto held = hold_for_member(name, member);
    if (!held) return tl::make_unexpected(held.error());
    Group& group = *held->group;
    return group.state.extend(member, ids, lease.value_or(group.record.group->lease), now());
}

JournalResult<void> GroupService::leave(const std::string& name, const std::string& member) {
    auto held = hold_for_member(name, member);
    if (!held) return tl::make_unexpected(held.error());
    if (!held->group->state.leave(member, now())) {
        return failed(Reason::not_found, the_group(name) + " has no member '" + member + "'");
    }
    auto written = write(*held, Durability::lazy);
    wake();
    return written;
}

}  // namespace weft::reliability
