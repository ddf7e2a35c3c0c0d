#include "reliability/journal/run_walk.hpp"

#include <algorithm>

#include "reliability/journal/run_shape.hpp"

namespace weft::reliability {
namespace {

using Reason = JournalError::Reason;

tl::unexpected<JournalError> missing(JournalId id) {
    return journal_error(Reason::corrupt, "the journal's message " + std::to_string(id) +
                                              " is missing, although it was never trimmed: the "
                                              "files are damaged; restore them from a copy");
}

}  // namespace

JournalResult<ReadStart> start_of(const StoredView& view, Position after) {
    if (after.epoch != 0 && after.epoch != view.epoch) {
        // Of another life of the journal: nobody knows what was lost.
        return ReadStart{view.low, JournalGap{1, view.low - 1, std::nullopt}};
    }
    if (after.id > view.head) {
        return journal_error(Reason::invalid, "position " + after.text() +
                                                  " lies beyond the journal's head, which is " +
                                                  std::to_string(view.head));
    }
    if (after.id + 1 >= view.low) return ReadStart{after.id + 1, std::nullopt};
    return ReadStart{view.low, JournalGap{after.id + 1, view.low - 1, view.low - 1 - after.id}};
}

JournalResult<const RawRun*> RunWalk::at(JournalId id) {
    auto run = cursor_->seek(id);
    if (!run) return run;
    if (*run == nullptr || (*run)->first > id || (*run)->last < id) return missing(id);
    last_ = (*run)->last;
    return run;
}

JournalResult<const RawRun*> RunWalk::next() {
    if (last_ >= through_) return nullptr;
    auto run = cursor_->next();
    if (!run) return run;
    if (*run == nullptr || (*run)->first != last_ + 1) return missing(last_ + 1);
    last_ = (*run)->last;
    return run;
}

std::uint64_t PageFiller::room_for(const RawRun& run, std::uint64_t wanted) const {
    const std::size_t size = run.topic.size() + run.contents.size() + run.proof.size();
    if (!page_.runs.empty() && used_ + size > limits_.bytes) return 0;
    return std::min(wanted, limits_.messages - std::min(limits_.messages, messages_));
}

void PageFiller::add(const RawRun& run, JournalId from, JournalId to) {
    std::string& kept = bytes_->emplace_back();
    kept.reserve(run.topic.size() + run.contents.size() + run.proof.size());
    kept.append(run.topic).append(run.contents).append(run.proof);
    const std::string_view all = kept;
    StoredRun& stored = page_.runs.emplace_back();
    stored.first = run.first;
    stored.last = run.last;
    stored.from = from;
    stored.to = to;
    stored.stored_us = run.stored_us;
    stored.topic = all.substr(0, run.topic.size());
    stored.contents = all.substr(run.topic.size(), run.contents.size());
    stored.proof = all.substr(run.topic.size() + run.contents.size());
    messages_ += to - from + 1;
    used_ += kept.size();
}

Page PageFiller::take() {
    page_.bytes = std::move(bytes_);
    return std::move(page_);
}

}  // namespace weft::reliability
