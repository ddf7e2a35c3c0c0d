#pragma once
// What a gateway has seen pass since it started: topics by what its journal stored, publishers by
// what its recorder believed. Threads: any.

#include <atomic>
#include <cstdint>
#include <vector>

#include "gateway/bridge/traffic_table.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::gateway {

struct Traffic {
    static constexpr std::size_t topics_max = 10'000, publishers_max = 1000;
    TrafficTable topics{topics_max}, publishers{publishers_max};
    /// What the journal stored after this id, and since this time, is counted.
    std::atomic<reliability::JournalId> counted_after{0};
    std::atomic<std::uint64_t> counted_since_us{0};
};

/// The topics that a journal has had before, from its index: their last messages, and no counts. By
/// pages, since there may be many: a page is one step.
class TopicsBefore {
public:
    /// Beyond so many pages the rest is left out.
    static constexpr unsigned pages_max = 64;

    explicit TopicsBefore(reliability::JournalId through) { limits_.through = through; }
    /// False: that was all, or the journal did not answer; what was found is in `traffic` then.
    [[nodiscard]] bool step(reliability::Journal& journal, Traffic& traffic);

private:
    reliability::ReadLimits limits_{.messages = Traffic::topics_max, .bytes = std::size_t{8} << 20};
    reliability::Position next_{};
    unsigned pages_ = 0;
    std::vector<TrafficTable::Row> newest_;
};

}  // namespace weft::gateway
