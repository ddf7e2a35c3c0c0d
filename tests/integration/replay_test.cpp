// Replays and losses between real processes: what a stranger recorded cannot be said again, and
// what did not come is counted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fabric/node/control.hpp"
#include "fabric/transport/transport.hpp"
#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

struct Recorded {
    std::string topic, contents, proof;
    /// Byte 2 of the proof frame.
    [[nodiscard]] bool is_beacon() const { return proof.size() > 2 && proof[2] == 2; }
};

/// Somebody without any key who can reach the sockets.
class Stranger {
public:
    explicit Stranger(const std::string& outbound) {
        auto opened = transport_->open_subscriber();
        if (!opened || !(*opened)->connect(outbound)) throw std::runtime_error("cannot listen");
        ears_ = std::move(*opened);
        ears_->subscribe("org.weft.");
        ears_->subscribe(probe_);
        if (!hear([&](const Recorded& heard) { return heard.topic == probe_; })) {
            throw std::runtime_error("nobody at " + outbound);
        }
    }

    void speak_to_relay(const std::string& inbound) {
        auto opened = transport_->connect_publisher(inbound);
        if (!opened) throw std::runtime_error(opened.error());
        mouth_ = std::move(*opened);
    }
    void speak_as_relay(const std::string& outbound) {
        auto opened = transport_->bind_publisher({outbound});
        if (!opened) throw std::runtime_error(opened.error());
        mouth_ = std::move(*opened);
    }
    /// Until somebody asks whether its subscriptions are in force, or wants messages of ours.
    [[nodiscard]] bool wait_for_subscriber(std::string_view wanted) {
        fabric::SubscriptionEvent event;
        return eventually([&] {
            while (mouth_->next_subscription(event)) {
                if (!event.subscribed) continue;
                if (event.prefix.starts_with(fabric::probe_prefix)) {
                    mouth_->send(event.prefix, {}, {});
                }
                if (event.prefix.starts_with(wanted)) return true;
            }
            mouth_->wait(20ms);
            return false;
        });
    }

    /// The next run that is meant; nothing if it does not come.
    [[nodiscard]] std::optional<Recorded> hear(const std::function<bool(const Recorded&)>& meant) {
        std::optional<Recorded> heard;
        static_cast<void>(eventually([&] {
            fabric::Arrival arrival;
            while (ears_->receive(arrival)) {
                Recorded run{std::string{arrival.topic}, std::string{arrival.contents},
                             std::string{arrival.proof}};
                if (!meant(run)) continue;
                heard = std::move(run);
                return true;
            }
            ears_->wait(20ms);
            return false;
        }));
        return heard;
    }
    [[nodiscard]] Recorded hear_message() {
        auto heard =
            hear([&](const Recorded& run) { return run.topic != probe_ && !run.is_beacon(); });
        if (!heard) throw std::runtime_error("no message came");
        return *heard;
    }
    void say(const Recorded& run) { mouth_->send(run.topic, run.contents, run.proof); }

private:
    static bool eventually(const std::function<bool()>& holds) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
        }
        return true;
    }

    std::unique_ptr<fabric::Transport> transport_ = fabric::make_zmq_transport({});
    const std::string probe_ = std::string{fabric::probe_prefix} + fabric::make_nonce();
    std::unique_ptr<fabric::SubscribePort> ears_;
    std::unique_ptr<fabric::PublishPort> mouth_;
};

class ReplayProcesses : public ::testing::Test {
protected:
    std::string configured(const std::string& query) {
        const Finished done = fabric_.weft({"config", "--query", query});
        std::string text = done.out;
        std::erase_if(text, [](char c) { return c == '\n' || c == '"' || c == '\''; });
        return text;
    }

    Fabric fabric_;
};

