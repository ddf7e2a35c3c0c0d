#pragma once
// A disk under a journal: commits reach it in order, those that are not synced may be lost with the
// power, and it may fail, fill up, or be the last thing that the process did.
// Threads: none. Ownership: the disk outlives every storage that is opened on it.

#include <memory>
#include <string>
#include <vector>

#include "reliability/journal/commit.hpp"
#include "tests/fault/journal_world/scene.hpp"

namespace weft::fault {

struct DiskHabits {
    std::uint64_t fails_permille = 0, full_permille = 0, read_fails_permille = 0;
    std::uint64_t dies_permille = 0;  ///< The process, in the middle of a commit.
};

class Disk {
public:
    Disk(Scene& scene, reliability::JournalEpoch epoch, DiskHabits habits)
        : scene_(scene), epoch_(epoch), habits_(habits) {}

    /// What the process finds when it starts.
    [[nodiscard]] std::unique_ptr<reliability::RunStorage> open();
    /// Of what was not synced a part is gone.
    void lose_power();
    /// The process died within a commit.
    [[nodiscard]] bool dead() const { return dead_; }

private:
    friend class DiskStorage;
    /// A commit with everything that it points to.
    struct Record {
        std::vector<reliability::RunToStore> runs;
        std::vector<reliability::IdRange> ids;
        std::uint64_t stored_us = 0;
        JournalId head = 0;
        std::vector<reliability::StateChange> state;
        std::vector<JournalId> expire;
        std::optional<JournalId> low;
    };
    [[nodiscard]] Record record_of(const reliability::Commit& commit) const;
    void forget_as_planted();

    Scene& scene_;
    reliability::JournalEpoch epoch_;
    const DiskHabits habits_;
    std::vector<Record> records_;
    std::size_t synced_ = 0;
    bool dead_ = false;
};

}  // namespace weft::fault
