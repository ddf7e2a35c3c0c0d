#pragma once
// Feeds a consumer from its group in the journal, and keeps its place there: history first, then
// what is stored from now on, one sequence. A message is told as done after its verdict, many at a
// time; what was done and not told is in DoneMarks, so that kill -9 costs a repeat of what was in
// hand and of nothing else.
//
// Promises: no message is told as done before its verdict. While we live, leases of what waits or
//           is in hand are extended, so that nobody else gets it; what a handler keeps beyond twice
//           its timeout is not. After a failure, messages of the same topic and publisher follow
//           only when that one is through (`ordered`).
//           What was in hand when we were killed counts as an attempt: a message that kills us
//           becomes a dead letter in the end.
// Threads:  two of its own: one takes, one settles. start() and finish() by the owner.
// Errors:   a journal that is away is asked again and again; waiting_for() says so.

#include <string>
#include <string_view>
#include <thread>

#include "reliability/hub/feed_settler.hpp"
#include "reliability/hub/feed_state.hpp"
#include "reliability/hub/feed_taker.hpp"

namespace weft::reliability::hub {

class DurableFeed final : public Feed {
public:
    using Parts = DurableFeedParts;
    explicit DurableFeed(Parts parts);
    ~DurableFeed() override;

    void start() override;
    [[nodiscard]] std::string waiting_for() const override;
    [[nodiscard]] bool failed() const override;
    [[nodiscard]] bool begins(std::size_t worker, const Work& work) override;
    void ends(std::size_t worker, Work work, Verdict verdict) override;
    void stop_taking() override;
    std::size_t finish(fabric::Instant deadline) override;
    [[nodiscard]] FeedStats stats() const override;

    /// Two hubs with certificates of one name are two members, too.
    [[nodiscard]] static std::string member_name(std::string_view hub, unsigned slot);

private:
    FeedState state_;
    FeedTaker taker_;
    FeedSettler settler_;
    std::jthread taking_, settling_;  // last: they use the others
};

}  // namespace weft::reliability::hub
