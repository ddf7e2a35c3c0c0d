#include "reliability/hub/isolated_plugin.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/reliability/hub/plugin_fixture.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Is = Verdict::Is;

class IsolatedPlugin : public ::testing::Test {
protected:
    IsolatedPlugin() { EXPECT_EQ(::mkfifo(fifo.c_str(), 0600), 0); }

    void start(ConsumerSettings settings = scripted()) {
        host = make_isolated_plugin(settings, surroundings, WEFT_TEST_PLUGIN_HOST);
        const auto started = host->start();
        ASSERT_TRUE(started) << started.error();
        handler = host->make();
    }
    std::string error_of_start(const ConsumerSettings& settings,
                               const std::string& program = WEFT_TEST_PLUGIN_HOST) {
        host = make_isolated_plugin(settings, surroundings, program);
        const auto started = host->start();
        return started ? "it started" : started.error();
    }
    Verdict handle(const fabric::Message& message, unsigned attempt = 1) {
        return handler->handle(message, attempt);
    }
    /// Of the only process.
    [[nodiscard]] pid_t pid() const { return std::stoi(host->details().substr(4)); }
    static ConsumerSettings impatient(std::chrono::milliseconds timeout) {
        ConsumerSettings settings = scripted();
        settings.timeout = timeout;
        return settings;
    }

    weft::testing::TempDir dir;
    const std::string fifo = dir / "fifo";
    RecordingSurroundings surroundings;
    std::unique_ptr<HandlerHost> host;
    std::unique_ptr<Handler> handler;
};

TEST_F(IsolatedPlugin, GivesThePluginsVerdictOnAMessage) {
    start(scripted(R"({"greeting":"hello"})"));

    EXPECT_EQ(handle(order("done")).is, Is::done);
    const Verdict retry = handle(order("retry", {{"why", "the disk is full"}}));
    EXPECT_EQ(retry.is, Is::retry);
    EXPECT_EQ(retry.reason, "the disk is full");
    const Verdict reject = handle(order("reject", {{"why", "no hash"}}));
    EXPECT_EQ(reject.is, Is::reject);
    EXPECT_EQ(reject.reason, "no hash");
    EXPECT_EQ(handle(order("throw", {{"why", "no table"}})).reason, "no table");

    EXPECT_THAT(surroundings.lines(),
                Contains("info counter: started counter at hub.host1, greeting hello"));
    EXPECT_TRUE(host->keeps_timeout());
    EXPECT_NE(pid(), ::getpid());
}

TEST_F(IsolatedPlugin, ShowsThePluginTheMessageAsTheHubHasIt) {
    start();
    fabric::ContentHeader header = fabric::sample_header();
    header.content_type = "application/json";
    header.headers = {{"kind", "test"}};
    auto message =
        fabric::received(header, R"({"do": "tell"})", fabric::certificate_of("git.host1"), true);
    message.mark_replayed(77);

    EXPECT_EQ(handle(message, 4).is, Is::done);

    EXPECT_THAT(surroundings.lines(),
                Contains("info counter: org.weft.dev.git.commit 01934a5b-6c7d-7abc-8def-"
                         "0123456789ab #77 by git.host1/git attempt 4 seq 42"));
    EXPECT_THAT(surroundings.lines(), Contains("info counter: " + fabric::to_json(message)));
}

// L2
TEST_F(IsolatedPlugin, HasWhatItsKeyEnvironmentSaysAndNoSecretOfTheHubs) {
    ASSERT_EQ(::setenv("WEFT_TEST_PASSPHRASE", "secret", 1), 0);
    ConsumerSettings settings = scripted();
    settings.environment = {{"DATABASE_URL", "postgres://db"}};
    start(settings);
    ::unsetenv("WEFT_TEST_PASSPHRASE");

    EXPECT_EQ(handle(order("variable", {{"name", "DATABASE_URL"}})).reason, "postgres://db");
    EXPECT_EQ(handle(order("variable", {{"name", "WEFT_HUB"}})).reason, "hub.host1");
    EXPECT_EQ(handle(order("variable", {{"name", "WEFT_TEST_PASSPHRASE"}})).reason, "not set");
}

TEST_F(IsolatedPlugin, TakesAMessageOfSeveralMegabytes) {
    start();

    const Verdict verdict =
        handle(order("reject", {{"why", "large"}, {"load", std::string(4'000'000, 'x')}}));

    EXPECT_EQ(verdict.reason, "large");
}

