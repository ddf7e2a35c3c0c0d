#include "reliability/journal/memory_journal.hpp"

#include <iterator>
#include <map>
#include <set>
#include <shared_mutex>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "reliability/journal/journal_epoch.hpp"
#include "reliability/journal/run_shape.hpp"

namespace weft::reliability {
namespace {

using Reason = JournalError::Reason;

struct KeptRun {
    JournalId last;
    std::uint64_t stored_us;
    bool expired = false;
    std::string topic, contents, proof;

    [[nodiscard]] std::uint64_t bytes() const {
        return sizeof(KeptRun) + topic.size() + contents.size() + proof.size();
    }
};

/// Everything that is stored, under one lock.
struct Kept {
    JournalEpoch epoch = make_journal_epoch();
    JournalId head = 0, low = 1;
    std::map<JournalId, KeptRun> runs;
    std::unordered_map<fabric::MessageId, JournalId> ids;
    std::set<std::pair<fabric::MessageId, JournalId>> children;
    std::set<std::tuple<std::string, std::uint64_t, JournalId, std::uint64_t>> pieces;
    std::map<std::string, std::set<JournalId>, std::less<>> topics;  // first ids of their runs
    std::map<std::string, std::string, std::less<>> state;
    std::uint64_t bytes = 0;
    bool closed = false;

    void store(const NewRun& added, std::uint64_t stored_us);
    void trim(JournalId new_low);
    void expire(JournalId first);
};

void Kept::store(const NewRun& added, std::uint64_t stored_us) {
    const RunToStore& run = *added.run;
    const auto [at, fresh] =
        runs.emplace(added.ids.first,
                     KeptRun{added.ids.last, stored_us, false, run.topic, run.contents, run.proof});
    if (fresh) bytes += at->second.bytes();
    topics[run.topic].insert(added.ids.first);
    JournalId id = added.ids.first;
    for_each_piece(run, added.ids.first, [&](std::uint64_t epoch_of, const StreamPiece& piece) {
        pieces.emplace(stream_key(run.signer, epoch_of, run.topic), piece.seq, piece.id,
                       piece.count);
    });
    for (const StoredMessageKey& key : run.messages) {
        ids[key.id] = id;
        if (!key.parent.is_none()) children.emplace(key.parent, id);
        ++id;
    }
}

void Kept::trim(JournalId new_low) {
    low = new_low;
    while (!runs.empty() && runs.begin()->second.last < low) {
        const auto& [first, run] = *runs.begin();
        bytes -= run.bytes();
        if (const auto topic = topics.find(run.topic); topic != topics.end()) {
            topic->second.erase(first);
            if (topic->second.empty()) topics.erase(topic);
        }
        runs.erase(runs.begin());
    }
    std::erase_if(ids, [&](const auto& one) { return one.second < low; });
    std::erase_if(children, [&](const auto& one) { return one.second < low; });
    std::erase_if(pieces,
                  [&](const auto& one) { return std::get<2>(one) + std::get<3>(one) <= low; });
}

void Kept::expire(JournalId first) {
    const auto run = runs.find(first);
    if (run == runs.end() || run->second.expired) return;
    bytes -= run->second.bytes();
    run->second.expired = true;
    run->second.contents = {};
    run->second.proof = {};
    bytes += run->second.bytes();
}

class MemoryCursor final : public RunCursor {
public:
    MemoryCursor(const Kept& kept, JournalId through)
        : kept_(kept), through_(through), at_(kept.runs.end()) {}

    JournalResult<const RawRun*> seek(JournalId id) override {
        at_ = kept_.runs.upper_bound(id);
        if (at_ == kept_.runs.begin()) return nullptr;
        --at_;
        return show();
    }
    JournalResult<const RawRun*> next() override {
        ++at_;
        return show();
    }

private:
    const RawRun* show() {
        if (at_ == kept_.runs.end() || at_->first > through_) return nullptr;
        const KeptRun& run = at_->second;
        run_ = {at_->first, run.last,     run.stored_us, run.expired,
                run.topic,  run.contents, run.proof};
        return &run_;
    }

    const Kept& kept_;
    JournalId through_;
    std::map<JournalId, KeptRun>::const_iterator at_;
    RawRun run_;
};

class MemoryView final : public StoredView {
public:
    MemoryView(const Kept& kept, std::shared_lock<std::shared_mutex> lock)
        : kept_(kept), lock_(std::move(lock)) {
        epoch = kept.epoch;
        low = kept.low;
        head = kept.head;
    }

