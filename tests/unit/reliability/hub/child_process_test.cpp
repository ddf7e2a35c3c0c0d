// Programs that we start: what they inherit, how they end, and that nothing of them is left.

#include "reliability/hub/child_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include "reliability/hub/descriptor.hpp"
#include "tests/unit/reliability/hub/scratch_programs.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ChildProcessTest : public ScratchPrograms {
protected:
    std::unique_ptr<ChildProcess> run(ChildOrder order) {
        auto child = ChildProcess::start(std::move(order));
        EXPECT_TRUE(child) << child.error();
        return child ? std::move(*child) : nullptr;
    }
    std::string output(ChildOrder order) {
        const auto child = run(std::move(order));
        return child == nullptr ? "" : output_of(child->out(), child->ended_fd());
    }
    std::string ending(ChildOrder order) {
        const auto child = run(std::move(order));
        if (child == nullptr || !child->wait(patience)) return "still runs";
        return child->ended()->sentence;
    }
    std::string error(ChildOrder order) {
        const auto child = ChildProcess::start(std::move(order));
        EXPECT_FALSE(child);
        return child ? "" : child.error();
    }
};

TEST_F(ChildProcessTest, GivesArgumentsAsTheyAreAndNoShellReadsThem) {
    EXPECT_EQ(output({.argv = {"printf", "%s|", "$HOME; echo x", "*", ""}}), "$HOME; echo x|*||");
}

// L2: a clean environment.
TEST_F(ChildProcessTest, ItsEnvironmentIsTheLittleThatIsPassedOnAndWhatIsGiven) {
    const auto ours = [](const char* name, const char* value) {
        ASSERT_EQ(::setenv(name, value, 1), 0);
    };
    ours("WEFT_TEST_PASSPHRASE", "secret");
    ours("TEST_TOKEN", "secret");
    ours("LC_TIME", "C");
    ours("TZ", "Asia/Tokyo");

    const std::string said = output({.argv = {"env"}, .environment = {"A=b=c", "TZ=UTC"}});

    ::unsetenv("WEFT_TEST_PASSPHRASE");
    ::unsetenv("TEST_TOKEN");
    ::unsetenv("LC_TIME");
    ::unsetenv("TZ");
    EXPECT_THAT(said, Not(HasSubstr("secret")));
    EXPECT_THAT(said, HasSubstr("LC_TIME=C\n"));
    EXPECT_THAT(said, HasSubstr("A=b=c\n"));
    EXPECT_THAT(said, HasSubstr("TZ=UTC\n"));
    EXPECT_THAT(said, Not(HasSubstr("Tokyo")));
    const std::string path = std::string{"PATH="} + ::getenv("PATH") + "\n";
    EXPECT_THAT(said, HasSubstr(path));
}

