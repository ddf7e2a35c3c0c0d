#include "gateway/esub/cluster/local_keys.hpp"

#include <algorithm>

#include "gateway/esub/cluster/token_hash.hpp"

namespace weft::gateway::esub {

void LocalKeys::opened(Kind kind, std::string_view key, std::string_view token, bool shared,
                       std::uint64_t id, std::uint64_t now_us) {
    auto found = keys_.find(key);
    if (found == keys_.end()) found = keys_.try_emplace(std::string{key}).first;
    const std::uint64_t sid = ++sids_;
    found->second.push_back({kind, id, std::string{token}, shared, sid, now_us});
    ++size_;
    if (tracks_) fresh_.emplace(sid, found->first);
}

void LocalKeys::closed(Kind kind, std::string_view key, std::uint64_t id) {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return;
    auto& held = found->second;
    const auto gone = std::find_if(held.begin(), held.end(), [&](const Held& one) {
        return one.kind == kind && one.id == id;
    });
    if (gone == held.end()) return;
    // What nobody was told of needs no end either.
    if (tracks_ && fresh_.erase(gone->sid) == 0) done_.push_back(gone->sid);
    held.erase(gone);
    --size_;
    if (held.empty()) keys_.erase(found);
}

std::optional<LocalKeys::Held> LocalKeys::find(Kind kind, std::string_view key) const {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return std::nullopt;
    const auto& held = found->second;
    const auto newest =
        std::find_if(held.rbegin(), held.rend(), [&](const Held& one) { return one.kind == kind; });
    if (newest == held.rend()) return std::nullopt;
    return *newest;
}

std::size_t LocalKeys::pooled(std::string_view key) const {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return 0;
    return static_cast<std::size_t>(
        std::count_if(found->second.begin(), found->second.end(),
                      [](const Held& one) { return one.kind == Kind::psub && one.shared; }));
}

OpenKey LocalKeys::announced(const std::string& key, const Held& held) {
    return {held.kind, key, token_hash(key, held.token), held.shared, held.sid, held.stamp_us};
}

LocalKeys::Changes LocalKeys::take_changes() {
    Changes changes;
    for (const auto& [sid, key] : std::exchange(fresh_, {})) {
        const auto found = keys_.find(key);
        if (found == keys_.end()) continue;
        for (const Held& held : found->second) {
            if (held.sid == sid) changes.open.push_back(announced(key, held));
        }
    }
    changes.done = std::exchange(done_, {});
    return changes;
}

std::vector<OpenKey> LocalKeys::all() const {
    std::vector<OpenKey> all;
    all.reserve(size_);
    for (const auto& [key, held] : keys_) {
        for (const Held& one : held) all.push_back(announced(key, one));
    }
    return all;
}

std::vector<std::string> LocalKeys::keys() const {
    std::vector<std::string> keys;
    for (const auto& [key, held] : keys_) {
        for (const Kind kind : {Kind::sub, Kind::psub}) {
            const bool is_held = std::any_of(held.begin(), held.end(),
                                             [&](const Held& one) { return one.kind == kind; });
            if (is_held) keys.push_back(key);
        }
    }
    return keys;
}

}  // namespace weft::gateway::esub
