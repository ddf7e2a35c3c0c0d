#pragma once
// Tells the journal what became of a durable consumer's messages, many at a time, and keeps the
// leases of what waits or is in hand.
// Threads: its own, which calls run(). Ownership: the state must outlive it.

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "reliability/hub/feed_state.hpp"

namespace weft::reliability::hub {

class FeedSettler {
public:
    explicit FeedSettler(FeedState& state) : state_(state), parts_(state.parts) {}

    /// Until it is asked to stop, and everything is told or the journal cannot be told.
    void run(const std::stop_token& stop);

private:
    /// Something may be told now. With bench.mutex held.
    [[nodiscard]] bool is_due() const;
    /// How long nothing has to be looked at, if nothing happens. With bench.mutex held.
    [[nodiscard]] std::chrono::milliseconds quiet_time() const;
    /// False: it is tried again later. `last`: whenever it was tried before.
    [[nodiscard]] bool settle(std::optional<FailedWork> failed, bool last);
    [[nodiscard]] bool tell_done();
    [[nodiscard]] bool could_not_tell_done(const JournalError& error);
    void told_done(const std::vector<JournalId>& ids, const std::vector<JournalId>& unheard);
    [[nodiscard]] bool tell_failed(FailedWork& failed);
    void say_failed(const FailedWork& failed, bool dead, std::chrono::milliseconds delay) const;
    void count_failed(const FailedWork& failed, bool dead,
                      const std::optional<GroupDoor::Answer>& told);
    void extend_leases();

    FeedState& state_;
    const DurableFeedParts& parts_;  // the state's

    fabric::Instant not_before_{};       ///< The journal was away.
    fabric::Instant done_not_before_{};  ///< It did not want to hear what is done.
    std::chrono::milliseconds pause_ = FeedState::retry_after;  ///< The next such pause.
    std::string said_;                                          ///< Why it did not, as it was said.
};

}  // namespace weft::reliability::hub
