// The operations of consumer groups.

#include <algorithm>
#include <utility>

#include "reliability/service/cursor_codec.hpp"
#include "reliability/service/cursor_operations.hpp"
#include "reliability/service/field_codec.hpp"
#include "reliability/service/waiting_room.hpp"

namespace weft::reliability {
namespace {

using std::chrono::milliseconds;
using Answer = ConsumerGroup::Answer;

OperationResult failed(JournalError error) {
    return tl::make_unexpected(std::move(error));
}

OperationResult nothing_or(const JournalResult<void>& result) {
    if (!result) return failed(result.error());
    return Fields{};
}

OperationResult some_answers(const JournalResult<std::vector<Answer>>& answers) {
    if (!answers) return failed(answers.error());
    Packer out;
    write_answers(out, *answers);
    return Fields{1, out.take()};
}

OperationResult one_answer(const JournalResult<Answer>& answer) {
    if (!answer) return failed(answer.error());
    return some_answers(std::vector{*answer});
}

OperationResult some_messages(const JournalResult<NextMessages>& next) {
    if (!next) return failed(next.error());
    Packer out;
    write_next(out, *next);
    return Fields{next_fields, out.take()};
}

bool read_text(Asked& asked, std::string& text) {
    std::string_view view;
    if (!asked.fields.str(view)) return false;
    text = view;
    return true;
}

/// The group and the member, with which all of these begin.
struct Names {
    std::string group, member;
    [[nodiscard]] bool read(Asked& asked) {
        return read_text(asked, group) && read_text(asked, member);
    }
};

bool read_group_and_id(Asked& asked, std::string& group, JournalId& id) {
    return read_text(asked, group) && asked.fields.uint(id);
}

}  // namespace

void CursorOperations::add_group_entries(std::vector<OperationEntry>& entries) {
    const auto add = [&](Operation operation, auto handle) {
        entries.push_back({static_cast<std::uint64_t>(operation), Right::consumer,
                           [this, handle](Asked asked, OperationContext&, const Reply& reply) {
                               reply((this->*handle)(asked));
                               // What one lets go another may have waited for.
                               waits_.wake();
                           }});
    };
    entries.push_back(
        {static_cast<std::uint64_t>(Operation::group_next), Right::consumer,
         [this](Asked asked, OperationContext&, const Reply& reply) { next(asked, reply); }});
    add(Operation::group_ack, &CursorOperations::ack);
    add(Operation::group_nack, &CursorOperations::nack);
    add(Operation::group_bury, &CursorOperations::bury);
    add(Operation::group_extend, &CursorOperations::extend);
    add(Operation::group_extend_all, &CursorOperations::extend_all);
    add(Operation::group_leave, &CursorOperations::leave);
    add(Operation::dead_retry, &CursorOperations::retry);
    add(Operation::dead_drop, &CursorOperations::drop);
}

void CursorOperations::add_dead_entries(std::vector<OperationEntry>& entries) {
    entries.push_back(
        {static_cast<std::uint64_t>(Operation::dead_list), Right::anybody,
         [this](Asked asked, OperationContext&, const Reply& reply) { reply(dead(asked)); }});
}

void CursorOperations::next(Asked& asked, const Reply& reply) {
    Names names;
    std::uint64_t max = 0;
    std::optional<milliseconds> lease, wait;
    if (!names.read(asked) || !asked.fields.uint(max) || !read_duration(asked.fields, lease) ||
        !read_duration(asked.fields, wait)) {
        return reply(failed(malformed(
            "group_next: group, member, messages, nil or lease in ms, nil or wait in ms")));
    }
    max = std::min<std::uint64_t>(max, GroupService::messages_max);
    GroupWaits::Wanted wanted{std::move(names.group), std::move(names.member),
                              static_cast<std::size_t>(max), lease};
    const std::uint64_t wakes = waits_.wakes();
    const auto got = GroupWaits::ask(groups_, wanted);
    const milliseconds patience = std::min(wait.value_or(milliseconds{0}), wait_max);
    if (!got || !got->messages.empty() || got->gap || patience.count() == 0) {
        return reply(some_messages(got));
    }
    if (asked.set_aside) asked.set_aside();
    GroupWaits::Reply later = [reply](const JournalResult<NextMessages>& messages) {
        reply(some_messages(messages));
    };
    const std::string signer = asked.signer ? asked.signer->name() : "";
    if (!waits_.park(std::move(wanted), signer, cursors_.clock().steady() + patience, wakes,
                     later)) {
        reply(failed({JournalError::Reason::busy, "too many members of '" + signer +
                                                      "', or of all, wait here; try again "
                                                      "later"}));
    }
}

OperationResult CursorOperations::ack(Asked& asked) {
    Names names;
    std::vector<JournalId> ids;
    if (!names.read(asked) || !read_ids(asked.fields, ids)) {
        return failed(malformed("group_ack: group, member, array of ids"));
    }
    return some_answers(groups_.ack(names.group, names.member, ids));
}

OperationResult CursorOperations::nack(Asked& asked) {
    Names names;
    JournalId id = 0;
    std::string reason;
    std::optional<milliseconds> delay;
    if (!names.read(asked) || !asked.fields.uint(id) || !read_text(asked, reason) ||
        !read_duration(asked.fields, delay)) {
        return failed(malformed("group_nack: group, member, id, reason, nil or delay in ms"));
    }
    return one_answer(
        groups_.nack(names.group, names.member, id, reason, delay.value_or(milliseconds{0})));
}

OperationResult CursorOperations::bury(Asked& asked) {
    Names names;
    JournalId id = 0;
    std::string reason;
    if (!names.read(asked) || !asked.fields.uint(id) || !read_text(asked, reason)) {
        return failed(malformed("group_bury: group, member, id, reason"));
    }
    return one_answer(groups_.bury(names.group, names.member, id, reason));
}

OperationResult CursorOperations::extend(Asked& asked) {
    Names names;
    JournalId id = 0;
    std::optional<milliseconds> lease;
    if (!names.read(asked) || !asked.fields.uint(id) || !read_duration(asked.fields, lease)) {
        return failed(malformed("group_extend: group, member, id, nil or lease in ms"));
    }
    return one_answer(groups_.extend(names.group, names.member, id, lease));
}

OperationResult CursorOperations::extend_all(Asked& asked) {
    Names names;
    std::vector<JournalId> ids;
    std::optional<milliseconds> lease;
    if (!names.read(asked) || !read_ids(asked.fields, ids) || !read_duration(asked.fields, lease)) {
        return failed(
            malformed("group_extend_all: group, member, array of ids, nil or lease in ms"));
    }
    return some_answers(groups_.extend(names.group, names.member, ids, lease));
}

OperationResult CursorOperations::leave(Asked& asked) {
    Names names;
    if (!names.read(asked)) return failed(malformed("group_leave: group, member"));
    // Before it gives back what it has, or a question of its former life could lease more.
    waits_.forget(names.group, names.member);
    return nothing_or(groups_.leave(names.group, names.member));
}

OperationResult CursorOperations::dead(Asked& asked) {
    std::string group;
    JournalId after = 0;
    std::uint64_t limit = 0;
    if (!read_group_and_id(asked, group, after) || !asked.fields.uint(limit)) {
        return failed(malformed("dead_list: group, after id, limit"));
    }
    limit = std::min<std::uint64_t>(limit, dead_page_max);
    const auto letters = groups_.dead(group, after, static_cast<std::size_t>(limit));
    if (!letters) return failed(letters.error());
    Packer out;
    write_dead(out, *letters);
    return Fields{1, out.take()};
}

OperationResult CursorOperations::retry(Asked& asked) {
    std::string group;
    JournalId id = 0;
    if (!read_group_and_id(asked, group, id)) return failed(malformed("dead_retry: group, id"));
    return nothing_or(groups_.retry(group, id));
}

OperationResult CursorOperations::drop(Asked& asked) {
    std::string group;
    JournalId id = 0;
    if (!read_group_and_id(asked, group, id)) return failed(malformed("dead_drop: group, id"));
    return nothing_or(groups_.drop(group, id));
}

}  // namespace weft::reliability