TEST_F(IsolatedPlugin, PublishesWithTheMessageAsParentOnlyFromItsThread) {
    start();

    EXPECT_EQ(handle(order("publish")).is, Is::done);
    EXPECT_EQ(handle(order("publish elsewhere")).is, Is::done);

    ASSERT_EQ(surroundings.published().size(), 2U);
    EXPECT_EQ(surroundings.published()[0].topic, "test.answer");
    EXPECT_EQ(surroundings.published()[0].body, R"({"n":1})");
    EXPECT_THAT(surroundings.published()[0].headers,
                ElementsAre(std::pair<std::string, std::string>("kind", "test")));
    EXPECT_EQ(surroundings.published()[0].parent.text(), "01934a5b-6c7d-7abc-8def-0123456789ab");
    EXPECT_TRUE(surroundings.published()[1].parent.is_none());
    EXPECT_THAT(surroundings.lines(),
                Contains("info counter: published " + RecordingSurroundings::id().text()));
}

TEST_F(IsolatedPlugin, IsHeardBetweenMessages) {
    start();
    EXPECT_EQ(handle(order("speak later", {{"fifo", fifo}})).is, Is::done);
    EXPECT_EQ(handle(order("done")).is, Is::done);

    const int file = ::open(fifo.c_str(), O_WRONLY);
    ::close(file);

    EXPECT_TRUE(surroundings.wait_for_line("info counter: later"));
    EXPECT_TRUE(surroundings.wait_for_line("info counter: published "));
    ASSERT_EQ(surroundings.published().size(), 1U);
    EXPECT_TRUE(surroundings.published()[0].parent.is_none());
    EXPECT_EQ(handle(order("done")).is, Is::done);
}

TEST_F(IsolatedPlugin, IsHeardWhileItHasAMessage) {
    start();
    Verdict verdict{Is::retry, {}};
    EXPECT_EQ(handle(order("speak later", {{"fifo", fifo}})).is, Is::done);
    const std::string other = dir / "other";
    ASSERT_EQ(::mkfifo(other.c_str(), 0600), 0);
    std::thread worker([&] { verdict = handle(order("hang", {{"fifo", other}})); });
    const int hanging = ::open(other.c_str(), O_WRONLY);

    ::close(::open(fifo.c_str(), O_WRONLY));

    EXPECT_TRUE(surroundings.wait_for_line("info counter: later"));
    EXPECT_TRUE(surroundings.wait_for_line("info counter: published "));
    ::close(hanging);
    worker.join();
    EXPECT_EQ(verdict.is, Is::done);
}

TEST_F(IsolatedPlugin, SaysWhatItLogsBeforeItsVerdict) {
    start();
    for (int i = 0; i < 100; ++i) {
        const std::string line = "line " + std::to_string(i);
        EXPECT_EQ(handle(order("log", {{"line", line}})).is, Is::done);
        EXPECT_EQ(surroundings.lines().back(), "warning counter: " + line);
    }
}

TEST_F(IsolatedPlugin, IsKilledAtItsTimeoutAlthoughItSpeaksWithoutEnd) {
    start(impatient(300ms));

    EXPECT_THAT(handle(order("log for ever")).reason, HasSubstr("longer than timeout: 300 ms"));

    EXPECT_THAT(surroundings.lines(), Contains("info counter: again"));
}

TEST_F(IsolatedPlugin, KeepsItsTimeoutWhileThePublishOfTheHubHangs) {
    std::promise<void> hangs;
    surroundings.before_publish = [&] { hangs.get_future().wait(); };
    start(impatient(300ms));

    const Verdict verdict = handle(order("publish"));

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_THAT(verdict.reason, HasSubstr("longer than timeout: 300 ms"));
    hangs.set_value();
}

TEST_F(IsolatedPlugin, ThrowsPublishFailedWithTheHubsReason) {
    surroundings.refusal = "the certificate does not grant test.answer";
    start();

    EXPECT_EQ(handle(order("publish")).reason, "the certificate does not grant test.answer");
}

TEST_F(IsolatedPlugin, MakesARetryOfACrashAndNamesTheSignal) {
    start();
    const pid_t before = pid();

    const Verdict verdict = handle(order("crash"));

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_THAT(verdict.reason,
                StartsWith("its process was killed by signal 11 (SIGSEGV) before it said"));
    EXPECT_EQ(handle(order("done")).is, Is::done) << "a new process has taken its place";
    EXPECT_NE(pid(), before);
}

TEST_F(IsolatedPlugin, DoesAtTheNextAttemptWhatCrashedOnce) {
    start();

    EXPECT_EQ(handle(order("crash once"), 1).is, Is::retry);
    EXPECT_EQ(handle(order("crash once"), 2).is, Is::done);
}

TEST_F(IsolatedPlugin, MakesARetryOfAnExit) {
    start();

    EXPECT_THAT(handle(order("exit")).reason, StartsWith("its process exited with status 7"));
}

