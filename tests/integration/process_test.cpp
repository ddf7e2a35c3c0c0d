// The harness itself: a test that relies on it can only be as good as it is.

#include "tests/support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <regex>
#include <stdexcept>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;
using namespace std::chrono_literals;

std::vector<std::string> shell(const std::string& script) {
    return {"/bin/sh", "-c", script};
}

TEST(Process, KeepsTheTwoStreamsAndTheExitCodeApart) {
    const Finished done = run(shell("echo one; echo two >&2; exit 7"));

    EXPECT_EQ(done.exit_code, 7);
    EXPECT_EQ(done.out, "one\n");
    EXPECT_EQ(done.err, "two\n");
}

TEST(Process, SaysWhichSignalEndedIt) {
    EXPECT_EQ(run(shell("kill -TERM $$")).exit_code, 128 + SIGTERM);
}

TEST(Process, PassesMoreThanAPipeHoldsThroughInAndOut) {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += std::to_string(i) + "\n";

    const Finished done = run({"cat"}, {.stdin_text = text});

    EXPECT_EQ(done.exit_code, 0);
    EXPECT_TRUE(done.out == text);
}

TEST(Process, AChildThatDoesNotReadItsInputEndsAllTheSame) {
    EXPECT_EQ(run({"true"}, {.stdin_text = std::string(1'000'000, 'x')}).exit_code, 0);
}

TEST(Process, RunsInItsDirectoryWithACleanEnvironment) {
    const TempDir dir;
    ::setenv("WEFT_SECRET_OF_THE_CALLER", "x", 1);

    const Finished done = run({"/usr/bin/env"}, {.environment = {{"EXTRA", "yes"}}});
    const Finished where = run({"pwd"}, {.cwd = dir.path()});
    ::unsetenv("WEFT_SECRET_OF_THE_CALLER");

    EXPECT_EQ(where.out, dir.path().string() + "\n");
    EXPECT_THAT(done.out, Not(HasSubstr("WEFT_")));
    EXPECT_THAT(done.out, HasSubstr("EXTRA=yes\n"));
    EXPECT_THAT(done.out, HasSubstr("HOME=" + std::filesystem::temp_directory_path().string()));
}

TEST(Process, AProgramThatIsNotThereIsAnErrorThatNamesIt) {
    EXPECT_THAT([] { static_cast<void>(run({"/no/such/program"})); },
                ThrowsMessage<std::runtime_error>(HasSubstr("/no/such/program")));
}

TEST(Process, WaitsForOneLineAfterTheOther) {
    Process process =
        Process::start(shell("echo listening 1; echo listening 2; read go; echo ready; read never"),
                       {.keep_stdin_open = true});

    EXPECT_EQ(process.wait_for_line(Stream::out, "listening"), "listening 1");
    EXPECT_EQ(process.wait_for_line(Stream::out, std::regex("listening [0-9]")), "listening 2");
    process.write_stdin("go\n");
    EXPECT_EQ(process.wait_for_line(Stream::out, "ready"), "ready");
    EXPECT_FALSE(process.has_ended());
    process.close_stdin();

    EXPECT_EQ(process.wait(), 1) << process.output();  // read met the end
}

TEST(Process, ALineThatNeverComesFailsWithAllThatWasPrinted) {
    Process ended = Process::start(shell("echo something else; echo bad >&2"));
    Process silent = Process::start(shell("echo started; read never"), {.keep_stdin_open = true});
    silent.wait_for_line(Stream::out, "started");

    EXPECT_THAT([&] { ended.wait_for_line(Stream::out, "ready"); },
                ThrowsMessage<std::runtime_error>(::testing::AllOf(
                    HasSubstr("ready"), HasSubstr("something else"), HasSubstr("bad"))));
    EXPECT_THAT([&] { silent.wait_for_line(Stream::out, "ready", 20ms); },
                ThrowsMessage<std::runtime_error>(HasSubstr("started")));
    EXPECT_THAT([&] { silent.wait(20ms); },
                ThrowsMessage<std::runtime_error>(HasSubstr("did not end")));
}

TEST(Process, ALastLineWithoutItsNewlineCountsOnceTheProcessHasEnded) {
    Process process = Process::start({"printf", "no newline"});

    EXPECT_EQ(process.wait_for_line(Stream::out, "no"), "no newline");
}

TEST(Process, SignalsReachIt) {
    Process process =
        Process::start(shell("trap 'echo stopped; exit 3' TERM; echo up; while :; do read x; done"),
                       {.keep_stdin_open = true});
    process.wait_for_line(Stream::out, "up");

    process.signal(SIGTERM);

    EXPECT_EQ(process.wait(), 3) << process.output();
    EXPECT_EQ(process.out(), "up\nstopped\n");
}

TEST(Process, KillsTheWholeGroupWhenItGoes) {
    // A reader of a named pipe meets its end when the last writer, a grandchild, is gone.
    const TempDir dir;
    const std::string fifo = (dir / "fifo").string();
    ASSERT_EQ(run({"mkfifo", fifo}).exit_code, 0);
    Process reader = Process::start({"cat", fifo});
    {
        Process parent = Process::start(
            shell("(exec 3>" + fifo + "; echo holds; exec tail -f /dev/null) & wait"));
        parent.wait_for_line(Stream::out, "holds");
        EXPECT_FALSE(reader.has_ended());
    }

    EXPECT_EQ(reader.wait(), 0) << reader.output();
}

TEST(Process, AGrandchildThatHoldsTheStreamsDoesNotHoldUpTheWait) {
    Process process = Process::start(shell("tail -f /dev/null & echo left"));

    EXPECT_EQ(process.wait(), 0);
    EXPECT_EQ(process.out(), "left\n");
}

}  // namespace
}  // namespace weft::testing
