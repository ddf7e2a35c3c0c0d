#include <rocksdb/convenience.h>

#include <algorithm>

#include "reliability/journal/rocksdb_parts.hpp"

namespace weft::reliability::rocks {
namespace {

// Less than this is left to RocksDB's own compactions.
constexpr std::uint64_t worth_compacting_bytes = std::uint64_t{8} << 20;
constexpr JournalId worth_compacting_ids = 100'000;

std::uint64_t size_between(const Database& database, const std::string& begin,
                           const std::string& end, bool memory) {
    const rocksdb::Range range(begin, end);
    std::uint64_t bytes = 0;
    rocksdb::SizeApproximationOptions options;
    options.include_memtables = memory;
    options.include_files = true;
    options.files_size_error_margin = 0.01;
    database.db->GetApproximateSizes(options, database.of(runs), &range, 1, &bytes);
    return bytes;
}

std::uint64_t property(const Database& database, Family family, const std::string& name) {
    std::uint64_t number = 0;
    database.db->GetIntProperty(database.of(family), name, &number);
    return number;
}

std::uint64_t bytes_of(const Database& database, Family family) {
    return property(database, family, rocksdb::DB::Properties::kLiveSstFilesSize) +
           property(database, family, rocksdb::DB::Properties::kCurSizeAllMemTables);
}

std::uint64_t all_bytes_of(const Database& database) {
    std::uint64_t bytes = 0;
    for (std::size_t family = 0; family < family_names.size(); ++family) {
        bytes += bytes_of(database, static_cast<Family>(family));
    }
    return bytes;
}

}  // namespace

void Storage::reclaim(JournalId low) {
    const std::shared_lock lock(using_);
    const auto now = published();
    if (!now) return;
    const Database& database = *now->database;
    // A run that reaches over the mark stays.
    std::string end = be64(low);
    {
        const std::unique_ptr<rocksdb::Iterator> at(
            database.db->NewIterator(rocksdb::ReadOptions(), database.of(runs)));
        at->SeekForPrev(end);
        if (at->Valid()) {
            const auto run = read_run(rocks::view(at->key()), rocks::view(at->value()));
            if (run && run->last >= low) end = be64(run->first);
        }
    }
    const std::string begin = be64(0);
    const rocksdb::Slice begin_slice(begin), end_slice(end);
    rocksdb::DeleteFilesInRange(database.db.get(), database.of(runs), &begin_slice, &end_slice,
                                false);
    if (size_between(database, begin, end, false) > worth_compacting_bytes) {
        compactor_->compact(now->database, {runs}, end);
    }
    bool indexes = false;
    {
        const std::scoped_lock own(mutex_);
        const JournalId kept = now->head + 1 - low;
        indexes = low - index_low_ >= std::max(kept, worth_compacting_ids);
        if (indexes) index_low_ = low;
    }
    if (indexes) {
        compactor_->compact(now->database, {index_families.begin(), index_families.end()}, {});
    }
}

std::uint64_t Storage::bytes() {
    const std::shared_lock lock(using_);
    const auto now = published();
    return now ? all_bytes_of(*now->database) : 0;
}

std::uint64_t Storage::bytes_from(JournalId from) {
    const std::shared_lock lock(using_);
    const auto now = published();
    if (!now || from > now->head) return 0;
    const std::string begin = be64(from), middle = be64(now->low), end = be64(UINT64_MAX);
    const auto all = static_cast<double>(size_between(*now->database, middle, end, true));
    const auto wanted = static_cast<double>(size_between(*now->database, begin, end, true));
    if (all < 1 || wanted >= all) return all_bytes_of(*now->database);
    // Indexes are as large a part of what is kept as of everything.
    return static_cast<std::uint64_t>(static_cast<double>(all_bytes_of(*now->database)) * wanted /
                                      all);
}

void Compactor::compact(std::shared_ptr<Database> database, std::vector<Family> families,
                        std::string end) {
    const std::scoped_lock lock(mutex_);
    if (closing_) return;
    if (next_) {
        // What waits and what comes are done together.
        for (const Family family : families) {
            if (std::find(next_->families.begin(), next_->families.end(), family) ==
                next_->families.end()) {
                next_->families.push_back(family);
            }
        }
        next_->end = next_->end.empty() || end.empty() ? "" : std::max(next_->end, end);
    } else {
        next_ = Work{std::move(database), std::move(families), std::move(end)};
    }
    wakes_.notify_one();
}

void Compactor::close() {
    {
        const std::scoped_lock lock(mutex_);
        closing_ = true;
        next_.reset();
        cancelled_ = true;
        wakes_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void Compactor::run() {
    for (;;) {
        Work work;
        {
            std::unique_lock lock(mutex_);
            wakes_.wait(lock, [&] { return closing_ || next_; });
            if (closing_) return;
            work = std::move(*next_);
            next_.reset();
        }
        for (const Family family : work.families) {
            rocksdb::CompactRangeOptions options;
            options.exclusive_manual_compaction = false;
            options.canceled = &cancelled_;
            // Filters look at a file only when it is rewritten.
            options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
            const rocksdb::Slice end(work.end);
            // What fails here is tried again by RocksDB's own compactions.
            work.database->db
                ->CompactRange(options, work.database->of(family), nullptr,
                               work.end.empty() ? nullptr : &end)
                .PermitUncheckedError();
        }
    }
}

}  // namespace weft::reliability::rocks
