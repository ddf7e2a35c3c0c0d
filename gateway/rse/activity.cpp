#include "gateway/rse/activity.hpp"

#include <algorithm>

namespace weft::gateway::rse {

void Activity::happened(const std::string& channel, fabric::Instant now) {
    const std::scoped_lock lock(mutex_);
    const auto [entry, is_new] = last_.insert_or_assign(channel, now);
    if (!is_new) return;
    order_.push_back(channel);
    if (order_.size() <= channels_max) return;
    last_.erase(order_.front());
    order_.pop_front();
}

std::chrono::seconds Activity::poll_after(const std::string& channel, fabric::Instant now) const {
    const auto most = std::max(std::chrono::duration_cast<std::chrono::seconds>(ttl_ / 4),
                               std::chrono::seconds{1});
    const std::scoped_lock lock(mutex_);
    const auto last = last_.find(channel);
    const bool is_active = last != last_.end() && now - last->second <= stays_active;
    return std::min(most, is_active ? active_poll : idle_poll);
}

}  // namespace weft::gateway::rse
