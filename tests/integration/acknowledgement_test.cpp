// Publishes that must be heard, between real processes: what their users see when all is well, when
// somebody is not there, and when something ends while they wait.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <set>

#include "tests/integration/acknowledging.hpp"
#include "tests/support/descriptor.hpp"

namespace weft::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::SizeIs;
using Clock = std::chrono::steady_clock;

/// A pipe that is full, and that nobody reads.
class FullPipe {
public:
    explicit FullPipe(const std::string& path) : path_(path) {
        if (::mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
        end_ = Descriptor(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        const std::string filling(4096, '\n');
        while (::write(end_.get(), filling.data(), filling.size()) > 0) {
        }
        if (errno != EAGAIN) throw std::runtime_error("it is not full");
    }
    /// Runs the command with the pipe as its standard output, under the same process id.
    [[nodiscard]] std::vector<std::string> in_front_of(
        const std::vector<std::string>& arguments) const {
        std::vector<std::string> line{"sh", "-c", "exec \"$@\" > '" + path_ + "'", "sh",
                                      weft_program()};
        line.insert(line.end(), arguments.begin(), arguments.end());
        return line;
    }

private:
    std::string path_;
    Descriptor end_;
};

/// Of the lines "… <id> was acknowledged by …" that a command logs.
std::set<std::string> acknowledged_in(const std::string& log) {
    std::set<std::string> ids;
    for (std::size_t at = 0; (at = log.find(" was acknowledged by ", at)) != std::string::npos;
         ++at) {
        ids.insert(log.substr(at - 36, 36));
    }
    return ids;
}

TEST_F(Acknowledging, OnSuccessTheIdAloneIsPrinted) {
    Process relay = fabric_.relay();
    Process a = recipient("a"), b = recipient("b");

    const Finished done = publish("a,b", "20s");

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.err, "");
    ASSERT_THAT(done.out, MatchesRegex("[0-9a-f-]{36}\n"));
    EXPECT_EQ(ids(a, 1), std::set<std::string>{done.out.substr(0, 36)});
    EXPECT_EQ(ids(b, 1), ids(a, 1));
}

TEST_F(Acknowledging, EveryLineOfALoggerIsAcknowledgedAndNothingMoreIsSaid) {
    Process relay = fabric_.relay();
    Process a = recipient("a");
    std::string lines;
    for (int i = 0; i < 500; ++i) lines += std::to_string(i) + "\n";

    const Finished done = fabric_.weft(
        {"logger", "--recipients", "a", "--level", "processed", "--ack-timeout", "25s"}, lines);

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.err, "");
    EXPECT_THAT(ids(a, 500), SizeIs(500));
}

TEST_F(Acknowledging, WhoIsNotThereIsNamedAtTheDeadline) {
    Process relay = fabric_.relay();
    Process a = recipient("a");
    const auto begun = Clock::now();

    const Finished done = publish("a, ghost", "1s");

    const std::chrono::duration<double> took = Clock::now() - begun;
    std::printf("%.2f s for a publish whose recipients have 1 s, one of them a ghost\n",
                took.count());
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_EQ(done.out, "") << "no id where it is not known who has it";
    EXPECT_THAT(done.err,
                AllOf(HasSubstr("was not acknowledged by all(a, ghost) within 1.0 s"),
                      HasSubstr("ghost did not answer (unknown: it may have the message or not)"),
                      HasSubstr("a processed it after"), HasSubstr("\na      processed"),
                      HasSubstr("\nghost  did not answer")));
    EXPECT_GE(took, std::chrono::seconds(1));
}

TEST_F(Acknowledging, WithoutARelayNothingIsPublishedAndThatIsSaidAtTheDeadline) {
    const auto begun = Clock::now();

    const Finished done = publish("a", "1s");

    const std::chrono::duration<double> took = Clock::now() - begun;
    std::printf("%.2f s for a publish whose recipient has 1 s, without a relay\n", took.count());
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_EQ(done.out, "");
    EXPECT_THAT(done.err,
                AllOf(HasSubstr("did not answer within 1000 ms"),
                      HasSubstr("is `weft relay` running?"), HasSubstr("Nothing was published")));
}

