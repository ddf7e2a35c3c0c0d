#include "gateway/rse/quiet_polls.hpp"

#include <algorithm>

namespace weft::gateway::rse {

void QuietPolls::add(const std::string& question, Quiet quiet) {
    const std::scoped_lock lock(mutex_);
    const auto [entry, is_new] = entries_.try_emplace(question, quiet);
    if (!is_new) {
        Quiet& old = entry->second;
        // Two clients may share a UUID: where their ranges touch, both are quiet.
        if (quiet.after <= old.through && old.after <= quiet.through) {
            quiet.after = std::min(quiet.after, old.after);
            quiet.through = std::max(quiet.through, old.through);
            quiet.expired = std::max(quiet.expired, old.expired);
            quiet.since_us = std::max(quiet.since_us, old.since_us);
        }
        old = quiet;
        return;
    }
    order_.push_back(question);
    if (order_.size() <= entries_max) return;
    entries_.erase(order_.front());
    order_.pop_front();
}

std::optional<QuietPolls::Quiet> QuietPolls::find(const std::string& question,
                                                  reliability::JournalId after,
                                                  std::uint64_t since_us) const {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(question);
    if (found == entries_.end()) return std::nullopt;
    Quiet quiet = found->second;
    if (after < quiet.after || after > quiet.through || since_us < quiet.since_us) {
        return std::nullopt;
    }
    if (quiet.expired <= after) quiet.expired = 0;
    return quiet;
}

}  // namespace weft::gateway::rse
