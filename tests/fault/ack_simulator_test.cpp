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

TEST(AckSimulator, EachPlantedFaultIsCaught) {
    constexpr std::uint64_t seeds_max = 500;
    for (const PlantedFault& fault : planted_faults()) {
        Report caught;
        for (std::uint64_t seed = 1; seed <= seeds_max && caught.violations.empty(); ++seed) {
            caught = simulate(seed, fault.subjects);
        }
        ASSERT_FALSE(caught.violations.empty()) << fault.name << " is not seen";
        std::cout << "\"" << fault.name << "\" is caught by seed " << caught.seed << ": "
                  << caught.violations.front() << '\n';
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
