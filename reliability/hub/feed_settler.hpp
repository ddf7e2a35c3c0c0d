#pragma once
// Tells the journal what became of a durable consumer's messages, many at a time, and keeps the
// leases of what waits or is in hand.
// Threads: its own, which calls run(). Ownership: the state must outlive it.

#include <stop_token>

#include "reliability/hub/feed_state.hpp"

namespace weft::reliability::hub {

class FeedSettler {
public:
    explicit FeedSettler(FeedState& state) : state_(state), parts_(state.parts) {}

    /// Until it is asked to stop, and everything is told or the journal is away.
    void run(const std::stop_token& stop);

private:
    /// False: the journal is away; it is tried again later.
    [[nodiscard]] bool tell_done();
    [[nodiscard]] bool tell_failed(FailedWork& failed);
    void say_failed(const FailedWork& failed, bool dead, std::chrono::milliseconds delay) const;
    void count_failed(const FailedWork& failed, bool dead, bool late);
    void extend_leases();

    FeedState& state_;
    const DurableFeedParts& parts_;  // the state's
};

}  // namespace weft::reliability::hub
