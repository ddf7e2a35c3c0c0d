#include "gateway/bridge/newest_ids.hpp"

#include <algorithm>
#include <iterator>

namespace weft::gateway {

using reliability::JournalId;
using signing::TopicGlob;

void NewestIds::stored(std::string_view topic, JournalId last) {
    if (const auto found = topics_.find(topic); found != topics_.end()) {
        found->second->last = last;
        order_.splice(order_.end(), order_, found->second);
    } else {
        order_.push_back({std::string{topic}, last});
        topics_.emplace(order_.back().topic, std::prev(order_.end()));
    }
    if (order_.size() <= topics_max) return;
    floor_ = std::max(floor_, order_.front().last);
    topics_.erase(order_.front().topic);
    order_.pop_front();
}

void NewestIds::forget(JournalId last) {
    topics_.clear();
    order_.clear();
    floor_ = std::max(floor_, last);
}

bool NewestIds::may_have(JournalId after, const TopicGlob& glob) const {
    // A literal with an escape in it is not its topic: only matching knows.
    if (glob.text().find_first_of("*?[") == std::string::npos) {
        const auto stored = topics_.find(glob.text());
        return stored != topics_.end() && stored->second->last > after;
    }
    std::size_t left = looked_at_max;
    for (auto stored = order_.rbegin(); stored != order_.rend(); ++stored) {
        if (stored->last <= after) return false;
        if (left-- == 0 || glob.matches(stored->topic)) return true;
    }
    return false;
}

bool NewestIds::may_have(JournalId after, const reliability::TopicFilter& filter) const {
    if (after < floor_) return true;
    if (filter.everything()) return !order_.empty() && order_.back().last > after;
    return std::any_of(filter.globs().begin(), filter.globs().end(),
                       [&](const TopicGlob& glob) { return may_have(after, glob); });
}

}  // namespace weft::gateway
