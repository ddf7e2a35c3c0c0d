#include "gateway/bridge/traffic_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weft::gateway {

void TrafficTable::count(Entry& entry, const Passed& passed) {
    entry.row.messages += passed.messages;
    entry.row.last_id = std::max(entry.row.last_id, passed.last_id);
    entry.row.last_us = std::max(entry.row.last_us, passed.at_us);
    const std::uint64_t slot = passed.at_us / slot_us;
    if (slot > entry.newest_slot) {
        const std::uint64_t gone = std::min<std::uint64_t>(slot - entry.newest_slot, slots);
        for (std::uint64_t i = 0; i < gone; ++i) entry.counts[(slot - i) % slots] = 0;
        entry.newest_slot = slot;
    }
    if (slot + slots > entry.newest_slot) {
        entry.counts[slot % slots] += static_cast<std::uint32_t>(passed.messages);
    }
}

double TrafficTable::rate(const Entry& entry, std::uint64_t now_us) {
    const std::uint64_t now = std::max(now_us / slot_us, entry.newest_slot);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < slots; ++i) {
        const std::uint64_t slot = entry.newest_slot - std::min(i, entry.newest_slot);
        if (slot + slots > now) sum += entry.counts[slot % slots];
        if (slot == 0) break;
    }
    constexpr double window_s = static_cast<double>(slots * slot_us) / 1e6;
    return static_cast<double>(sum) / window_s;
}

void TrafficTable::passed(const Passed& passed) {
    const std::scoped_lock lock(mutex_);
    // Most often it is the one of before.
    if (!entries_.empty() && entries_.front().row.name == passed.name) {
        return count(entries_.front(), passed);
    }
    const auto known = index_.find(passed.name);
    if (known != index_.end()) {
        entries_.splice(entries_.begin(), entries_, known->second);
        return count(entries_.front(), passed);
    }
    if (entries_.size() >= names_max_) {
        index_.erase(entries_.back().row.name);
        entries_.pop_back();
        ++forgotten_;
    }
    entries_.emplace_front();
    entries_.front().row.name = passed.name;
    index_.emplace(entries_.front().row.name, entries_.begin());
    count(entries_.front(), passed);
}

void TrafficTable::remember(const std::vector<Row>& rows) {
    const std::scoped_lock lock(mutex_);
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
        if (index_.contains(row->name)) continue;
        if (entries_.size() >= names_max_) {
            ++forgotten_;
            continue;
        }
        entries_.emplace_back();
        entries_.back().row = *row;
        entries_.back().newest_slot = row->last_us / slot_us;
        index_.emplace(entries_.back().row.name, std::prev(entries_.end()));
    }
}

TrafficTable::Snapshot TrafficTable::snapshot(std::uint64_t now_us) const {
    const std::scoped_lock lock(mutex_);
    Snapshot snapshot;
    snapshot.forgotten = forgotten_;
    snapshot.rows.reserve(entries_.size());
    for (const Entry& entry : entries_) {
        snapshot.rows.push_back(entry.row);
        snapshot.rows.back().per_second = rate(entry, now_us);
    }
    return snapshot;
}

}  // namespace weft::gateway
