#pragma once
// What a journal may forget, and when: by age, by size, by age of some topics. Pure.
//
// Rules: the oldest goes first. max_age and the ages of globs spare what protected cursors have not
//        read yet; max_bytes spares nothing. An age longer than max_age has no effect.
// Clock: ages are judged by AgeClock, so that a calendar that jumps forward empties no journal at
//        once.
// Threads: values and pure functions; AgeClock is confined to one thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/settings.hpp"

namespace weft::reliability {

/// The time by which ages are judged: the calendar's, but where it runs ahead of the monotonic
/// clock it is not believed for an hour. A calendar that goes back is believed at once: it only
/// makes messages younger.
class AgeClock {
public:
    static constexpr std::chrono::seconds tolerance{60};  ///< Corrections as they happen.
    static constexpr std::chrono::hours hold{1};
    /// A journal whose newest message is older than this when it is opened: maybe it was idle,
    /// maybe the calendar is wrong.
    static constexpr std::chrono::hours idle{24};

    struct Reading {
        std::uint64_t utc_us = 0;
        std::string said;  ///< Once per jump: why nothing is forgotten by age for a while.
    };
    [[nodiscard]] Reading read(fabric::Instant steady, std::uint64_t utc_us,
                               std::uint64_t newest_us);

private:
    bool begun_ = false;
    std::uint64_t trusted_us_ = 0;
    fabric::Instant at_{};
    std::optional<fabric::Instant> jumped_at_;
};

struct RetentionPlan {
    struct OfTopics {
        std::string glob;
        std::uint64_t before_us = 0;
        friend bool operator==(const OfTopics&, const OfTopics&) = default;
    };
    std::optional<std::uint64_t> trim_before_us;   ///< Messages stored before may go, …
    JournalId age_floor = UINT64_MAX;              ///< … but nothing from this id on,
    std::vector<OfTopics> expire;                  ///< nor of these topics.
    std::optional<std::uint64_t> shrink_to_bytes;  ///< Whatever anybody has read.
    friend bool operator==(const RetentionPlan&, const RetentionPlan&) = default;
};

/// `positions`: of the protected cursors. One of another epoch protects everything: its reader
/// begins at the oldest.
[[nodiscard]] RetentionPlan plan_retention(const JournalInfo& info, const JournalSettings& settings,
                                           const std::vector<Position>& positions,
                                           std::uint64_t now_us);

}  // namespace weft::reliability
