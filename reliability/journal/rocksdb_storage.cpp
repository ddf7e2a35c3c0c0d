#include <algorithm>
#include <tuple>
#include <utility>

#include "reliability/journal/rocksdb_parts.hpp"
#include "reliability/journal/run_shape.hpp"

namespace weft::reliability::rocks {
namespace {

using Reason = JournalError::Reason;

/// The run and what indexes know of it.
rocksdb::Status put_run(rocksdb::WriteBatch& batch, const Database& database, const NewRun& added,
                        std::uint64_t stored_us) {
    const RunToStore& run = *added.run;
    const std::string key = be64(added.ids.first);
    const std::string header =
        run_header(run.messages.size(), stored_us, false, run.topic.size(), run.contents.size());
    const rocksdb::Slice key_slice(key);
    const std::array<rocksdb::Slice, 4> value = {header, run.topic, run.contents, run.proof};
    auto status = batch.Put(database.of(runs), {&key_slice, 1},
                            {value.data(), static_cast<int>(value.size())});
    const auto put = [&](Family family, const std::string& its_key, std::string_view its_value) {
        if (status.ok()) status = batch.Put(database.of(family), its_key, slice(its_value));
    };
    put(topics, run.topic, be64(added.ids.last));
    put(topic_runs, topic_hash(run.topic) + key, {});
    for_each_piece(run, added.ids.first, [&](std::uint64_t epoch, const StreamPiece& piece) {
        put(streams, stream_key(run.signer, epoch, run.topic) + be64(piece.seq) + be64(piece.id),
            be64(piece.count));
    });
    return status;
}

/// By rising message ids: neighbours in a memtable are put there one after another.
rocksdb::Status put_ids(rocksdb::WriteBatch& batch, const Database& database,
                        const Commit& commit) {
    struct Known {
        const StoredMessageKey* message;
        JournalId id;
    };
    std::vector<Known> known;
    for (const NewRun& added : commit.runs) {
        JournalId id = added.ids.first;
        for (const StoredMessageKey& message : added.run->messages)
            known.push_back({&message, id++});
    }
    std::sort(known.begin(), known.end(), [](const Known& a, const Known& b) {
        return std::tie(a.message->id, a.id) < std::tie(b.message->id, b.id);
    });
    rocksdb::Status status;
    for (const Known& one : known) {
        if (!status.ok()) break;
        const std::string id = be64(one.id);
        status = batch.Put(database.of(ids), slice(one.message->id.bytes()), id);
        if (status.ok() && !one.message->parent.is_none()) {
            status =
                batch.Put(database.of(children), std::string(one.message->parent.bytes()) + id, {});
        }
    }
    return status;
}

/// Keys of runs below this are not needed once `low` is the low-water mark.
JournalResult<std::string> end_of_trimmed(const Place& place, const Database& database,
                                          JournalId low) {
    const std::unique_ptr<rocksdb::Iterator> at(
        database.db->NewIterator(rocksdb::ReadOptions(), database.of(runs)));
    at->SeekForPrev(be64(low));
    if (!at->status().ok()) {
        return tl::make_unexpected(error_of(
            at->status(), "message " + std::to_string(low) + " cannot be read", place.path));
    }
    if (!at->Valid()) return be64(low);
    const auto run = read_run(view(at->key()), view(at->value()));
    return be64(run && run->last >= low ? run->first : low);
}

/// The run without its messages: a topic and how many there were.
JournalResult<void> put_expired(rocksdb::WriteBatch& batch, const Place& place,
                                const Database& database, JournalId first) {
    const std::string key = be64(first);
    std::string value;
    const auto status = database.db->Get(rocksdb::ReadOptions(), database.of(runs), key, &value);
    if (status.IsNotFound()) return {};
    const auto run = status.ok() ? read_run(key, value) : std::nullopt;
    if (!run) {
        return tl::make_unexpected(
            error_of(status, "message " + std::to_string(first) + " cannot be read", place.path));
    }
    std::string expired =
        run_header(run->last - run->first + 1, run->stored_us, true, run->topic.size(), 0);
    expired.append(run->topic);
    batch.Put(database.of(runs), key, expired);
    return {};
}

}  // namespace

Published::Published(std::shared_ptr<Database> of, JournalId its_low, JournalId its_head)
    : database(std::move(of)),
      low(its_low),
      head(its_head),
      snapshot(database->db->GetSnapshot()) {}

Published::~Published() {
    if (snapshot != nullptr) database->db->ReleaseSnapshot(snapshot);
}

Storage::Storage(std::unique_ptr<Place> place, Opened opened)
    : place_(std::move(place)),
      found_(opened.found),
      acknowledged_(place_->path, !place_->options.read_only) {
    publish(std::move(opened.database), found_.low, found_.head);
    index_low_ = found_.low;
    if (!place_->options.read_only) compactor_ = std::make_unique<Compactor>();
}

Storage::~Storage() {
    close();
}

std::shared_ptr<const Published> Storage::published() const {
    const std::scoped_lock lock(mutex_);
    return published_;
}

void Storage::publish(std::shared_ptr<Database> database, JournalId low, JournalId head) {
    auto next = std::make_shared<const Published>(std::move(database), low, head);
    const std::scoped_lock lock(mutex_);
    // What was published before lets its snapshot go outside of the lock.
    published_.swap(next);
}

JournalResult<void> Storage::fill(rocksdb::WriteBatch& batch, const Commit& commit,
                                  Database& database) {
    rocksdb::Status status;
    for (const NewRun& run : commit.runs) {
        if (status.ok()) status = put_run(batch, database, run, commit.stored_us);
    }
    if (status.ok()) status = put_ids(batch, database, commit);
    if (status.ok() && !commit.runs.empty()) {
        status = batch.Put(database.of(meta), slice(head_key),
                           be64(commit.head) + be64(commit.stored_us));
    }
    for (const StateChange* change : commit.state) {
        if (!status.ok()) break;
        status = change->value ? batch.Put(database.of(rocks::state), change->key, *change->value)
                               : batch.Delete(database.of(rocks::state), change->key);
    }
    if (!status.ok()) {
        return tl::make_unexpected(error_of(status, "a commit cannot be made", place_->path));
    }
    for (const JournalId first : commit.expire) {
        if (auto done = put_expired(batch, *place_, database, first); !done) return done;
    }
    if (commit.low) {
        const auto end = end_of_trimmed(*place_, database, *commit.low);
        if (!end) return tl::make_unexpected(end.error());
        batch.Put(database.of(meta), slice(low_key), be64(*commit.low));
        batch.DeleteRange(database.of(runs), be64(0), *end);
    }
    return {};
}

JournalResult<void> Storage::commit(const Commit& commit) {
    if (const std::string full = no_room(); !full.empty()) {
        return journal_error(Reason::disk_full, full);
    }
    if (auto there = still_in_place(); !there) return there;
    if (spoiled_) {
        if (auto opened = open_again(); !opened) return opened;
    }
    const auto before = published();
    rocksdb::WriteBatch batch;
    if (auto filled = fill(batch, commit, *before->database); !filled) return filled;
    rocksdb::WriteOptions write;
    write.sync = commit.sync && place_->options.sync;
    const auto status = before->database->db->Write(write, &batch);
    if (status.IsNoSpace()) {
        spoiled_ = true;
        return tl::make_unexpected(error_of(status, "nothing can be stored", place_->path));
    }
    if (!status.ok()) {
        JournalError error = error_of(status, "nothing can be stored any more", place_->path);
        error.sentence += "; open the journal again once the disk is well";
        if (error.reason == Reason::disk_full || error.reason == Reason::busy) {
            error.reason = Reason::io;
        }
        return tl::make_unexpected(std::move(error));
    }
    // Files that are open are written without complaint after they have been removed.
    if (auto there = still_in_place(); !there) return there;
    if (write.sync) {
        acknowledged_.write({before->database->db->GetLatestSequenceNumber(), commit.head});
    }
    if (commit.low) place_->low = *commit.low;
    publish(before->database, commit.low.value_or(before->low), commit.head);
    return {};
}

JournalResult<void> Storage::still_in_place() {
    const std::string why = lost();
    if (why.empty()) return {};
    return journal_error(Reason::io, why + "; open the journal again then");
}

JournalResult<void> Storage::open_again() {
    const std::unique_lock alone(using_);
    // It may still hold the database that is to be closed.
    compactor_ = std::make_unique<Compactor>();
    if (const auto before = published()) {
        spoiled_low_ = before->low;
        spoiled_head_ = before->head;
    }
    {
        const std::scoped_lock lock(mutex_);
        published_.reset();
    }
    auto opened = open_database(*place_);
    if (!opened) return tl::make_unexpected(std::move(opened.error()));
    if (opened->found.head != spoiled_head_ || opened->found.low != spoiled_low_) {
        return journal_error(Reason::io, place_->path.string() +
                                             ": what was refused for want of room was stored "
                                             "after all; open the journal again");
    }
    publish(std::move(opened->database), spoiled_low_, spoiled_head_);
    spoiled_ = false;
    return {};
}

tl::unexpected<JournalError> Storage::absent() const {
    if (closed_) return journal_error(Reason::closed, "the journal is closed; open it again");
    return journal_error(Reason::io, place_->path.string() +
                                         ": the disk was full and the journal could not be opened "
                                         "again; make room");
}

JournalResult<std::unique_ptr<StoredView>> Storage::view() {
    std::shared_lock lock(using_);
    for (;;) {
        auto published = this->published();
        if (!published) return absent();
        rocksdb::ReadOptions options;
        options.snapshot = published->snapshot;
        auto bound = std::make_unique<Bound>(published->head + 1);
        options.iterate_upper_bound = &bound->slice;
        std::unique_ptr<rocksdb::Iterator> over(
            published->database->db->NewIterator(options, published->database->of(runs)));
        // Files of trimmed messages go whatever a snapshot says, after the mark has moved; an
        // iterator keeps those that it began with.
        if (this->published()->low != published->low) continue;
        return make_view(*place_, found_.epoch, std::move(published), std::move(over),
                         std::move(bound), std::move(lock));
    }
}

JournalResult<std::optional<std::string>> Storage::state(std::string_view key) {
    const std::shared_lock lock(using_);
    const auto now = published();
    if (!now) return absent();
    std::string value;
    const auto status = now->database->db->Get(rocksdb::ReadOptions(),
                                               now->database->of(rocks::state), slice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) {
        return tl::make_unexpected(
            error_of(status, "state \"" + std::string(key) + "\" cannot be read", place_->path));
    }
    return value;
}

JournalResult<std::vector<StateStore::Entry>> Storage::states(std::string_view prefix,
                                                              std::string_view after,
                                                              std::size_t limit) {
    const std::shared_lock lock(using_);
    const auto now = published();
    if (!now) return absent();
    const std::unique_ptr<rocksdb::Iterator> at(
        now->database->db->NewIterator(rocksdb::ReadOptions(), now->database->of(rocks::state)));
    std::vector<StateStore::Entry> entries;
    // The key that follows `after` is `after` and a zero byte.
    const std::string begin =
        after < prefix ? std::string(prefix) : std::string(after).append(1, '\0');
    for (at->Seek(begin); at->Valid() && entries.size() < limit; at->Next()) {
        if (!at->key().starts_with(slice(prefix))) break;
        entries.emplace_back(at->key().ToString(), at->value().ToString());
    }
    if (!at->status().ok()) {
        return tl::make_unexpected(error_of(at->status(), "state cannot be read", place_->path));
    }
    return entries;
}

std::string Storage::no_room() {
    if (place_->options.read_only) return {};
    std::uint64_t bytes = 0;
    rocksdb::Env* env = place_->database_options.env;
    if (!env->GetFreeSpace(place_->path.string(), &bytes).ok() ||
        bytes >= place_->options.free_bytes_min) {
        return {};
    }
    return place_->path.string() + ": the disk has " + std::to_string(bytes >> 20) +
           " MiB left, and a journal needs " +
           std::to_string(place_->options.free_bytes_min >> 20) +
           " MiB; make room, and storing goes on";
}

std::string Storage::lost() {
    if (acknowledged_.is_in_place()) return {};
    return place_->path.string() +
           " was removed, moved or mounted over: nothing can be stored until it is where it was";
}

void Storage::close() {
    if (compactor_) compactor_->close();
    std::shared_ptr<const Published> last;
    const std::unique_lock alone(using_);
    closed_ = true;
    const std::scoped_lock lock(mutex_);
    last.swap(published_);
}

}  // namespace weft::reliability::rocks
