#pragma once
// The contract of a journal: an append-only, totally ordered, durable log of signed messages, and
// small durable state beside it. Every backend keeps it, and one suite of tests runs over all of
// them (tests/contract). docs/adr/0001-journal-contract.md says why it is as it is, and how it maps
// to NATS JetStream.
//
// What is stored: runs (docs/wire-format.md), byte for byte, the proof once a run. Each message of
// a run that is present gets an id; ids of one run follow one another.
//
// Promises:
// - Ids are from 1, rise without holes, never repeat or go back: not over restart, kill -9, power
//   loss, trimming to nothing, or a clock that jumps.
// - append() answers after the messages are durable (with sync `always`: after fsync). What it has
//   answered survives kill -9 and power loss.
// - No message becomes readable after one with a larger id, and none before it is durable: head()
//   is a watermark, and a read sees exactly what lies below the one that it returns.
// - stored_us never goes back from one id to the next.
// - After a failed write or sync nothing is acknowledged any more: everything that writes answers
//   with the reason until the journal is opened anew. Reads go on.
// - What cannot be read as it was written is an error that names the id, never served.
//
// Threads:   every function from any thread. Callbacks run in a thread of the journal, one at a
//            time; they must not block, throw, or call a function that waits. Only what append()
//            refuses at once (`busy`, `invalid`, `closed`, the reason of an earlier failure) is
//            answered before it returns, by the caller's thread.
// Ownership: views in a Page live as long as the Page, or a copy of its `bytes`.
// Limits:    JournalLimits; beyond them append() answers `busy` at once.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/filter_index.hpp"
#include "fabric/message/message_id.hpp"
#include "reliability/journal/position.hpp"
#include "reliability/journal/state_store.hpp"
#include "signing/digest.hpp"
#include "signing/topic_glob.hpp"

namespace weft::reliability {

struct JournalError {
    enum class Reason {
        closed,     ///< close() was called.
        busy,       ///< Too much waits to be written; try again later.
        disk_full,  ///< Nothing was stored. Writing goes on by itself once there is room.
        io,         ///< A write, sync or read failed; see the sentence.
        corrupt,    ///< What is stored is not what was written.
        invalid,    ///< The caller's fault: a run that is none, a limit, a name.
        not_found,
        away,     ///< A journal elsewhere does not answer; try again.
        refused,  ///< A journal elsewhere says no.
    };
    Reason reason;
    std::string sentence;
};
[[nodiscard]] std::string_view name_of(JournalError::Reason reason) noexcept;

template <class T>
using JournalResult = tl::expected<T, JournalError>;

/// One message of a run to be stored: what the journal finds it by. `present` items only, in their
/// order in `contents`.
struct StoredMessageKey {
    fabric::MessageId id;
    fabric::MessageId parent;  ///< None: it has no parent.
    std::uint64_t epoch = 0, seq = 0;
};

/// A run to be stored. Whoever appends has verified it; the journal looks at its shape only.
struct RunToStore {
    std::string topic, contents, proof;  ///< The frames; items that are not to be stored left out.
    std::string signer;                  ///< Name on its certificate; "": unsigned.
    std::vector<StoredMessageKey> messages;
};

struct IdRange {
    JournalId first = 0, last = 0;  ///< Both included.
    friend bool operator==(const IdRange&, const IdRange&) = default;
};

/// One run as it is read. Items of `contents` that are present have the ids first to last; of these
/// the read is about from to to.
struct StoredRun {
    JournalId first = 0, last = 0;
    JournalId from = 0, to = 0;
    std::uint64_t stored_us = 0;  ///< When the journal stored it, microseconds since 1970 UTC.
    std::string_view topic, contents, proof;
};

struct Page {
    std::vector<StoredRun> runs;  ///< By rising ids; never overlapping.
    /// Read on from here. It moves also where nothing matched.
    Position next;
    JournalId head = 0;    ///< The watermark that this read saw.
    bool at_head = false;  ///< Nothing below the watermark is left to read.
    /// What was lost before the first run and after the position that was asked for. A page with a
    /// gap may have runs; gaps further on come with later pages.
    std::optional<JournalGap> gap;
    std::shared_ptr<const void> bytes;

