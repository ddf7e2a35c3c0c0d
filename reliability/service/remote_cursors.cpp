#include "reliability/service/remote_cursors.hpp"

#include <algorithm>
#include <utility>

#include "reliability/service/field_codec.hpp"

namespace weft::reliability {
namespace {

using std::chrono::milliseconds;
using Reason = JournalError::Reason;

/// A journal that was killed forgets who waits: they ask again after this.
constexpr milliseconds wait_at_once{5'000};
/// What is beyond, the journal would cut, too.
constexpr std::size_t reason_sent_max = 4096;

Question asking(Operation operation, std::size_t count, Packer& fields) {
    Question question;
    question.operation = operation;
    question.fields = {count, fields.take()};
    return question;
}

Question changing(Operation operation, std::size_t count, Packer& fields) {
    Question question = asking(operation, count, fields);
    question.is_signed = true;
    return question;
}

Question changing_once(Operation operation, std::size_t count, Packer& fields) {
    Question question = changing(operation, count, fields);
    question.again = false;
    return question;
}

tl::unexpected<JournalError> unreadable() {
    return tl::make_unexpected(
        JournalError{Reason::corrupt, "the journal's answer cannot be read"});
}

JournalResult<Cursor> cursor_of(JournalResult<RemoteAnswer> answer) {
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    Cursor cursor;
    if (!read_cursor(answer->fields, cursor)) return unreadable();
    return cursor;
}

bool read_listed(fabric::MsgpackReader& in, CursorStore::Listed& listed) {
    std::string_view text;
    std::uint64_t count = 0;
    if (!in.str(text) || !in.array_head(count)) return false;
    listed.last = text;
    for (std::uint64_t i = 0; i < count; ++i) {
        Cursor cursor;
        if (!read_cursor(in, cursor)) return false;
        listed.cursors.push_back(std::move(cursor));
    }
    if (!in.array_head(count)) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!in.str(text)) return false;
        listed.unreadable.emplace_back(text);
    }
    return true;
}

Packer names(std::string_view group, std::string_view member) {
    return Packer{}.str(group).str(member);
}

JournalResult<Family> family(JournalResult<RemoteAnswer> answer) {
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    Family family;
    if (!read_family(answer->fields, family)) return unreadable();
    return family;
}

}  // namespace

// Cursors.

JournalResult<CursorStore::Put> RemoteCursors::put(const std::string& name,
                                                   std::vector<signing::TopicGlob> globs,
                                                   const Start& start,
                                                   std::optional<GroupSettings> group) {
    if (globs.size() > Cursor::globs_max) {
        return tl::make_unexpected(
            JournalError{Reason::invalid, "a cursor has at most 32 globs; write wider ones"});
    }
    Packer out;
    out.str(name);
    write_filter(out, globs.empty() ? TopicFilter{} : TopicFilter{std::move(globs)});
    write_start(out, start);
    write_group_settings(out, group);
    auto answer = link_.ask(changing(Operation::cursor_put, 4, out));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    CursorStore::Put put;
    std::uint64_t created = 0;
    if (!read_cursor(answer->fields, put.cursor) || !answer->fields.uint(created)) {
        return unreadable();
    }
    put.created = created == 1;
    return put;
}

JournalResult<CursorStore::Listed> RemoteCursors::list(std::string_view after, std::size_t limit) {
    CursorStore::Listed all;
    all.last = after;
    const auto count = [&] { return all.cursors.size() + all.unreadable.size(); };
    while (count() < limit) {
        Packer out;
        out.str(all.last).uint(limit - count());
        auto answer = link_.ask(asking(Operation::cursor_list, 2, out));
        if (!answer) return tl::make_unexpected(std::move(answer.error()));
        const std::string before = std::exchange(all.last, "");
        if (!read_listed(answer->fields, all)) return unreadable();
        // Names rise, whatever a journal says: this ends.
        if (all.last <= before) break;
    }
    return all;
}

