#include "reliability/cursor/cursor_store.hpp"

#include <algorithm>
#include <utility>

#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

using Reason = JournalError::Reason;

tl::unexpected<JournalError> failed(Reason reason, std::string sentence) {
    return tl::make_unexpected(JournalError{reason, std::move(sentence)});
}

std::string the_cursor(std::string_view name) {
    return "cursor '" + signing::escape(name, 80) + "'";
}

JournalResult<Cursor> read_record(std::string_view name, std::string_view bytes) {
    auto cursor = decode_cursor(name, bytes);
    if (cursor) return std::move(*cursor);
    return failed(Reason::corrupt, the_cursor(name) + " is not readable (" + cursor.error() +
                                       "); remove it and make it anew");
}

}  // namespace

void count_gap(Cursor& cursor, const JournalGap& gap, JournalEpoch epoch, std::uint64_t now_us) {
    ++cursor.gaps;
    cursor.lost += gap.lost.value_or(0);
    // A position of another epoch means nothing here: the gap alone says where to go on.
    const JournalId own = cursor.position.epoch == epoch ? cursor.position.id : 0;
    cursor.position = {epoch, std::max(own, gap.to)};
    cursor.moved_us = now_us;
}

JournalResult<std::optional<Cursor>> CursorStore::find(const std::string& name) {
    // A name that no cursor can have is none, and must not become a key.
    Cursor probe;
    probe.name = name;
    if (const std::string wrong = cursor_error(probe); !wrong.empty()) {
        return failed(Reason::invalid, the_cursor(name) + ": " + wrong);
    }
    const auto bytes = journal_.state().get(cursor_key(name));
    if (!bytes) return tl::make_unexpected(bytes.error());
    if (!*bytes) return std::optional<Cursor>{};
    auto cursor = read_record(name, **bytes);
    if (!cursor) return tl::make_unexpected(cursor.error());
    return std::optional<Cursor>{std::move(*cursor)};
}

JournalResult<Cursor> CursorStore::show(const std::string& name) {
    auto found = find(name);
    if (!found) return tl::make_unexpected(found.error());
    if (*found) return std::move(**found);
    return failed(Reason::not_found, "there is no " + the_cursor(name) +
                                         "; `weft cursor list` shows those that are there");
}

JournalResult<Cursor> CursorStore::plain(const std::string& name) {
    auto cursor = show(name);
    if (cursor && cursor->group) {
        return failed(Reason::invalid, the_cursor(name) +
                                           " belongs to a group of consumers; it moves when its "
                                           "members acknowledge");
    }
    return cursor;
}

JournalResult<void> CursorStore::save(const Cursor& cursor, StateStore::Durability durability) {
    return journal_.state().apply({{cursor_key(cursor.name), encode_cursor(cursor)}}, durability);
}

JournalResult<void> CursorStore::room_for_one_more() {
    const auto entries = journal_.state().list(cursor_prefix, {}, cursors_max);
    if (!entries) return tl::make_unexpected(entries.error());
    if (entries->size() < cursors_max) return {};
    return failed(Reason::invalid,
                  "the journal has 10000 cursors, which is as many as it takes; remove those that "
                  "nobody reads any more (weft cursor list, weft cursor delete)");
}

JournalResult<CursorStore::Put> CursorStore::put(const std::string& name,
                                                 std::vector<signing::TopicGlob> globs,
                                                 const Start& start,
                                                 std::optional<GroupSettings> group) {
    const std::scoped_lock lock(mutex_);
    auto found = find(name);
    if (!found) return tl::make_unexpected(found.error());
    Put put;
    put.created = !*found;
    if (*found) put.cursor = std::move(**found);
    if (!put.created && put.cursor.group.has_value() != group.has_value()) {
        return failed(Reason::invalid, the_cursor(name) + " is there already and is " +
                                           (group ? "read by one reader" : "a group's") +
                                           "; remove it first or choose another name");
    }
    put.cursor.name = name;
    put.cursor.globs = std::move(globs);
    put.cursor.group = group;
    if (const std::string wrong = cursor_error(put.cursor); !wrong.empty()) {
        return failed(Reason::invalid, the_cursor(name) + ": " + wrong);
    }
    if (put.created) {
        if (auto room = room_for_one_more(); !room) return tl::make_unexpected(room.error());
        const std::uint64_t now_us = clock_.utc_us();
        const auto position = resolve(start, journal_, put.cursor.filter(), now_us);
        if (!position) return tl::make_unexpected(position.error());
        put.cursor.position = *position;
        put.cursor.created_us = put.cursor.moved_us = now_us;
    }
    if (auto saved = save(put.cursor, StateStore::Durability::sync); !saved) {
        return tl::make_unexpected(saved.error());
    }
    return put;
}

