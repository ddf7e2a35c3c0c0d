// The network loses packets in one direction while a publish waits: never a success that was not,
// and once it heals before the deadline, a success after all.

#include <optional>

#include "tests/integration/acknowledging.hpp"
#include "tests/support/network_namespaces.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;

/// The relay, the publisher and recipient b stand on the right, recipient a on the left.
class PartitionedAck : public Acknowledging {
protected:
    void SetUp() override {
        if (const std::string why = NetworkNamespaces::unavailable(); !why.empty()) {
            GTEST_SKIP() << why;
        }
        network_.emplace();
        fabric_.configure("fabric: { insecure: true, relay: { inbound: 'tcp://" +
                          NetworkNamespaces::right_address() + ":9940', outbound: 'tcp://" +
                          NetworkNamespaces::right_address() + ":9941' } }");
        relay_ = start_at(network_->on_right(), {"relay"});
        relay_->wait_for_line(Stream::out, "ready");
        b_ = start_at(network_->on_right(), as("b"));
        b_->wait_for_line(Stream::err, "ready");
        a_ = start_at(network_->on_left(), as("a"));
        a_->wait_for_line(Stream::err, "ready");
    }
    Process start_at(const std::vector<std::string>& host, const std::vector<std::string>& weft) {
        std::vector<std::string> argv = host;
        argv.push_back(weft_program());
        argv.insert(argv.end(), weft.begin(), weft.end());
        return Process::start(argv, {.cwd = fabric_.dir().path()});
    }

    /// One that ends within the cut, and one that outlasts it.
    template <typename Cut, typename Heal>
    void never_a_false_success(Cut cut, Heal heal) {
        Process before = start_at(network_->on_right(), publishing("a, b", "20s"));
        EXPECT_EQ(before.wait(), 0) << before.output();
        b_->wait_for_line(Stream::out, "\"seq\"");
        cut();
        Process patient = start_at(network_->on_right(), publishing("a, b", "70s"));
        b_->wait_for_line(Stream::out, "\"seq\"");
        Process within = start_at(network_->on_right(), publishing("a, b", "3s"));

        EXPECT_EQ(within.wait(), 1) << within.output();
        EXPECT_THAT(within.err(), HasSubstr("a did not answer"));
        EXPECT_THAT(within.err(), HasSubstr("b processed it"));
        EXPECT_FALSE(patient.has_ended()) << patient.output();
        heal();

        EXPECT_EQ(patient.wait(std::chrono::seconds(90)), 0) << patient.output();
        const auto id = patient.out().substr(0, 36);
        std::size_t found = 0;
        for (const auto& message : printed(*a_, 2)) found += message["id"] == id ? 1U : 0U;
        EXPECT_EQ(found, 1U) << a_->out();
    }

    std::optional<NetworkNamespaces> network_;
    std::optional<Process> relay_, a_, b_;
};

TEST_F(PartitionedAck, TheWayToTheRecipientIsCut) {
    never_a_false_success([this] { network_->cut_towards_left(); },
                          [this] { network_->heal_towards_left(); });
}

TEST_F(PartitionedAck, TheWayBackIsCut) {
    never_a_false_success([this] { network_->cut_towards_right(); },
                          [this] { network_->heal_towards_right(); });
}

}  // namespace
}  // namespace weft::testing
