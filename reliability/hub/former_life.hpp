#pragma once
// Settles what the marks say of the one before us (done_marks.hpp), before anything is taken: what
// was done is told; what was in hand counts as an attempt; what else was leased goes back.
//
// A message that is a dead letter by that goes to the bury hook, as any other does: nobody else is
// left who could publish it. Killed between the two, the next one does it; killed right after it,
// the next one does it once more.
// Threads: the taker's. Ownership: state and verifier must outlive it.

#include <set>
#include <vector>

#include "reliability/hub/feed_state.hpp"
#include "reliability/journal/stored_verifier.hpp"

namespace weft::reliability::hub {

class FormerLife {
public:
    FormerLife(FeedState& state, StoredVerifier& verifier) : state_(state), verifier_(verifier) {}

    /// False: the journal is away; try again. Else the marks are empty, and about `epoch`.
    [[nodiscard]] bool settle(JournalEpoch epoch);

private:
    [[nodiscard]] bool tell_done(const std::vector<JournalId>& done);
    [[nodiscard]] bool tell_in_hand(JournalEpoch epoch, JournalId id);
    [[nodiscard]] bool bury(JournalEpoch epoch, const DeadLetter& letter);
    /// "", or why the dead letter is not published.
    [[nodiscard]] std::string publish(const StoredMessage& stored, const DeadLetter& letter);
    /// True if the error passes, and is told of.
    template <class Answer>
    [[nodiscard]] bool is_away(const JournalResult<Answer>& answer);
    void begin(JournalEpoch epoch);

    FeedState& state_;
    StoredVerifier& verifier_;
    JournalEpoch epoch_ = 0;
    std::set<JournalId> buried_;  // by the settle() under way, however often it has to be tried
};

}  // namespace weft::reliability::hub
