#pragma once
// Settles what the marks say of the one before us (done_marks.hpp), before anything is taken: what
// was done is told; what was in hand counts as an attempt; what else was leased goes back.
// Threads: the taker's. Ownership: the state must outlive it.

#include <vector>

#include "reliability/hub/feed_state.hpp"

namespace weft::reliability::hub {

class FormerLife {
public:
    explicit FormerLife(FeedState& state) : state_(state) {}

    /// False: the journal is away; try again. Else the marks are empty, and about `epoch`.
    [[nodiscard]] bool settle(JournalEpoch epoch);

private:
    [[nodiscard]] bool tell_done(const std::vector<JournalId>& done);
    [[nodiscard]] bool tell_in_hand(JournalId id);
    void begin(JournalEpoch epoch);

    FeedState& state_;
    JournalEpoch epoch_ = 0;
};

}  // namespace weft::reliability::hub
