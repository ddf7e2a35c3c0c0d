#include "reliability/journal/group_commit.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weft::reliability {
namespace {

using Reason = JournalError::Reason;

JournalError closed() {
    return {Reason::closed, "the journal is closed; open it again"};
}

}  // namespace

GroupCommit::GroupCommit(RunStorage& storage, HeadWatchers& watchers, const fabric::Clock& clock,
                         JournalLimits limits, WriterRuns runs)
    : storage_(storage),
      watchers_(watchers),
      clock_(clock),
      limits_(limits),
      runs_(runs),
      head_(storage.found().head),
      low_(storage.found().low),
      newest_us_(storage.found().newest_us) {
    if (runs == WriterRuns::in_its_thread) thread_ = std::thread([this] { run(); });
}

GroupCommit::~GroupCommit() {
    close();
}

std::optional<JournalError> GroupCommit::put(Item& item) {
    std::unique_lock lock(mutex_);
    if (closing_) return closed();
    if (failed_) return failed_;
    if (item.size.messages > limits_.waiting_messages || item.size.bytes > limits_.waiting_bytes) {
        return JournalError{
            Reason::invalid,
            "one append has at most what may wait: " + std::to_string(limits_.waiting_messages) +
                " messages and " + std::to_string(limits_.waiting_bytes) + " bytes"};
    }
    if (waiting_size_.messages + item.size.messages > limits_.waiting_messages ||
        waiting_size_.bytes + item.size.bytes > limits_.waiting_bytes) {
        return JournalError{Reason::busy,
                            "too much waits to be written to the journal: try again later"};
    }
    waiting_size_.messages += item.size.messages;
    waiting_size_.bytes += item.size.bytes;
    waiting_.push_back(std::move(item));
    // One that is being written is followed by a look at what waits.
    const bool may_wait = !writing_;
    lock.unlock();
    if (may_wait) waits_.notify_one();
    return std::nullopt;
}

void GroupCommit::append(std::vector<RunToStore> runs, Journal::OnAppended done) {
    const auto size = size_of(runs);
    if (!size) return done(tl::make_unexpected(size.error()));
    auto shared = std::make_shared<Journal::OnAppended>(std::move(done));
    Item item;
    item.runs = std::move(runs);
    item.size = *size;
    item.answer = [shared](Item& of, const JournalResult<void>& result) {
        if (result) {
            (*shared)(std::move(of.ranges));
        } else {
            (*shared)(tl::make_unexpected(result.error()));
        }
    };
    if (auto refused = put(item)) (*shared)(tl::make_unexpected(std::move(*refused)));
}

JournalResult<void> GroupCommit::put_and_wait(Item item, JournalId* low) {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<JournalResult<void>> answer;
    item.answer = [&](Item& of, const JournalResult<void>& result) {
        // Under the lock: the caller's frame is gone as soon as it has seen the answer.
        const std::scoped_lock lock(mutex);
        if (low != nullptr && of.low) *low = *of.low;
        answer = result;
        answered.notify_one();
    };
    if (auto refused = put(item)) return tl::make_unexpected(std::move(*refused));
    while (runs_ == WriterRuns::in_steps && !answer && step()) {
    }
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return answer.has_value(); });
    return std::move(*answer);
}

JournalResult<void> GroupCommit::apply(const std::vector<StateChange>& changes, bool sync) {
    const auto size = size_of(changes);
    if (!size) return tl::make_unexpected(size.error());
    Item item;
    item.state = changes;
    item.sync = sync;
    item.size.bytes = *size;
    return put_and_wait(std::move(item), nullptr);
}

void GroupCommit::apply_soon(std::vector<StateChange> changes, bool sync,
                             StateWriter::OnApplied done) {
    const auto size = size_of(changes);
    if (!size) return done(tl::make_unexpected(size.error()));
    // Where there is no thread whoever asks does the work, as put_and_wait() has it.
    if (runs_ == WriterRuns::in_steps) return done(apply(changes, sync));
    auto shared = std::make_shared<StateWriter::OnApplied>(std::move(done));
    Item item;
    item.state = std::move(changes);
    item.sync = sync;
    item.size.bytes = *size;
    item.answer = [shared](Item&, const JournalResult<void>& result) { (*shared)(result); };
    if (auto refused = put(item)) (*shared)(tl::make_unexpected(std::move(*refused)));
}

std::optional<JournalResult<void>> GroupCommit::apply_if_idle(
    const std::vector<StateChange>& changes) {
    if (runs_ == WriterRuns::in_steps) return apply(changes, false);
    const auto size = size_of(changes);
    if (!size) return tl::make_unexpected(size.error());
    {
        const std::scoped_lock lock(mutex_);
        if (closing_) return tl::make_unexpected(closed());
        if (writing_ || !waiting_.empty()) return std::nullopt;
        writing_ = true;
    }
    Items items(1);
    items.front().state = changes;
    items.front().sync = false;
    items.front().size.bytes = *size;
    JournalResult<void> answer;
    items.front().answer = [&](Item&, const JournalResult<void>& result) { answer = result; };
    write(items);
    has_written();
    return answer;
}

