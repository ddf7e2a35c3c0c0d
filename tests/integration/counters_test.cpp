// Where an operator sees the figures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CountersShown, CheckPrintsWhatAskingTookOnlyIfAsked) {
    Fabric fabric;
    Process relay = fabric.relay();

    const Finished plain = fabric.weft({"check"});
    const Finished verbose = fabric.weft({"check", "--verbose"});
    const Finished json = fabric.weft({"check", "--verbose", "--json"});

    EXPECT_THAT(plain.out, Not(HasSubstr("weft_")));
    EXPECT_EQ(verbose.exit_code, 0) << verbose.out;
    EXPECT_THAT(verbose.out, HasSubstr("weft_messages_dropped_total{reason=\"queue_full\"} 0\n"));
    const auto counters = json_lines(json.out).back()["counters"];
    EXPECT_EQ(counters["weft_refused_total{reason=\"signature_bad\"}"], 0);
}

TEST(CountersShown, BothSidesOfTheBenchAndTheCommandsSayThemAtTheirEnd) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail();
    Process sub = fabric.start({"bench", "sub", "--count", "100", "--json"});
    sub.wait_for_line(Stream::err, "ready");

    const Finished pub = fabric.weft({"bench", "pub", "--count", "100", "--json"});
    const Finished text = fabric.weft({"bench", "pub", "--count", "100"});
    const Finished logged = fabric.weft({"logger", "--log-level", "debug"}, "a\nb\n");
    const Finished silent = fabric.weft({"logger"}, "c\n");

    tail.wait_for_line(Stream::out, "\"log\":\"c\"");
    EXPECT_EQ(sub.wait(), 0) << sub.output();
    EXPECT_EQ(json_lines(pub.out)[0]["counters"]["weft_messages_sent_total"], 100);
    EXPECT_EQ(json_lines(sub.out())[0]["counters"]["weft_messages_received_total"], 100);
    EXPECT_THAT(text.out, HasSubstr("weft_messages_sent_total 100\n"));
    EXPECT_THAT(logged.err, HasSubstr("debug weft_messages_sent_total 2\n"));
    EXPECT_THAT(silent.err, Not(HasSubstr("weft_")));
    for (Process* process : {&tail, &relay}) {
        process->signal(SIGTERM);
        EXPECT_EQ(process->wait(), 0);
    }
    EXPECT_THAT(tail.err(), HasSubstr("info weft_messages_received_total 203\n"));
    EXPECT_THAT(relay.err(), HasSubstr("info weft_relay_runs_total "));
}

TEST(CountersShown, WhatATailAcknowledgedIsSaidWhenItEnds) {
    Fabric fabric;
    const Process relay = fabric.relay();
    Process tail = fabric.tail({"--ack", "--count", "1"});
    EXPECT_EQ(fabric
                  .weft({"publish", "a.b", "--json", "1", "--recipients", "git.host1", "--level",
                         "processed", "--ack-timeout", "20s"})
                  .exit_code,
              0);
    tail.wait_for_line(Stream::err, "weft_acks_sent_total{reason=\"acknowledged\"} 1");
}

}  // namespace
}  // namespace weft::testing