// P1, P2, A4: also after the receiver was killed.
TEST_F(ReplayProcesses, WhatAStrangerRecordedIsRefusedAlsoAfterTheReceiverWasKilled) {
    const Process relay = fabric_.relay();
    Stranger stranger(configured("fabric.relay.outbound"));
    stranger.speak_to_relay(configured("fabric.relay.inbound"));
    Process tail = fabric_.tail({"--json", "--show-refused"});
    ASSERT_TRUE(stranger.wait_for_subscriber("org.weft"));

    EXPECT_EQ(fabric_.weft({"publish", "git.commit", "--data", "once"}).exit_code, 0);
    const Recorded recorded = stranger.hear_message();
    tail.wait_for_line(Stream::out, "once");
    stranger.say(recorded);
    tail.wait_for_line(Stream::out, "\"refused\":\"replayed\"");
    tail.signal(SIGKILL);
    static_cast<void>(tail.wait());

    Process again = fabric_.tail({"--json", "--show-refused"});
    stranger.say(recorded);
    again.wait_for_line(Stream::out, "\"refused\":\"replayed\"");
    EXPECT_EQ(fabric_.weft({"publish", "git.commit", "--data", "afterwards"}).exit_code, 0);
    again.wait_for_line(Stream::out, "afterwards");
    again.signal(SIGTERM);
    EXPECT_EQ(again.wait(), 0) << again.output();
    EXPECT_THAT(again.out(), Not(HasSubstr("\"once\"")));

    // After a clean stop, too.
    Process third = fabric_.tail({"--json", "--show-refused"});
    stranger.say(recorded);
    third.wait_for_line(Stream::out, "\"refused\":\"replayed\"");
    third.signal(SIGTERM);
    EXPECT_EQ(third.wait(), 0) << third.output();
    EXPECT_THAT(third.err(), HasSubstr("refused 1 messages, 1 of them came twice"));
}

TEST_F(ReplayProcesses, WhatALossyRelayLostIsCountedExactlyThoughItsPublisherWasKilled) {
    const Process relay = fabric_.relay();
    Stranger lossy(configured("fabric.relay.outbound"));
    const std::string outbound = "tcp://127.0.0.1:" + std::to_string(free_port());
    lossy.speak_as_relay(outbound);
    Process tail = fabric_.start(
        {"tail", "--json", "--show-refused", "--set", "fabric.relay.outbound=" + outbound});
    ASSERT_TRUE(lossy.wait_for_subscriber(fabric::probe_prefix));
    tail.wait_for_line(Stream::err, "ready");

    Process logger = fabric_.start({"logger", "--topic", "a"}, {.keep_stdin_open = true});
    std::vector<Recorded> runs;
    for (int i = 1; i <= 7; ++i) {
        logger.write_stdin("line " + std::to_string(i) + "\n");
        runs.push_back(lossy.hear_message());
    }
    const auto beacon = lossy.hear([](const Recorded& run) { return run.is_beacon(); });
    ASSERT_TRUE(beacon);
    logger.signal(SIGKILL);
    static_cast<void>(logger.wait());
    lossy.say(runs[0]);
    lossy.say(runs[4]);
    lossy.say(*beacon);

    const json first = json::parse(tail.wait_for_line(Stream::out, "{\"gap\"")).at("gap");
    EXPECT_EQ(first.at("from"), 2);
    EXPECT_EQ(first.at("to"), 4);
    EXPECT_EQ(first.at("count"), 3);
    EXPECT_EQ(first.at("signer"), "git.host1");
    EXPECT_EQ(first.at("topic"), "org.weft.dev.logger.a");
    const json second = json::parse(tail.wait_for_line(Stream::out, "{\"gap\"")).at("gap");
    EXPECT_EQ(second.at("from"), 6);
    EXPECT_EQ(second.at("to"), 7);
    // One of them was only late.
    lossy.say(runs[2]);
    tail.wait_for_line(Stream::out, "line 3");
    tail.signal(SIGTERM);
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_THAT(tail.err(), HasSubstr("missing 4 messages, after 2 gaps"));
    EXPECT_THAT(tail.err(), HasSubstr("missing 3 messages of topic org.weft.dev.logger.a"));
}

}  // namespace
}  // namespace weft::testing
