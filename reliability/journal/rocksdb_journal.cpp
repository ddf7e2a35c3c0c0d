#include "reliability/journal/rocksdb_journal.hpp"

#include <utility>

#include "reliability/journal/local_journal.hpp"
#include "reliability/journal/rocksdb_parts.hpp"

namespace weft::reliability {
namespace {

const fabric::SystemClock system_clock;

}  // namespace

JournalResult<std::unique_ptr<Journal>> RocksdbJournal::open(const std::filesystem::path& path,
                                                             const RocksdbJournalOptions& options) {
    auto place = std::make_unique<rocks::Place>(path, options);
    auto opened = rocks::open_database(*place);
    if (!opened) return tl::make_unexpected(std::move(opened.error()));
    auto storage = std::make_unique<rocks::Storage>(std::move(place), std::move(*opened));
    return std::make_unique<LocalJournal>(
        std::move(storage), "rocksdb", options.clock != nullptr ? *options.clock : system_clock,
        options.limits,
        options.read_only ? path.string() + " is open for reading only; open it for writing first"
                          : std::string());
}

}  // namespace weft::reliability
