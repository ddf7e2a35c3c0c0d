// The part of WsSession that is about cursors and groups: work for the journal's room.
#include <algorithm>
#include <array>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/native/cursor_access.hpp"
#include "gateway/native/ws_leases.hpp"
#include "gateway/native/ws_session.hpp"
#include "signing/certificate.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;
using reliability::Cursor;
using reliability::JournalError;
using reliability::JournalId;
using Answer = reliability::ConsumerGroup::Answer;

constexpr const char* room_is_full = "busy: too many requests about cursors wait; send it again";

unsigned status_of(const JournalError& error) {
    if (error.reason == JournalError::Reason::not_found) return 404;
    if (error.reason == JournalError::Reason::invalid) return 400;
    if (error.reason == JournalError::Reason::refused) return 403;
    return error.reason == JournalError::Reason::disk_full ? 507 : 503;
}

/// Those that do not count, as a member of JSON; "": all count.
std::string not_counted(const std::vector<Answer>& answers) {
    constexpr std::array<std::string_view, 5> names{"done", "late", "lost", "already", "unknown"};
    Value::List list;
    for (const Answer& one : answers) {
        if (one.counts()) continue;
        list.emplace_back(Value::Map{{"id", one.id},
                                     {"is", names[static_cast<std::size_t>(one.is)]},
                                     {"detail", one.sentence}});
    }
    return list.empty() ? "" : ",\"not_counted\":" + fabric::to_json(Value(std::move(list)));
}

}  // namespace

void WsSession::subscribe_cursor(const WsRequest& request, std::uint64_t serial,
                                 std::uint64_t credit) {
    if (world_->room == nullptr) {
        return give_up(request, serial, 404, "cursor: this gateway keeps no cursors");
    }
    if (!request.topics.empty() || !request.after.empty()) {
        return give_up(request, serial, 400,
                       "cursor: it has its topics and its place; leave topics and after out");
    }
    std::string wrong = signing::name_error(request.cursor);
    if (wrong.empty() && !request.member.empty()) wrong = signing::name_error(request.member);
    if (!wrong.empty()) return give_up(request, serial, 400, "cursor and member: " + wrong);
    const bool taken = world_->room->work(
        [self = shared_from_this(), request, serial, credit](JournalThings& things) {
            self->look_up(request, serial, credit, things);
        });
    if (!taken) give_up(request, serial, 503, room_is_full);
}

void WsSession::look_up(const WsRequest& request, std::uint64_t serial, std::uint64_t credit,
                        JournalThings& things) {
    const auto cursor = things.cursors.show(request.cursor);
    if (!cursor)
        return give_up(request, serial, status_of(cursor.error()), cursor.error().sentence);
    if (!may_use(who_, cursor->globs)) {
        return give_up(request, serial, 403,
                       "this token may not read everything that the cursor is about; its grants "
                       "are those of `weft token list`");
    }
    Slot slot;
    slot.serial = serial;
    slot.cursor = request.cursor;
    slot.is_group = cursor->group.has_value();
    std::string more = "\"credit\":" + std::to_string(credit);
    if (slot.is_group) {
        slot.member = !request.member.empty() ? request.member
                      : who_.name.empty()     ? "anonymous"
                                              : who_.name;
        more += ",\"member\":" + fabric::json_string(slot.member);
        slot.subscription = std::make_shared<WsLeaseSubscription>(
            world_, socket_,
            WsLeaseSubscription::Wanted{request.id, request.cursor, slot.member, credit});
        return begin(request, std::move(slot), more);
    }
    if (!request.member.empty()) {
        return give_up(request, serial, 400, "member: this cursor is plain, it has no members");
    }
    more += ",\"after\":\"" + cursor->position.text() + "\"";
    WsJournalSubscription::Wanted wanted;
    wanted.id = request.id;
    wanted.topics.filter = cursor->filter();
    wanted.topics.key = "\n";
    auto globs = cursor->globs;
    std::sort(globs.begin(), globs.end());
    for (const auto& glob : globs) wanted.topics.key += glob.text() + "\n";
    wanted.after = cursor->position;
    wanted.credit = credit;
    slot.subscription = std::make_shared<WsJournalSubscription>(world_, socket_, std::move(wanted));
    begin(request, std::move(slot), more);
}

void WsSession::ack_cursor(const WsRequest& request, const Slot& slot, std::vector<JournalId> ids) {
    const bool taken = world_->room->work(
        [self = shared_from_this(), request, slot, ids = std::move(ids)](JournalThings& things) {
            self->move_cursor(request, slot, ids, things);
            self->one_less(self->acks_);
        });
    if (taken) return;
    one_less(acks_);
    refuse(request, 503, room_is_full);
}

void WsSession::move_cursor(const WsRequest& request, const Slot& slot,
                            const std::vector<JournalId>& ids, JournalThings& things) {
    std::string more = "\"through\":" + std::to_string(request.through);
    if (slot.is_group) {
        const auto answers = things.groups.ack(slot.cursor, slot.member, ids);
        if (!answers) return refuse(request, status_of(answers.error()), answers.error().sentence);
        more += not_counted(*answers);
    } else {
        const auto cursor = things.cursors.show(slot.cursor);
        if (!cursor) return refuse(request, status_of(cursor.error()), cursor.error().sentence);
        const auto moved =
            things.cursors.advance(slot.cursor, {cursor->position.epoch, request.through});
        if (!moved) return refuse(request, status_of(moved.error()), moved.error().sentence);
    }
    send(ws_said("acked", request.about, more));
}

}  // namespace weft::gateway::native
