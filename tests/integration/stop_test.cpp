// SIGTERM under load: every command ends within 5 s, and what it had accepted was handed over or is
// counted as dropped and said.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;

/// What the operators' tools wait for before they send SIGKILL.
constexpr std::chrono::seconds stop_max{5};

/// The value of a counter in a text that has such lines; 0 if it was not said.
std::uint64_t counter(const std::string& text, const std::string& name) {
    const std::size_t at = text.find(name + " ");
    return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size() + 1));
}

constexpr auto published = "weft_messages_published_total";
constexpr auto sent = "weft_messages_sent_total";
constexpr auto unwanted = "weft_messages_dropped_total{reason=\"unwanted\"}";
constexpr auto at_close = "weft_messages_dropped_total{reason=\"dropped_at_close\"}";

/// An endless load through a relay to a tail.
class Stop : public ::testing::Test {
protected:
    Stop() {
        for (int i = 0; i < 2000; ++i) tail_.wait_for_line(Stream::out, "bench");
    }

    Fabric fabric_;
    Process relay_ = fabric_.relay();
    Process tail_ = fabric_.tail();
    Process load_ = fabric_.start({"bench", "pub", "--count", "1000000000", "--topics", "4"});
};

TEST_F(Stop, ThePublishingBenchHandsOverWhatItHadAccepted) {
    load_.signal(SIGTERM);

    EXPECT_EQ(load_.wait(stop_max), 0) << load_.err();
    EXPECT_GT(counter(load_.out(), published), 0u);
    EXPECT_EQ(counter(load_.out(), published),
              counter(load_.out(), sent) + counter(load_.out(), unwanted));
}

TEST_F(Stop, TheRelayEndsAndSaysWhatItPassedOn) {
    relay_.signal(SIGTERM);

    EXPECT_EQ(relay_.wait(stop_max), 0) << relay_.output();
    EXPECT_GT(counter(relay_.err(), "weft_relay_runs_total"), 0u);
}

TEST_F(Stop, TheTailEndsAndSaysWhatItReceived) {
    tail_.signal(SIGTERM);

    EXPECT_EQ(tail_.wait(stop_max), 0);
    EXPECT_GE(counter(tail_.err(), "weft_messages_received_total"), 2000u);
}

// The load's queue is full, and its publishing thread waits for room, when the signal comes.
TEST_F(Stop, WithoutItsRelayTheBenchCountsWhatItDropsAndFails) {
    relay_.signal(SIGKILL);
    relay_.wait();
    Process second = fabric_.start({"logger", "--wait", "0ms"}, {.keep_stdin_open = true});

    second.wait_for_line(Stream::err, "waiting for the relay");
    load_.signal(SIGTERM);

    EXPECT_EQ(load_.wait(stop_max), 1) << load_.output();
    EXPECT_THAT(load_.err(), HasSubstr("the relay at tcp://127.0.0.1:"));
    EXPECT_THAT(load_.err(), HasSubstr("were not sent (dropped_at_close)"));
    EXPECT_GT(counter(load_.err(), at_close), 0u);
    EXPECT_EQ(counter(load_.err(), published), counter(load_.err(), sent) +
                                                   counter(load_.err(), unwanted) +
                                                   counter(load_.err(), at_close));
    // Nothing was accepted by this one: nothing is lost, and it need not wait.
    second.signal(SIGTERM);
    EXPECT_EQ(second.wait(stop_max), 0) << second.output();
}

TEST_F(Stop, TheLoggerHandsOverWhatItHadRead) {
    std::string lines;
    for (int i = 0; i < 50'000; ++i) lines += "line " + std::to_string(i) + "\n";
    Process logger =
        fabric_.start({"logger", "--service", "bench", "--topic", "logged", "--log-level", "debug"},
                      {.keep_stdin_open = true});
    logger.write_stdin(lines);
    tail_.wait_for_line(Stream::out, "line 1000\"");

    logger.signal(SIGTERM);

    EXPECT_EQ(logger.wait(stop_max), 0) << logger.err();
    EXPECT_GE(counter(logger.err(), published), 1000u);
    EXPECT_EQ(counter(logger.err(), published), counter(logger.err(), sent));
}

TEST_F(Stop, AQuickPublishThatIsStoppedSaysThatNothingWasPublished) {
    relay_.signal(SIGKILL);
    relay_.wait();
    Process publish = fabric_.start({"publish", "git.commit", "--json", "{}", "--flush", "60s"});
    publish.wait_for_line(Stream::err, "waiting for the relay");

    publish.signal(SIGTERM);

    EXPECT_EQ(publish.wait(stop_max), 1) << publish.output();
    EXPECT_THAT(publish.err(), HasSubstr("nothing was published"));
    EXPECT_EQ(publish.out(), "");
}

}  // namespace
}  // namespace weft::testing
