#include "gateway/native/idempotency.hpp"

#include <utility>

namespace weft::gateway::native {

void Idempotency::forget_old() {
    const fabric::Instant now = clock_.steady();
    while (!order_.empty() &&
           (order_.size() > entries_max || now - order_.front().first > keep_for)) {
        const auto entry = entries_.find(order_.front().second);
        // One that failed and came again stands further behind.
        if (entry != entries_.end() && entry->second.at == order_.front().first) {
            entries_.erase(entry);
        }
        order_.pop_front();
    }
}

Idempotency::Begin Idempotency::begin(const std::string& key, std::size_t fingerprint) {
    const std::scoped_lock lock(mutex_);
    forget_old();
    const auto [entry, is_new] = entries_.try_emplace(key);
    if (is_new) {
        entry->second.fingerprint = fingerprint;
        entry->second.at = clock_.steady();
        order_.emplace_back(entry->second.at, key);
        return {};
    }
    if (entry->second.fingerprint != fingerprint) return {Begun::other, {}};
    if (!entry->second.answer) return {Begun::under_way, {}};
    return {Begun::repeated, entry->second.answer};
}

void Idempotency::end(const std::string& key, const Response& response) {
    const std::scoped_lock lock(mutex_);
    const auto entry = entries_.find(key);
    if (entry == entries_.end()) return;
    if (response.status >= 300) {
        entries_.erase(entry);
    } else {
        entry->second.answer = response;
    }
}

}  // namespace weft::gateway::native
