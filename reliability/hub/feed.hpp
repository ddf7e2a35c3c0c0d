#pragma once
// Where a consumer's messages come from, and who is told what became of them: the journal
// (durable_feed.hpp) or what passes now (live_feed.hpp).

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "reliability/hub/handler.hpp"
#include "reliability/hub/work_queue.hpp"

namespace weft::reliability::hub {

/// What a feed and the workers of one consumer share.
struct Bench {
    explicit Bench(bool ordered) : queue(ordered) {}
    std::mutex mutex;
    std::condition_variable_any work;  ///< Something may be taken, or the workers shall end.
    std::condition_variable_any room;  ///< Something was taken or is through.
    WorkQueue queue;
    bool closed = false;  ///< Nothing is taken any more.
};

struct FeedStats {
    std::uint64_t taken = 0;  ///< Messages given to the queue; redelivered ones count again.
    std::uint64_t done = 0;   ///< Verdicts.
    std::uint64_t retried = 0;
    std::uint64_t given_up = 0;     ///< Became dead letters: rejected, or too many attempts.
    std::uint64_t dead_unsaid = 0;  ///< Of these, could not be published to dead_letter.
    std::uint64_t lost = 0;         ///< Trimmed before we got them, or missing live.
    std::uint64_t passed_over = 0;  ///< By max_backlog.
    std::uint64_t dropped = 0;      ///< Live: no room.
    std::uint64_t refused = 0;      ///< Not believed.
    std::uint64_t late = 0;         ///< Done, but others had or may have it by then.
    std::uint64_t seen_again = 0;   ///< Came again while we had it, or before it was told as done.
    std::uint64_t acks = 0;         ///< To publishers, at the level that the consumer says.
    std::uint64_t unanswered = 0;   ///< Asked for an ACK; forgotten unanswered: too many asked.
};

/// Once per dead letter; true if it is on its way. Any thread.
using BuryHook =
    std::function<bool(const fabric::Message&, unsigned attempts, const std::string& reason)>;

class Feed {
public:
    virtual ~Feed() = default;
    virtual void start() = 0;
    /// "": it gives messages. Else why not (yet), as a sentence.
    [[nodiscard]] virtual std::string waiting_for() const = 0;
    /// Not for now but for good: somebody has to change something.
    [[nodiscard]] virtual bool failed() const = 0;
    /// Worker `worker` begins with it; false: it is not wanted any more, and is through. By the
    /// worker.
    [[nodiscard]] virtual bool begins(std::size_t worker, const Work& work) = 0;
    /// What became of it. By the worker.
    virtual void ends(std::size_t worker, Work work, Verdict verdict) = 0;
    /// Nothing more is given to the queue.
    virtual void stop_taking() = 0;
    /// After the workers have ended (or were given up): tells what is done, gives back the rest.
    /// Returns at `deadline` at the latest, or a little later; the number of messages that were
    /// given back.
    virtual std::size_t finish(fabric::Instant deadline) = 0;
    [[nodiscard]] virtual FeedStats stats() const = 0;
};

}  // namespace weft::reliability::hub
