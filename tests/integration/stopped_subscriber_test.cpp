// One subscriber stops reading: nobody else may notice, and what is kept for it is bounded.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/resident.hpp"

namespace weft::testing {
namespace {

TEST(StoppedSubscriber, CostsNobodyElseAMessageAndTheRelayNoMoreThanItsMark) {
    constexpr int total = 5000;
    constexpr int body_bytes = 16'384;
    constexpr int mark = 500;
    Fabric fabric;
    fabric.configure("fabric: { high_water_mark: " + std::to_string(mark) + " }");
    Process relay = fabric.relay();
    Process healthy = fabric.tail({"--terse", "--count", std::to_string(total)});
    Process stopped = fabric.tail({"--terse"});
    const long before = resident_kib(relay.pid());
    stopped.signal(SIGSTOP);

    const Finished published =
        fabric.weft({"bench", "pub", "--rate", "1000", "--count", std::to_string(total), "--size",
                     std::to_string(body_bytes)});

    EXPECT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(healthy.wait(), 0) << healthy.err();
    const long grown = resident_kib(relay.pid()) - before;
    std::printf("the relay grew by %ld KiB; the mark allows %d KiB for the stopped subscriber\n",
                grown, mark * body_bytes / 1024);
    // All that was sent would be 80 MiB. On a busy machine three queues are full: what comes in,
    // and what goes to either peer; and the allocator keeps some beside them.
    if (resident_memory_is_what_is_used) {
        EXPECT_LT(grown, 4 * mark * body_bytes / 1024);
    }
    stopped.signal(SIGCONT);
    stopped.signal(SIGTERM);
    EXPECT_EQ(stopped.wait(), 0) << stopped.err();
}

}  // namespace
}  // namespace weft::testing
