#pragma once
// What the files of the RocksDB journal share. The only header that includes RocksDB; not public.
// Threads, ownership: at each part.

#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "reliability/journal/acknowledged_file.hpp"
#include "reliability/journal/commit.hpp"
#include "reliability/journal/rocksdb_journal.hpp"

namespace weft::reliability::rocks {

/// Column families, in the order of their handles. `meta` is the one that RocksDB always has.
enum Family : std::size_t { meta, runs, ids, streams, children, topics, topic_runs, state };
inline constexpr std::array<const char*, 8> family_names = {
    "default", "runs", "ids", "streams", "children", "topics", "topic_runs", "state"};
inline constexpr std::array<Family, 5> index_families = {ids, streams, children, topics,
                                                         topic_runs};

// Keys of meta.
inline constexpr std::string_view epoch_key = "epoch";  // u64
inline constexpr std::string_view low_key = "low";      // u64
inline constexpr std::string_view head_key = "head";    // u64 head, u64 stored_us of it

inline constexpr std::size_t run_header_bytes = 20;
inline constexpr std::size_t hash_bytes = 16;

[[nodiscard]] inline rocksdb::Slice slice(std::string_view bytes) {
    return {bytes.data(), bytes.size()};
}
[[nodiscard]] inline std::string_view view(const rocksdb::Slice& bytes) {
    return {bytes.data(), bytes.size()};
}
[[nodiscard]] std::string be64(std::uint64_t number);
[[nodiscard]] std::uint64_t from_be64(std::string_view bytes);  ///< Of the first eight.

/// Value of a run: u8 1 | u8 expired | u16 present | u64 stored_us | u32 topic | u32 contents
/// lengths, then topic, contents, proof. The frames follow in the batch without being copied.
[[nodiscard]] std::string run_header(std::uint64_t count, std::uint64_t stored_us, bool expired,
                                     std::size_t topic_bytes, std::size_t contents_bytes);
[[nodiscard]] std::optional<RawRun> read_run(std::string_view key, std::string_view value);
[[nodiscard]] std::string topic_hash(std::string_view topic);

/// An open database. Views and the storage share it; it closes with the last.
struct Database {
    ~Database();
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> families;

    [[nodiscard]] rocksdb::ColumnFamilyHandle* of(Family family) const { return families[family]; }
};

/// Drops what indexes know of trimmed messages whenever RocksDB rewrites it.
class LowFilter;

/// What readers may see; lets its snapshot go at the end.
struct Published {
    Published(std::shared_ptr<Database> of, JournalId low, JournalId head);
    ~Published();
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

    const std::shared_ptr<Database> database;
    const JournalId low, head;
    const rocksdb::Snapshot* const snapshot;
};

/// Everything that stays the same over a reopening.
struct Place {
    Place(std::filesystem::path its_path, const RocksdbJournalOptions& its_options);
    ~Place();
    const std::filesystem::path path;
    const RocksdbJournalOptions options;
    std::atomic<JournalId> low{1};  ///< For the filters.
    std::vector<std::unique_ptr<rocksdb::CompactionFilter>> filters;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    rocksdb::DBOptions database_options;
};

/// Fills in the options of the database and its families.
void set_options(Place& place);

[[nodiscard]] JournalError error_of(const rocksdb::Status& status, const std::string& what,
                                    const std::filesystem::path& path);

struct Opened {
    std::shared_ptr<Database> database;
    RunStorage::Found found;
};
[[nodiscard]] JournalResult<Opened> open_database(Place& place);

/// Compacts in the background, one range at a time.
/// Threads: compact() from any; close() waits for what is under way, which stops early.
class Compactor {
public:
    Compactor() : thread_([this] { run(); }) {}
    ~Compactor() { close(); }
    /// Everything up to `end` ("": all) of these families.
    void compact(std::shared_ptr<Database> database, std::vector<Family> families, std::string end);
    void close();

private:
    struct Work {
        std::shared_ptr<Database> database;
        std::vector<Family> families;
        std::string end;
    };
    void run();

    std::mutex mutex_;
    std::condition_variable wakes_;
    std::optional<Work> next_;
    bool closing_ = false;
    std::atomic<bool> cancelled_{false};
    std::thread thread_;
};

class Storage final : public RunStorage {
public:
    Storage(std::unique_ptr<Place> place, Opened opened);
    ~Storage() override;

    Found found() const override { return found_; }
    JournalResult<void> commit(const Commit& commit) override;
    JournalResult<std::unique_ptr<StoredView>> view() override;
    JournalResult<std::optional<std::string>> state(std::string_view key) override;
    JournalResult<std::vector<StateStore::Entry>> states(std::string_view prefix,
                                                         std::string_view after,
                                                         std::size_t limit) override;
    void reclaim(JournalId low) override;
    std::uint64_t bytes() override;
    std::uint64_t bytes_from(JournalId from) override;
    std::string no_room() override;
    std::string lost() override;
    void close() override;

private:
    [[nodiscard]] std::shared_ptr<const Published> published() const;
    void publish(std::shared_ptr<Database> database, JournalId low, JournalId head);
    [[nodiscard]] JournalResult<void> fill(rocksdb::WriteBatch& batch, const Commit& commit,
                                           Database& database);
    [[nodiscard]] JournalResult<void> still_in_place();
    [[nodiscard]] JournalResult<void> open_again();
    [[nodiscard]] tl::unexpected<JournalError> absent() const;

    const std::unique_ptr<Place> place_;
    const Found found_;
    AcknowledgedFile acknowledged_;
    bool spoiled_ = false;  // A write found no room: RocksDB writes no more until opened again.
    JournalId spoiled_low_ = 1, spoiled_head_ = 0;  // What had been published then.

    /// Shared by who uses the database, alone by who closes it.
    std::shared_mutex using_;
    bool closed_ = false;
    mutable std::mutex mutex_;
    std::shared_ptr<const Published> published_;
    JournalId index_low_ = 1;  // Up to where indexes were compacted last.
    std::unique_ptr<Compactor> compactor_;
};

/// Where an iterator ends. RocksDB keeps the address of the slice.
struct Bound {
    explicit Bound(JournalId id) : text(be64(id)), slice(text) {}
    Bound(const Bound&) = delete;
    Bound& operator=(const Bound&) = delete;
    const std::string text;
    const rocksdb::Slice slice;
};

/// Over `published`, as long as `lock` is held.
[[nodiscard]] std::unique_ptr<StoredView> make_view(const Place& place, JournalEpoch epoch,
                                                    std::shared_ptr<const Published> published,
                                                    std::unique_ptr<rocksdb::Iterator> over_runs,
                                                    std::unique_ptr<Bound> bound,
                                                    std::shared_lock<std::shared_mutex> lock);

}  // namespace weft::reliability::rocks
