// Executables as consumers: what they get, and what each answer means.

#include "reliability/hub/exec_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "fabric/message/json_form.hpp"
#include "tests/unit/reliability/hub/exec_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ExecHandlerTest : public ExecWorld {
protected:
    std::string loop(const std::string& answer) {
        return bash("while IFS= read -r line; do " + answer + "; done");
    }
};

TEST_F(ExecHandlerTest, GetsTheMessageWithItsAttemptAndTheConsumersName) {
    start(loop("printf '%s\\n' \"$line\" >> " + path("got") + "; echo ok"));
    const fabric::Message message = fabric::received(body_);

    EXPECT_EQ(handle(message, 1), done());
    EXPECT_EQ(handle(message, 7), done());

    std::string json = fabric::to_json(message);
    json.pop_back();
    EXPECT_EQ(text_of("got"), json + ",\"attempt\":1,\"consumer\":\"counter\"}\n" + json +
                                  ",\"attempt\":7,\"consumer\":\"counter\"}\n");
}

TEST_F(ExecHandlerTest, FindsItsNamesAndSettingsInItsEnvironment) {
    auto settings = settings_for({loop("echo \"retry $WEFT_CONSUMER $WEFT_HUB $WEFT_SETTINGS\"")});
    settings.settings_json = R"({"database":"x.db"})";
    start(std::move(settings));

    EXPECT_EQ(handle(), retry(R"(counter hub.host1 {"database":"x.db"})"));
}

// L2
TEST_F(ExecHandlerTest, HasWhatItsKeyEnvironmentSaysAndNoSecretOfTheHubs) {
    ASSERT_EQ(::setenv("WEFT_TEST_PASSPHRASE", "secret", 1), 0);
    auto settings = settings_for({loop("echo \"retry $DATABASE_URL/$WEFT_TEST_PASSPHRASE\"")});
    settings.environment = {{"DATABASE_URL", "postgres://$(id)"}};
    start(std::move(settings));
    ::unsetenv("WEFT_TEST_PASSPHRASE");

    EXPECT_EQ(handle(), retry("postgres://$(id)/"));
}

// L2
TEST_F(ExecHandlerTest, ATopicAndABodyWithShellSyntaxAreTextAndNothingElse) {
    const std::string evil =
        "$(touch " + path("x") + "); `touch " + path("x") + "`\n'\"; touch " + path("x") + "; \"";
    start(loop("printf '%s\\n' \"$line\" >> " + path("got") + "; echo ok"));
    const std::string body = fabric::to_msgpack(fabric::Value{{"text", evil}}).value();
    auto run = std::make_shared<fabric::RunBytes>(
        "org.weft.dev.$(touch x)", fabric::encoded(fabric::sample_header(), body), "");
    fabric::DecodedContent content;
    ASSERT_TRUE(fabric::decode_content(run->contents, content));
    const std::string_view raw = run->contents;
    const fabric::Message message(run, std::move(content), raw,
                                  signing::message_digest(run->topic, raw));

    EXPECT_EQ(handle(message), done());

    EXPECT_THAT(text_of("got"), HasSubstr("org.weft.dev.$(touch x)"));
    EXPECT_FALSE(std::filesystem::exists(path("x")));
    EXPECT_FALSE(std::filesystem::exists("x"));
}

TEST_F(ExecHandlerTest, StaysBetweenMessages) {
    start(loop("n=$((n + 1)); echo retry $n"));

    EXPECT_EQ(handle(), retry("1"));
    EXPECT_EQ(handle(), retry("2"));
    EXPECT_EQ(handle(), retry("3"));
}

TEST_F(ExecHandlerTest, EachWorkerHasAProcessOfItsOwn) {
    start(loop("echo retry $$"));
    const auto second = host_->make();
    const auto message = fabric::received(body_);

    const Verdict one = handle();
    const Verdict two = second->handle(message, 1);

    EXPECT_EQ(host_->details(), "pids " + one.reason + ", " + two.reason);
    EXPECT_NE(one.reason, two.reason);
    groups_.push_back(std::stoi(two.reason));
}

