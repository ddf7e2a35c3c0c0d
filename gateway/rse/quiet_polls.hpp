#pragma once
// Polls that found nothing: the same question need not be put to the journal again for the ids that
// it was answered for. A client of RSE that gets nothing keeps its cursor, so the same old cursor
// comes again and again, long after the bridge remembers what came behind it.
//
// Threads: any. Limits: entries_max questions; the oldest go first.

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "reliability/journal/position.hpp"

namespace weft::gateway::rse {

class QuietPolls {
public:
    static constexpr std::size_t entries_max = 16'384;

    /// Nothing that was stored since `since_us` answers the question after `after` up to `through`.
    struct Quiet {
        reliability::JournalId after = 0, through = 0;
        reliability::JournalId expired = 0;  ///< What the TTL hides of these, up to here; 0: none.
        std::uint64_t since_us = 0;
    };
    /// `question`: what is asked and by whom, without the cursor.
    void add(const std::string& question, Quiet quiet);
    /// For a cursor, and events since `since_us`; `expired` as it is for this cursor. Nothing also
    /// if the clock went back since: what was hidden may be shown again.
    [[nodiscard]] std::optional<Quiet> find(const std::string& question,
                                            reliability::JournalId after,
                                            std::uint64_t since_us) const;

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Quiet> entries_;
    std::deque<std::string> order_;
};

}  // namespace weft::gateway::rse
