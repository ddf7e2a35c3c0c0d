// The promises of journals, cursors, groups and repair in a thousand worlds, and proof that a
// broken promise would be seen.
#include "tests/fault/journal_simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <sstream>

namespace weft::fault {
namespace {

using ::testing::IsEmpty;

TEST(JournalSimulator, NoPromiseIsBrokenInAThousandWorlds) {
    constexpr std::uint64_t seeds = 1000;
    JournalFigures figures;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const JournalReport report = simulate_journals(seed, Planted::nothing);
        figures.add(report.figures);
        ASSERT_THAT(report.violations, IsEmpty())
            << "replay it with: journal_simulator --seed " << seed;
    }
    // Worlds in which nothing happens prove nothing.
    EXPECT_GT(figures.stored, seeds * 10);
    EXPECT_GT(figures.failed_commits, seeds / 2);
    EXPECT_GT(figures.power_losses, seeds / 2);
    EXPECT_GT(figures.found_again, seeds);
    EXPECT_GT(figures.submitted, seeds);
    EXPECT_GT(figures.trimmed, seeds);
    EXPECT_GT(figures.expired, seeds / 10);
    EXPECT_GT(figures.duplicates, seeds);
    EXPECT_GT(figures.repaired, seeds);
    EXPECT_GT(figures.lost, seeds);
    EXPECT_GT(figures.handled_again, seeds);
    EXPECT_GT(figures.reader_gaps, seeds / 10);
    EXPECT_GT(figures.redelivered, seeds);
    EXPECT_GT(figures.late_acks + figures.lost_leases, seeds / 10);
    EXPECT_GT(figures.dead, seeds / 10);
}

/// The first violation in which the fault is seen as what it is.
std::string seen(const PlantedFault& fault, const JournalReport& report) {
    for (const std::string& violation : report.violations) {
        if (violation.find(fault.seen_as) != std::string::npos) return violation;
    }
    return {};
}

TEST(JournalSimulator, EachPlantedFaultIsCaught) {
    constexpr std::uint64_t seeds_max = 2000;
    for (const PlantedFault& fault : planted_journal_faults()) {
        std::string found;
        std::uint64_t seed = 0;
        while (found.empty() && seed < seeds_max) {
            found = seen(fault, simulate_journals(++seed, fault.fault));
        }
        EXPECT_FALSE(found.empty()) << fault.name << " is not seen";
        std::cout << "\"" << fault.name << "\" is caught by seed " << seed << ": " << found << '\n';
    }
}

TEST(JournalSimulator, TheSameSeedIsTheSameRun) {
    for (const std::uint64_t seed : {1, 77, 4711}) {
        std::ostringstream once, again;
        static_cast<void>(simulate_journals(seed, Planted::nothing, &once));
        static_cast<void>(simulate_journals(seed, Planted::nothing, &again));
        EXPECT_EQ(once.str(), again.str());
        EXPECT_FALSE(once.str().empty());
    }
}

}  // namespace
}  // namespace weft::fault
