#pragma once
// A journal whose process is killed again and again while publishers are told what it has stored.
// Threads: one calls run_journal_storm().

#include <cstdint>
#include <functional>
#include <string>

#include "tests/fault/journal_storm/ledger.hpp"

namespace weft::fault {

struct JournalStormOptions {
    std::uint64_t kills = 10, seed = 1;
    std::function<void(std::uint64_t kill)> progress{};
};

struct JournalStormReport {
    std::uint64_t kills = 0;
    std::uint64_t kills_while_starting = 0;  ///< Of these, before it was ready.
    std::uint64_t not_acknowledged = 0;
    std::uint64_t slowest_ready_ms = 0, seconds = 0;
    LedgerFigures figures;
    std::string verified;

    [[nodiscard]] bool good() const noexcept { return figures.good(); }
    [[nodiscard]] std::string text() const;
};

/// Throws std::runtime_error where it cannot go on, such as a journal that does not start again.
[[nodiscard]] JournalStormReport run_journal_storm(const JournalStormOptions& options);

[[nodiscard]] std::string text_of(const LedgerFigures& figures);

}  // namespace weft::fault