JournalResult<void> GroupCommit::expire(std::vector<JournalId> firsts) {
    Item item;
    item.size.bytes = firsts.size() * sizeof(JournalId);
    item.expire = std::move(firsts);
    return put_and_wait(std::move(item), nullptr);
}

JournalResult<JournalId> GroupCommit::trim(JournalId low) {
    Item item;
    item.low = low;
    JournalId now = 0;
    auto done = put_and_wait(std::move(item), &now);
    if (!done) return tl::make_unexpected(std::move(done.error()));
    return now;
}

std::optional<JournalError> GroupCommit::trouble() const {
    const std::scoped_lock lock(mutex_);
    return failed_ ? failed_ : full_;
}

void GroupCommit::close() {
    {
        const std::scoped_lock lock(mutex_);
        closing_ = true;
        waits_.notify_one();
    }
    // Two threads may close at once; both return when the writer is gone.
    const std::scoped_lock lock(joining_);
    if (thread_.joinable()) thread_.join();
    if (runs_ == WriterRuns::in_steps) answer_waiting_closed();
}

bool GroupCommit::step() {
    assert(runs_ == WriterRuns::in_steps);
    Items items;
    {
        const std::scoped_lock lock(mutex_);
        if (closing_ || waiting_.empty()) return false;
        take_waiting(items);
    }
    write(items);
    return true;
}

void GroupCommit::run() {
    Items items;
    while (take(items)) {
        write(items);
        has_written();
    }
    answer_waiting_closed();
}

/// close() was called: what waits is answered, and nothing can come any more.
void GroupCommit::answer_waiting_closed() {
    const JournalResult<void> answer = tl::make_unexpected(closed());
    for (Item& item : waiting_) item.answer(item, answer);
    waiting_.clear();
}

bool GroupCommit::take(Items& items) {
    items.clear();
    std::unique_lock lock(mutex_);
    waits_.wait(lock, [&] { return !writing_ && (closing_ || !waiting_.empty()); });
    if (closing_) return false;
    take_waiting(items);
    writing_ = true;
    return true;
}

/// The next commit may begin.
void GroupCommit::has_written() {
    const std::scoped_lock lock(mutex_);
    writing_ = false;
    if (closing_ || !waiting_.empty()) waits_.notify_one();
}

/// As much as one commit takes. Under the lock.
void GroupCommit::take_waiting(Items& items) {
    std::size_t bytes = 0;
    while (!waiting_.empty() &&
           (items.empty() || bytes + waiting_.front().size.bytes <= commit_bytes_max)) {
        bytes += waiting_.front().size.bytes;
        waiting_size_.bytes -= waiting_.front().size.bytes;
        waiting_size_.messages -= waiting_.front().size.messages;
        items.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
    }
}

Commit GroupCommit::commit_of(Items& items) {
    Commit commit;
    commit.stored_us = std::max(newest_us_, clock_.utc_us());
    commit.head = head_;
    for (Item& item : items) {
        for (const RunToStore& run : item.runs) {
            const IdRange ids{commit.head + 1, commit.head + run.messages.size()};
            commit.head = ids.last;
            commit.runs.push_back({&run, ids});
            item.ranges.push_back(ids);
        }
        for (const StateChange& change : item.state) commit.state.push_back(&change);
        commit.expire.insert(commit.expire.end(), item.expire.begin(), item.expire.end());
        if (item.low) {
            // Not beyond what this caller can have seen: messages of this commit are kept.
            item.low = std::max(commit.low.value_or(low_), std::min(*item.low, head_ + 1));
            commit.low = item.low;
        }
        commit.sync = commit.sync || item.sync;
    }
    return commit;
}

void GroupCommit::write(Items& items) {
    const Commit commit = commit_of(items);
    JournalResult<void> result;
    {
        std::unique_lock lock(mutex_);
        if (failed_) result = tl::make_unexpected(*failed_);
    }
    if (result) result = storage_.commit(commit);
    if (result) {
        head_ = commit.head;
        low_ = commit.low.value_or(low_);
        if (!commit.runs.empty()) newest_us_ = commit.stored_us;
    }
    {
        const std::scoped_lock lock(mutex_);
        full_.reset();
        if (!result && result.error().reason == Reason::disk_full) full_ = result.error();
        if (!result && result.error().reason != Reason::disk_full) failed_ = result.error();
    }
    if (result && !commit.runs.empty()) watchers_.moved(head_);
    for (Item& item : items) item.answer(item, result);
    if (result && !commit.runs.empty()) watchers_.call(head_);
}

}  // namespace weft::reliability