TEST_F(IsolatedPlugin, KillsThePluginThatHangsAtItsTimeout) {
    start(impatient(300ms));
    const pid_t hanging = pid();

    const Verdict verdict = handle(order("hang", {{"fifo", fifo}}));

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_THAT(verdict.reason, AllOf(HasSubstr("longer than timeout: 300 ms"),
                                      HasSubstr("its process was killed")));
    EXPECT_EQ(::kill(hanging, 0), -1) << "it is still there";
    handler.reset();
    host.reset();
    EXPECT_THAT(surroundings.lines(), Not(Contains(HasSubstr("while it had no message"))));
}

TEST_F(IsolatedPlugin, GoesOnAfterAHangOnceANewProcessIsReady) {
    ConsumerSettings settings = impatient(20s);
    start(settings);
    std::thread late([&] {
        // Once the plugin has opened the FIFO, it is in consume().
        const int file = ::open(fifo.c_str(), O_WRONLY);
        ::kill(pid(), SIGKILL);
        ::close(file);
    });
    EXPECT_THAT(handle(order("hang", {{"fifo", fifo}})).reason,
                HasSubstr("was killed by signal 9 (SIGKILL)"));
    late.join();

    EXPECT_EQ(handle(order("done")).is, Is::done);
}

TEST_F(IsolatedPlugin, LeavesTheMessageWhenItIsGivenUp) {
    start();
    Verdict verdict;
    std::thread worker([&] { verdict = handle(order("hang", {{"fifo", fifo}})); });
    const int file = ::open(fifo.c_str(), O_WRONLY);
    ASSERT_GE(file, 0);

    handler->give_up();

    worker.join();
    ::close(file);
    EXPECT_EQ(verdict.is, Is::left);
    EXPECT_EQ(handle(order("done")).is, Is::left);
    EXPECT_EQ(host->details(), "") << "the process that had it is gone";
}

TEST_F(IsolatedPlugin, KillsAProcessThatSendsGarbage) {
    start();
    const pid_t before = pid();

    const Verdict verdict = handle(order("garbage", {{"fifo", fifo}}));

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_THAT(verdict.reason, HasSubstr("was killed because it sent what nobody may send"));
    EXPECT_EQ(::kill(before, 0), -1);
    EXPECT_EQ(handle(order("done")).is, Is::done);
}

TEST_F(IsolatedPlugin, LogsWhatThePluginPrints) {
    start();

    static_cast<void>(handle(order("print", {{"out", "one\ntwo"}, {"err", "oh"}})));

    EXPECT_TRUE(surroundings.wait_for_line("info counter: one"));
    EXPECT_TRUE(surroundings.wait_for_line("info counter: two"));
    EXPECT_TRUE(surroundings.wait_for_line("warning counter: oh"));
}

TEST_F(IsolatedPlugin, GivesEachWorkerAProcess) {
    start();
    const auto other = host->make();

    EXPECT_EQ(handle(order("done")).is, Is::done);
    EXPECT_EQ(other->handle(order("done"), 1).is, Is::done);

    EXPECT_THAT(host->details(), HasSubstr(", "));
}

TEST_F(IsolatedPlugin, StartsTheFirstWorkersProcessOnce) {
    const std::string starts = dir / "starts";
    start(scripted(R"({"count_starts":")" + starts + R"("})"));

    EXPECT_EQ(handle(order("done")).is, Is::done);

    EXPECT_EQ(weft::testing::read_text(starts), "started\n");
}

TEST_F(IsolatedPlugin, StopsThePluginInItsProcess) {
    start();
    EXPECT_EQ(handle(order("done")).is, Is::done);

    host->stop(20s);

    EXPECT_THAT(surroundings.lines(), Contains("info counter: stopped"));
    EXPECT_EQ(host->details(), "");
}

TEST_F(IsolatedPlugin, KillsThePluginThatDoesNotStop) {
    start(scripted(R"({"hang_stop":")" + fifo + R"("})"));
    const pid_t hanging = pid();

    host->stop(50ms);

    EXPECT_EQ(::kill(hanging, 0), -1) << "it is still there";
    EXPECT_THAT(surroundings.lines(),
                Contains(AllOf(HasSubstr("warning counter: its process "),
                               HasSubstr("has not stopped after 50 ms and is killed"))));
}