JournalResult<CursorStore::Listed> CursorStore::list(std::string_view after, std::size_t limit) {
    const auto entries = journal_.state().list(
        cursor_prefix, after.empty() ? std::string{} : cursor_key(after), limit);
    if (!entries) return tl::make_unexpected(entries.error());
    Listed listed;
    for (const auto& [key, bytes] : *entries) {
        listed.last = key.substr(cursor_prefix.size());
        auto cursor = read_record(listed.last, bytes);
        if (cursor) {
            listed.cursors.push_back(std::move(*cursor));
        } else {
            listed.unreadable.push_back(std::move(cursor.error().sentence));
        }
    }
    return listed;
}

JournalResult<CursorLag> CursorStore::lag(const Cursor& cursor) {
    const JournalInfo info = journal_.info();
    CursorLag lag;
    const JournalId stands = cursor.position.epoch == info.epoch ? cursor.position.id : 0;
    const JournalId from = std::max(stands, info.low - 1);
    lag.messages = info.head > from ? info.head - from : 0;
    // Looks on where one read finds nothing, but not through a whole journal.
    Position at = cursor.position;
    for (int reads = 0; reads < 16; ++reads) {
        const auto page = journal_.read(at, cursor.filter(), {.messages = 1});
        if (!page) return tl::make_unexpected(page.error());
        if (page->gap && !lag.gap) lag.gap = page->gap;
        if (!page->runs.empty()) {
            const std::uint64_t now_us = clock_.utc_us();
            const std::uint64_t stored_us = page->runs.front().stored_us;
            lag.oldest_age = std::chrono::microseconds{
                static_cast<std::int64_t>(now_us > stored_us ? now_us - stored_us : 0)};
        }
        if (!page->runs.empty() || page->at_head || page->next == at) break;
        at = page->next;
    }
    return lag;
}

JournalResult<Cursor> CursorStore::set(const std::string& name, const Start& start) {
    const std::scoped_lock lock(mutex_);
    auto cursor = plain(name);
    if (!cursor) return cursor;
    const auto position = resolve(start, journal_, cursor->filter(), clock_.utc_us());
    if (!position) return tl::make_unexpected(position.error());
    cursor->position = *position;
    cursor->moved_us = clock_.utc_us();
    if (auto saved = save(*cursor, StateStore::Durability::sync); !saved) {
        return tl::make_unexpected(saved.error());
    }
    return cursor;
}

JournalResult<Cursor> CursorStore::advance(const std::string& name, Position through,
                                           StateStore::Durability durability) {
    const std::scoped_lock lock(mutex_);
    auto cursor = plain(name);
    if (!cursor) return cursor;
    const JournalInfo info = journal_.info();
    if (through.epoch == 0) through.epoch = info.epoch;
    if (through.epoch != info.epoch) {
        return failed(Reason::invalid, the_cursor(name) + ": " + through.text() +
                                           " is a place in another journal; this one's places "
                                           "begin with " +
                                           Position{info.epoch, 0}.text().substr(0, 17));
    }
    if (through.id > info.head) {
        return failed(Reason::invalid, the_cursor(name) + ": there is no message " +
                                           std::to_string(through.id) + " yet; the newest is " +
                                           std::to_string(info.head));
    }
    if (cursor->position.epoch == info.epoch && through.id <= cursor->position.id) return cursor;
    cursor->position = through;
    cursor->moved_us = clock_.utc_us();
    if (auto saved = save(*cursor, durability); !saved) return tl::make_unexpected(saved.error());
    return cursor;
}

JournalResult<Page> CursorStore::read(const std::string& name, const ReadLimits& limits) {
    const std::scoped_lock lock(mutex_);
    auto cursor = plain(name);
    if (!cursor) return tl::make_unexpected(cursor.error());
    auto page = journal_.read(cursor->position, cursor->filter(), limits);
    if (!page || !page->gap) return page;
    count_gap(*cursor, *page->gap, page->next.epoch, clock_.utc_us());
    if (auto saved = save(*cursor, StateStore::Durability::sync); !saved) {
        return tl::make_unexpected(saved.error());
    }
    return page;
}

JournalResult<void> CursorStore::remove(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    auto cursor = find(name);
    // One that cannot be read can still be removed.
    if (!cursor && cursor.error().reason != Reason::corrupt) {
        return tl::make_unexpected(cursor.error());
    }
    if (cursor && !*cursor) return failed(Reason::not_found, "there is no " + the_cursor(name));
    return journal_.state().apply({{cursor_key(name), std::nullopt}});
}

}  // namespace weft::reliability
