#pragma once
// What one commit of a journal writes, and what a place that keeps messages must be able to do.
// LocalJournal is everything else: ids, the writer, positions, gaps, limits.
//
// Threads: commit() is called by the writer's thread alone; everything else by any thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reliability/journal/journal.hpp"

namespace weft::reliability {

/// Where the writing is done.
enum class WriterRuns {
    in_its_thread,
    in_steps,  ///< By step(), in the caller's thread: for worlds that make time themselves.
};

struct NewRun {
    const RunToStore* run;
    IdRange ids;
};

/// All of it becomes durable, or nothing. Applied in the order of the members.
struct Commit {
    std::vector<NewRun> runs;
    std::uint64_t stored_us = 0;  ///< Of all runs.
    JournalId head = 0;           ///< The last id that was ever given, with these runs.
    std::vector<const StateChange*> state;
    std::vector<JournalId> expire;  ///< First ids of runs that are to be forgotten.
    std::optional<JournalId> low;   ///< The new low-water mark.
    bool sync = false;              ///< Somebody relies on it after a power loss.
};

/// One stored run as it is walked over; views live until the cursor moves.
struct RawRun {
    JournalId first = 0, last = 0;
    std::uint64_t stored_us = 0;
    bool expired = false;  ///< Only the topic is left.
    std::string_view topic, contents, proof;
};

class RunCursor {
public:
    virtual ~RunCursor() = default;
    /// The run with the largest first id that is at most `id`; nullptr if there is none.
    [[nodiscard]] virtual JournalResult<const RawRun*> seek(JournalId id) = 0;
    /// The next one; nullptr behind the last. Only after a seek() that found something.
    [[nodiscard]] virtual JournalResult<const RawRun*> next() = 0;
};

/// The name of a stream in an index: its signer, epoch and topic, hashed.
[[nodiscard]] std::string stream_key(std::string_view signer, std::uint64_t epoch,
                                     std::string_view topic);

/// Messages of one stream whose numbers and ids follow one another.
struct StreamPiece {
    std::uint64_t seq = 0;
    JournalId id = 0;
    std::uint64_t count = 0;
};

/// Calls `each(epoch of the messages, piece)` for what of a run follows one another.
template <class Each>
void for_each_piece(const RunToStore& run, JournalId first, Each each) {
    StreamPiece piece;
    std::uint64_t epoch = 0;
    for (const StoredMessageKey& key : run.messages) {
        // Beyond 2^64 - 1 nothing follows.
        const bool follows = piece.count > 0 && key.epoch == epoch && key.seq != 0 &&
                             key.seq == piece.seq + piece.count;
        if (!follows) {
            if (piece.count > 0) each(epoch, piece);
            piece = {key.seq, first, 0};
            epoch = key.epoch;
        }
        ++piece.count;
        ++first;
    }
    if (piece.count > 0) each(epoch, piece);
}

/// What can be read at one moment. Indexes may still know messages that are trimmed or expired.
/// Threads: one. Held briefly: closing waits for it.
class StoredView {
public:
    virtual ~StoredView() = default;

    JournalEpoch epoch = 0;
    JournalId low = 1, head = 0;

    /// Over runs that begin at most at `through`.
    [[nodiscard]] virtual std::unique_ptr<RunCursor> runs(JournalId through) = 0;
    [[nodiscard]] virtual JournalResult<std::optional<JournalId>> find(
        const fabric::MessageId& id) = 0;
    /// Calls back until it says false. Rising.
    [[nodiscard]] virtual JournalResult<void> children(
        const fabric::MessageId& parent, JournalId after,
        const std::function<bool(JournalId)>& each) = 0;
    /// Pieces that begin at `from` or later, by rising number.
    [[nodiscard]] virtual JournalResult<void> pieces(
        std::string_view stream, std::uint64_t from,
        const std::function<bool(const StreamPiece&)>& each) = 0;
    /// Every topic that is stored, with the id of its newest message; until `each` says false.
    [[nodiscard]] virtual JournalResult<void> topics(
        const std::function<bool(std::string_view topic, JournalId last)>& each) = 0;
    /// First ids of the runs of a topic that begin at `from` or later. Rising.
    [[nodiscard]] virtual JournalResult<void> runs_of_topic(
        std::string_view topic, JournalId from, const std::function<bool(JournalId)>& each) = 0;
};

class RunStorage {
public:
    /// What was there when it was opened.
    struct Found {
        JournalEpoch epoch = 0;
        JournalId head = 0;
        JournalId low = 1;
        std::uint64_t newest_us = 0;
    };

    virtual ~RunStorage() = default;
    [[nodiscard]] virtual Found found() const = 0;
    /// Returns when all of it is durable and views show it. `disk_full`: nothing was stored, and
    /// the next commit may be tried; any other error is the last word of this storage.
    [[nodiscard]] virtual JournalResult<void> commit(const Commit& commit) = 0;
    [[nodiscard]] virtual JournalResult<std::unique_ptr<StoredView>> view() = 0;
    [[nodiscard]] virtual JournalResult<std::optional<std::string>> state(std::string_view key) = 0;
    [[nodiscard]] virtual JournalResult<std::vector<StateStore::Entry>> states(
        std::string_view prefix, std::string_view after, std::size_t limit) = 0;
    /// Gives the disk back that lies below the low-water mark.
    virtual void reclaim(JournalId low) = 0;
    [[nodiscard]] virtual std::uint64_t bytes() = 0;
    /// About the bytes of ids from `from` to the head.
    [[nodiscard]] virtual std::uint64_t bytes_from(JournalId from) = 0;
    /// "" or why nothing could be stored now.
    [[nodiscard]] virtual std::string no_room() = 0;
    /// "" or why what is stored now would be lost: the place that it goes to is gone.
    [[nodiscard]] virtual std::string lost() { return {}; }
    /// Waits for views; afterwards view() answers `closed`.
    virtual void close() = 0;
};

}  // namespace weft::reliability
