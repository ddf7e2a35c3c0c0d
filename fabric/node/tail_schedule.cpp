#include "fabric/node/tail_schedule.hpp"

namespace weft::fabric {

void TailSchedule::sent(OutgoingTopic& topic, std::uint64_t last, Instant now) {
    auto known = places_.find(&topic);
    if (known == places_.end()) {
        if (places_.size() >= topics_max) {
            ++left_out_;
            return;
        }
        steps_.front().push_back({{&topic, 0}, 0, {}});
        known = places_.emplace(&topic, std::prev(steps_.front().end())).first;
    }
    Entry& entry = *known->second;
    steps_.front().splice(steps_.front().end(), steps_.at(entry.step), known->second);
    entry.tail.last = last;
    entry.step = 0;
    entry.due = now + pauses.front();
}

void TailSchedule::take_due(Instant now, std::size_t max, std::vector<Tail>& due) {
    due.clear();
    // The later steps first: what moves on from an earlier one must not be met again.
    for (std::size_t step = pauses.size(); step-- > 0;) {
        List& list = steps_.at(step);
        while (due.size() < max && !list.empty() && list.front().due <= now) {
            const auto first = list.begin();
            due.push_back(first->tail);
            if (step + 1 == pauses.size()) {
                places_.erase(first->tail.topic);
                list.erase(first);
                continue;
            }
            first->step = step + 1;
            first->due = now + pauses.at(step + 1);
            steps_.at(step + 1).splice(steps_.at(step + 1).end(), list, first);
        }
    }
}

}  // namespace weft::fabric