TEST_F(Acknowledging, OfALongStreamThatNobodyHearsEachFailureIsCountedAndSomeAreShown) {
    Process relay = fabric_.relay();
    std::string lines;
    for (int i = 0; i < 30; ++i) lines += std::to_string(i) + "\n";

    const Finished done =
        fabric_.weft({"logger", "--recipients", "ghost", "--ack-timeout", "500ms"}, lines);

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, AllOf(HasSubstr("30 of 30 messages were not acknowledged"),
                                HasSubstr("ghost: 0 acknowledged, 0 rejected, 30 unknown")));
}

TEST_F(Acknowledging, AFailureIsSaidWhileTheStreamGoesOn) {
    Process relay = fabric_.relay();
    Process logger = fabric_.start({"logger", "--recipients", "ghost", "--ack-timeout", "300ms"},
                                   {.keep_stdin_open = true});

    logger.write_stdin("one\n");
    logger.wait_for_line(Stream::err, "ghost did not answer");
    logger.close_stdin();

    EXPECT_EQ(logger.wait(), 1) << logger.output();
}

TEST_F(Acknowledging, AMessageThatCannotBeSentHidesNothingOfThoseBeforeIt) {
    Process relay = fabric_.relay();
    const std::string large(4 * 1024 * 1024 - 8, 'x');

    const Finished done = fabric_.weft(
        {"logger", "--recipients", "ghost", "--ack-timeout", "300ms"}, "small\n" + large + "\n");

    EXPECT_EQ(done.exit_code, 2) << done.err.substr(0, 2000);
    EXPECT_THAT(done.err, AllOf(HasSubstr("ghost did not answer"), HasSubstr("the limit is")));
}

TEST_F(Acknowledging, AStoppedRecipientIsUnknown) {
    Process relay = fabric_.relay();
    Process a = recipient("a");
    a.signal(SIGSTOP);

    const Finished done = publish("a", "1s");

    a.signal(SIGCONT);
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("a did not answer"));
    // What waited for it is late by now, and not printed.
    EXPECT_EQ(publish("a", "20s").exit_code, 0);
    EXPECT_LE(json_lines(a.out()).size(), 2U);
}

// A6: what it has received, and not printed, is not called processed.
TEST_F(Acknowledging, ARecipientThatHangsSaysOnlyReceived) {
    Process relay = fabric_.relay();
    const FullPipe pipe(fabric_.dir() / "pipe");
    Process a = Process::start(pipe.in_front_of(as("a")), {.cwd = fabric_.dir().path()});
    a.wait_for_line(Stream::err, "ready");

    const Finished done = publish("a", "2s");

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, AllOf(HasSubstr("a said only \"received\" after"),
                                HasSubstr("it may have processed it or not"),
                                HasSubstr("\na  only received")));
    a.signal(SIGTERM);
    EXPECT_EQ(a.wait(), 0) << a.output();
}

// A6
TEST_F(Acknowledging, ARecipientThatIsKilledBetweenReceivedAndProcessedIsNeverASuccess) {
    Process relay = fabric_.relay();
    const FullPipe pipe(fabric_.dir() / "pipe");
    Process a = Process::start(pipe.in_front_of(as("a")), {.cwd = fabric_.dir().path()});
    a.wait_for_line(Stream::err, "ready");
    Process b = recipient("b");
    Process publisher = fabric_.start(publishing("a,b", "3s"));
    b.wait_for_line(Stream::out, "\"id\"");

    a.signal(SIGKILL);
    a.wait();
    // Its successor reads fast, but must not speak for what it never saw.
    Process successor = fabric_.start(as("a"));

    const int exit_code = publisher.wait();
    EXPECT_EQ(exit_code, publisher.out().empty() ? 1 : 0);
    if (!publisher.out().empty()) {
        EXPECT_EQ(ids(successor, 1), ids(b, 1)) << publisher.output();
    }
}

TEST_F(Acknowledging, ARecipientThatComesBackBeforeTheDeadlineHearsItAfterAll) {
    Process relay = fabric_.relay();
    {
        Process a = recipient("a");
        EXPECT_EQ(publish("a", "20s").exit_code, 0);
        a.signal(SIGKILL);
        a.wait();
    }
    // Also the time in which its successor cannot tell new messages from old ones.
    EXPECT_EQ(publish("a", "1s").exit_code, 1);
    Process publisher = fabric_.start(publishing("a,b", "60s"));
    Process b = recipient("b");
    b.wait_for_line(Stream::out, "\"id\"");

    Process a = recipient("a");

    EXPECT_EQ(publisher.wait(std::chrono::seconds(60)), 0) << publisher.output();
    EXPECT_EQ(publisher.out().substr(0, 36), printed(a, 1).back()["id"]);
}