    std::unique_ptr<RunCursor> runs(JournalId through) override {
        return std::make_unique<MemoryCursor>(kept_, through);
    }
    JournalResult<std::optional<JournalId>> find(const fabric::MessageId& id) override {
        const auto found = kept_.ids.find(id);
        if (found == kept_.ids.end()) return std::nullopt;
        return found->second;
    }
    JournalResult<void> children(const fabric::MessageId& parent, JournalId after,
                                 const std::function<bool(JournalId)>& each) override {
        for (auto at = kept_.children.upper_bound({parent, after});
             at != kept_.children.end() && at->first == parent; ++at) {
            if (!each(at->second)) break;
        }
        return {};
    }
    JournalResult<void> pieces(std::string_view stream, std::uint64_t from,
                               const std::function<bool(const StreamPiece&)>& each) override {
        for (auto at = kept_.pieces.lower_bound({std::string(stream), from, 0, 0});
             at != kept_.pieces.end() && std::get<0>(*at) == stream; ++at) {
            if (!each({std::get<1>(*at), std::get<2>(*at), std::get<3>(*at)})) break;
        }
        return {};
    }
    JournalResult<void> topics(
        const std::function<bool(std::string_view, JournalId)>& each) override {
        for (const auto& [topic, firsts] : kept_.topics) {
            if (!each(topic, kept_.runs.at(*firsts.rbegin()).last)) break;
        }
        return {};
    }
    JournalResult<void> runs_of_topic(std::string_view topic, JournalId from,
                                      const std::function<bool(JournalId)>& each) override {
        const auto found = kept_.topics.find(topic);
        if (found == kept_.topics.end()) return {};
        for (auto at = found->second.lower_bound(from); at != found->second.end(); ++at) {
            if (!each(*at)) break;
        }
        return {};
    }

private:
    const Kept& kept_;
    std::shared_lock<std::shared_mutex> lock_;
};

class MemoryStorage final : public RunStorage {
public:
    Found found() const override { return {.epoch = kept_.epoch}; }

    JournalResult<void> commit(const Commit& commit) override {
        const std::unique_lock lock(mutex_);
        for (const NewRun& run : commit.runs) kept_.store(run, commit.stored_us);
        kept_.head = commit.head;
        for (const StateChange* change : commit.state) {
            if (change->value) {
                kept_.state.insert_or_assign(change->key, *change->value);
            } else {
                kept_.state.erase(change->key);
            }
        }
        for (const JournalId first : commit.expire) kept_.expire(first);
        if (commit.low) kept_.trim(*commit.low);
        return {};
    }
    JournalResult<std::unique_ptr<StoredView>> view() override {
        std::shared_lock lock(mutex_);
        if (kept_.closed) return closed();
        return std::make_unique<MemoryView>(kept_, std::move(lock));
    }
    JournalResult<std::optional<std::string>> state(std::string_view key) override {
        const std::shared_lock lock(mutex_);
        if (kept_.closed) return closed();
        const auto found = kept_.state.find(key);
        if (found == kept_.state.end()) return std::nullopt;
        return found->second;
    }
    JournalResult<std::vector<StateStore::Entry>> states(std::string_view prefix,
                                                         std::string_view after,
                                                         std::size_t limit) override {
        const std::shared_lock lock(mutex_);
        if (kept_.closed) return closed();
        std::vector<StateStore::Entry> entries;
        auto at = after < prefix ? kept_.state.lower_bound(prefix) : kept_.state.upper_bound(after);
        for (; at != kept_.state.end() && at->first.starts_with(prefix) && entries.size() < limit;
             ++at) {
            entries.emplace_back(*at);
        }
        return entries;
    }
    void reclaim(JournalId) override {}
    std::uint64_t bytes() override {
        const std::shared_lock lock(mutex_);
        return kept_.bytes;
    }
    std::uint64_t bytes_from(JournalId from) override {
        const std::shared_lock lock(mutex_);
        std::uint64_t bytes = 0;
        for (auto at = kept_.runs.lower_bound(from); at != kept_.runs.end(); ++at) {
            bytes += at->second.bytes();
        }
        return bytes;
    }
    std::string no_room() override { return {}; }
    void close() override {
        const std::unique_lock lock(mutex_);
        kept_.closed = true;
    }

private:
    static tl::unexpected<JournalError> closed() {
        return journal_error(Reason::closed, "the journal is closed");
    }

    std::shared_mutex mutex_;
    Kept kept_;
};

const fabric::SystemClock system_clock;

}  // namespace

std::unique_ptr<RunStorage> make_memory_storage() {
    return std::make_unique<MemoryStorage>();
}

MemoryJournal::MemoryJournal(const MemoryJournalOptions& options)
    : LocalJournal(make_memory_storage(), "memory",
                   options.clock != nullptr ? *options.clock : system_clock, options.limits) {}

}  // namespace weft::reliability
