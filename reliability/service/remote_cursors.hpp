#pragma once
// The cursors and consumer groups of a journal elsewhere, by the functions of CursorStore and
// GroupService: each call asks its process, which has them all. Also who a message's family is.
//
// What changes something takes a link with an identity (operation.hpp says whose). The messages of
// next() and read() were not verified by the journal's answer: that is the reader's part
// (stored_verifier.hpp). Messages that were handed out in an answer that was lost come again once
// their leases end. remove(), nack(), bury(), leave(), retry() and drop() are asked once: after
// `away` it is not known whether they were done.
//
// Threads:   every function from any thread; each waits for its answer. Ownership: the link must
//            outlive it.
// Errors:    those of the functions there, and `away`, `refused`.

#include <optional>
#include <string>
#include <vector>

#include "reliability/service/cursor_codec.hpp"
#include "reliability/service/lineage_codec.hpp"
#include "reliability/service/remote_link.hpp"

namespace weft::reliability {

class RemoteCursors {
public:
    explicit RemoteCursors(RemoteLink& link) : link_(link) {}

    [[nodiscard]] JournalResult<CursorStore::Put> put(const std::string& name,
                                                      std::vector<signing::TopicGlob> globs,
                                                      const Start& start,
                                                      std::optional<GroupSettings> group = {});
    [[nodiscard]] JournalResult<CursorStore::Listed> list(
        std::string_view after = {}, std::size_t limit = CursorStore::cursors_max);
    [[nodiscard]] JournalResult<CursorView> show(const std::string& name);
    [[nodiscard]] JournalResult<Cursor> set(const std::string& name, const Start& start);
    [[nodiscard]] JournalResult<Cursor> advance(
        const std::string& name, Position through,
        StateStore::Durability durability = StateStore::Durability::sync);
    [[nodiscard]] JournalResult<Page> read(const std::string& name, const ReadLimits& limits = {});
    [[nodiscard]] JournalResult<void> remove(const std::string& name);

private:
    RemoteLink& link_;
};

class RemoteGroups {
public:
    using Answer = ConsumerGroup::Answer;

    RemoteGroups(RemoteLink& link, const fabric::Clock& clock) : link_(link), clock_(clock) {}

    [[nodiscard]] JournalResult<NextMessages> next(
        const std::string& name, const std::string& member, std::size_t max,
        std::optional<std::chrono::milliseconds> lease = {}, std::chrono::milliseconds wait = {});
    [[nodiscard]] JournalResult<std::vector<Answer>> ack(const std::string& name,
                                                         const std::string& member,
                                                         const std::vector<JournalId>& ids);
    [[nodiscard]] JournalResult<Answer> nack(const std::string& name, const std::string& member,
                                             JournalId id, std::string_view reason,
                                             std::chrono::milliseconds delay = {});
    [[nodiscard]] JournalResult<Answer> bury(const std::string& name, const std::string& member,
                                             JournalId id, std::string_view reason);
    [[nodiscard]] JournalResult<Answer> extend(const std::string& name, const std::string& member,
                                               JournalId id,
                                               std::optional<std::chrono::milliseconds> lease = {});
    /// The same for many in one request, at most answers_max.
    [[nodiscard]] JournalResult<std::vector<Answer>> extend(
        const std::string& name, const std::string& member, const std::vector<JournalId>& ids,
        std::optional<std::chrono::milliseconds> lease = {});
    [[nodiscard]] JournalResult<void> leave(const std::string& name, const std::string& member);

    [[nodiscard]] JournalResult<std::vector<DeadLetter>> dead(
        const std::string& name, JournalId after = 0, std::size_t limit = ConsumerGroup::dead_max);
    [[nodiscard]] JournalResult<void> retry(const std::string& name, JournalId id);
    [[nodiscard]] JournalResult<void> drop(const std::string& name, JournalId id);

private:
    [[nodiscard]] JournalResult<std::vector<Answer>> answers(Question question);
    [[nodiscard]] JournalResult<Answer> one_answer(Question question);
    [[nodiscard]] JournalResult<void> done(Question question);

    RemoteLink& link_;
    const fabric::Clock& clock_;
};

/// As ancestors() and descendants() of lineage.hpp.
[[nodiscard]] JournalResult<Family> remote_ancestors(RemoteLink& link, const fabric::MessageId& id,
                                                     std::size_t depth = lineage_depth_max);
[[nodiscard]] JournalResult<Family> remote_descendants(RemoteLink& link,
                                                       const fabric::MessageId& id,
                                                       std::size_t depth = lineage_depth_max,
                                                       std::size_t messages = family_messages_max);

}  // namespace weft::reliability
