#include "reliability/journal/local_journal.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "reliability/journal/group_commit.hpp"
#include "reliability/journal/head_watchers.hpp"
#include "reliability/journal/journal_reader.hpp"
#include "reliability/journal/run_shape.hpp"
#include "reliability/journal/run_walk.hpp"
#include "reliability/journal/state_writer.hpp"

namespace weft::reliability {

using Reason = JournalError::Reason;

struct LocalJournal::Core final : public StateStore, public StateWriter {
    Core(std::unique_ptr<RunStorage> given, std::string its_backend, const fabric::Clock& clock,
         JournalLimits limits, std::string its_read_only, WriterRuns runs)
        : epoch(given->found().epoch),
          backend(std::move(its_backend)),
          read_only(std::move(its_read_only)),
          storage(std::move(given)),
          watchers(storage->found().head),
          writer(*storage, watchers, clock, limits, runs) {
        last_known.epoch = epoch;
        last_known.backend = backend;
        last_known.head = storage->found().head;
        last_known.low = storage->found().low;
    }

    /// Of a view of now; `call` returns a JournalResult.
    template <class Call>
    auto with_view(Call call) -> decltype(call(std::declval<StoredView&>())) {
        const auto view = storage->view();
        if (!view) return tl::make_unexpected(view.error());
        return call(**view);
    }

    [[nodiscard]] JournalResult<void> may_write() const {
        if (read_only.empty()) return {};
        return journal_error(Reason::invalid, read_only);
    }

    JournalResult<std::optional<std::string>> get(std::string_view key) override {
        return storage->state(key);
    }
    JournalResult<std::vector<Entry>> list(std::string_view prefix, std::string_view after,
                                           std::size_t limit) override {
        return storage->states(prefix, after, limit);
    }
    JournalResult<void> apply(const std::vector<StateChange>& changes,
                              Durability durability) override {
        if (auto may = may_write(); !may) return may;
        return writer.apply(changes, durability == Durability::sync);
    }
    void apply_soon(std::vector<StateChange> changes, Durability durability,
                    OnApplied done) override {
        if (auto may = may_write(); !may) return done(std::move(may));
        writer.apply_soon(std::move(changes), durability == Durability::sync, std::move(done));
    }

    std::optional<JournalResult<void>> apply_if_idle(
        const std::vector<StateChange>& changes) override {
        if (auto may = may_write(); !may) return may;
        return writer.apply_if_idle(changes);
    }

