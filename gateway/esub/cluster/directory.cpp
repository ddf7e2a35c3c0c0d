#include "gateway/esub/cluster/directory.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weft::gateway::esub {

using Type = Announcement::Type;

Directory::Directory(std::string self, DirectoryLimits limits)
    : self_(std::move(self)), limits_(limits) {}

Directory::Heard Directory::hear(const std::string& node, const Announcement& said,
                                 fabric::Instant now, std::uint64_t now_us) {
    Heard heard;
    if (node == self_) return heard;
    auto found = members_.find(node);
    if (found == members_.end()) {
        if (!make_room()) {
            ++stats_.members_full;
            return heard;
        }
        found = members_.emplace(node, Known{}).first;
    }
    Known& known = found->second;
    if (known.epoch > said.epoch) return heard;  // Of a life that is over.
    if (known.epoch < said.epoch) {
        remove_all(node, known);
        known.epoch = said.epoch;
        known.seq = 0;
        known.synced = false;
        known.was_asked = false;
        forget_parts(known);
    }
    heard.counts = true;
    known.alive = true;
    known.heard = now;
    known.last_seen_us = now_us;
    if (!said.address.empty()) known.address = said.address;
    heard.asks_us = said.type == Type::ask && said.to == self_;
    if (said.type == Type::full) {
        const bool known_already = known.synced && said.seq == known.seq;
        if (!known_already && take_part(known, said)) {
            remove_all(node, known);
            for (const OpenKey& key : std::exchange(known.parts, {})) add(node, known, key);
            forget_parts(known);
            known.seq = said.seq;
            known.synced = true;
        }
    } else if (said.type == Type::delta) {
        if (known.seq + 1 == said.seq && (known.synced || said.seq == 1)) {
            known.seq = said.seq;
            known.synced = true;
            for (const std::uint64_t sid : said.done) remove(node, known, sid);
            for (const OpenKey& key : said.open) add(node, known, key);
        } else if (said.seq > known.seq) {
            if (known.synced) ++stats_.gaps;
            known.synced = false;
        }
    } else if (said.seq != known.seq) {
        if (known.synced) ++stats_.gaps;
        known.synced = false;
    } else if (said.seq == 0) {
        known.synced = true;  // It has never had a key.
    }
    heard.applied = known.synced;
    heard.expected = known.seq + 1;
    const bool may_ask = !known.was_asked || now - known.asked >= limits_.ask_every;
    if (!known.synced && may_ask) {
        known.was_asked = true;
        known.asked = now;
        heard.ask = true;
    }
    return heard;
}

/// Gateways that are started under ever new names do not keep out those that live.
bool Directory::make_room() {
    if (members_.size() < limits_.members) return true;
    auto oldest = members_.end();
    for (auto it = members_.begin(); it != members_.end(); ++it) {
        if (it->second.alive) continue;
        if (oldest == members_.end() || it->second.heard < oldest->second.heard) oldest = it;
    }
    if (oldest == members_.end()) return false;
    members_.erase(oldest);
    return true;
}

void Directory::forget_parts(Known& known) {
    known.parts = {};
    known.part_bytes = 0;
    known.next_part = UINT32_MAX;
}

/// True: it was the last one, and all are there.
bool Directory::take_part(Known& known, const Announcement& said) {
    if (said.part == 0) {
        forget_parts(known);
        known.next_part = 0;
        known.full_seq = said.seq;
    }
    // Parts of two fulls do not make one.
    if (said.part != known.next_part || said.seq != known.full_seq || said.seq < known.seq) {
        forget_parts(known);
        return false;
    }
    ++known.next_part;
    for (const OpenKey& key : said.open) {
        const std::size_t bytes = known.part_bytes + key.key.size();
        if (known.parts.size() < limits_.keys && bytes <= limits_.key_bytes) {
            known.parts.push_back(key);
            known.part_bytes = bytes;
        } else {
            ++stats_.keys_full;
        }
    }
    return said.part + 1 == said.parts;
}

void Directory::add(const std::string& node, Known& known, const OpenKey& key) {
    if (known.open.size() >= limits_.keys || known.key_bytes + key.key.size() > limits_.key_bytes) {
        ++stats_.keys_full;
        return;
    }
    if (!known.open.emplace(key.sid, key).second) return;
    known.key_bytes += key.key.size();
    auto found = places_.find(key.key);
    if (found == places_.end()) found = places_.try_emplace(key.key).first;
    found->second.all.push_back({node, key.sid});
}

