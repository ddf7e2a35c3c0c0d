#include "reliability/service/waiting_room.hpp"

#include <utility>

namespace weft::reliability {

bool WaitingRoom::park(Waiting who, JournalId after, fabric::Instant deadline) {
    const auto known = peers_.find(who.peer);
    if (parked() >= limits_.all || (known != peers_.end() && known->second >= limits_.per_peer)) {
        return false;
    }
    ++peers_[who.peer];
    const Key key{after, ++next_};
    by_deadline_.emplace(deadline, key);
    by_after_.emplace(key, Place{std::move(who), deadline});
    return true;
}

void WaitingRoom::go(Places::iterator at, std::vector<Waiting>& going) {
    by_deadline_.erase({at->second.deadline, at->first});
    const auto peer = peers_.find(at->second.who.peer);
    if (--peer->second == 0) peers_.erase(peer);
    going.push_back(std::move(at->second.who));
    by_after_.erase(at);
}

std::vector<WaitingRoom::Waiting> WaitingRoom::leave(JournalId head, fabric::Instant now) {
    std::vector<Waiting> going;
    while (!by_after_.empty() && by_after_.begin()->first.first < head)
        go(by_after_.begin(), going);
    while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
        go(by_after_.find(by_deadline_.begin()->second), going);
    }
    return going;
}

std::vector<WaitingRoom::Waiting> WaitingRoom::all_leave() {
    std::vector<Waiting> going;
    while (!by_after_.empty()) go(by_after_.begin(), going);
    return going;
}

std::optional<fabric::Instant> WaitingRoom::next_deadline() const {
    if (by_deadline_.empty()) return std::nullopt;
    return by_deadline_.begin()->first;
}

}  // namespace weft::reliability
