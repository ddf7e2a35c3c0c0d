#include "reliability/journal/open_journal.hpp"

#include "reliability/journal/memory_journal.hpp"
#include "reliability/journal/rocksdb_journal.hpp"

namespace weft::reliability {

JournalResult<std::unique_ptr<Journal>> open_journal(const JournalSettings& settings,
                                                     JournalAccess access,
                                                     const fabric::Clock* clock) {
    using Backend = JournalSettings::Backend;
    const auto invalid = [](const char* sentence) {
        return tl::make_unexpected(JournalError{JournalError::Reason::invalid, sentence});
    };
    switch (settings.backend) {
        case Backend::jetstream:
            return invalid(
                "reliability.journal.backend: jetstream is not built into this version; use "
                "rocksdb, or memory for a journal that forgets everything when it ends");
        case Backend::memory:
            if (access == JournalAccess::read_only) {
                return invalid(
                    "reliability.journal.backend: memory leaves nothing on disk to look at");
            }
            return std::make_unique<MemoryJournal>(MemoryJournalOptions{{}, clock});
        case Backend::rocksdb:
            break;
    }
    RocksdbJournalOptions options;
    options.sync = settings.sync;
    options.read_only = access == JournalAccess::read_only;
    options.clock = clock;
    return RocksdbJournal::open(settings.path, options);
}

}  // namespace weft::reliability
