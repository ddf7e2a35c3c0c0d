// One subscriber reads a kilobyte a second: it is alive, so nothing ends its connection, and it
// never catches up. Nobody else may notice, and what is kept for it is bounded.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/resident.hpp"
#include "tests/support/zmtp_stranger.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;

/// Subscribes to everything and reads 100 bytes ten times a second until it is destroyed.
class SlowReader {
public:
    explicit SlowReader(const std::string& endpoint)
        : stranger_(endpoint, "SUB", receive_buffer),
          thread_([this](const std::stop_token& token) { run(token); }) {}

    [[nodiscard]] std::size_t bytes_read() const { return bytes_; }
    [[nodiscard]] bool is_connected() const { return connected_; }

private:
    /// Small, so that the relay sees how slow it is instead of filling the kernel's buffers.
    static constexpr int receive_buffer = 4096;

    void run(const std::stop_token& token) {
        stranger_.subscribe("");
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any tick;
        auto next = std::chrono::steady_clock::now();
        while (!tick.wait_until(lock, token, next += 100ms, [] { return false; }) &&
               !token.stop_requested()) {
            try {
                bytes_ += stranger_.read_some(100).size();
            } catch (const std::exception&) {
                connected_ = false;
                return;
            }
        }
    }

    support::ZmtpStranger stranger_;
    std::atomic<std::size_t> bytes_{0};
    std::atomic<bool> connected_{true};
    std::jthread thread_;  // last: it uses all of the above
};

TEST(SlowSubscriber, CostsNobodyElseAMessageAndTheRelayNoMoreThanItsMark) {
    constexpr int total = 5000;
    constexpr int body_bytes = 16'384;
    constexpr int mark = 500;
    Fabric fabric;
    fabric.configure("fabric: { high_water_mark: " + std::to_string(mark) + " }");
    Process relay = fabric.start({"relay"});
    const std::string listening = relay.wait_for_line(Stream::out, "listening outbound ");
    relay.wait_for_line(Stream::out, "ready");
    Process healthy = fabric.tail({"--terse", "--count", std::to_string(total)});
    const long before = resident_kib(relay.pid());
    const SlowReader slow(listening.substr(listening.rfind(' ') + 1));

    const Finished published =
        fabric.weft({"bench", "pub", "--rate", "1000", "--count", std::to_string(total), "--size",
                     std::to_string(body_bytes)});

    EXPECT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(healthy.wait(), 0) << healthy.err();
    const long grown = resident_kib(relay.pid()) - before;
    std::printf(
        "the relay grew by %ld KiB; the mark allows %d KiB for the slow subscriber, which read "
        "%zu bytes\n",
        grown, mark * body_bytes / 1024, slow.bytes_read());
    EXPECT_GT(slow.bytes_read(), 0U);
    EXPECT_TRUE(slow.is_connected());
    // All that was sent would be 80 MiB. On a busy machine three queues are full: what comes in,
    // and what goes to either peer; and the allocator keeps some beside them.
    if (resident_memory_is_what_is_used) {
        EXPECT_LT(grown, 4 * mark * body_bytes / 1024);
    }
}

}  // namespace
}  // namespace weft::testing
