#pragma once
// Reads a whole journal and says what is wrong with it: every checksum (by reading), every
// signature and proof, as of the time at which each run was stored (T8), the order of ids and
// times, and that the indexes find what is there. Threads: one; `progress` is called by it.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "reliability/journal/journal.hpp"
#include "signing/trust_store.hpp"

namespace weft::reliability {

struct JournalProblem {
    JournalId first = 0, last = 0;
    std::string sentence;
};

struct JournalCheck {
    JournalId low = 1, head = 0;
    std::uint64_t messages = 0, runs = 0;
    std::uint64_t expired = 0;        ///< Messages that retention removed.
    std::uint64_t revoked_later = 0;  ///< Good when stored; their signers are revoked now.
    std::uint64_t problems = 0;       ///< Places; `on_problem` was told each.
    std::uint64_t signatures_checked = 0;
};

struct CheckHooks {
    std::function<void(const JournalProblem&)> on_problem{};
    /// About each page: ids that were looked at, of how many.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress{};
    std::function<bool()> stopped{};  ///< Ends it early if it says so.
};

/// `trust` null: proofs must hold under the certificates that they carry, and nobody is believed.
[[nodiscard]] JournalCheck check_journal(Journal& journal,
                                         std::shared_ptr<signing::TrustStore> trust,
                                         const CheckHooks& hooks);

}  // namespace weft::reliability
