// The network between two hosts fails and heals: network namespaces with a router that loses
// packets. What the unaffected side receives is the clock of these tests: nothing sleeps.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/network_namespaces.hpp"

namespace weft::testing {
namespace {

using ::testing::SizeIs;
using Clock = std::chrono::steady_clock;

constexpr int rate = 500;
constexpr int total = 9000;
constexpr int cut_at = 1000, heal_at = cut_at + 10 * rate;

std::string seq_text(int seq) {
    return "\"seq\":" + std::to_string(seq) + ",";
}

/// The relay and the publisher stand on the right, with one tail beside them and one on the left.
class Partition : public ::testing::Test {
protected:
    void SetUp() override {
        if (const std::string why = NetworkNamespaces::unavailable(); !why.empty()) {
            GTEST_SKIP() << why;
        }
        network_.emplace();
        fabric_.configure("fabric: { insecure: true, relay: { inbound: 'tcp://" +
                          NetworkNamespaces::right_address() + ":9940', outbound: 'tcp://" +
                          NetworkNamespaces::right_address() + ":9941' } }");
    }

    Process start_at(const std::vector<std::string>& host, const std::vector<std::string>& weft) {
        std::vector<std::string> argv = host;
        argv.push_back(weft_program());
        argv.insert(argv.end(), weft.begin(), weft.end());
        return Process::start(argv, {.cwd = fabric_.dir().path()});
    }
    Process tail_at(const std::vector<std::string>& host) {
        Process tail = start_at(host, {"tail", "--count", std::to_string(total)});
        tail.wait_for_line(Stream::err, "ready");
        return tail;
    }

    /// Publishes, cuts for ten seconds, heals; every message must have come to both sides, and the
    /// far side within five seconds to where the near side is.
    template <typename Cut, typename Heal>
    void lose_nothing(Cut cut, Heal heal) {
        Process relay = start_at(network_->on_right(), {"relay"});
        relay.wait_for_line(Stream::out, "ready", patience);
        Process near = tail_at(network_->on_right());
        Process far = tail_at(network_->on_left());
        Process publisher = start_at(
            network_->on_right(),
            {"bench", "pub", "--rate", std::to_string(rate), "--count", std::to_string(total)});
        near.wait_for_line(Stream::out, seq_text(cut_at));
        cut();
        near.wait_for_line(Stream::out, seq_text(heal_at));
        heal();
        const auto healed = Clock::now();
        far.wait_for_line(Stream::out, seq_text(heal_at));
        const std::chrono::duration<double> took = Clock::now() - healed;
        RecordProperty("seconds_from_healing", std::to_string(took.count()));
        std::printf("%.1f s from healing until the far side had what was sent before it\n",
                    took.count());

        EXPECT_EQ(publisher.wait(), 0) << publisher.output();
        EXPECT_EQ(near.wait(), 0) << near.output();
        EXPECT_EQ(far.wait(), 0) << far.output();
        EXPECT_THAT(json_lines(near.out()), SizeIs(total));
        EXPECT_THAT(json_lines(far.out()), SizeIs(total));
        relay.signal(SIGTERM);
        EXPECT_EQ(relay.wait(), 0) << relay.output();
    }

    Fabric fabric_;
    std::optional<NetworkNamespaces> network_;
};

TEST_F(Partition, TenSecondsWithoutPacketsToASubscriberDelayItsMessagesAndLoseNone) {
    lose_nothing([this] { network_->cut_towards_left(); },
                 [this] { network_->heal_towards_left(); });
}

TEST_F(Partition, TenSecondsWithoutPacketsInEitherDirectionDelayMessagesAndLoseNone) {
    lose_nothing(
        [this] {
            network_->cut_towards_left();
            network_->cut_towards_right();
        },
        [this] {
            network_->heal_towards_left();
            network_->heal_towards_right();
        });
}

}  // namespace
}  // namespace weft::testing
