#pragma once
// The consumer group of one durable consumer, as its feed sees it: in a journal elsewhere, or, in
// tests, in this process. Functions and errors are those of GroupService
// (cursor/group_service.hpp). Threads: every function from any thread; each may wait for its
// answer.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reliability/cursor/group_service.hpp"
#include "reliability/service/remote_cursors.hpp"
#include "reliability/service/remote_journal.hpp"

namespace weft::reliability::hub {

class GroupDoor {
public:
    using Answer = ConsumerGroup::Answer;
    using milliseconds = std::chrono::milliseconds;

    virtual ~GroupDoor() = default;
    [[nodiscard]] virtual JournalResult<CursorStore::Put> put(std::vector<signing::TopicGlob> globs,
                                                              const Start& start,
                                                              const GroupSettings& settings) = 0;
    [[nodiscard]] virtual JournalResult<CursorView> show() = 0;
    [[nodiscard]] virtual JournalResult<Cursor> set(const Start& start) = 0;
    [[nodiscard]] virtual JournalResult<NextMessages> next(const std::string& member,
                                                           std::size_t max, milliseconds lease,
                                                           milliseconds wait) = 0;
    [[nodiscard]] virtual JournalResult<std::vector<Answer>> ack(
        const std::string& member, const std::vector<JournalId>& ids) = 0;
    [[nodiscard]] virtual JournalResult<Answer> nack(const std::string& member, JournalId id,
                                                     std::string_view reason,
                                                     milliseconds delay) = 0;
    /// A dead letter at once.
    [[nodiscard]] virtual JournalResult<Answer> bury(const std::string& member, JournalId id,
                                                     std::string_view reason) = 0;
    [[nodiscard]] virtual JournalResult<std::vector<Answer>> extend(
        const std::string& member, const std::vector<JournalId>& ids, milliseconds lease) = 0;
    [[nodiscard]] virtual JournalResult<void> leave(const std::string& member) = 0;
    /// Nothing: this message (not 0) is no dead letter of the group.
    [[nodiscard]] virtual JournalResult<std::optional<DeadLetter>> dead_letter(JournalId id) = 0;
    /// The message there, not verified. Nothing: it is not in the journal any more, or that is
    /// another one now.
    [[nodiscard]] virtual JournalResult<std::optional<StoredMessage>> read_one(Position at) = 0;
};

/// `journal` and `clock` must outlive it.
[[nodiscard]] std::unique_ptr<GroupDoor> open_remote_group(RemoteJournal& journal,
                                                           const fabric::Clock& clock,
                                                           const std::string& group);
/// `groups` must outlive it.
[[nodiscard]] std::unique_ptr<GroupDoor> open_local_group(GroupService& groups,
                                                          const std::string& group);

}  // namespace weft::reliability::hub
