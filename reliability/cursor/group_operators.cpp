// What operators do with groups: make, show, move and remove them, and look after dead letters.

#include <algorithm>
#include <cassert>
#include <utility>

#include "reliability/cursor/group_service_parts.hpp"

namespace weft::reliability {

using group_parts::failed;
using group_parts::the_group;
using Reason = JournalError::Reason;
using Durability = StateStore::Durability;

JournalResult<CursorStore::Put> GroupService::put(const std::string& name,
                                                  std::vector<signing::TopicGlob> globs,
                                                  const Start& start,
                                                  const GroupSettings& settings) {
    auto held = hold(name);
    if (!held && held.error().reason != Reason::not_found) {
        return tl::make_unexpected(held.error());
    }
    if (!held) {
        // What an interrupted removal may have left must not come back to life.
        const std::scoped_lock lock(mutex_);
        if (!groups_.contains(name)) {
            if (auto purged = purge(name); !purged) return tl::make_unexpected(purged.error());
            return cursors_.put(name, std::move(globs), start, settings);
        }
        return failed(Reason::busy, the_group(name) + " is being made just now; try again");
    }
    Group& group = *held->group;
    if (group.record.group->mode != settings.mode) {
        return failed(Reason::invalid, the_group(name) + " is there already and is " +
                                           std::string{name_of(group.record.group->mode)} +
                                           "; remove it first or choose another name");
    }
    Cursor changed = group.record;
    changed.globs = std::move(globs);
    changed.group = settings;
    if (const std::string wrong = cursor_error(changed); !wrong.empty()) {
        return failed(Reason::invalid, the_group(name) + ": " + wrong);
    }
    group.record = std::move(changed);
    group.record_changed = true;
    group.filter = group.record.filter();
    group.state.change(settings);
    if (auto written = write(*held, Durability::sync); !written) {
        return tl::make_unexpected(written.error());
    }
    return CursorStore::Put{group.record, false};
}

JournalResult<GroupView> GroupService::show(const std::string& name) {
    auto held = hold(name);
    if (!held) return tl::make_unexpected(held.error());
    Group& group = *held->group;
    group.state.expire(now());
    Cursor cursor = group.record;
    cursor.position = group.state.position();
    return GroupView{std::move(cursor), group.state.stats()};
}

JournalResult<Cursor> GroupService::set(const std::string& name, const Start& start) {
    const std::scoped_lock lock(mutex_);
    auto cursor = cursors_.show(name);
    if (!cursor) return cursor;
    if (!cursor->group) return cursors_.set(name, start);
    const auto position = resolve(start, journal_, cursor->filter(), clock_.utc_us());
    if (!position) return tl::make_unexpected(position.error());
    const auto entries = entries_of(name);
    if (!entries) return tl::make_unexpected(entries.error());

    std::shared_ptr<Group> old;
    if (const auto found = groups_.find(name); found != groups_.end()) old = found->second;
    std::unique_lock<std::mutex> old_lock;
    if (old) {
        old_lock = std::unique_lock(old->mutex);
        old->turn.wait(old_lock, [&] { return !old->writing; });
        cursor = old->record;
    }
    std::vector<StateChange> changes;
    std::vector<StateStore::Entry> kept;
    for (const auto& entry : *entries) {
        const auto key =
            parse_group_key(std::string_view{entry.first}.substr(group_prefix(name).size()));
        const bool stays = key && key->of == GroupKey::Of::dead && key->number <= position->id &&
                           position->epoch == cursor->position.epoch &&
                           decode_dead_letter(key->number, entry.second);
        if (stays) {
            kept.push_back(entry);
        } else {
            changes.push_back({entry.first, std::nullopt});
        }
    }
    auto state = ConsumerGroup::restore(name, *cursor->group, *position, kept);
    assert(state);
    cursor->position = *position;
    cursor->moved_us = clock_.utc_us();
    for (StateChange& change : state->changes()) changes.push_back(std::move(change));
    changes.push_back({cursor_key(name), encode_cursor(*cursor)});
    if (auto applied = journal_.state().apply(changes); !applied) {
        return tl::make_unexpected(applied.error());
    }
    if (old) old->removed = true;
    groups_[name] = std::make_shared<Group>(*cursor, std::move(*state));
    wake();
    return cursor;
}

JournalResult<void> GroupService::remove(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    const auto found = groups_.find(name);
    if (found != groups_.end()) {
        Group& group = *found->second;
        std::unique_lock group_lock(group.mutex);
        group.turn.wait(group_lock, [&] { return !group.writing; });
        if (auto removed = cursors_.remove(name); !removed) return removed;
        group.removed = true;
        group_lock.unlock();
        groups_.erase(found);
    } else if (auto removed = cursors_.remove(name); !removed) {
        return removed;
    }
    wake();
    return purge(name);
}

// Dead letters.

JournalResult<std::vector<DeadLetter>> GroupService::dead(const std::string& name, JournalId after,
                                                          std::size_t limit) {
    auto held = hold(name);
    if (!held) return tl::make_unexpected(held.error());
    held->group->state.expire(now());
    return held->group->state.dead(after, limit);
}

JournalResult<void> GroupService::retry(const std::string& name, JournalId id) {
    auto held = hold(name);
    if (!held) return tl::make_unexpected(held.error());
    ConsumerGroup& state = held->group->state;
    const bool there = state.dead_letter(id) != nullptr;
    if (const std::string wrong = state.retry(id); !wrong.empty()) {
        return failed(there ? Reason::busy : Reason::not_found, the_group(name) + ": " + wrong);
    }
    auto written = write(*held, Durability::sync);
    wake();
    return written;
}

JournalResult<void> GroupService::drop(const std::string& name, JournalId id) {
    auto held = hold(name);
    if (!held) return tl::make_unexpected(held.error());
    if (!held->group->state.drop(id)) {
        return failed(Reason::not_found,
                      the_group(name) + ": there is no dead letter " + std::to_string(id));
    }
    return write(*held, Durability::sync);
}

}  // namespace weft::reliability
