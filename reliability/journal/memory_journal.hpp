#pragma once
// A journal that forgets everything when it goes: for tests, and where a disk is not wanted.
// Threads, errors: journal.hpp. Limits: holds everything in memory; trim it.

#include "reliability/journal/local_journal.hpp"

namespace weft::reliability {

struct MemoryJournalOptions {
    JournalLimits limits;
    const fabric::Clock* clock = nullptr;  ///< Outlives the journal; nullptr: the system's.
};

class MemoryJournal final : public LocalJournal {
public:
    explicit MemoryJournal(const MemoryJournalOptions& options = {});
};

}  // namespace weft::reliability