TEST_F(ExecHandlerTest, ADropIsARejectWithItsReason) {
    EXPECT_EQ(answer_of(loop("echo drop no such project")),
              (Verdict{Verdict::Is::reject, "no such project"}));
}

TEST_F(ExecHandlerTest, PublishesAnObjectWithTheMessageAsItsParent) {
    EXPECT_EQ(answer_of(loop(R"(echo '{"topic": "build.done", "body": {"n": 1.50}}')")), done());

    EXPECT_THAT(surroundings_.published(), ElementsAre(PublishedCopy{"build.done",
                                                                     R"({"n":1.50})",
                                                                     "application/json",
                                                                     {},
                                                                     false,
                                                                     fabric::sample_header().id}));
}

TEST_F(ExecHandlerTest, PublishesAListInItsOrder) {
    start(
        loop(R"(echo '[{"topic":"a","body":1},{"topic":"b","body":"x","content_type":"text/plain",'\
'"headers":{"k":"v"},"durable":true}]')"));
    EXPECT_EQ(handle(), done());

    const auto id = fabric::sample_header().id;
    EXPECT_THAT(surroundings_.published(),
                ElementsAre(PublishedCopy{"a", "1", "application/json", {}, false, id},
                            PublishedCopy{"b", "x", "text/plain", {{"k", "v"}}, true, id}));
}

TEST_F(ExecHandlerTest, WhatCannotBePublishedIsARetryAndTheProcessStays) {
    surroundings_.fail_at = 1;
    start(loop(R"(echo '[{"topic":"a","body":1},{"topic":"b","body":2},{"topic":"c","body":3}]')"));
    const pid_t before = pid();

    EXPECT_EQ(handle(), retry("its answer could not be published to 'b': no journal answered"));
    EXPECT_THAT(surroundings_.published(), SizeIs(1));
    EXPECT_EQ(pid(), before);
}

TEST_F(ExecHandlerTest, GarbageIsARetryAndTheNextMessageGetsANewProcess) {
    start(loop("n=$((n + 1)); if [ $n = 1 ] && mkdir " + path("once") +
               " 2>/dev/null; then echo processing; else echo ok; fi"));
    const pid_t before = pid();

    EXPECT_EQ(handle(), retry("answered 'processing', which is none of ok, retry REASON, drop "
                              "REASON and a JSON object to publish"));
    EXPECT_EQ(handle(), done());
    EXPECT_NE(pid(), before);
}

TEST_F(ExecHandlerTest, WhatDoesNotAnswerInTimeIsKilledWithAllThatItStarted) {
    auto settings = settings_for({loop("sleep 1000 & sleep 1000")});
    settings.timeout = 300ms;
    start(std::move(settings));

    EXPECT_EQ(handle(), retry("did not answer within 300ms"));
    EXPECT_EQ(host_->details(), "");
    EXPECT_TRUE(group_is_gone(groups_.front()));
}

TEST_F(ExecHandlerTest, AnAnswerWithoutALineBreakIsNone) {
    EXPECT_EQ(answer_of(loop("printf ok; exit 0")),
              retry("exited with status 0 before it answered; it had written 'ok' without a line "
                    "break"));
}

