#pragma once
// The writer of a journal: everything that is stored goes through it, in order, one commit at a
// time; by one thread, or, while that has nothing to do, by who asks with apply_if_idle(). It
// takes whatever waits, gives ids, commits all of it at once, moves the head, and answers. No
// timers: while one commit is being flushed the next one gathers.
//
// Threads: every function from any thread, except that nothing that waits may be called from a
//          callback. Callbacks run in the writer's thread; what is refused at once (`busy`,
//          `invalid`, `closed`, the reason of an earlier failure) is answered by the caller's.
// Limits:  JournalLimits before the writer; one commit takes at most commit_bytes_max of it.
// Errors:  after any failure but `disk_full` nothing is written any more.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/commit.hpp"
#include "reliability/journal/head_watchers.hpp"
#include "reliability/journal/run_shape.hpp"
#include "reliability/journal/state_writer.hpp"

namespace weft::reliability {

class GroupCommit {
public:
    static constexpr std::size_t commit_bytes_max = std::size_t{32} << 20;

    /// All of them outlive it.
    GroupCommit(RunStorage& storage, HeadWatchers& watchers, const fabric::Clock& clock,
                JournalLimits limits, WriterRuns runs = WriterRuns::in_its_thread);
    ~GroupCommit();
    GroupCommit(const GroupCommit&) = delete;
    GroupCommit& operator=(const GroupCommit&) = delete;

    void append(std::vector<RunToStore> runs, Journal::OnAppended done);
    [[nodiscard]] JournalResult<void> apply(const std::vector<StateChange>& changes, bool sync);
    void apply_soon(std::vector<StateChange> changes, bool sync, StateWriter::OnApplied done);
    /// Without sync; see StateWriter.
    [[nodiscard]] std::optional<JournalResult<void>> apply_if_idle(
        const std::vector<StateChange>& changes);
    [[nodiscard]] JournalResult<void> expire(std::vector<JournalId> firsts);
    /// The new low-water mark.
    [[nodiscard]] JournalResult<JournalId> trim(JournalId low);

    /// Why nothing can be stored: the failure that ended it, or the last `disk_full`.
    [[nodiscard]] std::optional<JournalError> trouble() const;
    /// Writes what waits, one commit of it; false: nothing waits. WriterRuns::in_steps only, where
    /// functions that wait do it themselves. Not from a callback.
    bool step();
    void close();

private:
    /// One of the four; `size` of what it carries.
    struct Item {
        std::vector<RunToStore> runs;
        std::vector<StateChange> state;
        std::vector<JournalId> expire;
        std::optional<JournalId> low;
        bool sync = true;
        AppendSize size{};
        std::vector<IdRange> ranges;
        std::function<void(Item&, const JournalResult<void>&)> answer;
    };
    using Items = std::vector<Item>;

    [[nodiscard]] std::optional<JournalError> put(Item& item);
    [[nodiscard]] JournalResult<void> put_and_wait(Item item, JournalId* low);
    void run();
    [[nodiscard]] bool take(Items& items);
    void take_waiting(Items& items);
    void answer_waiting_closed();
    void write(Items& items);
    void has_written();
    [[nodiscard]] Commit commit_of(Items& items);

    RunStorage& storage_;
    HeadWatchers& watchers_;
    const fabric::Clock& clock_;
    const JournalLimits limits_;
    const WriterRuns runs_;
    // Of whoever writes: the writer's thread, or one in apply_if_idle().
    JournalId head_, low_;
    std::uint64_t newest_us_;

    mutable std::mutex mutex_;
    std::condition_variable waits_;
    std::deque<Item> waiting_;
    AppendSize waiting_size_{};
    std::optional<JournalError> failed_, full_;
    bool writing_ = false;
    bool closing_ = false;
    std::mutex joining_;
    std::thread thread_;
};

}  // namespace weft::reliability
