// Those of cursors; those of groups are in group_operations.cpp.

#include "reliability/service/cursor_operations.hpp"

#include <algorithm>
#include <utility>

#include "reliability/service/cursor_codec.hpp"
#include "reliability/service/field_codec.hpp"

namespace weft::reliability {
namespace {

OperationResult failed(JournalError error) {
    return tl::make_unexpected(std::move(error));
}

OperationResult one_cursor(const JournalResult<Cursor>& cursor) {
    if (!cursor) return failed(cursor.error());
    Packer out;
    write_cursor(out, *cursor);
    return Fields{1, out.take()};
}

bool read_name(Asked& asked, std::string& name) {
    std::string_view text;
    if (!asked.fields.str(text)) return false;
    name = text;
    return true;
}

}  // namespace

void CursorOperations::add_cursor_entries(std::vector<OperationEntry>& entries) {
    const auto add = [&](Operation operation, Right right, auto handle) {
        entries.push_back({static_cast<std::uint64_t>(operation), right,
                           [this, handle](Asked asked, OperationContext&, const Reply& reply) {
                               reply((this->*handle)(asked));
                           }});
    };
    add(Operation::cursor_list, Right::anybody, &CursorOperations::list);
    add(Operation::cursor_show, Right::anybody, &CursorOperations::show);
    add(Operation::cursor_put, Right::consumer, &CursorOperations::put);
    add(Operation::cursor_set, Right::consumer, &CursorOperations::set);
    add(Operation::cursor_advance, Right::consumer, &CursorOperations::advance);
    add(Operation::cursor_remove, Right::consumer, &CursorOperations::remove);
    // Changes something where trimming has overtaken the cursor.
    add(Operation::cursor_read, Right::consumer, &CursorOperations::read);
}

std::vector<OperationEntry> CursorOperations::entries() {
    std::vector<OperationEntry> entries;
    add_cursor_entries(entries);
    add_group_entries(entries);
    add_dead_entries(entries);
    return entries;
}

OperationResult CursorOperations::list(Asked& asked) {
    std::string after;
    std::uint64_t limit = 0;
    if (!read_name(asked, after) || !asked.fields.uint(limit)) {
        return failed(malformed("cursor_list: after name, limit"));
    }
    limit = std::min<std::uint64_t>(limit, cursors_page_max);
    const auto listed = cursors_.list(after, static_cast<std::size_t>(limit));
    if (!listed) return failed(listed.error());
    const bool more = limit > 0 && listed->cursors.size() + listed->unreadable.size() == limit;
    Packer out;
    out.str(more ? listed->last : "").array(listed->cursors.size());
    for (const Cursor& cursor : listed->cursors) write_cursor(out, cursor);
    out.array(listed->unreadable.size());
    for (const std::string& sentence : listed->unreadable) out.str(sentence);
    return Fields{3, out.take()};
}

OperationResult CursorOperations::show(Asked& asked) {
    std::string name;
    if (!read_name(asked, name)) return failed(malformed("cursor_show: name"));
    auto cursor = cursors_.show(name);
    if (!cursor) return failed(cursor.error());
    CursorView view;
    view.cursor = std::move(*cursor);
    if (view.cursor.group) {
        auto group = groups_.show(name);
        if (!group) return failed(group.error());
        view.cursor = std::move(group->cursor);
        view.group = std::move(group->stats);
    }
    const auto lag = cursors_.lag(view.cursor);
    if (!lag) return failed(lag.error());
    view.lag = *lag;
    Packer out;
    write_view(out, view);
    return Fields{3, out.take()};
}

OperationResult CursorOperations::put(Asked& asked) {
    std::string name;
    TopicFilter filter;
    Start start;
    std::optional<GroupSettings> group;
    if (!read_name(asked, name) || !read_filter(asked.fields, filter) ||
        !read_start(asked.fields, start) || !read_group_settings(asked.fields, group)) {
        return failed(malformed(
            "cursor_put: name, globs or nil, start, nil or [mode, lease in ms, attempts]"));
    }
    const auto put = group ? groups_.put(name, filter.globs(), start, *group)
                           : cursors_.put(name, filter.globs(), start);
    if (!put) return failed(put.error());
    waits_.wake();
    Packer out;
    write_cursor(out, put->cursor);
    return Fields{2, out.uint(put->created ? 1 : 0).take()};
}

OperationResult CursorOperations::set(Asked& asked) {
    std::string name;
    Start start;
    if (!read_name(asked, name) || !read_start(asked.fields, start)) {
        return failed(malformed("cursor_set: name, start"));
    }
    auto cursor = groups_.set(name, start);
    waits_.wake();
    return one_cursor(cursor);
}

OperationResult CursorOperations::advance(Asked& asked) {
    std::string name;
    Position through;
    std::uint64_t lazy = 0;
    if (!read_name(asked, name) || !read_position(asked.fields, through) ||
        !asked.fields.uint(lazy) || lazy > 1) {
        return failed(malformed("cursor_advance: name, epoch, id, 0 for sync or 1 for lazy"));
    }
    return one_cursor(cursors_.advance(
        name, through, lazy == 1 ? StateStore::Durability::lazy : StateStore::Durability::sync));
}

OperationResult CursorOperations::remove(Asked& asked) {
    std::string name;
    if (!read_name(asked, name)) return failed(malformed("cursor_remove: name"));
    const auto removed = groups_.remove(name);
    waits_.wake();
    if (!removed) return failed(removed.error());
    return Fields{};
}

OperationResult CursorOperations::read(Asked& asked) {
    std::string name;
    ReadLimits limits;
    if (!read_name(asked, name) || !read_limits(asked.fields, limits)) {
        return failed(malformed("cursor_read: name, messages, bytes, runs, through"));
    }
    const auto page = cursors_.read(name, limits);
    if (!page) return failed(page.error());
    Packer out;
    write_page(out, *page);
    return Fields{page_fields, out.take()};
}

}  // namespace weft::reliability
