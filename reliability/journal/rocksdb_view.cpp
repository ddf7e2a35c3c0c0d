#include <cassert>

#include "reliability/journal/rocksdb_parts.hpp"
#include "reliability/journal/run_shape.hpp"

namespace weft::reliability::rocks {
namespace {

/// Over runs, up to a bound that the iterator has.
class Cursor final : public RunCursor {
public:
    Cursor(const Place& place, rocksdb::Iterator& over) : place_(place), over_(over) {}

    JournalResult<const RawRun*> seek(JournalId id) override {
        asked_ = id;
        over_.SeekForPrev(be64(id));
        return show();
    }
    JournalResult<const RawRun*> next() override {
        asked_ = run_.last + 1;
        over_.Next();
        return show();
    }

private:
    JournalResult<const RawRun*> show() {
        if (!over_.Valid()) {
            if (over_.status().ok()) return nullptr;
            return tl::make_unexpected(
                error_of(over_.status(), "message " + std::to_string(asked_) + " cannot be read",
                         place_.path));
        }
        const auto run = read_run(view(over_.key()), view(over_.value()));
        if (!run) {
            return journal_error(JournalError::Reason::corrupt,
                                 place_.path.string() + ": message " + std::to_string(asked_) +
                                     " is not stored as a run; restore the directory from a copy");
        }
        run_ = *run;
        return &run_;
    }

    const Place& place_;
    rocksdb::Iterator& over_;
    RawRun run_;
    JournalId asked_ = 0;
};

class View final : public StoredView {
public:
    View(const Place& place, JournalEpoch its_epoch, std::shared_ptr<const Published> published,
         std::unique_ptr<rocksdb::Iterator> over_runs, std::unique_ptr<Bound> bound,
         std::shared_lock<std::shared_mutex> lock)
        : place_(place),
          lock_(std::move(lock)),
          published_(std::move(published)),
          bound_(std::move(bound)),
          over_runs_(std::move(over_runs)) {
        epoch = its_epoch;
        low = published_->low;
        head = published_->head;
        options_.snapshot = published_->snapshot;
    }

    std::unique_ptr<RunCursor> runs(JournalId) override {
        assert(!walked_ && "a view has one cursor");
        walked_ = true;
        return std::make_unique<Cursor>(place_, *over_runs_);
    }

    JournalResult<std::optional<JournalId>> find(const fabric::MessageId& id) override {
        std::string value;
        const auto status =
            published_->database->db->Get(options_, family(ids), slice(id.bytes()), &value);
        if (status.IsNotFound()) return std::nullopt;
        if (!status.ok() || value.size() != 8) {
            return tl::make_unexpected(error_of(status, "index of ids", place_.path));
        }
        return from_be64(value);
    }

    JournalResult<void> children(const fabric::MessageId& parent, JournalId after,
                                 const std::function<bool(JournalId)>& each) override {
        if (after == UINT64_MAX) return {};
        return over_prefix(
            rocks::children, parent.bytes(), be64(after + 1),
            [&](std::string_view rest, std::string_view) { return each(from_be64(rest)); });
    }

    JournalResult<void> pieces(std::string_view stream, std::uint64_t from,
                               const std::function<bool(const StreamPiece&)>& each) override {
        return over_prefix(
            streams, stream, be64(from), [&](std::string_view rest, std::string_view value) {
                return each({from_be64(rest), from_be64(rest.substr(8)), from_be64(value)});
            });
    }

    JournalResult<void> topics(
        const std::function<bool(std::string_view, JournalId)>& each) override {
        return over_prefix(rocks::topics, {}, {},
                           [&](std::string_view topic, std::string_view value) {
                               const JournalId last = from_be64(value);
                               return last < low || each(topic, last);
                           });
    }

    JournalResult<void> runs_of_topic(std::string_view topic, JournalId from,
                                      const std::function<bool(JournalId)>& each) override {
        return over_prefix(
            topic_runs, topic_hash(topic), be64(from),
            [&](std::string_view rest, std::string_view) { return each(from_be64(rest)); });
    }

private:
    [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Family of) const {
        return published_->database->of(of);
    }

    /// Keys that begin with `prefix`, from prefix + `from` on; `each` gets what follows the prefix.
    template <class Each>
    JournalResult<void> over_prefix(Family of, std::string_view prefix, std::string_view from,
                                    Each each) {
        const std::unique_ptr<rocksdb::Iterator> at(
            published_->database->db->NewIterator(options_, family(of)));
        const std::string begin = std::string(prefix).append(from);
        for (at->Seek(begin); at->Valid(); at->Next()) {
            std::string_view key = view(at->key());
            if (!key.starts_with(prefix)) break;
            key.remove_prefix(prefix.size());
            if (!each(key, view(at->value()))) break;
        }
        if (!at->status().ok()) {
            return tl::make_unexpected(
                error_of(at->status(), std::string("index of ") + family_names[of], place_.path));
        }
        return {};
    }

    const Place& place_;
    // In this order: the iterator goes first, the lock last.
    std::shared_lock<std::shared_mutex> lock_;
    std::shared_ptr<const Published> published_;
    std::unique_ptr<Bound> bound_;
    std::unique_ptr<rocksdb::Iterator> over_runs_;
    rocksdb::ReadOptions options_;
    bool walked_ = false;
};

}  // namespace

std::unique_ptr<StoredView> make_view(const Place& place, JournalEpoch epoch,
                                      std::shared_ptr<const Published> published,
                                      std::unique_ptr<rocksdb::Iterator> over_runs,
                                      std::unique_ptr<Bound> bound,
                                      std::shared_lock<std::shared_mutex> lock) {
    return std::make_unique<View>(place, epoch, std::move(published), std::move(over_runs),
                                  std::move(bound), std::move(lock));
}

}  // namespace weft::reliability::rocks