    const JournalEpoch epoch;
    const std::string backend, read_only;
    const std::unique_ptr<RunStorage> storage;
    HeadWatchers watchers;
    std::mutex info_mutex;
    JournalInfo last_known;
    GroupCommit writer;  // Last: its thread uses what stands above.
};

LocalJournal::LocalJournal(std::unique_ptr<RunStorage> storage, std::string backend,
                           const fabric::Clock& clock, JournalLimits limits, std::string read_only,
                           WriterRuns writer)
    : core_(std::make_unique<Core>(std::move(storage), std::move(backend), clock, limits,
                                   std::move(read_only), writer)) {}

bool LocalJournal::step() {
    return core_->writer.step();
}

LocalJournal::~LocalJournal() {
    close();
}

void LocalJournal::append(std::vector<RunToStore> runs, OnAppended done) {
    if (auto may = core_->may_write(); !may) return done(tl::make_unexpected(may.error()));
    core_->writer.append(std::move(runs), std::move(done));
}

JournalResult<Page> LocalJournal::read(Position after, const TopicFilter& filter,
                                       const ReadLimits& limits) {
    return core_->with_view(
        [&](StoredView& view) { return read_page(view, after, filter, limits); });
}

JournalResult<Page> LocalJournal::read_stream(const StreamRange& range, const ReadLimits& limits) {
    return core_->with_view(
        [&](StoredView& view) { return read_stream_page(view, range, limits); });
}

JournalResult<Page> LocalJournal::read_last_of_topics(Position after, const TopicFilter& filter,
                                                      const ReadLimits& limits) {
    return core_->with_view(
        [&](StoredView& view) { return read_last_page(view, after, filter, limits); });
}

JournalResult<JournalId> LocalJournal::id_at(std::uint64_t stored_us) {
    return core_->with_view([&](StoredView& view) { return first_stored_at(view, stored_us); });
}

JournalResult<std::optional<JournalId>> LocalJournal::find(const fabric::MessageId& id) {
    return core_->with_view([&](StoredView& view) { return find_kept(view, id); });
}

JournalResult<std::vector<JournalId>> LocalJournal::children(const fabric::MessageId& parent,
                                                             JournalId after, std::size_t limit) {
    return core_->with_view(
        [&](StoredView& view) { return kept_children(view, parent, after, limit); });
}

JournalInfo LocalJournal::info() {
    JournalInfo now;
    now.epoch = core_->epoch;
    now.backend = core_->backend;
    const auto looked = core_->with_view([&](StoredView& view) -> JournalResult<void> {
        now.low = view.low;
        now.head = view.head;
        if (view.low > view.head) return {};
        RunWalk walk(view, view.head);
        if (const auto run = walk.at(view.low); run) now.oldest_us = (*run)->stored_us;
        if (const auto run = walk.at(view.head); run) now.newest_us = (*run)->stored_us;
        return {};
    });
    const std::scoped_lock lock(core_->info_mutex);
    if (!looked) {
        now = core_->last_known;
        now.not_ready = looked.error().sentence;
        return now;
    }
    now.bytes = core_->storage->bytes();
    core_->last_known = now;
    now.not_ready = core_->read_only;
    if (const auto trouble = core_->writer.trouble()) {
        // A full disk may have room again by now.
        now.not_ready =
            trouble->reason == Reason::disk_full ? core_->storage->no_room() : trouble->sentence;
    }
    if (now.not_ready.empty()) now.not_ready = core_->storage->lost();
    if (now.not_ready.empty()) now.not_ready = core_->storage->no_room();
    return now;
}

JournalId LocalJournal::wait(JournalId after, std::chrono::milliseconds timeout) {
    return core_->watchers.wait(after, timeout);
}

std::shared_ptr<void> LocalJournal::watch(OnHead on_head) {
    return core_->watchers.watch(std::move(on_head));
}

JournalResult<JournalId> LocalJournal::trim(JournalId low) {
    if (auto may = core_->may_write(); !may) return tl::make_unexpected(may.error());
    auto trimmed = core_->writer.trim(low);
    if (trimmed) core_->storage->reclaim(*trimmed);
    return trimmed;
}

JournalResult<JournalId> LocalJournal::low_for_bytes(std::uint64_t bytes) {
    JournalId low = 0, high = 0;
    const auto looked = core_->with_view([&](StoredView& view) -> JournalResult<void> {
        low = view.low;
        high = view.head + 1;
        return {};
    });
    if (!looked) return tl::make_unexpected(looked.error());
    // Sizes are estimates, which may call the newest messages nothing.
    if (bytes == 0) return high;
    while (low < high) {
        const JournalId middle = low + (high - low) / 2;
        if (core_->storage->bytes_from(middle) <= bytes) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

JournalResult<Journal::Expired> LocalJournal::expire(Position after, const TopicFilter& filter,
                                                     std::uint64_t stored_us,
                                                     const ReadLimits& limits) {
    if (auto may = core_->may_write(); !may) return tl::make_unexpected(may.error());
    auto expiry = core_->with_view(
        [&](StoredView& view) { return choose_expired(view, after, filter, stored_us, limits); });
    if (!expiry) return tl::make_unexpected(std::move(expiry.error()));
    if (!expiry->firsts.empty()) {
        auto forgotten = core_->writer.expire(std::move(expiry->firsts));
        if (!forgotten) return tl::make_unexpected(std::move(forgotten.error()));
    }
    return expiry->answer;
}

StateStore& LocalJournal::state() {
    return *core_;
}

void LocalJournal::close() {
    core_->watchers.close();
    core_->writer.close();
    core_->storage->close();
}

}  // namespace weft::reliability
