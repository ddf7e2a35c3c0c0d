// Holes in what a plain `weft tail` receives, filled from a journal: each message is printed once
// and in order, whatever happened to the relay, to the tail or to the network between them.

#include <csignal>
#include <optional>
#include <sstream>

#include "tests/integration/journal_fixture.hpp"
#include "tests/support/network_namespaces.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GapRepair : public Journaled {
protected:
    /// Numbers, each with so much behind it that queues are full of few.
    static std::string heavy_lines(int from, int to, std::size_t bytes) {
        const std::string ballast(bytes, 'x');
        std::string text;
        for (int number = from; number <= to; ++number) {
            text += std::to_string(number) + " " + ballast + "\n";
        }
        return text;
    }
    /// What holds back waits longer than a busy machine makes a journal slow.
    Process patient_tail(const std::vector<std::string>& more = {}) {
        return fabric_.tail(
            and_more({"--set", "reliability.repair.wait=20s", "--ready-timeout", "20s"}, more));
    }
    static std::string line_of(int number) { return "\"log\":\"" + std::to_string(number); }
};

TEST_F(GapRepair, ARelayThatIsKilledAndStartedAgainUnderLoadLosesNothing) {
    constexpr int total = 20'000;
    std::optional<Process> relay = fabric_.relay();
    Process journal = serve();
    Process tail = patient_tail({"--show-refused"});
    Process load = fabric_.start({"logger", "--durable", "--ack-timeout", "28s"},
                                 {.stdin_text = lines(1, total)});
    for (const int at : {total / 10, total / 2}) {
        tail.wait_for_line(Stream::out, line_of(at) + "\"");
        relay->signal(SIGKILL);
        relay->wait();
        relay = fabric_.relay();
    }

    EXPECT_EQ(load.wait(), 0) << load.output();
    tail.wait_for_line(Stream::out, line_of(total) + "\"");
    stop(tail);
    EXPECT_EQ(numbers(json_lines(tail.out())), all_from_to(1, total)) << tail.err();
    EXPECT_THAT(tail.out(), Not(HasSubstr("\"gap\"")));
}

TEST_F(GapRepair, ATailThatStoodStillUntilItsQueueOverflowedPrintsAllInOrder) {
    constexpr int total = 3000;
    const std::vector<std::string> small{"--set", "fabric.high_water_mark=100"};
    Process relay = fabric_.relay(small);
    Process journal = serve();
    Process tail = patient_tail(and_more({"--show-refused", "--query", "seq"}, small));
    tail.signal(SIGSTOP);

    Process load =
        fabric_.start({"logger", "--durable", "--ack-timeout", "28s"},
                      {.stdin_text = heavy_lines(1, total, 16'000), .keep_stdin_open = true});
    Process reader = fabric_.start({"tail", "--from", "beginning", "--query", "journal_id"});
    reader.wait_for_line(Stream::out, std::to_string(total));
    tail.signal(SIGCONT);
    // Its publisher is still there: what it says next shows where the hole ends, as soon as there
    // is room for it in front of the tail.
    int last = total;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (tail.out().find("\n" + std::to_string(total) + "\n") == std::string::npos) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << tail.output();
        load.write_stdin(lines(last + 1, last + 1));
        reader.wait_for_line(Stream::out, std::to_string(++last));
    }
    load.write_stdin(lines(last + 1, last + 1));
    load.close_stdin();
    ++last;

    EXPECT_EQ(load.wait(), 0) << load.err();
    tail.wait_for_line(Stream::out, std::to_string(last));
    stop(tail);
    std::string in_order;
    for (int seq = 1; seq <= last; ++seq) in_order += std::to_string(seq) + "\n";
    // On a busy machine an ACK is late, and the publisher sends again: that is no fault.
    std::string shown;
    std::istringstream out(tail.out());
    for (std::string line; std::getline(out, line);) {
        if (!line.starts_with(R"({"refused":"replayed")")) shown += line + "\n";
    }
    EXPECT_EQ(shown, in_order) << tail.err();
    EXPECT_THAT(tail.err(), HasSubstr("weft_messages_repaired_total"));
}

/// The relay, the journal and the publisher stand on the right, with one tail beside them and one
/// on the left.
class GapRepairAcross : public GapRepair {
protected:
    void SetUp() override {
        if (const std::string why = NetworkNamespaces::unavailable(); !why.empty()) {
            GTEST_SKIP() << why;
        }
        network_.emplace();
        const std::string right = "'tcp://" + NetworkNamespaces::right_address();
        fabric_.configure("fabric: { insecure: true, high_water_mark: 300, relay: { inbound: " +
                          right + ":9940', outbound: " + right +
                          ":9941' } }\nreliability: { journal: { listen: " + right + ":9942' } }");
    }
    Process start_at(const std::vector<std::string>& host, const std::vector<std::string>& weft,
                     Stream stream) {
        std::vector<std::string> argv = host;
        argv.push_back(weft_program());
        Process started = Process::start(and_more(argv, weft), {.cwd = fabric_.dir().path()});
        started.wait_for_line(stream, "ready");
        return started;
    }
    static std::string seq_text(int seq) { return "\"seq\":" + std::to_string(seq) + ","; }

    std::optional<NetworkNamespaces> network_;
};

TEST_F(GapRepairAcross, ATailThatWasCutOffPrintsAllInOrderOnceTheNetworkHeals) {
    constexpr int rate = 500, total = 5000, cut_at = 500, heal_at = cut_at + 6 * rate;
    const std::string count = std::to_string(total);
    Process relay = start_at(network_->on_right(), {"relay"}, Stream::out);
    Process journal = start_at(network_->on_right(), serving("journal.host1"), Stream::out);
    const std::vector<std::string> tailing{"tail", "--show-refused", "--ready-timeout",
                                           "20s",  "--set",          "reliability.repair.wait=20s"};
    Process near =
        start_at(network_->on_right(), and_more(tailing, {"--query", "seq"}), Stream::err);
    Process far = start_at(network_->on_left(), tailing, Stream::err);
    std::vector<std::string> load = network_->on_right();
    load.push_back(weft_program());
    Process publisher =
        Process::start(and_more(load, {"bench", "pub", "--rate", std::to_string(rate), "--count",
                                       count, "--size", "16000"}),
                       {.cwd = fabric_.dir().path()});
    far.wait_for_line(Stream::out, seq_text(cut_at));
    network_->cut_towards_left();
    network_->cut_towards_right();
    near.wait_for_line(Stream::out, std::to_string(heal_at));
    network_->heal_towards_left();
    network_->heal_towards_right();

    far.wait_for_line(Stream::out, seq_text(total), std::chrono::seconds(60));
    EXPECT_EQ(publisher.wait(), 0) << publisher.output();
    stop(far);
    std::vector<int> seen;
    for (const auto& line : json_lines(far.out())) {
        ASSERT_FALSE(line.contains("gap")) << line;
        seen.push_back(line["seq"]);
    }
    EXPECT_EQ(seen, all_from_to(1, total)) << far.err();
    EXPECT_THAT(far.err(), HasSubstr("weft_messages_repaired_total"));
}

}  // namespace
}  // namespace weft::testing
