#pragma once
// A journal that forgets everything when it goes: for tests, and where a disk is not wanted.
// Threads, errors: journal.hpp. Limits: holds everything in memory; trim it.

#include "reliability/journal/local_journal.hpp"

namespace weft::reliability {

struct MemoryJournalOptions {
    JournalLimits limits;
    const fabric::Clock* clock = nullptr;  ///< Outlives the journal; nullptr: the system's.
};

/// What such a journal keeps its messages in.
[[nodiscard]] std::unique_ptr<RunStorage> make_memory_storage();

class MemoryJournal final : public LocalJournal {
public:
    explicit MemoryJournal(const MemoryJournalOptions& options = {});
};

}  // namespace weft::reliability
