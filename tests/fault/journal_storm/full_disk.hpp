#pragma once
// A journal on a small disk that is filled and freed again and again.
// Threads: one calls run_full_disk().

#include <cstdint>
#include <string>

#include "tests/fault/journal_storm/ledger.hpp"

namespace weft::fault {

struct FullDiskReport {
    std::string skipped;  ///< Why this machine does not allow it, or "".
    std::uint64_t cycles = 0;
    std::uint64_t rejected = 0;           ///< While the disk was full.
    std::uint64_t acknowledged_full = 0;  ///< While it was: a fault.
    std::uint64_t unanswered_full = 0;    ///< Neither: a fault, too.
    std::uint64_t without_reason = 0;     ///< Rejections that do not speak of the disk.
    std::uint64_t slowest_recovery_ms = 0;
    std::string reason;  ///< Of the last rejection.
    LedgerFigures figures;
    std::string verified;

    [[nodiscard]] bool good() const noexcept {
        return figures.good() && acknowledged_full + unanswered_full + without_reason == 0 &&
               rejected > 0;
    }
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] FullDiskReport run_full_disk(std::uint64_t cycles, std::uint64_t seed);

}  // namespace weft::fault