JournalResult<CursorView> RemoteCursors::show(const std::string& name) {
    Packer out;
    out.str(name);
    auto answer = link_.ask(asking(Operation::cursor_show, 1, out));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    CursorView view;
    if (!read_view(answer->fields, view)) return unreadable();
    return view;
}

JournalResult<Cursor> RemoteCursors::set(const std::string& name, const Start& start) {
    Packer out;
    out.str(name);
    write_start(out, start);
    return cursor_of(link_.ask(changing(Operation::cursor_set, 2, out)));
}

JournalResult<Cursor> RemoteCursors::advance(const std::string& name, Position through,
                                             StateStore::Durability durability) {
    Packer out;
    out.str(name);
    write_position(out, through);
    out.uint(durability == StateStore::Durability::lazy ? 1 : 0);
    return cursor_of(link_.ask(changing(Operation::cursor_advance, 4, out)));
}

JournalResult<Page> RemoteCursors::read(const std::string& name, const ReadLimits& limits) {
    Packer out;
    out.str(name);
    write_limits(out, limits);
    // Asked once: a gap that was told in an answer that is lost is not told again.
    auto answer = link_.ask(changing_once(Operation::cursor_read, 1 + limits_fields, out));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    Page page;
    if (!read_page(answer->fields, page)) return unreadable();
    page.bytes = std::move(answer->content);
    return page;
}

JournalResult<void> RemoteCursors::remove(const std::string& name) {
    Packer out;
    out.str(name);
    auto answer = link_.ask(changing_once(Operation::cursor_remove, 1, out));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    return {};
}

// Groups.

JournalResult<NextMessages> RemoteGroups::next(const std::string& name, const std::string& member,
                                               std::size_t max, std::optional<milliseconds> lease,
                                               milliseconds wait) {
    const fabric::Instant deadline = clock_.steady() + std::max(wait, milliseconds{0});
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - clock_.steady());
        const auto part = std::clamp(left, milliseconds{0}, wait_at_once);
        Packer out = names(name, member);
        out.uint(max);
        write_duration(out, lease);
        write_duration(out, part);
        Question question = changing(Operation::group_next, 5, out);
        question.longer = part;
        auto answer = link_.ask(std::move(question));
        // Who waits outlasts a restart of the journal.
        const bool away = !answer && answer.error().reason == Reason::away;
        if (away && clock_.steady() < deadline) continue;
        if (!answer) return tl::make_unexpected(std::move(answer.error()));
        NextMessages next;
        if (!read_next(answer->fields, answer->content, next)) return unreadable();
        const bool over = clock_.steady() >= deadline;
        if (!next.messages.empty() || next.gap || over) return next;
    }
}

JournalResult<std::vector<RemoteGroups::Answer>> RemoteGroups::answers(Question question) {
    auto answer = link_.ask(std::move(question));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    std::vector<Answer> answers;
    if (!read_answers(answer->fields, answers)) return unreadable();
    return answers;
}

JournalResult<RemoteGroups::Answer> RemoteGroups::one_answer(Question question) {
    const auto answered = answers(std::move(question));
    if (!answered) return tl::make_unexpected(answered.error());
    if (answered->size() != 1) return unreadable();
    return answered->front();
}

JournalResult<void> RemoteGroups::done(Question question) {
    auto answer = link_.ask(std::move(question));
    if (!answer) return tl::make_unexpected(std::move(answer.error()));
    return {};
}

JournalResult<std::vector<RemoteGroups::Answer>> RemoteGroups::ack(
    const std::string& name, const std::string& member, const std::vector<JournalId>& ids) {
    if (ids.size() > answers_max) {
        return tl::make_unexpected(
            JournalError{Reason::invalid, "one may acknowledge at most 10000 messages at a time"});
    }
    Packer out = names(name, member);
    write_ids(out, ids);
    auto answered = answers(changing(Operation::group_ack, 3, out));
    if (answered && answered->size() != ids.size()) return unreadable();
    return answered;
}

