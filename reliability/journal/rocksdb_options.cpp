#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>

#include "reliability/journal/rocksdb_parts.hpp"

namespace weft::reliability::rocks {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;
// Together below 200 MB: memtables, one more of runs while it is flushed, blocks.
constexpr std::size_t memtables_bytes_max = 96 * mib, block_cache_bytes = 48 * mib;
// What is replayed at the next start: it bounds how long that takes.
constexpr std::size_t log_bytes_max = 64 * mib;

}  // namespace

/// Where the id of an index entry stands.
class LowFilter final : public rocksdb::CompactionFilter {
public:
    LowFilter(Family family, const std::atomic<JournalId>& low) : family_(family), low_(low) {}

    const char* Name() const override { return "weft.low"; }
    bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
                bool*) const override {
        std::string_view bytes;
        switch (family_) {
            case ids:
            case topics:
                bytes = view(value);
                break;
            case children:
            case topic_runs:
                bytes = view(key).substr(std::min(key.size(), hash_bytes));
                break;
            default:  // streams: hash, seq, id
                bytes = view(key).substr(std::min(key.size(), hash_bytes + 8));
                // The last of the piece counts.
                if (bytes.size() != 8 || value.size() != 8) return false;
                return from_be64(bytes) + from_be64(view(value)) <= low_;
        }
        return bytes.size() == 8 && from_be64(bytes) < low_;
    }

private:
    Family family_;
    const std::atomic<JournalId>& low_;
};

Place::Place(std::filesystem::path its_path, const RocksdbJournalOptions& its_options)
    : path(std::move(its_path)), options(its_options) {
    set_options(*this);
}
Place::~Place() = default;

void set_options(Place& place) {
    rocksdb::DBOptions& options = place.database_options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    if (place.options.env != nullptr) options.env = place.options.env;
    options.max_open_files = -1;
    options.db_write_buffer_size = memtables_bytes_max;
    options.max_total_wal_size = log_bytes_max;
    options.max_background_jobs = 2;
    options.bytes_per_sync = mib;
    // What the log lost at its end is told apart from what it never had by AcknowledgedFile.
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    options.paranoid_checks = true;
    options.max_bgerror_resume_count = 0;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    options.keep_log_file_num = 4;
    options.max_log_file_size = 4 * mib;
    options.max_manifest_file_size = 16 * mib;
    options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;

    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(block_cache_bytes);
    table.block_size = 16 << 10;
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.format_version = 5;
    const auto kinds = rocksdb::GetSupportedCompressions();
    const bool lz4 = std::find(kinds.begin(), kinds.end(), rocksdb::kLZ4Compression) != kinds.end();

    for (std::size_t number = 0; number < family_names.size(); ++number) {
        const auto family = static_cast<Family>(number);
        rocksdb::ColumnFamilyOptions its;
        its.write_buffer_size = family == runs ? 32 * mib : 8 * mib;
        its.compression = lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
        rocksdb::BlockBasedTableOptions its_table = table;
        if (family == ids) its_table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
        its.table_factory.reset(rocksdb::NewBlockBasedTableFactory(its_table));
        if (std::find(index_families.begin(), index_families.end(), family) !=
            index_families.end()) {
            auto filter = std::make_unique<LowFilter>(family, place.low);
            its.compaction_filter = filter.get();
            place.filters.push_back(std::move(filter));
        }
        place.families.emplace_back(family_names[number], its);
    }
}

}  // namespace weft::reliability::rocks