TEST_F(Acknowledging, AMessageThatAsksInVainIsNotPrintedLate) {
    Process relay = fabric_.relay();
    Process a = recipient("a");
    a.signal(SIGSTOP);
    EXPECT_EQ(publish("a", "500ms").exit_code, 1);
    EXPECT_EQ(publish("a", "500ms").exit_code, 1);
    EXPECT_EQ(publish("a", "500ms").exit_code, 1);
    EXPECT_EQ(publish("a", "500ms").exit_code, 1);
    a.signal(SIGCONT);

    const Finished done = publish("a", "20s");

    EXPECT_EQ(done.exit_code, 0) << done.err;
    // The first two were published so long before that no clock skew excuses them.
    EXPECT_LE(json_lines(a.out()).size(), 3U) << a.out();
}

// A1, T5: a's own directory does not know yet that it is revoked, so it goes on speaking.
TEST_F(Acknowledging, ARecipientThatIsRevokedWhileWeWaitDoesNotCountAndThatIsSaid) {
    Process relay = fabric_.relay();
    std::filesystem::copy(fabric_.dir() / "keys", fabric_.dir() / "keys-of-a",
                          std::filesystem::copy_options::recursive);
    Process a =
        recipient("a", {"--set", "signing.directory=" + (fabric_.dir() / "keys-of-a").string()});
    a.signal(SIGSTOP);
    Process b = recipient("b");
    Process publisher = fabric_.start(publishing("a,b", "6s"));
    b.wait_for_line(Stream::out, "\"id\"");  // It has loaded its trust, and waits.
    const Finished revoked = fabric_.weft({"keys", "revoke", "a"});
    ASSERT_EQ(revoked.exit_code, 0) << revoked.err;
    publisher.wait_for_line(Stream::err, "trust reloaded");

    a.signal(SIGCONT);

    EXPECT_EQ(publisher.wait(), 1) << publisher.output();
    EXPECT_EQ(publisher.out(), "");
    EXPECT_THAT(publisher.err(), AllOf(HasSubstr("in its name did not count"),
                                       HasSubstr("certificate_revoked: signer 'a'")));
}

TEST_F(Acknowledging, ThroughARelayThatDiesEveryAcknowledgedLineWasPrinted) {
    constexpr int half = 300;
    std::optional<Process> relay = fabric_.relay();
    Process a = recipient("a");
    Process logger = fabric_.start({"logger", "--recipients", "a", "--level", "processed",
                                    "--ack-timeout", "40s", "--log-level", "debug"},
                                   {.keep_stdin_open = true});
    for (int i = 0; i < half; ++i) logger.write_stdin("first " + std::to_string(i) + "\n");
    a.wait_for_line(Stream::out, "first 100");

    relay->signal(SIGKILL);
    relay->wait();
    for (int i = 0; i < half; ++i) logger.write_stdin("second " + std::to_string(i) + "\n");
    relay = fabric_.relay();
    logger.close_stdin();

    const int code = logger.wait(std::chrono::seconds(90));
    const auto acknowledged = acknowledged_in(logger.err());
    EXPECT_THAT(ids(a, acknowledged.size()), IsSupersetOf(acknowledged));
    std::printf("exit %d, %zu of %d acknowledged through the death of a relay\n", code,
                acknowledged.size(), 2 * half);
    EXPECT_EQ(code, 0) << logger.err().substr(logger.err().size() - 1000);
    EXPECT_THAT(acknowledged, SizeIs(2 * half));
    // Nothing is printed twice, however often it was sent.
    EXPECT_THAT(json_lines(a.out()), SizeIs(2 * half));
}

TEST_F(Acknowledging, APublisherThatIsKilledLeavesTheOthersAsTheyWere) {
    Process relay = fabric_.relay();
    Process a = recipient("a");
    Process publisher = fabric_.start(publishing("a, ghost", "60s"));
    a.wait_for_line(Stream::out, "\"id\"");

    publisher.signal(SIGKILL);
    publisher.wait();

    EXPECT_EQ(publish("a", "20s").exit_code, 0);
    EXPECT_THAT(printed(a, 2), SizeIs(2));
}