JournalResult<RemoteGroups::Answer> RemoteGroups::nack(const std::string& name,
                                                       const std::string& member, JournalId id,
                                                       std::string_view reason,
                                                       milliseconds delay) {
    Packer out = names(name, member);
    out.uint(id).str(reason.substr(0, reason_sent_max));
    write_duration(out, std::max(delay, milliseconds{0}));
    return one_answer(changing_once(Operation::group_nack, 5, out));
}

JournalResult<RemoteGroups::Answer> RemoteGroups::bury(const std::string& name,
                                                       const std::string& member, JournalId id,
                                                       std::string_view reason) {
    Packer out = names(name, member);
    out.uint(id).str(reason.substr(0, reason_sent_max));
    return one_answer(changing_once(Operation::group_bury, 4, out));
}

JournalResult<RemoteGroups::Answer> RemoteGroups::extend(const std::string& name,
                                                         const std::string& member, JournalId id,
                                                         std::optional<milliseconds> lease) {
    Packer out = names(name, member);
    out.uint(id);
    write_duration(out, lease);
    return one_answer(changing(Operation::group_extend, 4, out));
}

JournalResult<std::vector<RemoteGroups::Answer>> RemoteGroups::extend(
    const std::string& name, const std::string& member, const std::vector<JournalId>& ids,
    std::optional<milliseconds> lease) {
    if (ids.size() > answers_max) {
        return tl::make_unexpected(
            JournalError{Reason::invalid, "one may extend at most 10000 leases at a time"});
    }
    Packer out = names(name, member);
    write_ids(out, ids);
    write_duration(out, lease);
    auto answered = answers(changing(Operation::group_extend_all, 4, out));
    if (answered && answered->size() != ids.size()) return unreadable();
    return answered;
}

JournalResult<void> RemoteGroups::leave(const std::string& name, const std::string& member) {
    Packer out = names(name, member);
    return done(changing_once(Operation::group_leave, 2, out));
}

JournalResult<std::vector<DeadLetter>> RemoteGroups::dead(const std::string& name, JournalId after,
                                                          std::size_t limit) {
    std::vector<DeadLetter> all;
    while (all.size() < limit) {
        Packer out;
        out.str(name).uint(after).uint(limit - all.size());
        auto answer = link_.ask(asking(Operation::dead_list, 3, out));
        if (!answer) return tl::make_unexpected(std::move(answer.error()));
        std::vector<DeadLetter> some;
        if (!read_dead(answer->fields, some)) return unreadable();
        if (some.empty() || some.back().id <= after) break;
        after = some.back().id;
        all.insert(all.end(), std::make_move_iterator(some.begin()),
                   std::make_move_iterator(some.end()));
    }
    return all;
}

JournalResult<void> RemoteGroups::retry(const std::string& name, JournalId id) {
    Packer out;
    out.str(name).uint(id);
    return done(changing_once(Operation::dead_retry, 2, out));
}

JournalResult<void> RemoteGroups::drop(const std::string& name, JournalId id) {
    Packer out;
    out.str(name).uint(id);
    return done(changing_once(Operation::dead_drop, 2, out));
}

// Families.

JournalResult<Family> remote_ancestors(RemoteLink& link, const fabric::MessageId& id,
                                       std::size_t depth) {
    Packer out;
    out.bin(id.bytes()).uint(depth);
    return family(link.ask(asking(Operation::ancestors, 2, out)));
}

JournalResult<Family> remote_descendants(RemoteLink& link, const fabric::MessageId& id,
                                         std::size_t depth, std::size_t messages) {
    Packer out;
    out.bin(id.bytes()).uint(depth).uint(messages);
    return family(link.ask(asking(Operation::descendants, 3, out)));
}

}  // namespace weft::reliability
