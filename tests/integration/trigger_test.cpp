// weft trigger: a command for each message.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/integration/journal_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class Trigger : public Journaled {
protected:
    Process trigger(const std::vector<std::string>& more) {
        Process trigger = fabric_.start(and_more({"trigger"}, more));
        trigger.wait_for_line(Stream::err, "ready");
        return trigger;
    }
    void log(int from, int to) {
        const Finished logged = fabric_.weft({"logger"}, lines(from, to));
        ASSERT_EQ(logged.exit_code, 0) << logged.err;
    }
    void touch(const std::string& name) const { std::ofstream(fabric_.dir() / name).close(); }
};

TEST_F(Trigger, GivesEachMessageToACommandInOrder) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "logger.log", "--count", "20", "--", "cat"});

    log(1, 20);

    EXPECT_EQ(runs.wait(), 0) << runs.output();
    const auto messages = json_lines(runs.out());
    EXPECT_EQ(numbers(messages), all_from_to(1, 20)) << runs.output();
    EXPECT_EQ(messages[0]["topic"], "org.weft.dev.logger.log");
    EXPECT_EQ(messages[0]["verified"], true);
}

TEST_F(Trigger, SaysTopicIdAndSignerInTheEnvironment) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "git.**", "--count", "1", "--", "sh", "-c",
                            "echo \"$WEFT_TOPIC $WEFT_ID $WEFT_SIGNER\"; echo aside >&2"});

    const Finished published = fabric_.weft({"publish", "git.commit", "--json", "{}"});

    EXPECT_EQ(runs.wait(), 0) << runs.output();
    EXPECT_EQ(runs.out(), "org.weft.dev.git.commit " +
                              published.out.substr(0, published.out.size() - 1) + " git.host1\n");
    EXPECT_THAT(runs.err(), HasSubstr("\naside\n"));
}

// L2
TEST_F(Trigger, ACommandHasNoneOfOurSecrets) {
    Process relay = fabric_.relay();
    Process runs = Process::start(
        {weft_program(), "trigger", "--topic", "git.commit", "--count", "1", "--", "env"},
        {.cwd = fabric_.dir().path(),
         .environment = {{"TEST_TOKEN", "secret"}, {"WEFT_FABRIC__FLUSH", "4s"}}});
    runs.wait_for_line(Stream::err, "ready");

    EXPECT_EQ(fabric_.weft({"publish", "git.commit", "--json", "{}"}).exit_code, 0);

    EXPECT_EQ(runs.wait(), 0) << runs.output();
    EXPECT_THAT(runs.out(), HasSubstr("WEFT_TOPIC=org.weft.dev.git.commit\n"));
    EXPECT_THAT(runs.out(), HasSubstr("PATH="));
    EXPECT_THAT(runs.out(), Not(HasSubstr("secret")));
    EXPECT_THAT(runs.out(), Not(HasSubstr("WEFT_FABRIC")));
}

// L2
TEST_F(Trigger, ATopicThatIsACommandOfTheShellRunsNothing) {
    Process relay = fabric_.relay();
    Process runs = trigger(
        {"--topic", "**", "--count", "1", "--", "sh", "-c", "printf %s \"$WEFT_TOPIC\"; cat"});

    const Finished published = fabric_.weft(
        {"publish", "git.$(touch x)", "--json", R"({"a": "`touch x`", "b": "'; touch x; '"})"});
    ASSERT_EQ(published.exit_code, 0) << published.err;

    EXPECT_EQ(runs.wait(), 0) << runs.output();
    EXPECT_THAT(runs.out(), StartsWith("org.weft.dev.git.$(touch x){"));
    EXPECT_FALSE(std::filesystem::exists(fabric_.dir() / "x"));
}

TEST_F(Trigger, ArgumentsReachTheCommandAsTheyWereTyped) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "git.commit", "--count", "1", "--", "printf", "%s|",
                            "$HOME; ls", "[a,b]", "", "--count", "-x", "'q'"});

    EXPECT_EQ(fabric_.weft({"publish", "git.commit", "--json", "{}"}).exit_code, 0);

    EXPECT_EQ(runs.wait(), 0) << runs.output();
    EXPECT_EQ(runs.out(), "$HOME; ls|[a,b]||--count|-x|'q'|");
}

TEST_F(Trigger, ACommandMayBeWeftItself) {
    Process relay = fabric_.relay();
    Process tail = fabric_.tail({"--topic", "build.done", "--count", "1"});
    Process runs = trigger({"--topic", "git.commit", "--count", "1", "--", weft_program(),
                            "publish", "build.done", "--data", "built"});

    EXPECT_EQ(fabric_.weft({"publish", "git.commit", "--json", "{}"}).exit_code, 0);

    EXPECT_EQ(runs.wait(), 0) << runs.output();
    EXPECT_EQ(tail.wait(), 0) << tail.output();
}

TEST_F(Trigger, AFailingCommandIsAWarningAndWithACountTheExitCode) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "logger.log", "--count", "3", "--", "sh", "-c",
                            "if grep -q '\"log\":\"2\"'; then exit 7; fi"});

    log(1, 3);

    EXPECT_EQ(runs.wait(), 1) << runs.output();
    EXPECT_THAT(runs.err(), HasSubstr("failed for org.weft.dev.logger.log 0"));
    EXPECT_THAT(runs.err(), HasSubstr(": exited with status 7\n"));
    EXPECT_THAT(runs.err(), HasSubstr("1 command of 3 failed"));
}

