#pragma once
// Which messages of an outbox are handed to a journal next, and when: in their order, in bounded
// batches, with longer and longer pauses while no journal takes them. One that is refused for good
// is found by halving the batch that it is in, and skipped: those behind it go on.
// Pure state machine: no file, journal, clock or thread inside.
// Threads: confined. Time: monotonic; `now` must not go back.
// Limits:  as many messages as the outbox has.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/outbox/outbox.hpp"
#include "reliability/retry_schedule.hpp"

namespace weft::reliability {

class HandInQueue {
public:
    static constexpr std::size_t batch_messages_max = 256;
    /// Of a batch of more than one message.
    static constexpr std::size_t batch_bytes_max = std::size_t{1} << 20;
    /// After so many without one that was taken there is a pause: maybe it is not the messages.
    static constexpr std::size_t refused_in_a_row_max = 16;

    using Item = Outbox::Kept;
    using Batch = std::vector<Item>;

    /// `seed` is of the jitter.
    HandInQueue(RetrySettings retries, std::uint64_t seed) : retries_(retries), random_(seed) {}

    /// Not to be handed in before `not_before`. One that is there already stays as it is.
    void add(const Item& item, fabric::Instant not_before);
    /// Empty: nothing is due. What is given out stays until it is stored, refused or gone.
    [[nodiscard]] Batch next(fabric::Instant now) const;
    /// When next() may have something; nothing: never, as it stands.
    [[nodiscard]] std::optional<fabric::Instant> next_due() const;

    /// A journal has all of these.
    void stored(const Batch& batch);
    /// It is not in the outbox any more.
    void gone(const Item& item);
    /// No journal took these now. Makes a pause.
    void away(fabric::Instant now);
    /// A journal says no to this batch for good. True: it is one message, which is skipped from now
    /// on. False: smaller batches follow.
    [[nodiscard]] bool refused(const Batch& batch, fabric::Instant now);
    /// What was skipped has its turn again, at once: what it is signed with has changed.
    void try_skipped_again();

    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    [[nodiscard]] std::size_t skipped() const noexcept { return skipped_.size(); }

private:
    struct Waiting {
        Item item;
        fabric::Instant not_before;
    };
    void pause(fabric::Instant now);

    const RetrySettings retries_;
    std::uint64_t random_;
    std::map<std::uint64_t, Waiting> waiting_;  // by place
    std::map<std::uint64_t, Item> skipped_;
    std::size_t at_a_time_ = batch_messages_max;
    std::size_t refused_in_a_row_ = 0;
    std::uint32_t attempt_ = 0;
    fabric::Instant paused_until_{};
};

}  // namespace weft::reliability
