// A publisher whose clock is wrong by an hour: nothing of it is believed, and whoever listens is
// told by how much and whose clock. faketime gives the process its own time of day; the monotonic
// clock stays, as it does when somebody sets a clock.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double hour_s = 3600;
/// Between stamping and judging on a busy machine.
constexpr double slack_s = 120;

class ClockDrift : public ::testing::Test {
protected:
    /// A command with its clock off by `offset`, such as "+1h", as faketime has it.
    Finished weft_with_clock(const std::string& offset, const std::vector<std::string>& arguments) {
        std::vector<std::string> line{"faketime", "-m",   "--exclude-monotonic",
                                      "-f",       offset, weft_program()};
        line.insert(line.end(), arguments.begin(), arguments.end());
        return run(line, {.cwd = fabric_.dir().path(),
                          // faketime comes before the runtime of AddressSanitizer.
                          .environment = {{"ASAN_OPTIONS", "verify_asan_link_order=0"}}});
    }
    /// A command whose clock follows what stands in the file `clock`: an offset such as "+1h".
    Process start_with_settable_clock(const std::vector<std::string>& arguments) {
        set_clock("+0");
        // A FAKETIME in the environment would win over the file.
        std::vector<std::string> line{
            "faketime",
            "-m",
            "--exclude-monotonic",
            "-f",
            "+0",
            "env",
            "-u",
            "FAKETIME",
            "FAKETIME_TIMESTAMP_FILE=" + (fabric_.dir() / "clock").string(),
            "FAKETIME_NO_CACHE=1",
            weft_program()};
        line.insert(line.end(), arguments.begin(), arguments.end());
        return Process::start(line,
                              {.cwd = fabric_.dir().path(),
                               .environment = {{"ASAN_OPTIONS", "verify_asan_link_order=0"}}});
    }
    void set_clock(const std::string& offset) {
        write_text(fabric_.dir() / "clock.new", offset + "\n");
        std::filesystem::rename(fabric_.dir() / "clock.new", fabric_.dir() / "clock");
    }
    /// What the tail printed about the one message that it heard.
    static json only_line(const Process& tail) {
        const auto lines = json_lines(tail.out());
        EXPECT_EQ(lines.size(), 1U) << tail.output();
        return lines.empty() ? json::object() : lines.front();
    }
    static double seconds_off(const std::string& detail) {
        std::smatch match;
        EXPECT_TRUE(std::regex_search(detail, match, std::regex("is off by ([0-9]+) s"))) << detail;
        return match.empty() ? 0 : std::stod(match[1]);
    }

    Fabric fabric_;
};

// P6
TEST_F(ClockDrift, AMessageFromAnHourAheadIsRefusedWithTheAmountAndWhoseClock) {
    Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--show-refused", "--count", "1"});

    const Finished published = weft_with_clock("+1h", {"publish", "git.commit", "--data", "x"});

    EXPECT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    const json refused = only_line(tail);
    EXPECT_EQ(refused.value("refused", ""), "too_new") << refused;
    EXPECT_THAT(refused.value("reason", ""), HasSubstr("compare the clocks of both hosts"));
    const std::string detail = refused.value("detail", "");
    EXPECT_THAT(detail, HasSubstr("signer 'git.host1': its clock, or ours"));
    EXPECT_NEAR(seconds_off(detail), hour_s, slack_s);
}

// P6
TEST_F(ClockDrift, AMessageFromAnHourBehindIsRefusedWithTheAmountAndWhoseClock) {
    // A certificate that was valid already, for who is an hour behind.
    const Finished issued =
        weft_with_clock("-2h", {"keys", "issue", "late.host2", "--publish", "**"});
    ASSERT_EQ(issued.exit_code, 0) << issued.err;
    Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--show-refused", "--count", "1"});

    const Finished published = weft_with_clock(
        "-1h", {"publish", "git.commit", "--data", "x", "--set", "name=late.host2"});

    EXPECT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    const json refused = only_line(tail);
    EXPECT_EQ(refused.value("refused", ""), "too_old") << refused;
    EXPECT_THAT(refused.value("reason", ""), HasSubstr("compare the clocks of both hosts"));
    const std::string detail = refused.value("detail", "");
    EXPECT_THAT(detail, HasSubstr("signer 'late.host2': its clock, or ours"));
    EXPECT_NEAR(seconds_off(detail), hour_s, slack_s);
}

TEST_F(ClockDrift, WhoIsBehindItsOwnCertificateIsToldByHowMuch) {
    const Finished refused = weft_with_clock("-1h", {"publish", "git.commit", "--data", "x"});

    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("not valid yet; compare the clocks of both hosts"));
    std::smatch match;
    ASSERT_TRUE(std::regex_search(refused.err, match,
                                  std::regex("'git.host1', valid in ([0-9]+) s by our clock")))
        << refused.err;
    EXPECT_NEAR(std::stod(match[1]), hour_s, slack_s);
}

TEST_F(ClockDrift, OnceTheClockIsSetRightTheSamePublisherIsBelieved) {
    Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--count", "1"});

    const Finished ahead =
        weft_with_clock("+1h", {"publish", "git.commit", "--json", R"({"n": 1})"});
    const Finished right = fabric_.weft({"publish", "git.commit", "--json", R"({"n": 2})"});

    EXPECT_EQ(ahead.exit_code, 0) << ahead.err;
    EXPECT_EQ(right.exit_code, 0) << right.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_EQ(only_line(tail).at("body").at("n"), 2);
    EXPECT_THAT(tail.err(), HasSubstr("too_new"));
}

// P7
TEST_F(ClockDrift, AClockThatIsSetForwardEndsNoWait) {
    Process waiting =
        start_with_settable_clock({"publish", "git.commit", "--data", "x", "--flush", "20s"});
    waiting.wait_for_line(Stream::err, "waiting for the relay");

    set_clock("+1h");
    // That it has seen it: faketime moves the times of files, too, so it reads them again.
    waiting.wait_for_line(Stream::err, "configuration reloaded");
    Process relay = fabric_.relay();

    EXPECT_EQ(waiting.wait(), 0) << waiting.output();
    EXPECT_THAT(waiting.err(), Not(HasSubstr("cannot be reached")));
}

// P7
TEST_F(ClockDrift, AClockThatIsSetBackMakesNoWaitEndless) {
    Process waiting =
        start_with_settable_clock({"publish", "git.commit", "--data", "x", "--flush", "3s"});
    waiting.wait_for_line(Stream::err, "waiting for the relay");

    set_clock("-1h");

    EXPECT_EQ(waiting.wait(), 1) << waiting.output();
    EXPECT_THAT(waiting.err(), HasSubstr("cannot be reached (waited 3000 ms)"));
}

}  // namespace
}  // namespace weft::testing
