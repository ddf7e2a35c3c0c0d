#pragma once
// Takes a durable consumer's messages: makes the group, leases messages as fast as the workers need
// them, verifies them, asks about those of which it is doubtful whose they are, and gives the rest
// to the queue.
// Threads: its own, which calls run(). Ownership: the state must outlive it.

#include <stop_token>
#include <vector>

#include "reliability/hub/feed_state.hpp"
#include "reliability/hub/former_life.hpp"
#include "reliability/journal/stored_verifier.hpp"

namespace weft::reliability::hub {

class FeedTaker {
public:
    explicit FeedTaker(FeedState& state);

    /// Until it is asked to stop, or the feed has failed for good.
    void run(const std::stop_token& stop);

private:
    struct Question {
        std::size_t room = 0;
        std::uint64_t generation = 0;  ///< Of failures, when it was asked.
    };
    [[nodiscard]] bool establish(const std::stop_token& stop);
    void keep_within_backlog();
    /// With more than this done and not told nothing further is taken.
    static constexpr std::size_t unsettled_max = DoneMarks::entries_max / 2;
    /// False: there is none yet, or it shall stop. Waits for a moment only.
    [[nodiscard]] bool wait_for_room(const std::stop_token& stop);
    [[nodiscard]] Question next_question();
    /// False: the taker ends.
    [[nodiscard]] bool ask(const Question& question, const std::stop_token& stop);
    [[nodiscard]] bool recovers_from(const JournalError& error, const std::stop_token& stop);
    void adapt(const Question& question, std::size_t got);
    void tell_gap(const JournalGap& gap);

    void receive(const NextMessages& got, std::uint64_t generation, const std::stop_token& stop);
    void receive_run(const std::vector<const LeasedMessage*>& run, std::vector<Work>& believed,
                     std::vector<JournalId>& refused);
    /// It is done, and leased to us once more: bench.mutex is held.
    void tell_again(JournalId id);
    void give(std::vector<Work> works, std::uint64_t generation, const std::stop_token& stop);
    /// Those that are leased to us now: the journal is asked.
    [[nodiscard]] std::vector<Work> still_ours(std::vector<Work> works,
                                               const std::stop_token& stop);

    FeedState& state_;
    const DurableFeedParts& parts_;  // the state's
    StoredVerifier verifier_;
    FormerLife former_life_;
    std::size_t want_;
};

}  // namespace weft::reliability::hub
