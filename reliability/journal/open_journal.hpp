#pragma once
// Opens the journal that a configuration describes. Threads: any.

#include <memory>

#include "fabric/transport/clock.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/settings.hpp"

namespace weft::reliability {

enum class JournalAccess {
    write,      ///< One process at a time.
    read_only,  ///< As it is now; also while another process writes.
};

/// `clock` must outlive it. Errors name the path and what to do.
[[nodiscard]] JournalResult<std::unique_ptr<Journal>> open_journal(
    const JournalSettings& settings, JournalAccess access, const fabric::Clock* clock = nullptr);

}  // namespace weft::reliability
