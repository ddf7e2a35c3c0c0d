#include "tests/fault/journal_world/disk.hpp"

#include <algorithm>
#include <utility>

#include "reliability/journal/memory_journal.hpp"
#include "reliability/journal/run_shape.hpp"

namespace weft::fault {

using namespace reliability;
using Reason = JournalError::Reason;

/// The product's storage in memory, as full as the disk is.
class DiskStorage final : public RunStorage {
public:
    explicit DiskStorage(Disk& disk) : disk_(disk), memory_(make_memory_storage()) {
        for (const Disk::Record& record : disk.records_) replay(record);
        found_.epoch = disk.epoch_;
        const Planted planted = disk.scene_.planted;
        if (planted == Planted::begins_a_new_life && !disk.records_.empty()) ++found_.epoch;
        if (planted == Planted::forgets_the_time) found_.newest_us = 0;
        // As if the last run said where the head is.
        if (planted == Planted::forgets_the_head && found_.low > found_.head) found_.head = 0;
    }

    Found found() const override { return found_; }

    JournalResult<void> commit(const Commit& commit) override {
        Scene& scene = disk_.scene_;
        ++scene.figures.commits;
        if (disk_.dead_) return journal_error(Reason::io, "the process is dead");
        const DiskHabits& habits = disk_.habits_;
        const bool calm = scene.healed;
        if (!calm && scene.random.permille(habits.full_permille)) {
            ++scene.figures.full_disks;
            return journal_error(Reason::disk_full, "no room");
        }
        const bool fails = !calm && scene.random.permille(habits.fails_permille);
        const bool dies = !calm && scene.random.permille(habits.dies_permille);
        if ((fails || dies) && scene.random.permille(500)) return end(dies);
        // From here on it may be there after a restart.
        disk_.records_.push_back(disk_.record_of(commit));
        if (fails || dies) {
            if (scene.has(Planted::shows_before_sync)) static_cast<void>(memory_->commit(commit));
            return end(dies);
        }
        const bool state_only = commit.runs.empty() && !commit.low;
        if (commit.sync && !scene.has(Planted::acknowledges_before_sync) &&
            !(scene.has(Planted::loses_synced_state) && state_only)) {
            disk_.synced_ = disk_.records_.size();
        }
        return memory_->commit(commit);
    }

    JournalResult<std::unique_ptr<StoredView>> view() override {
        Scene& scene = disk_.scene_;
        if (!scene.healed && !scene.oracle_looks &&
            scene.random.permille(disk_.habits_.read_fails_permille)) {
            return journal_error(Reason::io, "a read failed");
        }
        auto view = memory_->view();
        if (!view) return view;
        (*view)->epoch = found_.epoch;
        return view;
    }
    JournalResult<std::optional<std::string>> state(std::string_view key) override {
        return memory_->state(key);
    }
    JournalResult<std::vector<StateStore::Entry>> states(std::string_view prefix,
                                                         std::string_view after,
                                                         std::size_t limit) override {
        return memory_->states(prefix, after, limit);
    }
    void reclaim(JournalId) override {}
    std::uint64_t bytes() override { return memory_->bytes(); }
    std::uint64_t bytes_from(JournalId from) override { return memory_->bytes_from(from); }
    std::string no_room() override { return {}; }
    void close() override { memory_->close(); }

private:
    JournalResult<void> end(bool dies) {
        ++disk_.scene_.figures.failed_commits;
        disk_.dead_ = disk_.dead_ || dies;
        return journal_error(Reason::io, "a sync failed");
    }

    void replay(const Disk::Record& record) {
        Commit commit;
        for (std::size_t i = 0; i < record.runs.size(); ++i) {
            commit.runs.push_back({&record.runs[i], record.ids[i]});
        }
        commit.stored_us = record.stored_us;
        commit.head = record.head;
        for (const StateChange& change : record.state) commit.state.push_back(&change);
        commit.expire = record.expire;
        commit.low = record.low;
        static_cast<void>(memory_->commit(commit));
        found_.head = record.head;
        found_.low = record.low.value_or(found_.low);
        if (!record.runs.empty()) found_.newest_us = record.stored_us;
    }

    Disk& disk_;
    std::unique_ptr<RunStorage> memory_;
    Found found_;
};

std::unique_ptr<RunStorage> Disk::open() {
    dead_ = false;
    if (!records_.empty()) forget_as_planted();
    // Who opens what was not synced makes it durable before anybody sees it.
    if (!scene_.has(Planted::shows_unsynced_after_a_restart)) synced_ = records_.size();
    return std::make_unique<DiskStorage>(*this);
}

void Disk::lose_power() {
    records_.resize(scene_.random.between(synced_, records_.size()));
    synced_ = std::min(synced_, records_.size());
}

Disk::Record Disk::record_of(const Commit& commit) const {
    Record record;
    for (const NewRun& run : commit.runs) {
        record.runs.push_back(*run.run);
        record.ids.push_back(run.ids);
    }
    record.stored_us = commit.stored_us;
    record.head = commit.head;
    for (const StateChange* change : commit.state) {
        const bool forgets =
            change->key.starts_with("group/") && (scene_.has(Planted::acknowledges_in_memory) ||
                                                  (scene_.has(Planted::forgets_dead_letters) &&
                                                   change->key.find("/d/") != std::string::npos));
        if (!forgets) record.state.push_back(*change);
    }
    record.expire = commit.expire;
    record.low = commit.low;
    return record;
}

void Disk::forget_as_planted() {
    if (scene_.has(Planted::tears_commits) && synced_ < records_.size() &&
        records_.back().runs.size() > 1) {
        records_.back().runs.pop_back();
    }
    if (scene_.has(Planted::forgets_the_low_mark)) {
        for (Record& record : records_) record.low.reset();
    }
}

}  // namespace weft::fault
