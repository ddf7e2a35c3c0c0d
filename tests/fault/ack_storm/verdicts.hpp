#pragma once
// Holds each outcome against the truth, and counts.
//
// Violations: a success that the truth does not allow; somebody said to have acknowledged who did
//             not, or to have rejected who did not; an outcome of another publish, two outcomes of
//             one, or none. A genuine answer that was late or lost is counted, and no violation:
//             the publish then says unknown, which is true.
// Threads:    any.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "reliability/ack/outcome.hpp"
#include "tests/fault/ack_storm/demand.hpp"

namespace weft::fault::storm {

/// One publish, from its call until its outcome is known.
struct Asked {
    std::uint64_t number = 0;
    Demand demand;
    std::optional<fabric::MessageId> returned{}, settled{};
};

struct Tally {
    std::uint64_t publishes = 0, acknowledged = 0, rejected = 0, unknown = 0;
    std::uint64_t false_successes = 0, wrongly_blamed = 0;
    std::uint64_t other_violations = 0;
    std::uint64_t lost = 0;  ///< Ended as unknown, or late, where the truth had answers enough.
    /// What outcomes told of ACKs that did not count, over all names.
    std::uint64_t told_wrong_signer = 0, told_wrong_bytes = 0, told_wrong_role = 0;
    std::uint64_t told_refused = 0;
    std::vector<std::string> first;  ///< Of the violations, in words.

    [[nodiscard]] std::uint64_t violations() const {
        return false_successes + wrongly_blamed + other_violations;
    }
};

class Verdicts {
public:
    static constexpr std::size_t shown_max = 20;

    /// publish() returned this id, maybe after the outcome.
    void returned(Asked& asked, const fabric::MessageId& id);
    void settled(Asked& asked, const reliability::Outcome& outcome);
    /// Something else is not as it must be.
    void violated(const std::string& what);
    [[nodiscard]] Tally tally() const;

private:
    void judge(const Asked& asked, const reliability::Outcome& outcome);
    void judge_answer(const Asked& asked, const reliability::Outcome& outcome, const Member& who,
                      const reliability::RecipientAnswer& answer, bool& lacks);
    void note(std::uint64_t& counter, const Asked& asked, const std::string& what,
              const reliability::Outcome& outcome);

    mutable std::mutex mutex_;
    Tally tally_;
};

}  // namespace weft::fault::storm
