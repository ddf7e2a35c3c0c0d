#pragma once
// The journal's state, for work on io threads: asked and written by workers of the journal room.
// Keys begin with "routemaster/". Threads: any; `done` in a worker, or in the caller's where no
// worker took it. Ownership: the room outlives it.

#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/bridge/journal_room.hpp"
#include "reliability/journal/state_store.hpp"

namespace weft::gateway::routemaster {

class StateDesk {
public:
    using Changes = std::vector<reliability::StateChange>;
    using Durability = reliability::StateStore::Durability;
    using Entries = std::vector<reliability::StateStore::Entry>;
    using OnDone = std::function<void(tl::expected<void, std::string>)>;
    using OnEntries = std::function<void(tl::expected<Entries, std::string>)>;

    explicit StateDesk(JournalRoom& room) : room_(room) {}

    void apply(Changes changes, Durability durability, OnDone done);
    /// Everything below "routemaster/".
    void load(OnEntries done);

private:
    JournalRoom& room_;
};

}  // namespace weft::gateway::routemaster
