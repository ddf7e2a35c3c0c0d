// What lasts of a consumer group: how it comes out of the journal's state, what of it goes back,
// and whether it is whole.

#include <algorithm>
#include <cassert>
#include <utility>

#include "reliability/cursor/consumer_group.hpp"

namespace weft::reliability {

tl::expected<ConsumerGroup, std::string> ConsumerGroup::restore(
    std::string name, const GroupSettings& settings, Position position,
    const std::vector<StateStore::Entry>& entries) {
    ConsumerGroup group(std::move(name), settings, position);
    const std::size_t prefix = group_prefix(group.name_).size();
    std::vector<PendingItem> pending;
    for (const auto& [key, value] : entries) {
        const auto of = parse_group_key(std::string_view{key}.substr(std::min(prefix, key.size())));
        if (!of) return tl::make_unexpected(of.error());
        if (of->of == GroupKey::Of::head) {
            const auto head = decode_group_head(value);
            if (!head) return tl::make_unexpected(head.error());
            group.epoch_ = head->epoch;
            group.through_ = head->through;
            group.counted_.buried = head->buried;
            group.counted_.dead_dropped = head->dead_dropped;
            group.head_changed_ = false;
        } else if (of->of == GroupKey::Of::chunk) {
            const auto items = decode_group_chunk(of->number, value);
            if (!items) return tl::make_unexpected(items.error());
            pending.insert(pending.end(), items->begin(), items->end());
        } else {
            auto letter = decode_dead_letter(of->number, value);
            if (!letter) return tl::make_unexpected(letter.error());
            group.dead_.emplace(of->number, std::move(*letter));
        }
    }
    if (pending.size() > in_flight_max || group.dead_.size() > dead_max) {
        return tl::make_unexpected(std::string{"it has more messages than a group can have"});
    }
    for (const PendingItem& item : pending) {
        if (item.id > group.through_) {
            return tl::make_unexpected("message " + std::to_string(item.id) +
                                       " is beyond what its head says");
        }
        group.add(item.id, item.key, item.attempts);
    }
    group.chunks_changed_.clear();
    return group;
}

Position ConsumerGroup::position() const {
    return {epoch_, entries_.empty() ? through_ : entries_.begin()->first - 1};
}

std::vector<StateChange> ConsumerGroup::changes() {
    std::vector<StateChange> list;
    if (head_changed_) {
        list.push_back({group_head_key(name_), encode_group_head({epoch_, through_, counted_.buried,
                                                                  counted_.dead_dropped})});
    }
    for (const std::uint64_t chunk : chunks_changed_) {
        std::vector<PendingItem> items;
        const JournalId first = chunk * group_chunk_ids;
        for (auto at = entries_.lower_bound(first);
             at != entries_.end() && at->first - first < group_chunk_ids; ++at) {
            items.push_back({at->first, at->second.attempts, at->second.key});
        }
        StateChange change{group_chunk_key(name_, chunk), {}};
        if (!items.empty()) change.value = encode_group_chunk(items);
        list.push_back(std::move(change));
    }
    for (const JournalId id : dead_changed_) {
        StateChange change{group_dead_key(name_, id), {}};
        if (const DeadLetter* const letter = dead_letter(id)) {
            change.value = encode_dead_letter(*letter);
        }
        list.push_back(std::move(change));
    }
    head_changed_ = false;
    chunks_changed_.clear();
    dead_changed_.clear();
    return list;
}

void ConsumerGroup::not_written(const std::vector<StateChange>& changes) {
    const std::string prefix = group_prefix(name_);
    for (const StateChange& change : changes) {
        if (!change.key.starts_with(prefix)) continue;
        const auto key = parse_group_key(std::string_view{change.key}.substr(prefix.size()));
        assert(key);
        if (key->of == GroupKey::Of::head) head_changed_ = true;
        if (key->of == GroupKey::Of::chunk) chunks_changed_.insert(key->number);
        if (key->of == GroupKey::Of::dead) dead_changed_.insert(key->number);
    }
}

ConsumerGroup::Stats ConsumerGroup::stats() const {
    Stats stats = counted_;
    stats.leased = leases_.size();
    stats.waiting = waiting_.size();
    stats.delayed = delayed_.size();
    stats.members = members_.size();
    stats.dead = dead_.size();
    stats.active = active_;
    return stats;
}

std::string ConsumerGroup::broken() const {
    if (leases_.size() + delayed_.size() + waiting_.size() != entries_.size()) {
        return "an entry is in no set, or in two";
    }
    if (entries_.size() > in_flight_max) return "more in flight than allowed";
    std::map<std::string, std::size_t> had;
    for (const auto& [id, entry] : entries_) {
        const bool placed = entry.is == Entry::Is::waiting   ? waiting_.contains(id)
                            : entry.is == Entry::Is::delayed ? delayed_.contains({entry.until, id})
                                                             : leases_.contains({entry.until, id});
        if (!placed) return "message " + std::to_string(id) + " is not where it says";
        if ((entry.member != nullptr) != (entry.is == Entry::Is::leased)) return "a lost lease";
        if (entry.member != nullptr) ++had[entry.member->first];
        if (id > through_ || dead_.contains(id)) return "a message that should not wait";
    }
    for (const auto& [name, member] : members_) {
        if (had[name] != member.leases) return "member '" + name + "' is counted wrong";
    }
    for (const auto& [number, key] : keys_) {
        std::size_t leased = 0;
        for (const JournalId id : key.ids) {
            const auto* const member = entries_.at(id).member;
            if (member == nullptr) continue;
            ++leased;
            if (member != key.owner) return "a key with two members";
        }
        if (leased != key.leased || (leased == 0) != (key.owner == nullptr)) return "a lost key";
    }
    return "";
}

}  // namespace weft::reliability
