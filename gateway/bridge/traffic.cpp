#include "gateway/bridge/traffic.hpp"

#include <utility>

namespace weft::gateway {

bool TopicsBefore::step(reliability::Journal& journal, Traffic& traffic) {
    const auto page = journal.read_last_of_topics(next_, reliability::TopicFilter{}, limits_);
    if (page) {
        for (const reliability::StoredRun& run : page->runs) {
            newest_.push_back({std::string{run.topic}, 0, run.from, run.stored_us, 0});
        }
        next_ = page->next;
        // By rising ids: those at the end are the newest, and there is room for no more.
        if (newest_.size() > Traffic::topics_max) {
            newest_.erase(newest_.begin(),
                          newest_.end() - static_cast<std::ptrdiff_t>(Traffic::topics_max));
        }
        const bool all = page->at_head || next_.id >= limits_.through;
        if (!all && ++pages_ < pages_max) return true;
    }
    traffic.topics.remember(newest_);
    return false;
}

}  // namespace weft::gateway
