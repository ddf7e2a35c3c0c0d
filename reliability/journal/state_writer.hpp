#pragma once
// Writing small state without waiting for others: for whoever has a thread that must not stand
// still.
// The state() of a journal of this process is one as well; that of another may not be.
//
// Promises: StateStore's; changes are there in the order of the calls, also between these and
//           apply() of the same thread.
// Threads:  every function from any thread. `done` is called once, by a thread of the journal, or
//           before the call returns where it is refused at once; it must not block.

#include <functional>
#include <optional>
#include <vector>

#include "reliability/journal/journal.hpp"
#include "reliability/journal/state_store.hpp"

namespace weft::reliability {

class StateWriter {
public:
    virtual ~StateWriter() = default;
    using OnApplied = std::function<void(JournalResult<void>)>;
    virtual void apply_soon(std::vector<StateChange> changes, StateStore::Durability durability,
                            OnApplied done) = 0;
    /// Where the writer has nothing to do: written here, by the caller's thread, with
    /// Durability::lazy, which saves the way to the writer and back. Nothing: it has, and nothing
    /// was done; ask apply_soon().
    [[nodiscard]] virtual std::optional<JournalResult<void>> apply_if_idle(
        const std::vector<StateChange>& changes) = 0;
};

}  // namespace weft::reliability