TEST_F(IsolatedPlugin, SaysWhyThePluginDoesNotStart) {
    EXPECT_THAT(error_of_start(scripted(R"({"fail_start":"no database"})")),
                HasSubstr("scripted_plugin.so': start() failed: no database"));
    EXPECT_THAT(error_of_start(scripted(R"({"greeting":5})")),
                HasSubstr("settings.greeting is the number 5; a text, so in quotes, is wanted"));
    EXPECT_THAT(error_of_start(scripted(R"({"crash_start":true})")),
                HasSubstr("was killed by signal 6 (SIGABRT) before start() had returned"));
    EXPECT_THAT(error_of_start(scripted(R"({"exit_start":true})")),
                HasSubstr("exited with status 3 before start() had returned"));
}

TEST_F(IsolatedPlugin, SaysWhyThePluginIsNotLoaded) {
    ConsumerSettings settings = scripted();
    settings.plugin = std::string{WEFT_TEST_PLUGINS} + "/odd_interface.so";

    EXPECT_THAT(error_of_start(settings), HasSubstr("was built for interface 2, this hub has 1"));
}

TEST_F(IsolatedPlugin, SaysThatItsOwnProgramDoesNotRun) {
    EXPECT_THAT(error_of_start(scripted(), "/nowhere/weft"),
                HasSubstr("its process does not start: cannot run '/nowhere/weft'"));
    EXPECT_THAT(error_of_start(scripted(), "/bin/false"),
                HasSubstr("exited with status 1 before start() had returned"));
}

TEST_F(IsolatedPlugin, TriesToStartAgainAndAgainForTheSameMessage) {
    ConsumerSettings settings = scripted();
    const auto plugin = dir / "plugin.so";
    std::filesystem::copy_file(settings.plugin, plugin);
    settings.plugin = plugin;
    start(settings);
    EXPECT_EQ(handle(order("crash")).is, Is::retry);
    std::filesystem::rename(plugin, dir / "away.so");

    Verdict verdict{Is::retry, {}};
    std::thread worker([&] { verdict = handle(order("done")); });
    EXPECT_TRUE(surroundings.wait_for_line("there is no file", 2));
    std::filesystem::rename(dir / "away.so", plugin);
    worker.join();

    EXPECT_EQ(verdict.is, Is::done) << verdict.reason;
}

TEST_F(IsolatedPlugin, MakesARetryOfAStartThatTakesLongerThanTheTimeout) {
    start(impatient(1ms));
    EXPECT_EQ(handle(order("hang", {{"fifo", fifo}})).is, Is::retry);

    const Verdict verdict = handle(order("done"));

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_THAT(verdict.reason, HasSubstr("the plugin was not ready within timeout: 1 ms: its "));
}

TEST_F(IsolatedPlugin, IsEndedByItsMemoryLimitInsteadOfTheHosts) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers claim more address space than any limit";
#endif
    ConsumerSettings settings = scripted();
    settings.memory = std::uint64_t{1} << 30;
    start(settings);

    const Verdict verdict = handle(order("eat memory"));

    EXPECT_EQ(verdict.is, Is::retry);
    EXPECT_THAT(verdict.reason, HasSubstr("bad_alloc"));
}

TEST_F(IsolatedPlugin, SaysThatItDiedWithoutAMessage) {
    start();

    ::kill(pid(), SIGKILL);

    EXPECT_TRUE(surroundings.wait_for_line(
        "warning counter: its process was killed by signal 9 (SIGKILL), while it had no message"));
    EXPECT_EQ(handle(order("done")).is, Is::done);
}

TEST(PluginHostProcess, SaysWhatItIsForToWhoeverStartsItByHand) {
    const weft::testing::TempDir dir;
    const std::string said = dir / "said";

    const int status = std::system((WEFT_TEST_PLUGIN_HOST " hub-plugin 3<&- 2>" + said).c_str());

    EXPECT_EQ(WEXITSTATUS(status), 2);
    EXPECT_THAT(weft::testing::read_text(said), HasSubstr("it is no command for people"));
}

TEST(RestartPause, GrowsToItsBound) {
    EXPECT_EQ(restart_pause(0), 0ms);
    EXPECT_EQ(restart_pause(1), 100ms);
    EXPECT_EQ(restart_pause(2), 200ms);
    EXPECT_EQ(restart_pause(7), 6'400ms);
    EXPECT_EQ(restart_pause(8), 10'000ms);
    EXPECT_EQ(restart_pause(4'000'000'000U), 10'000ms);
}

TEST(PluginHostOfAConsumer, IsInThisProcessUnlessTheConsumerSaysIsolate) {
    RecordingSurroundings surroundings;
    ConsumerSettings settings = scripted();
    EXPECT_FALSE(make_plugin_host(settings, surroundings, "/nowhere")->keeps_timeout());
    settings.isolate = true;
    EXPECT_TRUE(make_plugin_host(settings, surroundings, "/nowhere")->keeps_timeout());
}

}  // namespace
}  // namespace weft::reliability::hub