TEST_F(ExecHandlerTest, EndlessOutputIsKilledAtTheLimit) {
    start(loop("head -c 100000000 /dev/zero"));

    const Verdict verdict = handle();

    EXPECT_EQ(verdict.is, Verdict::Is::retry);
    EXPECT_THAT(verdict.reason,
                StartsWith("wrote more than 8 MiB without a line break, beginning with '\\x00"));
    EXPECT_LT(verdict.reason.size(), 1'000U);
}

TEST_F(ExecHandlerTest, AnExitBeforeTheAnswerSaysHow) {
    EXPECT_EQ(answer_of(bash("read line; exit 3")),
              retry("exited with status 3 before it answered"));
}

TEST_F(ExecHandlerTest, ACrashBeforeTheAnswerSaysHow) {
    EXPECT_EQ(answer_of(bash("read line; kill -SEGV $$")),
              retry("was killed by signal 11 (SIGSEGV) before it answered"));
}

TEST_F(ExecHandlerTest, AProgramThatHandlesOneMessageAndEndsIsFine) {
    start(bash("read line; echo ok"));

    for (int i = 0; i < 50; ++i) ASSERT_EQ(handle(), done()) << i;
    EXPECT_THAT(surroundings_.lines(), IsEmpty());
}

TEST_F(ExecHandlerTest, AnAnswerBeforeTheEndCountsEvenIfAGrandchildHoldsStdoutOpen) {
    start(bash("read line; sleep 1000 & echo ok"));

    EXPECT_EQ(handle(), done());
    EXPECT_EQ(handle(), done());
}

TEST_F(ExecHandlerTest, AGrandchildThatHoldsStdoutOpenDoesNotHideTheEnd) {
    EXPECT_EQ(answer_of(bash("read line; sleep 1000 & exit 5")),
              retry("exited with status 5 before it answered"));
}

TEST_F(ExecHandlerTest, WhatClosesItsStdoutIsKilled) {
    EXPECT_EQ(answer_of(loop("exec >&-; sleep 1000")),
              retry("closed its stdout, where its answer should have come"));
}

TEST_F(ExecHandlerTest, WhatDoesNotReadALargeMessageIsKilledAtTheTimeout) {
    auto settings = settings_for({bash("sleep 1000")});
    settings.timeout = 300ms;
    start(std::move(settings));

    EXPECT_EQ(handle(fabric::received("text/plain", std::string(std::size_t{4} << 20, 'x'))),
              retry("did not answer within 300ms"));
}

TEST_F(ExecHandlerTest, WhatClosesItsStdinBeforeALargeMessageIsReadIsKilled) {
    start(bash("exec <&-; sleep 1000"));

    EXPECT_EQ(handle(fabric::received("text/plain", std::string(std::size_t{4} << 20, 'x'))),
              retry("closed its stdin before it had read the message"));
}

TEST_F(ExecHandlerTest, ALargeMessageArrivesWhole) {
    start(
        python("import sys\nfor line in sys.stdin:\n    print('retry', len(line), flush=True)\n"));
    const auto message = fabric::received("text/plain", std::string(std::size_t{4} << 20, 'x'));

    const std::size_t more = std::string_view(R"(,"attempt":1,"consumer":"counter")").size() + 1;
    EXPECT_EQ(handle(message), retry(std::to_string(fabric::to_json(message).size() + more)));
}

TEST_F(ExecHandlerTest, AnAnswerBeforeTheMessageWasReadCountsForNothing) {
    start(bash("echo ok; sleep 1000"));

    // Whether the line is there before we write or comes a moment later.
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(handle(), retry("wrote 'ok' before it had read the message; stdout is for one "
                                  "answer to each message"));
    }
}

TEST_F(ExecHandlerTest, TwoAnswersToOneMessageAreNone) {
    // In one write; a second line that comes later is unasked, see below.
    start(python("import os, sys\nfor line in sys.stdin:\n    os.write(1, b'ok\\nok\\n')\n"));

    EXPECT_EQ(handle(), retry("wrote 'ok\\x0a' behind its answer; stdout is for one answer to each "
                              "message, stderr for the log"));
}

TEST_F(ExecHandlerTest, WhatItSaysBetweenMessagesNeverCountsForTheNext) {
    start(bash("read line; echo ok; until rm " + path("go") +
               " 2>/dev/null; do sleep 0.01; done; echo drop it; touch " + path("said") +
               "; while read line; do echo retry $line; done"));
    ASSERT_EQ(handle(), done());
    const pid_t before = pid();
    std::ofstream(path("go")).close();
    ASSERT_TRUE(becomes_true([&] { return std::filesystem::exists(path("said")); }));

    EXPECT_EQ(handle(), done());
    EXPECT_NE(pid(), before);
    EXPECT_TRUE(surroundings_.logged("wrote 'drop it\\x0a' although it was asked nothing"));
}

