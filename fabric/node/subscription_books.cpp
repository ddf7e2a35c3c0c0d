#include "fabric/node/subscription_books.hpp"

namespace weft::fabric {

SubscriptionBooks::Verdict SubscriptionBooks::on_subscribe(std::uint64_t connection,
                                                           std::string_view prefix, bool passes) {
    if (connection != 0) {
        Holder& holder = connections_[connection];
        if (!holder.prefixes.contains(prefix)) {
            if (holder.prefixes.size() >= limits_.per_connection) {
                return ++holder.refused >= refusals_max ? Verdict::end_connection
                                                        : Verdict::refused;
            }
            holder.prefixes.emplace(prefix);
        }
    }
    if (!passes || passed_on_.contains(prefix)) return Verdict::known;
    if (everything_) return Verdict::known;
    if (passed_on_.size() >= limits_.prefixes) {
        everything_ = true;
        return Verdict::pass_everything;
    }
    passed_on_.emplace(prefix);
    return Verdict::pass_on;
}

bool SubscriptionBooks::on_unsubscribe(std::uint64_t connection, std::string_view prefix) {
    if (connection != 0) {
        // libzmq passes on the unsubscription of one that never subscribed, too.
        const auto holder = connections_.find(connection);
        if (holder == connections_.end()) return false;
        const auto own = holder->second.prefixes.find(prefix);
        if (own == holder->second.prefixes.end()) return false;
        holder->second.prefixes.erase(own);
    }
    const auto passed = passed_on_.find(prefix);
    if (passed == passed_on_.end()) return false;
    passed_on_.erase(passed);
    // While everything is asked for, "" must stay.
    return !(everything_ && prefix.empty());
}

void SubscriptionBooks::on_connection_gone(std::uint64_t connection) {
    connections_.erase(connection);
}

void SubscriptionBooks::clear() {
    connections_.clear();
    passed_on_.clear();
    everything_ = false;
}

}  // namespace weft::fabric
