#include <algorithm>
#include <system_error>

#include "reliability/journal/journal_epoch.hpp"
#include "reliability/journal/rocksdb_parts.hpp"
#include "reliability/journal/run_shape.hpp"
#include "signing/durable_file.hpp"

namespace weft::reliability::rocks {
namespace {

using Reason = JournalError::Reason;
namespace fs = std::filesystem;

// Written before RocksDB is: what has no such file is no journal.
constexpr std::string_view mark_name = "WEFT-JOURNAL";
constexpr std::string_view mark_text = "weft journal, format 1\n";
constexpr std::string_view mark_begin = "weft journal, format ";

tl::unexpected<JournalError> failed(Reason reason, const fs::path& path, const std::string& what) {
    return journal_error(reason, path.string() + ": " + what);
}

JournalResult<void> make_mark(const Place& place) {
    std::error_code error;
    if (!fs::exists(place.path, error)) {
        if (place.options.read_only) {
            return failed(Reason::not_found, place.path, "there is no journal here");
        }
        fs::create_directories(place.path, error);
        // Its state holds secrets: those of webhooks (K3).
        if (!error) fs::permissions(place.path, fs::perms::owner_all, error);
        if (error) {
            return failed(Reason::io, place.path,
                          "the directory cannot be made: " + error.message());
        }
    }
    const auto written = signing::write_file(place.path / mark_name, mark_text, 0644,
                                             signing::WhenFileExists::refuse);
    if (!written) return failed(Reason::io, place.path, written.error());
    return {};
}

/// Empty, or but for what a process leaves that is killed while it writes the mark.
bool only_a_mark_was_begun(const fs::path& directory) {
    std::error_code error;
    const std::string begun = "." + std::string{mark_name} + ".tmp-";
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        if (!entry.path().filename().string().starts_with(begun)) return false;
    }
    return !error;
}

/// That it is a journal which this program knows; makes an empty directory one.
JournalResult<void> look_at_mark(const Place& place) {
    const fs::path mark = place.path / mark_name;
    std::error_code error;
    if (!fs::exists(mark, error)) {
        if (fs::exists(place.path, error)) {
            if (!fs::is_directory(place.path, error)) {
                return failed(Reason::invalid, place.path,
                              "is a file; a journal is a directory of its own");
            }
            if (!only_a_mark_was_begun(place.path)) {
                return failed(Reason::invalid, place.path,
                              "is no journal and not empty; name a new directory, or the one of a "
                              "journal");
            }
        }
        return make_mark(place);
    }
    const auto text = signing::read_file(mark, 256);
    if (!text) return failed(Reason::io, place.path, text.error());
    if (*text == mark_text) return {};
    if (!text->starts_with(mark_begin)) {
        return failed(Reason::corrupt, place.path,
                      "the file WEFT-JOURNAL is damaged; its only line is \"weft journal, format "
                      "1\"");
    }
    return failed(Reason::invalid, place.path,
                  "was written in a format that this program does not know (" +
                      text->substr(mark_begin.size(), text->find('\n') - mark_begin.size()) +
                      "); it knows 1: use the program that wrote it, or a newer one");
}

/// A family's value of meta; nullopt: not there.
JournalResult<std::optional<std::string>> get_meta(const Place& place, Database& database,
                                                   std::string_view key) {
    std::string value;
    const auto status =
        database.db->Get(rocksdb::ReadOptions(), database.of(meta), slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return tl::make_unexpected(error_of(status, "cannot be read", place.path));
    return value;
}

using Mark = std::optional<AcknowledgedFile::Mark>;

JournalResult<void> begin_life(const Place& place, Database& database, const Mark& mark,
                               RunStorage::Found& found) {
    if (database.db->GetLatestSequenceNumber() != 0 || mark) {
        return failed(Reason::corrupt, place.path,
                      "the journal's epoch is missing; restore the directory from a copy, or "
                      "begin a new journal elsewhere");
    }
    if (place.options.read_only) {
        return failed(Reason::not_found, place.path, "nothing was ever stored in this journal");
    }
    found.epoch = make_journal_epoch();
    rocksdb::WriteOptions write;
    write.sync = true;
    const auto status =
        database.db->Put(write, database.of(meta), slice(epoch_key), be64(found.epoch));
    if (!status.ok()) {
        return tl::make_unexpected(error_of(status, "cannot be written", place.path));
    }
    return {};
}

/// That the last run is the one that meta says, and that nothing acknowledged is gone.
JournalResult<void> check_end(const Place& place, Database& database, const Mark& mark,
                              const RunStorage::Found& found) {
    const std::string damaged =
        "; the files are damaged: restore the directory from a copy, or begin a new journal";
    if (mark && mark->sequence > database.db->GetLatestSequenceNumber()) {
        return failed(Reason::corrupt, place.path,
                      "messages up to " + std::to_string(mark->head) +
                          " were acknowledged, and only those up to " + std::to_string(found.head) +
                          " (or not all of the state beside them) can be read" + damaged);
    }
    const std::unique_ptr<rocksdb::Iterator> last(
        database.db->NewIterator(rocksdb::ReadOptions(), database.of(runs)));
    last->SeekToLast();
    if (!last->status().ok()) {
        return tl::make_unexpected(
            error_of(last->status(), "message " + std::to_string(found.head) + " cannot be read",
                     place.path));
    }
    const auto run =
        last->Valid() ? read_run(view(last->key()), view(last->value())) : std::optional<RawRun>();
    const JournalId end = run ? run->last : 0;
    if (end != found.head && (found.low <= found.head || end > found.head)) {
        return failed(Reason::corrupt, place.path,
                      "the newest message should be " + std::to_string(found.head) + " and is " +
                          std::to_string(end) + damaged);
    }
    return {};
}

JournalResult<RunStorage::Found> read_meta(const Place& place, Database& database,
                                           const Mark& mark) {
    RunStorage::Found found;
    const auto epoch = get_meta(place, database, epoch_key);
    if (!epoch) return tl::make_unexpected(epoch.error());
    if (!*epoch) {
        if (auto begun = begin_life(place, database, mark, found); !begun) {
            return tl::make_unexpected(std::move(begun.error()));
        }
        return found;
    }
    const auto low = get_meta(place, database, low_key);
    if (!low) return tl::make_unexpected(low.error());
    const auto head = get_meta(place, database, head_key);
    if (!head) return tl::make_unexpected(head.error());
    if ((*epoch)->size() != 8 || (*low && (*low)->size() != 8) ||
        (*head && (*head)->size() != 16)) {
        return failed(Reason::corrupt, place.path, "what the journal says of itself is damaged");
    }
    found.epoch = from_be64(**epoch);
    if (*low) found.low = from_be64(**low);
    if (*head) {
        found.head = from_be64(**head);
        found.newest_us = from_be64(std::string_view(**head).substr(8));
    }
    if (auto good = check_end(place, database, mark, found); !good) {
        return tl::make_unexpected(std::move(good.error()));
    }
    return found;
}

}  // namespace

Database::~Database() {
    if (!db) return;
    for (rocksdb::ColumnFamilyHandle* family : families) db->DestroyColumnFamilyHandle(family);
    db->Close();
}

JournalError error_of(const rocksdb::Status& status, const std::string& what,
                      const std::filesystem::path& path) {
    const std::string text = status.ToString();
    const std::string begin = path.string() + ": " + what + ": " + text;
    if (text.find("While lock file") != std::string::npos ||
        text.find("lock hold by") != std::string::npos) {
        return {Reason::busy, path.string() +
                                  ": another process has this journal open (`weft journal serve`, "
                                  "`weft gateway`, or a program of yours): stop it, or ask it "
                                  "instead: " +
                                  text};
    }
    if (status.IsNoSpace()) return {Reason::disk_full, begin + "; make room on the disk"};
    if (status.IsCorruption() || text.find("No such file") != std::string::npos ||
        text.find("Sst file size mismatch") != std::string::npos) {
        return {Reason::corrupt,
                begin + "; the file is damaged: restore the directory from a copy"};
    }
    return {Reason::io, begin};
}

namespace {

JournalResult<Opened> try_to_open(Place& place) {
    // Before the database: with read_only a writer may be going on.
    const Mark mark = AcknowledgedFile::read(place.path);
    auto database = std::make_shared<Database>();
    rocksdb::DB* db = nullptr;
    const std::string path = place.path.string();
    const auto status = place.options.read_only
                            ? rocksdb::DB::OpenForReadOnly(place.database_options, path,
                                                           place.families, &database->families, &db)
                            : rocksdb::DB::Open(place.database_options, path, place.families,
                                                &database->families, &db);
    database->db.reset(db);
    if (!status.ok()) {
        JournalError error = error_of(status, "the journal cannot be opened", place.path);
        // What RocksDB cannot make sense of was not written like that.
        if (status.IsInvalidArgument() || status.IsNotFound()) error.reason = Reason::corrupt;
        return tl::make_unexpected(std::move(error));
    }
    auto found = read_meta(place, *database, mark);
    if (!found) return tl::make_unexpected(std::move(found.error()));
    place.low = found->low;
    return Opened{std::move(database), *found};
}

}  // namespace

JournalResult<Opened> open_database(Place& place) {
    if (auto known = look_at_mark(place); !known) {
        return tl::make_unexpected(std::move(known.error()));
    }
    // Files may be replaced by a writer while a reader opens them.
    constexpr int tries_beside_a_writer = 4;
    auto opened = try_to_open(place);
    for (int tried = 1; !opened && place.options.read_only && tried < tries_beside_a_writer;
         ++tried) {
        opened = try_to_open(place);
    }
    return opened;
}

}  // namespace weft::reliability::rocks