TEST_F(Acknowledging, CtrlCEndsAWaitOfAMinuteAtOnce) {
    Process relay = fabric_.relay();
    Process a = recipient("a");
    Process publisher = fabric_.start(publishing("a, ghost", "60s"));
    a.wait_for_line(Stream::out, "\"id\"");

    publisher.signal(SIGINT);

    EXPECT_EQ(publisher.wait(std::chrono::seconds(20)), 130) << publisher.output();
    EXPECT_EQ(publisher.out(), "");
    EXPECT_THAT(publisher.err(), AllOf(HasSubstr("when its publisher was closed"),
                                       HasSubstr("ghost did not answer")));
}

TEST_F(Acknowledging, SigtermEndsAStreamAndSaysWhatIsNotKnown) {
    Process relay = fabric_.relay();
    Process a = recipient("a");
    Process logger = fabric_.start({"logger", "--recipients", "a,ghost", "--ack-timeout", "60s"},
                                   {.keep_stdin_open = true});
    logger.write_stdin("one\ntwo\n");
    a.wait_for_line(Stream::out, "two");

    logger.signal(SIGTERM);

    EXPECT_EQ(logger.wait(std::chrono::seconds(20)), 1) << logger.output();
    EXPECT_THAT(logger.err(), HasSubstr("2 of 2 messages were not acknowledged"));
}

TEST_F(Acknowledging, CtrlCWhileThereIsNoRelayEndsAtOnce) {
    Process publisher = fabric_.start(publishing("a", "60s", {"--log-level", "debug"}));
    publisher.signal(SIGCONT);  // Nothing: it may not have its handlers yet.
    Process other = fabric_.start({"publish", "x", "--data", "x", "--flush", "20s"});
    other.wait_for_line(Stream::err, "waiting for the relay");

    publisher.signal(SIGINT);

    EXPECT_EQ(publisher.wait(std::chrono::seconds(20)), 130) << publisher.output();
    EXPECT_EQ(publisher.out(), "");
}

TEST_F(Acknowledging, WithoutAnyRelayPublishersThatBindAreAcknowledged) {
    fabric_.configure("fabric: { mode: bind, endpoints: { git.host1: ['tcp://127.0.0.1:" +
                      std::to_string(free_port()) +
                      "'], a: ['tcp://127.0.0.1:" + std::to_string(free_port()) + "'] } }");
    Process a = fabric_.start(as("a", {"--ready-timeout", "1s"}));
    a.wait_for_line(Stream::err, "did not answer within");

    const Finished done = publish("a", "25s");

    EXPECT_EQ(done.exit_code, 0) << done.err << a.err();
    EXPECT_THAT(printed(a, 1), SizeIs(1));
    const Finished ghost = publish("ghost", "1s");
    EXPECT_EQ(ghost.exit_code, 1);
    EXPECT_THAT(ghost.err, HasSubstr("ghost did not answer"));
}

TEST_F(Acknowledging, WithCurveOnItWorksTheSame) {
    fabric_.configure("fabric: { curve: on }");
    Process relay = fabric_.relay();
    Process a = recipient("a");

    EXPECT_EQ(publish("a", "25s").exit_code, 0);
    EXPECT_EQ(publish("a, ghost", "1s").exit_code, 1);
}

TEST_F(Acknowledging, GroupsOfTheConfigurationStandForTheirMembers) {
    fabric_.configure("reliability: { groups: { web: [a, b], some: ['any(ghost, b)'] } }");
    Process relay = fabric_.relay();
    Process a = recipient("a"), b = recipient("b");

    EXPECT_EQ(publish("web", "20s").exit_code, 0);
    EXPECT_EQ(publish("some", "20s").exit_code, 0);
    EXPECT_EQ(publish("2 of (web, ghost)", "1s").exit_code, 1) << "web is one of the two";
    b.signal(SIGTERM);
    EXPECT_EQ(b.wait(), 0);
    const Finished done = publish("web", "1s");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("b did not answer"));
}

TEST_F(Acknowledging, WhoIsNoJournalRejectsStoredAndSaysWhy) {
    Process relay = fabric_.relay();
    Process a = recipient("a");

    const Finished done = fabric_.weft({"publish", "deploy", "--data", "x", "--recipients", "a",
                                        "--level", "stored", "--ack-timeout", "20s"});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err,
                AllOf(HasSubstr("a rejected it after"), HasSubstr("this recipient is no journal")));
}

