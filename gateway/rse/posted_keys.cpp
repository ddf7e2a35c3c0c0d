#include "gateway/rse/posted_keys.hpp"

namespace weft::gateway::rse {

void PostedKeys::forget_old(fabric::Instant now) {
    while (!order_.empty() &&
           (order_.size() > keys_max || now - order_.front().first > keep_for_)) {
        const auto entry = entries_.find(order_.front().second);
        // One that failed and came again stands further behind.
        if (entry != entries_.end() && entry->second.at == order_.front().first) {
            entries_.erase(entry);
        }
        order_.pop_front();
    }
}

PostedKeys::Begin PostedKeys::begin(const std::string& key, std::size_t fingerprint,
                                    fabric::Instant now) {
    const std::scoped_lock lock(mutex_);
    const auto [entry, is_new] = entries_.try_emplace(key);
    if (!is_new && now - entry->second.at <= keep_for_) {
        if (entry->second.fingerprint != fingerprint) return {Begun::other};
        if (!entry->second.id) return {Begun::under_way};
        return {Begun::repeated, *entry->second.id};
    }
    entry->second = {fingerprint, std::nullopt, now};
    order_.emplace_back(now, key);
    forget_old(now);
    return {};
}

void PostedKeys::end(const std::string& key, std::optional<reliability::JournalId> id) {
    const std::scoped_lock lock(mutex_);
    const auto entry = entries_.find(key);
    if (entry == entries_.end()) return;
    if (id) {
        entry->second.id = id;
    } else {
        entries_.erase(entry);
    }
}

}  // namespace weft::gateway::rse
