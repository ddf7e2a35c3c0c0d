#include "reliability/journal/journal_reader.hpp"

#include <algorithm>

#include "reliability/journal/run_shape.hpp"
#include "reliability/journal/run_walk.hpp"
#include "reliability/journal/sparse_ids.hpp"

namespace weft::reliability {
namespace {

/// So many runs are passed over before the topic index is asked whether it knows better.
constexpr std::uint64_t passed_before_index = 128;

/// One read: walks, and fills a page until something ends it.
class Reading {
public:
    Reading(StoredView& view, const TopicFilter& filter, const ReadLimits& limits, ReadStart start)
        : view_(view),
          filter_(filter),
          limits_(limits),
          through_(std::min(limits.through, view.head)),
          walk_(view, through_),
          filler_(limits),
          from_(start.from),
          done_(start.from - 1) {
        filler_.page().gap = start.gap;
    }

    JournalResult<Page> finish() {
        auto read = go();
        // What lies before something that cannot be read is given; the error is the next answer.
        if (!read && done_ < from_) return tl::make_unexpected(std::move(read.error()));
        Page page = filler_.take();
        page.next = {view_.epoch, done_};
        page.head = view_.head;
        page.at_head = done_ >= view_.head;
        return page;
    }

private:
    JournalResult<void> go() {
        if (done_ >= through_ || limits_.messages == 0) return {};
        auto run = walk_.at(done_ + 1);
        while (run && *run != nullptr) {
            if (!take(**run)) return {};
            if (done_ >= through_) return {};
            run = (*run)->expired || last_matched_ ? walk_.next() : after_passing();
        }
        if (!run) return tl::make_unexpected(std::move(run.error()));
        return {};
    }

    /// The run after one that did not match: the next, or one further on that the index knows.
    JournalResult<const RawRun*> after_passing() {
        if (!asked_index_ && passed_ >= passed_before_index) {
            asked_index_ = true;
            auto sparse = SparseIds::of(view_, filter_);
            if (!sparse) return tl::make_unexpected(std::move(sparse.error()));
            sparse_ = std::move(*sparse);
        }
        if (!sparse_) return walk_.next();
        const auto next = sparse_->next(view_, done_ + 1);
        if (!next) return tl::make_unexpected(next.error());
        if (!*next || **next > through_) {
            done_ = through_;
            return nullptr;
        }
        done_ = **next - 1;
        return walk_.at(**next);
    }

    /// False: the page ends before this run, or in it.
    bool take(const RawRun& run) {
        const JournalId from = done_ + 1, to = std::min(run.last, through_);
        last_matched_ = matches(run.topic);
        if (!last_matched_) {
            if (passed_ >= limits_.runs_scanned) return false;
            ++passed_;
            done_ = to;
            return passed_ < limits_.runs_scanned;
        }
        if (run.expired) return lose(from, to);
        const std::uint64_t taken = filler_.room_for(run, to - from + 1);
        if (taken == 0) return false;
        filler_.add(run, from, from + taken - 1);
        done_ = from + taken - 1;
        return done_ == to;
    }

    /// A gap in front of the page's runs grows; behind them it is for the next page.
    bool lose(JournalId from, JournalId to) {
        if (!filler_.empty() || passed_ >= limits_.runs_scanned) return false;
        ++passed_;
        std::optional<JournalGap>& gap = filler_.page().gap;
        if (!gap) gap = JournalGap{from, to, 0};
        gap->to = to;
        if (gap->lost) *gap->lost += to - from + 1;
        done_ = to;
        return passed_ < limits_.runs_scanned;
    }

    /// Neighbours often have the same topic.
    bool matches(std::string_view topic) {
        if (filter_.everything()) return true;
        if (topic != topic_ || topic_.empty()) {
            topic_ = topic;
            topic_matches_ = filter_.matches(topic);
        }
        return topic_matches_;
    }

