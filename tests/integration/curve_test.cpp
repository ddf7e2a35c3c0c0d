// fabric.curve: on, as users have it: commands on both sides of a relay and without one, strangers
// of several kinds, and a revocation while everything runs.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class Curve : public ::testing::Test {
protected:
    Curve() { fabric_.configure("fabric: { curve: on }"); }

    void issue(const std::string& name, const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"keys", "issue", name, "--publish", "**"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Finished issued = fabric_.weft(arguments);
        ASSERT_EQ(issued.exit_code, 0) << issued.err;
    }
    Finished log(const std::string& line, const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"logger", "--flush", "20s"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return fabric_.weft(arguments, line + "\n");
    }

    Fabric fabric_;
};

TEST_F(Curve, WhatInitMakesWorksWithCurveOnWithoutMore) {
    Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--count", "2"});

    const Finished logged = log("one");
    const Finished published = fabric_.weft({"publish", "git.commit", "--json", R"({"n": 2})"});
    const Finished checked = fabric_.weft({"check", "--timeout", "20s"});

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
    relay.signal(SIGTERM);
    EXPECT_EQ(relay.wait(), 0);
    EXPECT_THAT(relay.err(), HasSubstr("refused 0;"));
}

TEST_F(Curve, BenchRunsBothSides) {
    Process relay = fabric_.relay();
    Process receiving = fabric_.start({"bench", "sub", "--count", "2000", "--json"});
    receiving.wait_for_line(Stream::err, "ready");

    const Finished sent = fabric_.weft({"bench", "pub", "--count", "2000", "--json"});

    EXPECT_EQ(sent.exit_code, 0) << sent.err;
    EXPECT_EQ(receiving.wait(), 0) << receiving.output();
}

TEST_F(Curve, ServicesWithCertificatesOfTheirOwnMeetAtTheRelay) {
    issue("relay.host9", {"--role", "relay", "--role", "publish"});
    issue("build.host2");
    fabric_.configure("fabric: { relay: { name: relay.host9 } }");
    Process relay = fabric_.relay({"--set", "name=relay.host9"});
    Process tail = fabric_.tail({"--count", "1"});

    const Finished logged = log("from host2", {"--set", "name=build.host2"});

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_THAT(tail.out(), HasSubstr("\"signer\":\"build.host2\",\"verified\":true"));
}

TEST_F(Curve, ARelayWithoutTheRoleSaysHowToGetIt) {
    issue("build.host2");

    const Finished refused = fabric_.weft({"relay", "--set", "name=build.host2"});

    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("--role relay"));
}

TEST_F(Curve, SeveralCertificatesWithTheRoleMustBeToldApart) {
    issue("other.host3", {"--role", "relay", "--role", "publish"});

    const Finished refused = log("to whom?");

    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("set fabric.relay.name"));
}

// N1
TEST_F(Curve, ABindThatOthersCanReachIsAllowed) {
    Process relay = fabric_.relay({"--set", "fabric.relay.inbound=tcp://*:0"});

    relay.signal(SIGTERM);
    EXPECT_EQ(relay.wait(), 0);
    EXPECT_THAT(relay.err(), Not(HasSubstr("insecure")));
}

TEST_F(Curve, WhoDoesNotEncryptIsNotHeardAndHearsNothing) {
    Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--count", "1"});
    Process plain = fabric_.start({"tail", "--set", "fabric.curve=off"});

    const Finished unheard = log("in the clear", {"--set", "fabric.curve=off", "--flush", "500ms"});
    const Finished heard = log("encrypted");

    EXPECT_NE(unheard.exit_code, 0);
    EXPECT_EQ(heard.exit_code, 0) << heard.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_THAT(tail.out(), HasSubstr("encrypted"));
    plain.signal(SIGTERM);
    EXPECT_EQ(plain.wait(), 0);
    EXPECT_EQ(plain.out(), "");
}

