#pragma once
// The operations of cursors and consumer groups, for a JournalService: docs/wire-format.md,
// "Cursors and groups". The process that holds the journal holds one of these, with the only
// GroupService of the journal.
//
// Who may: reading (list, show, dead letters) anybody; what changes something Right::consumer. Such
// a signer may speak for any member: a gateway does so for its clients.
// Threads:   every function from any thread. next() with a wait holds no worker (group_waits.hpp).
// Ownership: cursors and groups must outlive it, and it the service that has its entries.
// Limits:    cursor_codec.hpp's of one answer; those of GroupService and GroupWaitLimits.

#include <vector>

#include "reliability/cursor/cursor_store.hpp"
#include "reliability/cursor/group_service.hpp"
#include "reliability/service/group_waits.hpp"
#include "reliability/service/operations.hpp"

namespace weft::reliability {

class CursorOperations {
public:
    CursorOperations(CursorStore& cursors, GroupService& groups, const GroupWaitLimits& limits = {})
        : cursors_(cursors),
          groups_(groups),
          waits_(groups, cursors.journal(), cursors.clock(), limits) {}

    /// For JournalServiceSettings::operations.
    [[nodiscard]] std::vector<OperationEntry> entries();
    /// Members that wait are answered `closed`.
    void stop() { waits_.stop(); }
    [[nodiscard]] std::size_t parked() const { return waits_.parked(); }

private:
    void add_cursor_entries(std::vector<OperationEntry>& entries);
    void add_group_entries(std::vector<OperationEntry>& entries);
    void add_dead_entries(std::vector<OperationEntry>& entries);

    OperationResult list(Asked& asked);
    OperationResult show(Asked& asked);
    OperationResult put(Asked& asked);
    OperationResult set(Asked& asked);
    OperationResult advance(Asked& asked);
    OperationResult remove(Asked& asked);
    OperationResult read(Asked& asked);

    void next(Asked& asked, const Reply& reply);
    OperationResult ack(Asked& asked);
    OperationResult nack(Asked& asked);
    OperationResult bury(Asked& asked);
    OperationResult extend(Asked& asked);
    OperationResult extend_all(Asked& asked);
    OperationResult leave(Asked& asked);

    OperationResult dead(Asked& asked);
    OperationResult retry(Asked& asked);
    OperationResult drop(Asked& asked);

    CursorStore& cursors_;
    GroupService& groups_;
    GroupWaits waits_;
};

}  // namespace weft::reliability