TEST_F(ExecHandlerTest, APauseGrowsWhileProgramsEndWithoutAnAnswer) {
    start(bash("read line; exit 1"));

    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(handle(), retry("exited with status 1 before it answered"));

    EXPECT_TRUE(surroundings_.logged("the next one starts 100ms later"));
    EXPECT_TRUE(surroundings_.logged("the next one starts 200ms later"));
    EXPECT_TRUE(surroundings_.logged("the next one starts 400ms later"));
}

TEST_F(ExecHandlerTest, APauseThatIsLongerThanTheTimeoutIsSaid) {
    auto settings = settings_for({bash("read line; exit 1")});
    settings.timeout = 150ms;
    start(std::move(settings));
    ASSERT_TRUE(becomes_true([&] {
        return handle().reason ==
               "its process exited with status 1, and is not started again before the timeout";
    }));
}

TEST_F(ExecHandlerTest, AProgramThatCannotRunIsAnErrorAtTheStart) {
    ExecHost host(settings_for({path("missing")}), surroundings_);

    const auto started = host.start();

    ASSERT_FALSE(started);
    EXPECT_EQ(started.error(), "cannot run '" + path("missing") + "': No such file or directory");
}

TEST_F(ExecHandlerTest, AProgramThatVanishesIsARetryThatNamesIt) {
    const std::string program = bash("read line; echo ok");
    start(program);
    ASSERT_EQ(handle(), done());
    std::filesystem::remove(program);

    EXPECT_EQ(handle(), retry("cannot run '" + program + "': No such file or directory"));
}

TEST_F(ExecHandlerTest, AMemoryLimitEndsTheProgramAndNotUs) {
    auto settings =
        settings_for({python("import sys\nsys.stdin.readline()\nbytearray(1 << 30)\n")});
    settings.memory = std::uint64_t{200} << 20;
    start(std::move(settings));

    EXPECT_EQ(handle(), retry("exited with status 1 before it answered"));
    EXPECT_TRUE(surroundings_.logged("counter: MemoryError"));
}

TEST_F(ExecHandlerTest, StderrGoesToTheLogUnderTheConsumersNameAlsoBetweenMessages) {
    start(bash("printf 'up \\033[1m\\n' >&2; while read line; do echo ok; done"));

    EXPECT_TRUE(becomes_true([&] { return surroundings_.logged("counter: up \\x1b[1m"); }));
    EXPECT_EQ(handle(), done());
}

TEST_F(ExecHandlerTest, AFloodOnStderrHoldsNothingUpAndIsCounted) {
    start(loop("seq 1 200000 >&2; echo ok"));

    EXPECT_EQ(handle(), done());
    host_->stop(patience);

    EXPECT_LT(surroundings_.lines().size(), 5'000U);
    EXPECT_TRUE(surroundings_.logged("lines of its stderr: at most 100 a second are shown"));
}

TEST_F(ExecHandlerTest, GivingUpEndsTheWaitAndEveryLaterOne) {
    start(loop("touch " + path("reading") + "; sleep 1000"));
    std::thread other([&] {
        EXPECT_TRUE(becomes_true([&] { return std::filesystem::exists(path("reading")); }));
        handler_->give_up();
    });

    EXPECT_EQ(handle().is, Verdict::Is::left);
    EXPECT_EQ(handle().is, Verdict::Is::left);
    other.join();
    host_->stop(0ms);
    EXPECT_TRUE(group_is_gone(groups_.front()));
}

TEST_F(ExecHandlerTest, StopLetsAProgramFinishWhenItsStdinEnds) {
    start(bash("while read line; do echo ok; done; sleep 0.1; echo finished >&2"));
    ASSERT_EQ(handle(), done());

    host_->stop(patience);

    EXPECT_TRUE(surroundings_.logged("counter: finished"));
    EXPECT_EQ(handle().is, Verdict::Is::left);
}

TEST_F(ExecHandlerTest, StopKillsWhatIgnoresItsEnd) {
    start(bash("trap '' TERM; while :; do sleep 0.1; done"));

    host_->stop(100ms);

    EXPECT_EQ(host_->details(), "");
    EXPECT_TRUE(surroundings_.logged("did not end after its stdin was closed; it is killed"));
}

}  // namespace
}  // namespace weft::reliability::hub