    [[nodiscard]] std::uint64_t messages() const noexcept;
};

/// Which topics. Cheap to copy; matching is that of signing::TopicGlob.
class TopicFilter {
public:
    TopicFilter() = default;  ///< Everything.
    explicit TopicFilter(std::vector<signing::TopicGlob> globs);
    [[nodiscard]] bool everything() const noexcept { return !index_; }
    [[nodiscard]] bool matches(std::string_view topic) const;
    [[nodiscard]] const std::vector<signing::TopicGlob>& globs() const noexcept;

private:
    struct Index;
    std::shared_ptr<const Index> index_;
};

struct ReadLimits {
    std::uint64_t messages = 1000;
    /// Of frames; at least one run is given if there is one.
    std::size_t bytes = std::size_t{1} << 20;
    /// Runs that may be looked at and passed over: a read that finds nothing among them answers
    /// with an empty page and a `next` that has moved.
    std::uint64_t runs_scanned = 65'536;
    JournalId through = UINT64_MAX;  ///< Nothing after this id.
};

/// Numbers of one publisher's stream: its signer, the epoch of its headers, a topic.
struct StreamRange {
    std::string signer;
    std::uint64_t epoch = 0;
    std::string topic;
    std::uint64_t from = 0, to = 0;  ///< seq, both included.
};

struct JournalInfo {
    JournalEpoch epoch = 0;
    JournalId low = 1;   ///< The oldest id that has not been trimmed; head + 1 if there is none.
    JournalId head = 0;  ///< The newest that is readable.
    std::uint64_t oldest_us = 0, newest_us = 0;  ///< stored_us of those; 0 if there is none.
    std::uint64_t bytes = 0;                     ///< On disk or in memory, about.
    std::string backend;                         ///< "memory", "rocksdb", "remote".
    std::string not_ready;                       ///< Why nothing can be stored now, or "".
};

struct JournalLimits {
    /// What may wait in front of the writer.
    std::size_t waiting_messages = 262'144;
    std::size_t waiting_bytes = std::size_t{256} << 20;
};

class Journal {
public:
    virtual ~Journal() = default;

    using OnAppended = std::function<void(JournalResult<std::vector<IdRange>>)>;
    /// Stores all of `runs` or none, in this order; one range a run. Returns at once; `done` is
    /// called exactly once. Appends of one thread are stored in their order. Everything that waits
    /// is written together and shares one sync.
    virtual void append(std::vector<RunToStore> runs, OnAppended done) = 0;
    /// The same, and waits.
    [[nodiscard]] JournalResult<std::vector<IdRange>> append(std::vector<RunToStore> runs);

    /// What comes after `after`. A position of another epoch begins at the oldest message, with a
    /// gap; so does one that trimming has overtaken. A position beyond the head is `invalid`.
    [[nodiscard]] virtual JournalResult<Page> read(Position after, const TopicFilter& filter,
                                                   const ReadLimits& limits) = 0;
    /// Those of a stream's numbers that are stored, by rising number, each once; `next` and `gap`
    /// say nothing, `at_head` that a limit did not end it.
    [[nodiscard]] virtual JournalResult<Page> read_stream(const StreamRange& range,
                                                          const ReadLimits& limits) = 0;
    /// The newest message of each topic that matches, by rising ids, after `after`. Runs are given
    /// whole; from = to is the message. A topic whose newest message has expired, or comes after
    /// `limits.through`, is left out. After the last page `next` is where to read on.
    [[nodiscard]] virtual JournalResult<Page> read_last_of_topics(Position after,
                                                                  const TopicFilter& filter,
                                                                  const ReadLimits& limits) = 0;

    /// The first id that was stored at this time or later; head + 1 if there is none.
    [[nodiscard]] virtual JournalResult<JournalId> id_at(std::uint64_t stored_us) = 0;
    [[nodiscard]] virtual JournalResult<std::optional<JournalId>> find(
        const fabric::MessageId& id) = 0;
    /// Ids, after `after`, of at most `limit` messages whose parent is `parent`.
    [[nodiscard]] virtual JournalResult<std::vector<JournalId>> children(
        const fabric::MessageId& parent, JournalId after, std::size_t limit) = 0;

    /// Epoch, low-water mark and head: never an error, for a remote one as last heard.
    [[nodiscard]] virtual JournalInfo info() = 0;
    /// Waits until something after `after` can be read, at most `timeout`; the head in any case.
    [[nodiscard]] virtual JournalId wait(JournalId after, std::chrono::milliseconds timeout) = 0;
    using OnHead = std::function<void(JournalId head)>;
    /// Calls `on_head` after the head has moved, until the returned handle is gone; then no call
    /// is under way any more. Several moves may come as one.
    [[nodiscard]] virtual std::shared_ptr<void> watch(OnHead on_head) = 0;

    /// Everything below `low` is gone for readers at once, and frees its disk. Returns the new
    /// low-water mark: never back, at most head + 1.
    [[nodiscard]] virtual JournalResult<JournalId> trim(JournalId low) = 0;
    /// The low-water mark that would leave about `bytes` on disk; at most head + 1.
    [[nodiscard]] virtual JournalResult<JournalId> low_for_bytes(std::uint64_t bytes) = 0;
    /// Forgets messages of these topics stored before `stored_us`, at most `limits.messages`, from
    /// `after` on; their ids stay used, and readers who would have got them are told by a gap.
    struct Expired {
        std::uint64_t messages = 0;
        Position next;  ///< Go on from here.
        bool done = false;
    };
    [[nodiscard]] virtual JournalResult<Expired> expire(Position after, const TopicFilter& filter,
                                                        std::uint64_t stored_us,
                                                        const ReadLimits& limits) = 0;

    /// For cursors, claims, subscriptions: survives what messages survive.
    [[nodiscard]] virtual StateStore& state() = 0;

    /// Answers what waits with `closed`; then everything answers so. The destructor does the same.
    virtual void close() = 0;
};

/// Calls `each(id, content)` for every message that the read was about.
template <class Each>
void for_each_message(const StoredRun& run, Each each);

}  // namespace weft::reliability

#include "reliability/journal/stored_run_items.hpp"
