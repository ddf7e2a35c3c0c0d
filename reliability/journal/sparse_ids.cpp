#include "reliability/journal/sparse_ids.hpp"

#include <algorithm>

namespace weft::reliability {

JournalResult<std::optional<SparseIds>> SparseIds::of(StoredView& view, const TopicFilter& filter) {
    SparseIds sparse;
    std::size_t seen = 0;
    const auto listed = view.topics([&](std::string_view topic, JournalId) {
        if (++seen > topics_seen_max || sparse.topics_.size() > topics_matched_max) return false;
        if (filter.matches(topic)) sparse.topics_.emplace_back(topic);
        return true;
    });
    if (!listed) return tl::make_unexpected(listed.error());
    if (seen > topics_seen_max || sparse.topics_.size() > topics_matched_max) return std::nullopt;
    return sparse;
}

JournalResult<void> SparseIds::refill(StoredView& view, JournalId from) {
    ids_.clear();
    at_ = 0;
    known_ = view.head;
    for (const std::string& topic : topics_) {
        std::size_t count = 0;
        const auto read = view.runs_of_topic(topic, from, [&](JournalId first) {
            if (first > known_) return false;
            ids_.push_back(first);
            if (++count < ids_max) return true;
            // What this topic has beyond is not known yet.
            known_ = first;
            return false;
        });
        if (!read) return read;
    }
    std::sort(ids_.begin(), ids_.end());
    while (!ids_.empty() && ids_.back() > known_) ids_.pop_back();
    return {};
}

JournalResult<std::optional<JournalId>> SparseIds::next(StoredView& view, JournalId from) {
    for (;;) {
        while (at_ < ids_.size() && ids_[at_] < from) ++at_;
        if (at_ < ids_.size()) return ids_[at_];
        if (from <= known_) from = known_ + 1;
        if (known_ >= view.head || from > view.head) return std::nullopt;
        if (auto filled = refill(view, from); !filled) {
            return tl::make_unexpected(std::move(filled.error()));
        }
        if (ids_.empty() && known_ >= view.head) return std::nullopt;
    }
}

}  // namespace weft::reliability