    StoredView& view_;
    const TopicFilter& filter_;
    const ReadLimits& limits_;
    const JournalId through_;
    RunWalk walk_;
    PageFiller filler_;
    const JournalId from_;
    JournalId done_;
    std::uint64_t passed_ = 0;
    bool last_matched_ = true, asked_index_ = false;
    std::optional<SparseIds> sparse_;
    std::string topic_;
    bool topic_matches_ = false;
};

/// Of a position before the low-water mark no more is said than a read up to `through` reaches.
void clip(ReadStart& start, Position after, JournalId through, const StoredView& view) {
    if (!start.gap || start.gap->to <= through || !start.gap->lost) return;
    start.from = std::max(through, after.id) + 1;
    if (through <= after.id) {
        start.gap.reset();
        return;
    }
    start.gap = JournalGap{after.id + 1, through, through - after.id};
    start.from = std::min(start.from, view.low);
}

}  // namespace

JournalResult<Page> read_page(StoredView& view, Position after, const TopicFilter& filter,
                              const ReadLimits& limits) {
    auto start = start_of(view, after);
    if (!start) return tl::make_unexpected(std::move(start.error()));
    clip(*start, after, limits.through, view);
    return Reading(view, filter, limits, *start).finish();
}

JournalResult<Page> read_last_page(StoredView& view, Position after, const TopicFilter& filter,
                                   const ReadLimits& limits) {
    auto start = start_of(view, after);
    if (!start) return tl::make_unexpected(std::move(start.error()));
    const JournalId through = std::min(limits.through, view.head);
    // The lowest ids only: there may be more topics than a page has room for.
    std::vector<JournalId> lasts;  // a heap, the largest in front
    const std::size_t wanted = std::min<std::uint64_t>(limits.messages, 65'536) + 1;
    const auto listed = view.topics([&](std::string_view topic, JournalId last) {
        if (last < start->from || last > through || !filter.matches(topic)) return true;
        lasts.push_back(last);
        std::push_heap(lasts.begin(), lasts.end());
        if (lasts.size() > wanted) {
            std::pop_heap(lasts.begin(), lasts.end());
            lasts.pop_back();
        }
        return true;
    });
    if (!listed) return tl::make_unexpected(listed.error());
    std::sort(lasts.begin(), lasts.end());

    PageFiller filler(limits);
    // What trimming took is no gap: of each topic the newest is asked for, and it is there.
    if (start->gap && !start->gap->lost) filler.page().gap = start->gap;
    RunWalk walk(view, view.head);
    bool all = true;
    JournalId done = start->from - 1;
    for (const JournalId last : lasts) {
        const auto run = walk.at(last);
        if (!run && done < start->from) return tl::make_unexpected(run.error());
        all = run.has_value();
        if (!all) break;
        if (!(*run)->expired) {
            all = filler.room_for(**run, 1) == 1;
            if (!all) break;
            filler.add(**run, last, last);
        }
        done = last;
    }
    Page page = filler.take();
    page.next = {view.epoch, all ? std::max(done, through) : done};
    page.head = view.head;
    page.at_head = page.next.id >= view.head;
    return page;
}

JournalResult<Page> read_stream_page(StoredView& view, const StreamRange& range,
                                     const ReadLimits& limits) {
    PageFiller filler(limits);
    const JournalId through = std::min(limits.through, view.head);
    RunWalk walk(view, view.head);
    std::optional<JournalError> failed;
    bool all = true;
    std::uint64_t wanted = range.from, looked_at = 0;
    // A piece that covers `from` begins at most a run before it.
    const std::uint64_t begin = range.from - std::min<std::uint64_t>(range.from, 255);
    const auto take = [&](const StreamPiece& piece) {
        if (piece.seq > range.to) return false;
        const std::uint64_t last_seq = piece.seq + (piece.count - 1);
        std::uint64_t from_seq = std::max(wanted, piece.seq);
        const std::uint64_t to_seq = std::min(last_seq, range.to);
        if (from_seq > to_seq || piece.id > through) return true;
        JournalId from = piece.id + (from_seq - piece.seq);
        JournalId to = std::min(piece.id + (to_seq - piece.seq), through);
        from = std::max(from, view.low);
        if (from > to) return true;
        if (looked_at++ >= limits.runs_scanned) return all = false;
        const auto run = walk.at(from);
        if (!run) {
            failed = run.error();
            return false;
        }
        if ((*run)->expired) return true;
        const std::uint64_t taken = filler.room_for(**run, to - from + 1);
        if (taken == 0) return all = false;
        filler.add(**run, from, from + taken - 1);
        all = taken == to - from + 1;
        const std::uint64_t given = piece.seq + (from + taken - 1 - piece.id);
        if (!all || given >= range.to) return false;
        wanted = given + 1;
        return true;
    };
    if (range.from <= range.to) {
        const auto read =
            view.pieces(stream_key(range.signer, range.epoch, range.topic), begin, take);
        if (!read) return tl::make_unexpected(read.error());
    }
    if (failed) return tl::make_unexpected(std::move(*failed));
    Page page = filler.take();
    page.next = {view.epoch, 0};
    page.head = view.head;
    page.at_head = all;
    return page;
}

JournalResult<JournalId> first_stored_at(StoredView& view, std::uint64_t stored_us) {
    RunWalk walk(view, view.head);
    JournalId low = view.low, high = view.head + 1;
    while (low < high) {
        const auto run = walk.at(low + (high - low) / 2);
        if (!run) return tl::make_unexpected(run.error());
        if ((*run)->stored_us >= stored_us) {
            high = std::max((*run)->first, view.low);
        } else {
            low = (*run)->last + 1;
        }
    }
    return low;
}

namespace {

JournalResult<bool> is_kept(const StoredView& view, RunWalk& walk, JournalId id) {
    if (id < view.low || id > view.head) return false;
    const auto run = walk.at(id);
    if (!run) return tl::make_unexpected(run.error());
    return !(*run)->expired;
}

}  // namespace

JournalResult<std::optional<JournalId>> find_kept(StoredView& view, const fabric::MessageId& id) {
    auto found = view.find(id);
    if (!found || !*found) return found;
    RunWalk walk(view, view.head);
    const auto kept = is_kept(view, walk, **found);
    if (!kept) return tl::make_unexpected(kept.error());
    if (!*kept) return std::nullopt;
    return found;
}

JournalResult<std::vector<JournalId>> kept_children(StoredView& view,
                                                    const fabric::MessageId& parent,
                                                    JournalId after, std::size_t limit) {
    std::vector<JournalId> ids;
    RunWalk walk(view, view.head);
    std::optional<JournalError> failed;
    const auto read = view.children(parent, std::max(after, view.low - 1), [&](JournalId id) {
        if (ids.size() >= limit) return false;
        const auto kept = is_kept(view, walk, id);
        if (!kept) failed = kept.error();
        if (kept && *kept) ids.push_back(id);
        return kept.has_value();
    });
    if (!read) return tl::make_unexpected(read.error());
    if (failed) return tl::make_unexpected(std::move(*failed));
    return ids;
}

JournalResult<Expiry> choose_expired(StoredView& view, Position after, const TopicFilter& filter,
                                     std::uint64_t stored_us, const ReadLimits& limits) {
    const auto start = start_of(view, after);
    if (!start) return tl::make_unexpected(start.error());
    Expiry expiry;
    JournalId done = start->from - 1;
    const JournalId through = std::min(limits.through, view.head);
    RunWalk walk(view, through);
    std::uint64_t looked_at = 0;
    bool stopped = false;
    auto run = done < through ? walk.at(start->from) : JournalResult<const RawRun*>(nullptr);
    for (; run && *run != nullptr && !stopped; run = walk.next()) {
        const RawRun& one = **run;
        if (one.stored_us >= stored_us) break;
        if (!one.expired && filter.matches(one.topic)) {
            const JournalId first = std::max(one.first, view.low);
            expiry.firsts.push_back(one.first);
            expiry.answer.messages += one.last - first + 1;
        }
        done = std::min(one.last, through);
        stopped = expiry.answer.messages >= limits.messages || ++looked_at >= limits.runs_scanned;
    }
    if (!run) return tl::make_unexpected(run.error());
    expiry.answer.next = {view.epoch, done};
    expiry.answer.done = !stopped;
    return expiry;
}

std::string stream_key(std::string_view signer, std::uint64_t epoch, std::string_view topic) {
    signing::TaggedHash hash("weft.stream");
    hash.add_prefixed(signer);
    hash.add_u32(static_cast<std::uint32_t>(epoch >> 32));
    hash.add_u32(static_cast<std::uint32_t>(epoch));
    hash.add_prefixed(topic);
    return std::string(signing::bytes_of(hash.finish()).substr(0, 16));
}

}  // namespace weft::reliability
