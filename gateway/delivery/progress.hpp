#pragma once
// How far a subscription has come, besides the position of its cursor: what it has counted, and the
// batches that have failed and are to be sent again as they were. Threads: values.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "reliability/journal/position.hpp"

namespace weft::gateway::delivery {

/// A batch that has failed: its retry carries the same messages under the same name.
struct FailedBatch {
    std::string delivery;
    std::vector<reliability::JournalId> ids;  ///< Rising.
    std::uint64_t attempts = 0;               ///< Made.
    std::uint64_t due_us = 0;                 ///< Calendar.
};

struct Progress {
    reliability::Position position{};  ///< Everything up to it is delivered, parked or unwanted.
    std::uint64_t sent = 0, given_up = 0, dropped = 0;
    std::uint64_t attempts = 0, failures = 0;
    std::vector<FailedBatch> failed{};
};

/// What the owner of a subscription without url says that it has fetched.
struct Fetched {
    reliability::JournalId from = 0;      ///< The place that the figures were counted from.
    reliability::JournalId through = 0;   ///< It has everything up to it; 0: it asks only.
    std::uint64_t sent = 0, dropped = 0;  ///< Messages between them: given, and lost before.
};

}  // namespace weft::gateway::delivery
