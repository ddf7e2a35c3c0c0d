#pragma once
// Work on the gateway's own journal that may wait for its disk: cursors, groups, families. Done by
// a few workers, so that no io thread waits. Threads: any; the work runs in a worker. Ownership:
// what it is given is there while it runs.

#include <functional>

#include "reliability/cursor/cursor_store.hpp"
#include "reliability/cursor/group_service.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/journal/stored_verifier.hpp"

namespace weft::gateway {

struct JournalThings {
    reliability::Journal& journal;
    reliability::CursorStore& cursors;
    reliability::GroupService& groups;
    reliability::StoredVerifier& verifier;  ///< The worker's own.
};

class JournalRoom {
public:
    virtual ~JournalRoom() = default;
    using Work = std::function<void(JournalThings&)>;
    /// False: too much waits, or it was stopped; the work is dropped.
    [[nodiscard]] virtual bool work(Work work) = 0;
};

}  // namespace weft::gateway
