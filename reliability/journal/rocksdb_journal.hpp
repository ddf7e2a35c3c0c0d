#pragma once
// A journal on this host's disk, kept by RocksDB. docs/adr/0001-journal-contract.md draws the
// layout of its directory.
//
// Threads:   journal.hpp; beside the writer RocksDB has threads of its own, and one compacts what
//            trimming left over.
// Ownership: one process at a time may write; any number may open it read_only beside that.
// Limits:    JournalLimits; less than about 200 MB of memory. Nothing is stored while the disk has
//            less than free_bytes_min: RocksDB itself needs room to tidy up.
// Errors:    sentences that name the path and what to do.

#include <filesystem>
#include <memory>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/journal.hpp"

namespace rocksdb {
class Env;
}

namespace weft::reliability {

struct RocksdbJournalOptions {
    /// False: an answered append survives kill -9, but maybe not a power loss.
    bool sync = true;
    JournalLimits limits{};
    /// Sees what had been written when it was opened, and writes nothing.
    bool read_only = false;
    std::uint64_t free_bytes_min = std::uint64_t{64} << 20;
    const fabric::Clock* clock = nullptr;  ///< Outlives the journal; nullptr: the system's.
    rocksdb::Env* env = nullptr;           ///< For tests; outlives the journal.
};

class RocksdbJournal {
public:
    /// Makes the directory if there is none, unless read_only. Reasons: `busy` (another process has
    /// it), `corrupt`, `not_found`, `invalid` (no journal, or of a format that this does not know),
    /// `disk_full`, `io`.
    [[nodiscard]] static JournalResult<std::unique_ptr<Journal>> open(
        const std::filesystem::path& path, const RocksdbJournalOptions& options = {});
};

}  // namespace weft::reliability
