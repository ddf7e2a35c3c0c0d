#pragma once
// What the processes of one consumer write to stderr, as lines of the hub's log: escaped, and no
// more of them than LineBudget allows; the rest is counted and said.
// Threads: any.

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "reliability/hub/handler.hpp"
#include "reliability/hub/line_budget.hpp"

namespace weft::reliability::hub {

class ErrorLog {
public:
    /// `surroundings` outlives it.
    ErrorLog(Surroundings& surroundings, std::string consumer)
        : surroundings_(surroundings), consumer_(std::move(consumer)) {}

    /// `cut`: the line went on.
    void take(std::string_view line, bool cut);
    /// Says now what has been left out: a process has ended.
    void finish();

private:
    void say_left_out(std::uint64_t count);

    Surroundings& surroundings_;
    std::string consumer_;
    std::mutex mutex_;  ///< Also orders the lines.
    LineBudget budget_;
};

}  // namespace weft::reliability::hub
