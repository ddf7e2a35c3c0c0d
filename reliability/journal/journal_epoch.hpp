#pragma once
// A new life of a journal gets a number of its own. Threads: any.

#include "reliability/journal/position.hpp"

namespace weft::reliability {

[[nodiscard]] JournalEpoch make_journal_epoch();  ///< Random, never 0.

}  // namespace weft::reliability
