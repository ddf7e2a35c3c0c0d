#include "reliability/hub/former_life.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "signing/refusal.hpp"

namespace weft::reliability::hub {

using fabric::Instant;
using std::chrono::milliseconds;
using Level = Surroundings::Level;

template <class Answer>
bool FormerLife::is_away(const JournalResult<Answer>& answer) {
    if (answer || !FeedState::comes_back(answer.error().reason)) return false;
    state_.trouble(answer.error());
    return true;
}

bool FormerLife::settle(JournalEpoch epoch) {
    const DoneMarks::Left left = state_.parts.marks->left(epoch);
    if (!tell_done(left.done)) return false;
    for (const JournalId id : left.in_hand) {
        if (std::find(left.done.begin(), left.done.end(), id) != left.done.end()) continue;
        if (!tell_in_hand(epoch, id)) return false;
    }
    // Whatever else we had leased goes back at once, and does not count as an attempt.
    if (is_away(state_.parts.door->leave(state_.member))) return false;
    begin(epoch);
    return true;
}

bool FormerLife::tell_done(const std::vector<JournalId>& done) {
    for (std::size_t at = 0; at < done.size(); at += answers_max) {
        const auto from = done.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t count = std::min<std::size_t>(answers_max, done.size() - at);
        const auto told = state_.parts.door->ack(state_.member,
                                                 {from, from + static_cast<std::ptrdiff_t>(count)});
        if (is_away(told)) return false;
        if (told) {
            state_.say(Level::info, "told the journal of " + std::to_string(count) +
                                        " messages that were done when the last one ended");
        } else {
            state_.say(Level::error, "could not tell what was done when the last one ended: " +
                                         told.error().sentence);
        }
    }
    return true;
}

bool FormerLife::tell_in_hand(JournalEpoch epoch, JournalId id) {
    const auto told = state_.parts.door->nack(
        state_.member, id, "the hub ended while the consumer had it in hand", milliseconds{0});
    if (is_away(told)) return false;
    // Not only if this was its last attempt: its lease may have ended before we were here again, or
    // the one before us was killed right here.
    const auto dead = state_.parts.door->dead_letter(id);
    if (is_away(dead)) return false;
    if (dead && *dead && (*dead)->member == state_.member) return bury(epoch, **dead);
    state_.say(Level::warning, "message " + std::to_string(id) +
                                   " was in hand when the last one ended; it comes again");
    return true;
}

bool FormerLife::bury(JournalEpoch epoch, const DeadLetter& letter) {
    if (buried_.contains(letter.id)) return true;
    std::string unsaid;
    if (state_.parts.bury) {
        const auto stored = state_.parts.door->read_one({epoch, letter.id});
        if (is_away(stored)) return false;
        unsaid = !stored   ? stored.error().sentence
                 : *stored ? publish(**stored, letter)
                           : "the journal does not have the message any more";
    }
    buried_.insert(letter.id);
    state_.say(Level::error, "gave up message " + std::to_string(letter.id) + " after " +
                                 std::to_string(letter.attempts) +
                                 " attempts: " + signing::escape(letter.reason) +
                                 "; `weft cursor dead " + state_.name + "` has it" +
                                 (unsaid.empty() ? "" : "; not published: " + unsaid));
    const std::scoped_lock lock(state_.parts.bench.mutex);
    ++state_.stats.given_up;
    if (!unsaid.empty()) ++state_.stats.dead_unsaid;
    return true;
}

std::string FormerLife::publish(const StoredMessage& stored, const DeadLetter& letter) {
    std::string unsaid = "it could not be read";
    verifier_.verify(
        stored.run, stored.bytes,
        [&](const VerifiedMessage& verified) {
            fabric::Message message = verified.message;
            message.mark_replayed(verified.id);
            const bool said = state_.parts.bury(message, letter.attempts, letter.reason);
            unsaid = said ? "" : "see the line before";
        },
        [&](const StoredRefusal& refusal) { unsaid = signing::escape(refusal.why.detail); });
    return unsaid;
}

void FormerLife::begin(JournalEpoch epoch) {
    Bench& bench = state_.parts.bench;
    const std::scoped_lock lock(bench.mutex);
    if (epoch_ != 0 && epoch_ != epoch) {
        // Its numbers mean other messages now: a verdict on one of these says nothing.
        const auto in_hand = bench.queue.leases_before(Instant::max(), Instant::min());
        state_.foreign.insert(in_hand.begin(), in_hand.end());
        state_.unheard.clear();
    }
    epoch_ = epoch;
    state_.parts.marks->begin(epoch);
    state_.done.clear();
    state_.done_set.clear();
    buried_.clear();
}

}  // namespace weft::reliability::hub
