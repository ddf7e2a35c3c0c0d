// The promises of ACKs (A1 to A6, P7) in two thousand worlds, and proof that a broken promise would
// be seen.
#include "tests/fault/ack_simulator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <sstream>

#include "tests/fault/planted_faults.hpp"

namespace weft::fault {
namespace {

using ::testing::IsEmpty;

TEST(AckSimulator, NoPromiseIsBrokenInTwoThousandWorlds) {
    constexpr std::uint64_t seeds = 2000;
    const Subjects subjects = genuine_subjects();
    Figures figures;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const Report report = simulate(seed, subjects);
        figures.add(report.figures);
        ASSERT_THAT(report.violations, IsEmpty())
            << "replay it with: ack_simulator --seed " << seed;
    }
    // Worlds in which nothing happens prove nothing.
    EXPECT_GT(figures.publishes, seeds * 5);
    EXPECT_GT(figures.acknowledged, seeds);
    EXPECT_GT(figures.rejected, seeds / 10);
    EXPECT_GT(figures.unknown, seeds);
    EXPECT_GT(figures.aborted, seeds / 20);
    EXPECT_GT(figures.forgeries, seeds * 10);
    EXPECT_GT(figures.resent, seeds);
    EXPECT_GT(figures.handlers, seeds);
}

/// The first violation in which the fault is seen as what it is.
std::string seen(const PlantedFault& fault, const Report& report) {
    for (const std::string& violation : report.violations) {
        if (violation.find(fault.seen_as) != std::string::npos) return violation;
    }
    return {};
}

TEST(AckSimulator, EachPlantedFaultIsCaught) {
    constexpr std::uint64_t seeds_max = 2000;
    for (const PlantedFault& fault : planted_faults()) {
        std::string found;
        std::uint64_t seed = 0;
        while (found.empty() && seed < seeds_max) {
            found = seen(fault, simulate(++seed, fault.subjects));
        }
        ASSERT_FALSE(found.empty()) << fault.name << " is not seen";
        std::cout << "\"" << fault.name << "\" is caught by seed " << seed << ": " << found << '\n';
    }
}

TEST(AckSimulator, TheSameSeedIsTheSameRun) {
    for (const std::uint64_t seed : {1, 77, 4711}) {
        std::ostringstream once, again;
        static_cast<void>(simulate(seed, genuine_subjects(), &once));
        static_cast<void>(simulate(seed, genuine_subjects(), &again));
        EXPECT_EQ(once.str(), again.str());
        EXPECT_FALSE(once.str().empty());
    }
}

}  // namespace
}  // namespace weft::fault