void Directory::remove(const std::string& node, Known& known, std::uint64_t sid) {
    const auto open = known.open.find(sid);
    if (open == known.open.end()) return;
    const auto found = places_.find(open->second.key);
    std::erase_if(found->second.all,
                  [&](const Place& place) { return place.sid == sid && place.node == node; });
    if (found->second.all.empty()) places_.erase(found);
    known.key_bytes -= open->second.key.size();
    known.open.erase(open);
}

void Directory::remove_all(const std::string& node, Known& known) {
    while (!known.open.empty()) remove(node, known, known.open.begin()->first);
}

std::vector<std::string> Directory::expire(fabric::Instant now) {
    std::vector<std::string> dead;
    for (auto& [node, known] : members_) {
        if (!known.alive || now - known.heard < limits_.silent) continue;
        known.alive = false;
        known.synced = false;
        known.seq = 0;
        forget_parts(known);
        remove_all(node, known);
        ++stats_.dead;
        dead.push_back(node);
    }
    return dead;
}

bool Directory::join(const std::string& node, const std::string& address) {
    const auto found = members_.find(node);
    if (found == members_.end()) {
        if (!make_room()) return false;
        members_[node].address = address;
        return true;
    }
    if (!found->second.alive || found->second.address.empty()) {
        found->second.address = address;
        return true;
    }
    return host_port_of(found->second.address) == host_port_of(address);
}

std::optional<Directory::Owner> Directory::find(std::string_view key, bool psub_only,
                                                const std::set<std::string>& but) {
    std::optional<Owner> owner;
    if (!psub_only) owner = find(Kind::sub, key, but);
    return owner ? owner : find(Kind::psub, key, but);
}

std::optional<Directory::Owner> Directory::find(Kind kind, std::string_view key,
                                                const std::set<std::string>& but) {
    const auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    std::vector<std::pair<const std::string*, const OpenKey*>> those;
    for (const Place& place : found->second.all) {
        const OpenKey& open = members_.find(place.node)->second.open.find(place.sid)->second;
        if (open.kind == kind && !but.contains(place.node)) those.emplace_back(&place.node, &open);
    }
    if (those.empty()) return std::nullopt;
    auto chosen = std::max_element(those.begin(), those.end(), [](const auto& a, const auto& b) {
        return std::tie(a.second->stamp_us, *a.first) < std::tie(b.second->stamp_us, *b.first);
    });
    // Of a pool, one after the other.
    if (chosen->second->shared) {
        chosen = those.begin() + static_cast<std::ptrdiff_t>(found->second.turn++ % those.size());
    }
    const auto members = std::count_if(
        those.begin(), those.end(), [&](const auto& one) { return *one.first == *chosen->first; });
    return Owner{*chosen->first, members_.find(*chosen->first)->second.address, *chosen->second,
                 static_cast<std::size_t>(members)};
}

std::size_t Directory::pooled(std::string_view key) const {
    const auto found = places_.find(key);
    if (found == places_.end()) return 0;
    return static_cast<std::size_t>(
        std::count_if(found->second.all.begin(), found->second.all.end(), [&](const Place& place) {
            const OpenKey& open = members_.find(place.node)->second.open.find(place.sid)->second;
            return open.kind == Kind::psub && open.shared;
        }));
}

std::vector<Directory::Member> Directory::members() const {
    std::vector<Member> members;
    for (const auto& [name, known] : members_) {
        members.push_back(
            {name, known.address, known.alive, known.last_seen_us, known.open.size()});
    }
    return members;
}

std::vector<std::string> Directory::keys_of(const std::string& node) const {
    std::vector<std::string> keys;
    const auto found = members_.find(node);
    if (found == members_.end()) return keys;
    // The members of a pool are one key.
    std::set<std::pair<Kind, std::string_view>> once;
    for (const auto& [sid, open] : found->second.open) {
        if (once.emplace(open.kind, open.key).second) keys.push_back(open.key);
    }
    return keys;
}

}  // namespace weft::gateway::esub