TEST_F(Acknowledging, WhatATailDoesNotPrintItDoesNotCallProcessed) {
    Process relay = fabric_.relay();
    Process a = recipient("a", {"--include", "wanted"});

    const Finished other = publish("a", "1s");
    const Finished wanted = fabric_.weft({"publish", "deploy", "--data", "wanted", "--recipients",
                                          "a", "--level", "processed", "--ack-timeout", "20s"});

    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.err, HasSubstr("a said only \"received\""));
    EXPECT_EQ(wanted.exit_code, 0) << wanted.err;
    EXPECT_THAT(printed(a, 1), SizeIs(1));
}

TEST_F(Acknowledging, ATailThatEndsAfterItsCountAcknowledgedWhatItPrinted) {
    Process relay = fabric_.relay();
    Process a = recipient("a", {"--count", "2"});

    EXPECT_EQ(publish("a", "20s").exit_code, 0);
    const Finished second = publish("a", "20s");
    EXPECT_EQ(second.exit_code, 0) << second.err;
    EXPECT_EQ(a.wait(), 0) << a.output();
    EXPECT_EQ(publish("a", "1s").exit_code, 1);
}

// D2
TEST_F(Acknowledging, WhatCannotBeMeantIsAUsageError) {
    const Finished tail = fabric_.weft({"tail", "--ack", "--no-validate"});
    EXPECT_EQ(tail.exit_code, 2);
    EXPECT_THAT(tail.err, HasSubstr("leave one of them out"));

    for (const auto& [arguments, why] :
         std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"--recipients", "any(a"}, "--recipients: "},
             {{"--recipients", "3 of (a, b)"}, "--recipients: "},
             {{"--recipients", "NotAName"}, "--recipients: "},
             {{"--recipients", ""}, "--recipients"},
             {{"--recipients", "a", "--ack-timeout", "0s"}, "more than 0"},
             {{"--recipients", "a", "--ack-timeout", "25h"}, "at most 24h"},
             {{"--recipients", "a", "--ack-timeout", "soon"}, "--ack-timeout"},
             {{"--recipients", "a", "--level", "rejected"}, "--level"}}) {
        std::vector<std::string> line{"publish", "deploy", "--data", "x"};
        line.insert(line.end(), arguments.begin(), arguments.end());
        const Finished done = fabric_.weft(line);
        EXPECT_EQ(done.exit_code, 2) << arguments.back() << ": " << done.err;
        EXPECT_THAT(done.err, HasSubstr(why));
        EXPECT_EQ(done.out, "");
    }
}

TEST_F(Acknowledging, ATailWithoutTheRoleIsToldSoAtOnce) {
    const Finished issued = fabric_.weft({"keys", "issue", "quiet", "--role", "publish"});
    ASSERT_EQ(issued.exit_code, 0) << issued.err;

    const Finished done = fabric_.weft({"tail", "--ack", "--set", "name=quiet"});

    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_THAT(done.err, HasSubstr("acknowledging: our own certificate 'quiet'"));
}

// P7: the calendar is set while it waits, to and fro.
TEST_F(Acknowledging, ACalendarThatIsSetWhileItWaitsNeitherEndsNorProlongsTheWait) {
    if (run({"sh", "-c", "command -v faketime"}).exit_code != 0) GTEST_SKIP() << "no faketime";
    Process relay = fabric_.relay();
    Process b = recipient("b");
    const auto set_clock = [&](const std::string& offset) {
        write_text(fabric_.dir() / "clock.new", offset + "\n");
        std::filesystem::rename(fabric_.dir() / "clock.new", fabric_.dir() / "clock");
    };
    set_clock("+0");
    std::vector<std::string> line{"faketime",
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
    const auto arguments = publishing("b, ghost", "3s");
    line.insert(line.end(), arguments.begin(), arguments.end());
    const auto begun = Clock::now();
    Process publisher =
        Process::start(line, {.cwd = fabric_.dir().path(),
                              .environment = {{"ASAN_OPTIONS", "verify_asan_link_order=0"}}});
    b.wait_for_line(Stream::out, "\"id\"");

    set_clock("+1h");
    publisher.wait_for_line(Stream::err, "configuration reloaded");
    set_clock("-1h");

    EXPECT_EQ(publisher.wait(), 1) << publisher.output();
    EXPECT_GE(Clock::now() - begun, std::chrono::seconds(3)) << publisher.output();
    EXPECT_THAT(publisher.err(), AllOf(HasSubstr("b processed it"), HasSubstr("within 3.0 s"),
                                       HasSubstr("ghost did not answer")));
}

}  // namespace
}  // namespace weft::testing
