#pragma once
// The consumer groups of one journal: binds each group's state machine (consumer_group.hpp) to its
// cursor, the messages that it is about and the journal's state. Who holds the journal holds one of
// these: the journal's process, the gateway, the hub.
//
// Promises: those of ConsumerGroup; ack() is answered once it is durable. Acknowledgements of many
//           members at a time share one write. What trimming took before a member got it is counted
//           on the cursor, and told once, with the messages that follow.
// Threads:  every function from any thread; next() with a wait blocks its thread. stop() ends all
//           waits. Ownership: the store, its journal and its clock must outlive it.
// Limits:   those of ConsumerGroup; at most 1000 messages a call.
// Errors:   the journal's; `not_found`: no such cursor; `invalid`: it is no group's, or a name,
//           with what would be right; `corrupt`: its state is damaged: set() or remove() it.
//
// One group has one owner: two processes must not hold the groups of one journal.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reliability/cursor/consumer_group.hpp"
#include "reliability/cursor/cursor_store.hpp"
#include "reliability/journal/stored_message.hpp"

namespace weft::reliability {

struct LeasedMessage {
    StoredMessage message;
    unsigned attempt = 0;
    std::chrono::milliseconds lease{};  ///< From the moment that next() answered.
};

struct NextMessages {
    std::vector<LeasedMessage> messages;  ///< By rising ids.
    ConsumerGroup::Next::Why why = ConsumerGroup::Next::Why::got_some;
    std::string sentence;             ///< Why there are none.
    std::optional<JournalGap> gap{};  ///< What the group lost since somebody was told.
};

struct GroupView {
    Cursor cursor;
    ConsumerGroup::Stats stats;
};

class GroupService {
public:
    static constexpr std::size_t messages_max = 1000;
    static constexpr std::size_t bytes_max = std::size_t{64} << 20;
    using Answer = ConsumerGroup::Answer;

    explicit GroupService(CursorStore& cursors);
    ~GroupService();
    GroupService(const GroupService&) = delete;
    GroupService& operator=(const GroupService&) = delete;

    /// See CursorStore::put. The mode of a group that is there does not change.
    [[nodiscard]] JournalResult<CursorStore::Put> put(const std::string& name,
                                                      std::vector<signing::TopicGlob> globs,
                                                      const Start& start,
                                                      const GroupSettings& settings);
    [[nodiscard]] JournalResult<GroupView> show(const std::string& name);
    /// All leases end; dead letters behind the new place are forgotten, since they come again.
    [[nodiscard]] JournalResult<Cursor> set(const std::string& name, const Start& start);
    [[nodiscard]] JournalResult<void> remove(const std::string& name);

    /// At most `max` messages for `member`, for `lease` (nothing: the group's), of runs that have
    /// at most `bytes` together, or of one. Without any waits for at most `wait`.
    [[nodiscard]] JournalResult<NextMessages> next(
        const std::string& name, const std::string& member, std::size_t max,
        std::optional<std::chrono::milliseconds> lease = {}, std::chrono::milliseconds wait = {},
        std::size_t bytes = bytes_max);
    [[nodiscard]] JournalResult<std::vector<Answer>> ack(const std::string& name,
                                                         const std::string& member,
                                                         const std::vector<JournalId>& ids);
    [[nodiscard]] JournalResult<Answer> nack(const std::string& name, const std::string& member,
                                             JournalId id, std::string_view reason,
                                             std::chrono::milliseconds delay = {});
    /// A dead letter now, whatever attempt it is: durable when it is answered.
    [[nodiscard]] JournalResult<Answer> bury(const std::string& name, const std::string& member,
                                             JournalId id, std::string_view reason);
    [[nodiscard]] JournalResult<Answer> extend(const std::string& name, const std::string& member,
                                               JournalId id,
                                               std::optional<std::chrono::milliseconds> lease = {});
    /// The same for many, at most ConsumerGroup::in_flight_max; an answer for each, in their order.
    [[nodiscard]] JournalResult<std::vector<Answer>> extend(
        const std::string& name, const std::string& member, const std::vector<JournalId>& ids,
        std::optional<std::chrono::milliseconds> lease = {});
    /// What it had goes to others at once. `not_found`: the group has no such member.
    [[nodiscard]] JournalResult<void> leave(const std::string& name, const std::string& member);

    [[nodiscard]] JournalResult<std::vector<DeadLetter>> dead(const std::string& name,
                                                              JournalId after = 0,
                                                              std::size_t limit = messages_max);
    [[nodiscard]] JournalResult<void> retry(const std::string& name, JournalId id);
    [[nodiscard]] JournalResult<void> drop(const std::string& name, JournalId id);

    [[nodiscard]] CursorStore& cursors() noexcept { return cursors_; }

    /// Every wait ends, and next() answers `closed` from now on.
    void stop();

private:
    struct Group;
    struct Held;  // a group and its lock
    [[nodiscard]] JournalResult<Held> hold(const std::string& name);
    [[nodiscard]] JournalResult<Held> hold_for_member(const std::string& name,
                                                      const std::string& member);
    [[nodiscard]] JournalResult<std::shared_ptr<Group>> load(const std::string& name);
    [[nodiscard]] JournalResult<std::vector<StateStore::Entry>> entries_of(const std::string& name);
    [[nodiscard]] JournalResult<void> purge(const std::string& name);
    [[nodiscard]] JournalResult<void> fill(Group& group, std::size_t wanted);
    [[nodiscard]] JournalResult<void> begin_anew(Group& group, JournalEpoch epoch);
    [[nodiscard]] JournalResult<NextMessages> try_next(Held& held, const std::string& member,
                                                       std::size_t max,
                                                       std::chrono::milliseconds lease,
                                                       std::size_t bytes);
    struct Fetched {
        std::vector<LeasedMessage> messages;
        JournalId through = 0;  ///< What lies beyond was not looked up: too many bytes.
    };
    [[nodiscard]] JournalResult<Fetched> fetch(Group& group,
                                               const std::vector<ConsumerGroup::Lease>& leases,
                                               std::size_t bytes, fabric::Instant now);
    [[nodiscard]] JournalResult<void> write(Held& held, StateStore::Durability durability);
    void wake();
    [[nodiscard]] Now now() const;

    CursorStore& cursors_;
    Journal& journal_;
    const fabric::Clock& clock_;

    std::mutex mutex_;  // guards groups_; taken before a group's
    std::map<std::string, std::shared_ptr<Group>> groups_;

    std::mutex wake_mutex_;  // guards what follows; nothing is taken after it
    std::condition_variable woken_;
    std::uint64_t wakes_ = 0;
    bool stopped_ = false;

    std::shared_ptr<void> watch_;  // last: its callback uses the others
};

}  // namespace weft::reliability