TEST_F(ChildProcessTest, HasItsThreeDescriptorsAndNoneOfOurs) {
    const Descriptor left_open(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
    const std::string script =
        python("import os\nprint(sorted(map(int, os.listdir('/proc/self/fd'))))");

    // Python's own one reads the directory.
    EXPECT_EQ(output({.argv = {script}, .on_error_line = [](auto, bool) {}}), "[0, 1, 2, 3]\n");
}

TEST_F(ChildProcessTest, AnExtraSocketIsItsDescriptorThree) {
    const auto child = run(
        {.argv = {bash("echo to you >&3; read line <&3; echo got $line")}, .extra_socket = true});
    ASSERT_NE(child, nullptr);
    pollfd readable{child->extra(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 20'000), 1);
    std::array<char, 100> bytes{};
    ASSERT_GT(::read(child->extra(), bytes.data(), bytes.size()), 0);
    EXPECT_STREQ(bytes.data(), "to you\n");
    ASSERT_EQ(::write(child->extra(), "back\n", 5), 5);
    EXPECT_EQ(output_of(child->out(), child->ended_fd()), "got back\n");
}

TEST_F(ChildProcessTest, SignalsAreAsAProgramExpectsThem) {
    std::signal(SIGPIPE, SIG_IGN);
    const std::string said = output({.argv = {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}});
    std::signal(SIGPIPE, SIG_DFL);

    // Signals 32 and 33 are the C library's: whoever was started by its posix_spawn, as make starts
    // programs, inherits that they are ignored, and nobody may change them.
    constexpr std::uint64_t of_the_library = std::uint64_t{3} << 31U;
    for (const char* line : {"SigBlk:\t", "SigIgn:\t"}) {
        const std::size_t at = said.find(line);
        ASSERT_NE(at, std::string::npos) << said;
        EXPECT_EQ(std::stoull(said.substr(at + 8), nullptr, 16) & ~of_the_library, 0U) << said;
    }
}

TEST_F(ChildProcessTest, LivesOnWhenTheThreadThatAskedForItEnds) {
    std::unique_ptr<ChildProcess> child;
    std::thread([&] { child = run({.argv = {"cat"}}); }).join();
    ASSERT_NE(child, nullptr);

    EXPECT_FALSE(child->wait(200ms));
    child->close_in();
    EXPECT_TRUE(child->wait(patience));
    EXPECT_EQ(child->ended()->sentence, "exited with status 0");
}

TEST_F(ChildProcessTest, SaysHowItEnded) {
    EXPECT_EQ(ending({.argv = {"true"}}), "exited with status 0");
    EXPECT_EQ(ending({.argv = {bash("exit 3")}}), "exited with status 3");
    EXPECT_EQ(ending({.argv = {bash("kill -SEGV $$")}}), "was killed by signal 11 (SIGSEGV)");
}

TEST_F(ChildProcessTest, SaysWhyAProgramCannotRun) {
    std::ofstream(path("text")) << "no program\n";
    std::ofstream(path("naked")) << "echo without a first line\n";
    ASSERT_EQ(::chmod(path("naked").c_str(), 0700), 0);

    EXPECT_EQ(error({.argv = {"./is-not-there"}}),
              "cannot run './is-not-there': No such file or directory");
    EXPECT_EQ(error({.argv = {"weft-is-not-in-path"}}),
              "cannot run 'weft-is-not-in-path': No such file or directory");
    EXPECT_THAT(error({.argv = {path("text")}}),
                EndsWith(": Permission denied; is it executable (chmod +x)?"));
    EXPECT_THAT(error({.argv = {path("naked")}}),
                EndsWith(": Exec format error; a script needs a first line such as #!/bin/sh"));
    EXPECT_THAT(error({.argv = {"true"}, .environment = {"A=" + std::string(1 << 20, 'x')}}),
                HasSubstr("Argument list too long"));
}

TEST_F(ChildProcessTest, ALingeringGrandchildIsKilledAndHoldsNothingUp) {
    const auto child = run({.argv = {bash("sleep 1000 & sleep 1001 & echo started; exit 4")}});
    ASSERT_NE(child, nullptr);

    ASSERT_TRUE(child->wait(patience));
    EXPECT_EQ(child->ended()->sentence, "exited with status 4");
    EXPECT_EQ(output_of(child->out(), child->ended_fd()), "started\n");
    EXPECT_TRUE(group_is_gone(child->pid()));
}

TEST_F(ChildProcessTest, TerminateGivesTimeToCleanUp) {
    const auto child = run(
        {.argv = {bash("trap 'echo clean; exit 0' TERM; echo up; while :; do sleep 0.01; done")}});
    ASSERT_NE(child, nullptr);
    pollfd up{child->out(), POLLIN, 0};
    ASSERT_EQ(::poll(&up, 1, 20'000), 1);

    child->terminate(patience);

    EXPECT_EQ(child->ended()->sentence, "exited with status 0");
    EXPECT_THAT(output_of(child->out(), child->ended_fd()), EndsWith("clean\n"));
}

TEST_F(ChildProcessTest, WhatIgnoresSigtermIsKilledAfterTheGrace) {
    const auto child = run({.argv = {bash("trap '' TERM; echo up; while :; do sleep 1; done")}});
    ASSERT_NE(child, nullptr);
    pollfd up{child->out(), POLLIN, 0};
    ASSERT_EQ(::poll(&up, 1, 20'000), 1);

    child->terminate(50ms);

    ASSERT_TRUE(child->has_ended());
    EXPECT_EQ(child->ended()->sentence, "was killed by signal 9 (SIGKILL)");
    EXPECT_TRUE(group_is_gone(child->pid()));
}

TEST_F(ChildProcessTest, TheDestructorLeavesNothingBehind) {
    pid_t group = -1;
    {
        const auto child = run({.argv = {bash("sleep 1000 & sleep 1001")}});
        ASSERT_NE(child, nullptr);
        group = child->pid();
    }
    EXPECT_TRUE(group_is_gone(group));
}

TEST_F(ChildProcessTest, LinesOfStderrComeWhileItRunsAndItsLastWordsBeforeItsEnd) {
    std::mutex mutex;
    std::vector<std::string> lines;
    const auto child = run({.argv = {bash("echo one >&2; read x; echo two >&2; printf three >&2")},
                            .on_error_line = [&](std::string_view line, bool cut) {
                                const std::scoped_lock lock(mutex);
                                lines.emplace_back(line);
                                EXPECT_FALSE(cut);
                            }});
    ASSERT_NE(child, nullptr);
    ASSERT_TRUE(becomes_true([&] {
        const std::scoped_lock lock(mutex);
        return lines.size() == 1;
    }));
    child->close_in();
    ASSERT_TRUE(child->wait(patience));

    EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
}

TEST_F(ChildProcessTest, AnEndlessLineOfStderrIsCutAndHoldsNothingUp) {
    std::atomic<std::size_t> count{0}, bytes{0};
    std::atomic<bool> was_cut{false};
    const auto child = run({.argv = {bash("head -c 20000000 /dev/zero >&2; echo >&2")},
                            .on_error_line = [&](std::string_view line, bool cut) {
                                ++count;
                                bytes += line.size();
                                was_cut = cut;
                            }});
    ASSERT_NE(child, nullptr);
    ASSERT_TRUE(child->wait(patience));

    EXPECT_EQ(count, 1U);
    EXPECT_EQ(bytes, ChildOrder::error_line_bytes_max);
    EXPECT_TRUE(was_cut);
}

TEST_F(ChildProcessTest, AMemoryLimitHoldsForItAlone) {
    const std::string script = python("data = bytearray(1 << 30)\n");
    std::string last;
    EXPECT_EQ(ending({.argv = {script},
                      .memory = std::uint64_t{200} << 20,
                      .on_error_line = [&](std::string_view line, bool) { last = line; }}),
              "exited with status 1");
    EXPECT_EQ(last, "MemoryError");
}

TEST_F(ChildProcessTest, TheKernelTakesItBeforeUsWhenMemoryRunsOut) {
    EXPECT_EQ(output({.argv = {"cat", "/proc/self/oom_score_adj"}}), "500\n");
}

}  // namespace
}  // namespace weft::reliability::hub
