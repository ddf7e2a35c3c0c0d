#pragma once
// How many messages one subscription may still be sent, and which of those that it was sent its
// client has not acknowledged. An acknowledgement gives back what it covers; `add` gives more.
//
// Threads: a value, not synchronised. Limits: credit_max; of what is never acknowledged the newest
// credit_max are remembered.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "reliability/journal/journal.hpp"

namespace weft::gateway::native {

class WsCredit {
public:
    static constexpr std::uint64_t credit_default = 256, credit_max = 10'000;

    /// `credit` is at most credit_max (asserted).
    explicit WsCredit(std::uint64_t credit);

    [[nodiscard]] std::uint64_t left() const noexcept { return left_; }
    /// A message goes out; there is credit for it (asserted).
    void take(reliability::JournalId id);
    /// Those up to `through` that were not acknowledged before.
    std::vector<reliability::JournalId> ack(reliability::JournalId through);
    /// False, and nothing changes: it would be more than credit_max.
    [[nodiscard]] bool add(std::uint64_t messages) noexcept;

private:
    std::uint64_t left_;
    std::deque<reliability::JournalId> sent_;
};

}  // namespace weft::gateway::native
