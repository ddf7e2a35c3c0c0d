// A relay that dies and comes back under load.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <set>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What was on its way through the relay when it died is gone, and a journal's business. But nothing
// may be taken for unwanted because the publisher found the new relay before the subscriber did.
TEST(RelayRestart, NothingIsTakenForUnwantedWhenARelayIsKilledAndStartedAgainUnderLoad) {
    constexpr std::uint64_t total = 30'000;
    Fabric fabric;
    std::optional<Process> relay = fabric.relay();
    Process tail = fabric.tail({"--json"});
    Process load =
        fabric.start({"bench", "pub", "--rate", "5000", "--count", std::to_string(total)});
    for (int i = 0; i < 5000; ++i) tail.wait_for_line(Stream::out, "bench");

    relay->signal(SIGKILL);
    relay->wait();
    relay = fabric.relay();

    EXPECT_EQ(load.wait(), 0) << load.output();
    EXPECT_THAT(load.out(), Not(HasSubstr("reason=\"unwanted\"")));
    // The last one arrives, since the link is whole again.
    tail.wait_for_line(Stream::out, "\"seq\":" + std::to_string(total) + ",");
    tail.signal(SIGTERM);
    EXPECT_EQ(tail.wait(), 0);
    std::set<std::uint64_t> seqs;
    for (const auto& message : json_lines(tail.out()))
        seqs.insert(message["seq"].get<std::uint64_t>());
    std::printf("%zu of %llu messages were lost with the relay\n",
                static_cast<std::size_t>(total) - seqs.size(),
                static_cast<unsigned long long>(total));
    EXPECT_GT(seqs.size(), total / 2);
}

}  // namespace
}  // namespace weft::testing
