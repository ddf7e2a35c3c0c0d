#include "fabric/node/subscription_table.hpp"

#include "fabric/node/control.hpp"

namespace weft::fabric {

void SubscriptionTable::add(std::string_view prefix) {
    if (is_control(prefix)) {
        if (prefix == barrier_prefix) ++peers_;
        return;
    }
    if (prefix.size() >= of_length_.size()) return;  // longer than any topic: matches nothing
    if (const auto found = prefixes_.find(prefix); found != prefixes_.end()) {
        ++found->second;
        return;
    }
    ++generation_;
    if (prefixes_.size() >= prefixes_max) {
        overflowed_ = true;
        return;
    }
    prefixes_.emplace(prefix, 1);
    ++of_length_[prefix.size()];
}

void SubscriptionTable::remove(std::string_view prefix) {
    if (prefix == barrier_prefix && peers_ > 0) {
        --peers_;
        return;
    }
    const auto found = prefixes_.find(prefix);
    if (found == prefixes_.end() || --found->second > 0) return;
    --of_length_[prefix.size()];
    prefixes_.erase(found);
    ++generation_;
}

void SubscriptionTable::clear() {
    prefixes_.clear();
    of_length_.fill(0);
    peers_ = 0;
    overflowed_ = false;
    ++generation_;
}

bool SubscriptionTable::matches(std::string_view topic) const {
    if (overflowed_) return true;
    for (std::size_t length = 0; length <= topic.size() && length < of_length_.size(); ++length) {
        if (of_length_[length] > 0 && prefixes_.contains(topic.substr(0, length))) return true;
    }
    return false;
}

}  // namespace weft::fabric
