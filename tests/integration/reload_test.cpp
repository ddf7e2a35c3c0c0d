// What a reload changes in running commands, within a second, and what it leaves alone (T3, T5,
// T6).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

/// Of the last message that a tail printed: when it was published.
std::int64_t last_published_us(const std::string& out) {
    const std::size_t end = out.rfind('\n');
    const std::size_t begin = out.rfind('\n', end - 1) + 1;
    const auto message = nlohmann::json::parse(out.substr(begin, end - begin));
    const std::string time = message["time"];
    std::tm parts{};
    int us = 0;
    EXPECT_EQ(std::sscanf(time.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &parts.tm_year, &parts.tm_mon,
                          &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &us),
              7)
        << time;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return static_cast<std::int64_t>(::timegm(&parts)) * 1'000'000 + us;
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

class Reload : public ::testing::Test {
protected:
    void policy(const std::string& name) {
        replace("weft.d/95-policy.yaml",
                "signing: { policy: { 'org.weft.dev.bench.**': [" + name + "] } }\n");
    }
    /// As an editor or a deployment does it.
    void replace(const std::string& name, const std::string& text) {
        write_text(fabric_.dir() / (name + ".new"), text);
        fs::rename(fabric_.dir() / (name + ".new"), fabric_.dir() / name);
    }
    /// 5,000 messages a second by one that looks at no policy and no list itself.
    Process load(int seconds, const std::vector<std::string>& more = {}) {
        std::vector<std::string> argv = {"bench",    "pub",
                                         "--rate",   "5000",
                                         "--count",  std::to_string(5000 * seconds),
                                         "--topics", "8",
                                         "--set",    "signing.validate=false"};
        argv.insert(argv.end(), more.begin(), more.end());
        return fabric_.start(argv);
    }
    /// Tightens something under load and says how long messages went on being accepted.
    void expect_refused_within_a_second(const std::function<void()>& tighten,
                                        const std::string& reason) {
        Process relay = fabric_.relay();
        Process tail = fabric_.tail();
        Process load = this->load(4);
        for (int i = 0; i < 2000; ++i) tail.wait_for_line(Stream::out, "bench");

        tighten();
        const std::int64_t tightened = now_us();

        EXPECT_EQ(load.wait(), 0) << load.output();
        tail.signal(SIGTERM);
        EXPECT_EQ(tail.wait(), 0);
        EXPECT_THAT(tail.err(), HasSubstr("weft_refused_total{reason=\"" + reason + "\"}"));
        const double accepted_for =
            static_cast<double>(last_published_us(tail.out()) - tightened) / 1e6;
        std::printf("the last accepted message was published %.3f s after the change\n",
                    accepted_for);
        EXPECT_LT(accepted_for, 1.0);
    }

    Fabric fabric_;
};

// T5
TEST_F(Reload, ARevokedSignerIsAcceptedNoLongerOneSecondLaterUnderLoad) {
    expect_refused_within_a_second(
        [this] {
            const Finished revoked = fabric_.weft({"keys", "revoke", "git.host1"});
            ASSERT_EQ(revoked.exit_code, 0) << revoked.err;
        },
        "certificate_revoked");
}

// T5
TEST_F(Reload, ATighterPolicyIsInForceOneSecondLaterUnderLoad) {
    expect_refused_within_a_second([this] { policy("somebody.else"); }, "policy_denied");
}

// T5
TEST_F(Reload, SighupReloadsToo) {
    Process tail = fabric_.start({"tail", "--ready-timeout", "10ms"});
    tail.wait_for_line(Stream::err, "did not answer");

    tail.signal(SIGHUP);

    tail.wait_for_line(Stream::err, "configuration reloaded");
}

TEST_F(Reload, TheLogLevelFollowsTheConfigurationUnlessAFlagGaveIt) {
    Process follows = fabric_.relay();
    replace("weft.d/96-log.yaml", "log: { level: warn }\nfabric: { mode: bind }\n");
    follows.wait_for_line(Stream::err, "fabric.mode changed at weft.d/96-log.yaml:2: takes effect");
    replace("weft.d/96-log.yaml", "log: { level: info }\n");
    // Of two reloads it says only the second, which allows it to.
    follows.wait_for_line(Stream::err, "configuration reloaded");
    EXPECT_EQ(count_of(follows.err(), "configuration reloaded"), 1U) << follows.err();
    follows.signal(SIGTERM);
    EXPECT_EQ(follows.wait(), 0);

    Process flagged = fabric_.relay({"--log-level", "error"});
    replace("weft.d/96-log.yaml", "log: { level: trace }\nfabric: { mode: bind }\n");
    flagged.signal(SIGHUP);
    flagged.signal(SIGTERM);
    EXPECT_EQ(flagged.wait(), 0);
    EXPECT_EQ(flagged.err(), "");
}

// T6
TEST_F(Reload, ABrokenFileIsNamedOnceTheOldStateStaysAndAMendedFileTakesOver) {
    policy("git.host1");
    Process relay = fabric_.relay();
    Process tail = fabric_.tail();
    const auto published = [&] {
        const Finished logged =
            fabric_.weft({"logger", "--service", "bench", "--topic", "x", "--set",
                          "signing.validate=false", "--config", "aside.yaml"},
                         "hello\n");
        return logged.exit_code == 0 ? "" : logged.err;
    };
    // The publisher's own configuration stays whole.
    const auto break_it = [&](const std::string& text) { replace("weft.d/95-policy.yaml", text); };
    write_text(fabric_.dir() / "aside.yaml", "log: { level: info }\n");

    Process logger =
        fabric_.start({"logger", "--service", "bench", "--topic", "x"}, {.keep_stdin_open = true});
    logger.write_stdin("one\n");
    tail.wait_for_line(Stream::out, "one");
    break_it("signing:\n  policy: { 'org.weft.dev.bench.**': [somebody.else\n");
    tail.wait_for_line(Stream::err, "weft.d/95-policy.yaml:3");
    logger.write_stdin("two\n");
    tail.wait_for_line(Stream::out, "two");
    break_it("");
    tail.wait_for_line(Stream::err, "weft.d/95-policy.yaml: this file is empty now");
    logger.write_stdin("three\n");
    tail.wait_for_line(Stream::out, "three");
    policy("git.host1");
    tail.wait_for_line(Stream::err, "configuration reloaded");
    logger.close_stdin();
    EXPECT_EQ(logger.wait(), 0) << logger.output();

    EXPECT_EQ(count_of(tail.err(), "weft.d/95-policy.yaml:3"), 1U) << tail.err();
    EXPECT_EQ(published(), "");
}

// T6: no descriptor is left when the reload comes.
TEST_F(Reload, WithoutADescriptorLeftTheOldStateStaysAndIsReplacedLater) {
    Process relay = fabric_.relay();
    Process tail = fabric_.tail();
    Process logger =
        fabric_.start({"logger", "--service", "bench", "--topic", "x"}, {.keep_stdin_open = true});
    logger.write_stdin("one\n");
    tail.wait_for_line(Stream::out, "one");
    rlimit before{};
    ASSERT_EQ(::prlimit(tail.pid(), RLIMIT_NOFILE, nullptr, &before), 0);
    const rlimit none{3, before.rlim_max};
    ASSERT_EQ(::prlimit(tail.pid(), RLIMIT_NOFILE, &none, nullptr), 0);

    tail.signal(SIGHUP);
    tail.wait_for_line(Stream::err, "configuration not reloaded, the old one stays in force");
    logger.write_stdin("two\n");
    tail.wait_for_line(Stream::out, "two");
    ASSERT_EQ(::prlimit(tail.pid(), RLIMIT_NOFILE, &before, nullptr), 0);
    tail.signal(SIGHUP);

    tail.wait_for_line(Stream::err, "configuration reloaded");
    EXPECT_EQ(count_of(tail.err(), "configuration not reloaded"), 1U) << tail.err();
    logger.close_stdin();
    EXPECT_EQ(logger.wait(), 0) << logger.output();
}

// T3
TEST_F(Reload, AnOldRevocationListPutBackIsRefusedAlsoAfterARestart) {
    fs::copy_file(fabric_.dir() / "keys/root.revoked", fabric_.dir() / "old-list");
    ASSERT_EQ(fabric_.weft({"keys", "revoke", "git.host1"}).exit_code, 0);
    Process first = fabric_.start({"tail", "--ready-timeout", "10ms"});
    first.wait_for_line(Stream::err, "did not answer");

    fs::copy_file(fabric_.dir() / "old-list", fabric_.dir() / "keys/root.revoked",
                  fs::copy_options::overwrite_existing);

    first.wait_for_line(Stream::err, "an old list was put back");
    first.signal(SIGTERM);
    EXPECT_EQ(first.wait(), 0);
    EXPECT_THAT(first.err(), HasSubstr("weft_trust_reloads_failed_total"));
    const Finished restarted = fabric_.weft({"tail"});
    EXPECT_EQ(restarted.exit_code, 2);
    EXPECT_THAT(restarted.err, HasSubstr("an old list was put back"));
}

// T6
TEST_F(Reload, AListThatIsEmptyCutOrUnreadableKeepsTheOldOne) {
    Process tail = fabric_.start({"tail", "--ready-timeout", "10ms"});
    tail.wait_for_line(Stream::err, "did not answer");
    const fs::path list = fabric_.dir() / "keys/root.revoked";
    const std::string whole = read_text(list);

    write_text(list, "");
    tail.wait_for_line(Stream::err, "the old one stays in force");
    write_text(list, whole.substr(0, whole.size() / 2));
    tail.wait_for_line(Stream::err, "the old one stays in force");
    fs::remove(list);
    tail.wait_for_line(Stream::err, "the old one stays in force");
    write_text(list, whole);
    tail.wait_for_line(Stream::err, "trust reloaded");
    EXPECT_FALSE(tail.has_ended());
}

// T5: the publisher goes on under its new certificate, and a revoked one speaks again with it.
TEST_F(Reload, ARenewedCertificateIsTakenOverWithoutARestart) {
    Process relay = fabric_.relay();
    Process tail = fabric_.tail();
    Process logger = fabric_.start({"logger"}, {.keep_stdin_open = true});
    logger.write_stdin("one\n");
    tail.wait_for_line(Stream::out, "one");

    const Finished issued =
        fabric_.weft({"keys", "issue", "git.host1", "--publish", "**", "--force"});
    ASSERT_EQ(issued.exit_code, 0) << issued.err;
    logger.wait_for_line(Stream::err, "our own certificate was renewed");
    logger.write_stdin("two\n");

    tail.wait_for_line(Stream::out, "two");
    logger.close_stdin();
    EXPECT_EQ(logger.wait(), 0) << logger.output();
    EXPECT_THAT(tail.err(), Not(HasSubstr("refused")));
}

}  // namespace
}  // namespace weft::testing
