#include "reliability/hub/former_life.hpp"

#include <algorithm>
#include <string>

namespace weft::reliability::hub {

using fabric::Instant;
using std::chrono::milliseconds;
using Level = Surroundings::Level;

bool FormerLife::settle(JournalEpoch epoch) {
    const DoneMarks::Left left = state_.parts.marks->left(epoch);
    if (!tell_done(left.done)) return false;
    for (const JournalId id : left.in_hand) {
        if (std::find(left.done.begin(), left.done.end(), id) != left.done.end()) continue;
        if (!tell_in_hand(id)) return false;
    }
    // Whatever else we had leased goes back at once, and does not count as an attempt.
    const auto gone = state_.parts.door->leave(state_.member);
    if (!gone && FeedState::comes_back(gone.error().reason)) {
        state_.trouble(gone.error());
        return false;
    }
    begin(epoch);
    return true;
}

bool FormerLife::tell_done(const std::vector<JournalId>& done) {
    for (std::size_t at = 0; at < done.size(); at += answers_max) {
        const auto from = done.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t count = std::min<std::size_t>(answers_max, done.size() - at);
        const auto told = state_.parts.door->ack(state_.member,
                                                 {from, from + static_cast<std::ptrdiff_t>(count)});
        if (told) {
            state_.say(Level::info, "told the journal of " + std::to_string(count) +
                                        " messages that were done when the last one ended");
            continue;
        }
        if (FeedState::comes_back(told.error().reason)) {
            state_.trouble(told.error());
            return false;
        }
        state_.say(Level::error, "could not tell what was done when the last one ended: " +
                                     told.error().sentence);
    }
    return true;
}

bool FormerLife::tell_in_hand(JournalId id) {
    const auto told = state_.parts.door->nack(
        state_.member, id, "the hub ended while the consumer had it in hand", milliseconds{0});
    if (!told && FeedState::comes_back(told.error().reason)) {
        state_.trouble(told.error());
        return false;
    }
    state_.say(Level::warning, "message " + std::to_string(id) +
                                   " was in hand when the last one ended; it comes again");
    return true;
}

void FormerLife::begin(JournalEpoch epoch) {
    Bench& bench = state_.parts.bench;
    const std::scoped_lock lock(bench.mutex);
    if (epoch_ != 0 && epoch_ != epoch) {
        // Its numbers mean other messages now: a verdict on one of these says nothing.
        const auto in_hand = bench.queue.leases_before(Instant::max(), Instant::min());
        state_.foreign.insert(in_hand.begin(), in_hand.end());
    }
    epoch_ = epoch;
    state_.parts.marks->begin(epoch);
    state_.done.clear();
    state_.done_set.clear();
}

}  // namespace weft::reliability::hub