TEST_F(Trigger, ACommandThatIsNotThereFailsWithItsName) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "logger.log", "--count", "1", "--", "./is-not-there"});

    log(1, 1);

    EXPECT_EQ(runs.wait(), 1) << runs.output();
    EXPECT_THAT(runs.err(), HasSubstr("cannot run './is-not-there': No such file or directory"));
}

TEST_F(Trigger, ACommandThatTakesTooLongIsKilledAndTheNextOneRuns) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "logger.log", "--count", "2", "--timeout", "300ms", "--",
                            "sh", "-c", "if grep -q '\"log\":\"1\"'; then sleep 1000; fi; echo 2"});

    log(1, 2);

    EXPECT_EQ(runs.wait(), 1) << runs.output();
    EXPECT_THAT(runs.err(), HasSubstr(": did not end within 300ms\n"));
    EXPECT_EQ(runs.out(), "2\n");
}

TEST_F(Trigger, ALargeMessageThatNobodyReadsHoldsNothingUp) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "git.commit", "--count", "1", "--", "true"});

    const Finished published =
        fabric_.weft({"publish", "git.commit", "--content-type", "text/plain"},
                     std::string(std::size_t{2} << 20, 'x'));

    EXPECT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(runs.wait(), 0) << runs.output();
}

TEST_F(Trigger, SeveralCommandsRunAtATime) {
    Process relay = fabric_.relay();
    // Each ends once both have begun.
    Process runs =
        trigger({"--topic", "logger.log", "--count", "2", "--parallel", "2", "--", "sh", "-c",
                 "touch met.$WEFT_ID; until [ $(ls met.* | wc -l) = 2 ]; do sleep 0.01; "
                 "done"});

    log(1, 2);

    EXPECT_EQ(runs.wait(), 0) << runs.output();
}

TEST_F(Trigger, WhatIsTooMuchForItsQueueIsDroppedAndCounted) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "logger.log", "--queue", "1", "--", "sh", "-c",
                            "echo up; until [ -e go ]; do sleep 0.01; done"});
    log(1, 1);
    runs.wait_for_line(Stream::out, "up");

    log(2, 11);  // one waits
    runs.wait_for_line(Stream::err, "dropped org.weft.dev.logger.log");
    log(12, 12);
    touch("go");
    runs.wait_for_line(Stream::out, "up");
    runs.signal(SIGTERM);

    EXPECT_EQ(runs.wait(), 0) << runs.output();
    EXPECT_THAT(runs.err(), HasSubstr("dropped 10 messages: more than 1 waited"));
    EXPECT_THAT(runs.err(),
                HasSubstr("weft_messages_dropped_total{reason=\"subscription_full\"} 10"));
}

TEST_F(Trigger, OutOfAJournalNothingIsDroppedHoweverSmallTheQueue) {
    Process relay = fabric_.relay();
    Process journal = serve();
    log_numbers(1, 30);

    Process runs = trigger({"--topic", "logger.log", "--from", "beginning", "--queue", "1",
                            "--count", "30", "--", "cat"});

    EXPECT_EQ(runs.wait(), 0) << runs.output();
    const auto messages = json_lines(runs.out());
    EXPECT_EQ(numbers(messages), all_from_to(1, 30));
    EXPECT_TRUE(messages[0]["journal_id"].is_number());
}

TEST_F(Trigger, ASignalEndsItInTimeEvenIfItsCommandDoesNotWantTo) {
    Process relay = fabric_.relay();
    Process runs = trigger({"--topic", "logger.log", "--timeout", "1h", "--queue", "1", "--", "sh",
                            "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"});
    log(1, 1);
    runs.wait_for_line(Stream::out, "up");
    // One waits then, and one finds no room, which is said.
    log(2, 3);
    runs.wait_for_line(Stream::err, "dropped ");

    runs.signal(SIGTERM);

    EXPECT_EQ(runs.wait(10s), 0) << runs.output();
    EXPECT_THAT(runs.err(), HasSubstr(": was stopped, since we are\n"));
    EXPECT_THAT(runs.err(), HasSubstr("stopped while 1 messages waited"));
}

TEST_F(Trigger, RefusesWhatIsMissing) {
    const Finished without_topic = fabric_.weft({"trigger", "--", "true"});
    EXPECT_EQ(without_topic.exit_code, 2);
    EXPECT_THAT(without_topic.err, HasSubstr("--topic is required"));

    const Finished without_command = fabric_.weft({"trigger", "--topic", "git.**"});
    EXPECT_EQ(without_command.exit_code, 2);
    EXPECT_THAT(without_command.err, HasSubstr("CMD is required"));

    const Finished journal =
        fabric_.weft({"trigger", "--topic", "a", "--journal", "x", "--", "true"});
    EXPECT_EQ(journal.exit_code, 2);
    EXPECT_THAT(journal.err, HasSubstr("--from beginning"));
}

}  // namespace
}  // namespace weft::testing
