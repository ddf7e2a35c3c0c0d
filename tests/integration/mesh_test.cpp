// Without a relay in between: publishers that bind, and many of them at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/name_server.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Mesh, APublisherThatBindsReachesASubscriberWithoutAnyRelay) {
    Fabric fabric;
    fabric.configure("fabric: { mode: bind, endpoints: { git.host1: ['tcp://127.0.0.1:" +
                     std::to_string(free_port()) + "'] } }");
    Process tail = fabric.start({"tail", "--count", "3"});

    const Finished logged = fabric.weft({"logger", "--flush", "20s"}, "a\nb\nc\n");

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_THAT(json_lines(tail.out()), SizeIs(3));
}

TEST(Mesh, SubscribersFindPublishersByServiceRecords) {
    using namespace std::string_literals;
    Fabric fabric;
    const auto port = static_cast<std::uint16_t>(free_port());
    NameServer names;
    names.set_srv("_weft._tcp.example.org", {{"git.example.org", port}});
    names.set_host("git.example.org", {"\x7F\0\0\x01"s});
    Process tail = fabric.start({"tail", "--count", "1", "--set", "fabric.srv=[example.org]",
                                 "--set", "fabric.name_servers=['" + names.address() + "']"});

    const Finished logged = fabric.weft(
        {"logger", "--flush", "20s", "--set", "fabric.mode=bind", "--set",
         "fabric.endpoints={git.host1: ['tcp://127.0.0.1:" + std::to_string(port) + "']}"},
        "a\n");

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_THAT(json_lines(tail.out()), SizeIs(1));
}

TEST(Mesh, ADomainWithoutServiceRecordsIsNamedAndTheRestGoesOn) {
    Fabric fabric;
    Process relay = fabric.relay();
    NameServer names;
    Process tail = fabric.start({"tail", "--count", "1", "--set", "fabric.srv=[example.org]",
                                 "--set", "fabric.name_servers=['" + names.address() + "']"});
    tail.wait_for_line(Stream::err, "SRV records of example.org");

    EXPECT_EQ(fabric.weft({"logger", "--flush", "20s"}, "a\n").exit_code, 0);

    EXPECT_EQ(tail.wait(), 0) << tail.output();
}

TEST(Mesh, TheSecondPublisherOfANameTakesTheNextFreeEndpoint) {
    Fabric fabric;
    const auto first = std::to_string(free_port()), second = std::to_string(free_port());
    fabric.configure("fabric: { mode: bind, endpoints: { git.host1: ['tcp://127.0.0.1:" + first +
                     "', 'tcp://127.0.0.1:" + second + "'] } }");
    Process tail = fabric.start({"tail", "--count", "2"});
    Process holder = fabric.start({"logger", "--flush", "20s"}, {.keep_stdin_open = true});
    holder.write_stdin("one\n");
    tail.wait_for_line(Stream::out, "one");

    const Finished logged = fabric.weft({"logger", "--flush", "20s"}, "two\n");

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    holder.close_stdin();
    EXPECT_EQ(holder.wait(), 0) << holder.output();
}

TEST(Mesh, APublisherOnAFreePortAnnouncesItselfThroughTheRelay) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--count", "2"});

    const Finished logged =
        fabric.weft({"logger", "--flush", "20s", "--set", "fabric.mode=bind", "--set",
                     "fabric.endpoints={git.host1: ['tcp://127.0.0.1:0']}"},
                    "a\nb\n");

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    relay.signal(SIGTERM);
    EXPECT_EQ(relay.wait(), 0);
    // Only announcements went through the relay: a few runs of one beacon each.
    EXPECT_THAT(tail.out(), HasSubstr("\"signer\":\"git.host1\",\"verified\":true"));
}

TEST(Mesh, ABindThatOthersCouldReachIsRefusedUnlessItIsSaidToBeInsecure) {
    Fabric fabric;
    const std::vector<std::string> bind = {"logger",
                                           "--flush",
                                           "200ms",
                                           "--set",
                                           "fabric.mode=bind",
                                           "--set",
                                           "fabric.endpoints={git.host1: ['tcp://*:0']}"};

    const Finished refused = fabric.weft(bind, "a\n");
    std::vector<std::string> insecure = bind;
    insecure.insert(insecure.end(), {"--set", "fabric.insecure=true"});
    const Finished warned = fabric.weft(insecure, "a\n");

    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("fabric.insecure"));
    EXPECT_EQ(warned.exit_code, 0) << warned.err;
    EXPECT_THAT(warned.err, HasSubstr("fabric.insecure is on"));
}

/// 100 processes of 4 threads, each thread 25 messages, with the one configuration of the fixture.
void many_publishers(Fabric& fabric, const std::vector<std::string>& settings) {
    constexpr int processes = 100, threads = 4, messages = 25;
    constexpr int total = processes * threads * messages;
    Process tail = fabric.tail({"--query", "body.thread", "--count", std::to_string(total)});

    std::vector<Process> publishers;
    for (int i = 0; i < processes; ++i) {
        std::vector<std::string> argv = {WEFT_MANY_THREADS, std::to_string(threads),
                                         std::to_string(messages)};
        argv.insert(argv.end(), settings.begin(), settings.end());
        publishers.push_back(Process::start(argv, {.cwd = fabric.dir().path()}));
    }
    for (Process& publisher : publishers) {
        EXPECT_EQ(publisher.wait(std::chrono::seconds(100)), 0) << publisher.output();
    }

    EXPECT_EQ(tail.wait(std::chrono::seconds(60)), 0) << tail.err();
}

TEST(Mesh, HundredProcessesOfFourThreadsPublishThroughTheRelayAtOnceAndNothingIsLost) {
    Fabric fabric;
    Process relay = fabric.relay();
    many_publishers(fabric, {});
}

TEST(Mesh, HundredProcessesOfFourThreadsBindFreePortsAtOnceAndNothingIsLost) {
    Fabric fabric;
    Process relay = fabric.relay();
    many_publishers(fabric,
                    {"fabric.mode=bind", "fabric.endpoints={git.host1: ['tcp://127.0.0.1:0']}"});
}

}  // namespace
}  // namespace weft::testing