// T5: the relay runs on, and so does everybody else.
TEST_F(Curve, ARevokedServiceIsCutOffWhileOthersGoOn) {
    issue("thief.host7");
    Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--count", "2"});
    const std::vector<std::string> as_thief = {"--set", "name=thief.host7"};
    Process thief = fabric_.tail(as_thief);
    ASSERT_EQ(log("before").exit_code, 0);
    thief.wait_for_line(Stream::out, "before");

    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(fabric_.weft({"keys", "revoke", "thief.host7"}).exit_code, 0);
    relay.wait_for_line(Stream::err, "cut off 'thief.host7': certificate_revoked");
    std::printf("cut off %lld ms after `weft keys revoke` was started\n",
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::steady_clock::now() - start)
                                           .count()));
    relay.wait_for_line(Stream::err, "refused certificate_revoked from 127.0.0.1");
    // A PUB keeps nothing for those who are coming back: said until it is heard.
    for (int i = 0; i < 100 && !tail.has_ended(); ++i) {
        ASSERT_EQ(log("after " + std::to_string(i)).exit_code, 0);
    }

    EXPECT_EQ(tail.wait(), 0) << tail.output();
    thief.signal(SIGTERM);
    thief.wait();
    EXPECT_THAT(json_lines(thief.out()), SizeIs(1)) << thief.out();
    EXPECT_NE(fabric_.weft({"check", "--timeout", "500ms", "--set", "name=thief.host7"}).exit_code,
              0);
}

TEST_F(Curve, APublisherThatBindsIsFoundByItsCertificateWithoutAnyRelay) {
    issue("build.host2");
    fabric_.configure("fabric: { mode: bind, endpoints: { build.host2: ['tcp://127.0.0.1:" +
                      std::to_string(free_port()) + "'] } }");
    Process tail = fabric_.start({"tail", "--count", "1"});

    const Finished logged = log("a", {"--set", "name=build.host2"});

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
}

TEST_F(Curve, APublisherOnAFreePortIsFoundByItsSignedAnnouncement) {
    issue("build.host2");
    Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--count", "2"});

    const Finished logged =
        log("a\nb", {"--set", "name=build.host2", "--set", "fabric.mode=bind", "--set",
                     "fabric.endpoints={build.host2: ['tcp://127.0.0.1:0']}"});

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
}

std::size_t resident_kib(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
    }
    return 0;
}

/// Connects, says a greeting and then as much of `flood` as the other side takes, at most
/// `bytes_max`. Returns how much that was.
std::size_t flood(const std::string& endpoint, const std::string& greeting, std::size_t bytes_max) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    timeval timeout{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    std::size_t sent = 0;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(fd, greeting.data(), greeting.size(), MSG_NOSIGNAL) > 0) {
        // Empty frames, each with more to come: flags 1, length 0.
        std::string frames;
        for (int i = 0; i < 32 * 1024; ++i) frames += std::string("\x01\0", 2);
        while (sent < bytes_max) {
            const ssize_t now = ::send(fd, frames.data(), frames.size(), MSG_NOSIGNAL);
            if (now <= 0) break;
            sent += static_cast<std::size_t>(now);
        }
    }
    ::close(fd);
    return sent;
}

std::string greeting_for(const std::string& mechanism) {
    std::string greeting("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0", 12);
    greeting += mechanism;
    greeting.resize(64, '\0');
    return greeting;
}

// N1's measurement: without CURVE a stranger's 24 MiB of endless empty frames grow libzmq by
// hundreds of MiB, whatever its limits.
TEST_F(Curve, AStrangersEndlessEmptyFramesGrowTheRelayByNothing) {
    constexpr std::size_t attack_bytes = 24U * 1024 * 1024, allowed_kib = 16U * 1024;
    const std::string ready("\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03PUB", 27);
    Process relay = fabric_.relay();
    const std::string line = relay.out().substr(relay.out().find("tcp://"));
    const std::string inbound = line.substr(0, line.find('\n'));
    const std::size_t before = resident_kib(relay.pid());
    ASSERT_GT(before, 0U);

    for (const auto& greeting :
         {greeting_for("NULL") + ready, greeting_for("CURVE"), greeting_for("CURVE") + ready,
          std::string("\x01\0\x02\0\x02", 5)}) {
        const std::size_t sent = flood(inbound, greeting, attack_bytes);
        const std::size_t after = resident_kib(relay.pid());
        std::printf("took %zu KiB of the attack; resident %zu KiB before, %zu KiB after\n",
                    sent / 1024, before, after);
        EXPECT_LE(after, before + allowed_kib);
    }

    Process tail = fabric_.tail({"--count", "1"});
    EXPECT_EQ(log("it works on").exit_code, 0);
    EXPECT_EQ(tail.wait(), 0) << tail.output();
}

}  // namespace
}  // namespace weft::testing
