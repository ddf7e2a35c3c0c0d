// weft relay, logger, publish and tail, as a user at a shell has them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::string numbered_lines(int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += "line " + std::to_string(i) + "\n";
    return lines;
}

TEST(Logger, DeliversEachOf200LinesTheMomentRelayAndTailAreUp) {
    for (int round = 0; round < 5; ++round) {
        Fabric fabric;
        Process relay = fabric.relay();
        Process tail = fabric.start({"tail", "--count", "200"});

        const Finished logged = fabric.weft({"logger"}, numbered_lines(200));

        EXPECT_EQ(logged.exit_code, 0) << logged.err;
        EXPECT_EQ(tail.wait(), 0) << tail.output();
        const auto messages = json_lines(tail.out());
        ASSERT_THAT(messages, SizeIs(200));
        for (std::size_t i = 0; i < messages.size(); ++i) {
            EXPECT_EQ(messages[i]["body"]["log"], "line " + std::to_string(i));
            EXPECT_EQ(messages[i]["seq"], i + 1);
        }
    }
}

TEST(Logger, FailsWithinItsDeadlineAndNamesTheRelayThatIsNotThere) {
    Fabric fabric;

    const Finished logged = fabric.weft({"logger", "--flush", "300ms"}, "hello\n");

    EXPECT_EQ(logged.exit_code, 1);
    EXPECT_THAT(logged.err, HasSubstr("the relay at tcp://127.0.0.1:"));
    EXPECT_THAT(logged.err, HasSubstr("weft relay"));
}

TEST(Publish, FailsWithinItsDeadlineWithoutARelay) {
    Fabric fabric;

    const Finished published =
        fabric.weft({"publish", "git.commit", "--json", "{}", "--flush", "300ms"});

    EXPECT_EQ(published.exit_code, 1);
    EXPECT_THAT(published.err, HasSubstr("cannot be reached"));
    EXPECT_EQ(published.out, "");
}

TEST(Logger, SaysThatNobodySubscribedAndSucceeds) {
    Fabric fabric;
    Process relay = fabric.relay();

    const Finished logged = fabric.weft({"logger", "--wait", "50ms"}, "a\nb\n");

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_THAT(logged.err, HasSubstr("nobody has subscribed to org.weft.dev.logger.log: 2 of 2"));
}

TEST(Logger, PublishesEachJsonValueAndNamesTheLinesThatAreNone) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--count", "2", "--query", "body.n"});

    const Finished logged =
        fabric.weft({"logger", "--json-input", "--service", "git", "--topic", "x"},
                    "{\"n\": 1}\n{\"n\": oops}\n\n{\"n\": 2}\n");

    EXPECT_EQ(logged.exit_code, 2);
    EXPECT_THAT(logged.err, HasSubstr("standard input line 2"));
    EXPECT_THAT(logged.err, HasSubstr("1 lines of standard input were not published"));
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_EQ(tail.out(), "1\n2\n");
}

TEST(Logger, TakesAllOfItsInputAsOneJsonValueIfTheFirstLineIsNone) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--count", "1", "--query", "body.files.1"});

    const Finished logged =
        fabric.weft({"logger", "--json-input"}, "{\n  \"files\": [\n \"a\",\n \"b\" ]\n}\n");

    EXPECT_EQ(logged.exit_code, 0) << logged.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_EQ(tail.out(), "\"b\"\n");
}

TEST(Publish, PrintsTheIdThatTheReceiverSees) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--count", "1"});

    const std::string parent = "0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f";
    const Finished published =
        fabric.weft({"publish", "git.commit", "--json", R"({"hash": "2f1c9e", "n": 1e400})",
                     "--parent", parent, "--header", "ticket=4711"});

    EXPECT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    const std::string line = tail.out();
    EXPECT_THAT(line, HasSubstr(R"("body":{"hash":"2f1c9e","n":1e400})"));
    EXPECT_THAT(line, HasSubstr("\"id\":\"" + published.out.substr(0, 36) + "\""));
    EXPECT_THAT(line, HasSubstr("\"parent\":\"" + parent + "\""));
    EXPECT_THAT(line, HasSubstr("\"topic\":\"org.weft.dev.git.commit\""));
    EXPECT_THAT(line, HasSubstr("\"signer\":\"git.host1\",\"verified\":true"));
    EXPECT_THAT(line, HasSubstr(R"("headers":{"ticket":"4711"})"));
}

TEST(Publish, TakesItsTopicAlsoBehindFlagsThatMayBeRepeated) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--count", "1", "--query", "headers"});

    const Finished published =
        fabric.weft({"publish", "--set", "environment=dev", "--header", "a=1", "--header", "b=2",
                     "git.commit", "--json", "{}"});

    EXPECT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_EQ(tail.out(), "{\"a\":\"1\",\"b\":\"2\"}\n");
}

TEST(Publish, TakesTextFilesAndStandardInput) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--count", "3", "--query", "body"});
    write_text(fabric.dir() / "picture.bin", std::string("\xFF\x00\x01", 3));

    EXPECT_EQ(fabric.weft({"publish", "a", "--data", "hi"}).exit_code, 0);
    EXPECT_EQ(fabric.weft({"publish", "a", "--file", "picture.bin"}).exit_code, 0);
    EXPECT_EQ(fabric.weft({"publish", "a"}, "[1, 2]").exit_code, 0);

    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_EQ(tail.out(), "\"hi\"\n{\"base64\":\"/wAB\"}\n[1,2]\n");
}

struct BadArguments {
    std::vector<std::string> arguments;
    std::string said;
    friend std::ostream& operator<<(std::ostream& out, const BadArguments& bad) {
        for (const std::string& argument : bad.arguments) out << argument << ' ';
        return out;
    }
};

class BadInput : public ::testing::TestWithParam<BadArguments> {};

TEST_P(BadInput, ExitsWith2AndSaysWhatWouldBeRight) {
    Fabric fabric;
    Process relay = fabric.relay();

    const Finished finished = fabric.weft(GetParam().arguments);

    EXPECT_EQ(finished.exit_code, 2) << finished.out << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(GetParam().said));
    EXPECT_EQ(finished.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    Commands, BadInput,
    ::testing::Values(
        BadArguments{{"publish", "a..b", "--json", "{}"}, "a..b"},
        BadArguments{{"publish", "a", "--json", "{oops"}, "--json"},
        BadArguments{{"publish", "a", "--file", "not-there"}, "--file not-there"},
        BadArguments{{"publish", "a", "--json", "{}", "--data", "x"}, "--json"},
        BadArguments{{"publish", "a", "--json", "{}", "--header", "novalue"}, "K=V"},
        BadArguments{{"publish", "a", "--json", "{}", "--parent", "4711"}, "--parent '4711'"},
        BadArguments{{"publish", "a", "--json", "{}", "--flush", "5"}, "--flush"},
        BadArguments{{"publish", "a", "--json", "{}", "--recipients", "2 of (b"},
                     "this bracket is not closed"},
        BadArguments{{"publish", "a", "--json", "{}", "--recipients", "b", "--level", "heard"},
                     "--level"},
        BadArguments{{"publish", "a", "--json", "{}", "--recipients", "b", "--ack-timeout", "3"},
                     "--ack-timeout"},
        BadArguments{{"tail", "--ack", "--no-validate"}, "--no-validate verifies nothing"},
        BadArguments{{"publish", "a", "--json", "{}", "--durable"}, "journal"},
        BadArguments{{"publish"}, "TOPIC"}, BadArguments{{"tail", "--topic", "a.[b"}, "a.[b"},
        BadArguments{{"tail", "--include", "("}, "--include"},
        BadArguments{{"tail", "--from", "beginning"}, "journal"},
        BadArguments{{"tail", "--json", "--terse"}, "--terse"},
        BadArguments{{"tail", "--set", "fabric.relay.outbound=udp://x"}, "udp://x"},
        BadArguments{{"tail", "--set", "fabrik.mode=bind"}, "fabric"},
        BadArguments{{"tail", "--set", "fabric.curve=on", "--set", "name=nobody.host9"},
                     "nobody.host9"},
        BadArguments{{"tail", "--set", "fabric.curve=on", "--set", "fabric.relay.name=no.relay"},
                     "no.relay.cert"},
        BadArguments{{"relay", "--set", "fabric.relay.inbound=tcp://*:0"}, "insecure"},
        BadArguments{{"logger", "--set", "name=nobody.host9"}, "nobody.host9"},
        BadArguments{{"nonsense"}, "nonsense"}));

TEST(Publish, IsRefusedByOurOwnCertificateOutsideOfItsGlobs) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--topic", "**", "--count", "1"});

    const Finished published =
        fabric.weft({"publish", "com.example.payroll", "--raw-topic", "--json", "{}"});

    EXPECT_EQ(published.exit_code, 1);
    EXPECT_THAT(published.err, HasSubstr("com.example.payroll"));
    EXPECT_THAT(published.err, HasSubstr("git.host1"));
}

TEST(Tail, PrintsNothingButMessagesOnStandardOutput) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--topic", "git.**", "--log-level", "debug"});

    EXPECT_EQ(fabric.weft({"publish", "git.commit", "--json", "{}"}).exit_code, 0);
    EXPECT_EQ(fabric.weft({"publish", "other.thing", "--json", "{}"}).exit_code, 0);
    EXPECT_EQ(fabric.weft({"publish", "git.push", "--json", "{}"}).exit_code, 0);
    tail.wait_for_line(Stream::out, "git.push");
    tail.signal(SIGTERM);

    EXPECT_EQ(tail.wait(), 0) << tail.output();
    const auto messages = json_lines(tail.out());
    ASSERT_THAT(messages, SizeIs(2));
    EXPECT_EQ(messages[0]["topic"], "org.weft.dev.git.commit");
}

TEST(Tail, EndsWith130OnCtrlC) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail();

    tail.signal(SIGINT);

    EXPECT_EQ(tail.wait(), 130) << tail.output();
}

TEST(Tail, StopsOnSigtermAlsoWhileNobodyReadsItsOutput) {
    Fabric fabric;
    Process relay = fabric.relay();
    const std::string fifo = (fabric.dir() / "fifo").string();
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const int held_open = ::open(fifo.c_str(), O_RDWR | O_CLOEXEC);  // a reader that never reads
    ASSERT_GE(held_open, 0);
    Process tail = Process::start({"/bin/sh", "-c", "exec \"$0\" tail > fifo", weft_program()},
                                  {.cwd = fabric.dir().path()});
    tail.wait_for_line(Stream::err, "ready");
    EXPECT_EQ(fabric.weft({"logger"}, numbered_lines(5000)).exit_code, 0);

    tail.signal(SIGTERM);

    EXPECT_EQ(tail.wait(std::chrono::seconds(5)), 0) << tail.output();
    ::close(held_open);
}

TEST(Tail, ShowsWhatItRefusedAndWhy) {
    Fabric fabric;
    Process relay = fabric.relay();
    ASSERT_EQ(fabric.weft({"keys", "issue", "build.host7", "--publish", "**"}).exit_code, 0);
    std::filesystem::copy(fabric.dir() / "keys", fabric.dir() / "stolen");
    ASSERT_EQ(fabric.weft({"keys", "revoke", "build.host7"}).exit_code, 0);
    Process tail = fabric.tail({"--show-refused", "--count", "1"});

    EXPECT_EQ(fabric
                  .weft({"publish", "git.commit", "--json", "{}", "--set", "name=build.host7",
                         "--set", "signing.directory=stolen"})
                  .exit_code,
              0);

    EXPECT_EQ(tail.wait(), 0) << tail.output();
    const auto lines = json_lines(tail.out());
    EXPECT_EQ(lines.at(0)["refused"], "certificate_revoked");
    EXPECT_THAT(std::string(lines.at(0)["detail"]), HasSubstr("build.host7"));
}

TEST(Tail, RefusesAtOnceWhoWasRevokedWhileItRuns) {
    Fabric fabric;
    Process relay = fabric.relay();
    ASSERT_EQ(fabric.weft({"keys", "issue", "build.host7", "--publish", "**"}).exit_code, 0);
    std::filesystem::copy(fabric.dir() / "keys", fabric.dir() / "stolen");
    Process tail = fabric.tail({"--show-refused"});
    const std::vector<std::string> steal = {
        "publish", "git.commit",       "--json", "{}",
        "--set",   "name=build.host7", "--set",  "signing.directory=stolen"};
    ASSERT_EQ(fabric.weft(steal).exit_code, 0);
    tail.wait_for_line(Stream::out, "\"signer\":\"build.host7\"");

    ASSERT_EQ(fabric.weft({"keys", "revoke", "build.host7"}).exit_code, 0);
    tail.wait_for_line(Stream::err, "trust reloaded");
    ASSERT_EQ(fabric.weft(steal).exit_code, 0);

    tail.wait_for_line(Stream::out, "\"refused\":\"certificate_revoked\"");
}

TEST(Tail, MarksEverythingAsNotVerifiedWhenItDoesNotValidate) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--no-validate", "--count", "2"});

    EXPECT_EQ(fabric.weft({"publish", "a", "--json", "1"}).exit_code, 0);
    EXPECT_EQ(fabric.weft({"publish", "a", "--json", "2", "--set", "signing.sign=false"}).exit_code,
              0);

    EXPECT_EQ(tail.wait(), 0) << tail.output();
    EXPECT_THAT(tail.err(), HasSubstr("validate is off"));
    const auto messages = json_lines(tail.out());
    ASSERT_THAT(messages, SizeIs(2));
    EXPECT_EQ(messages[0]["verified"], false);
    EXPECT_EQ(messages[0]["signer"], "git.host1");
    EXPECT_EQ(messages[1]["verified"], false);
}

TEST(Tail, FiltersByRegexAndShowsOneShortLineEach) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail({"--terse", "--include", "line [0-3]", "--exclude", "line 2"});

    EXPECT_EQ(fabric.weft({"logger"}, numbered_lines(6)).exit_code, 0);
    tail.wait_for_line(Stream::out, "line 3");
    tail.signal(SIGTERM);

    EXPECT_EQ(tail.wait(), 0);
    EXPECT_THAT(tail.out(), HasSubstr("git.host1 verified  {\"log\":\"line 0\"}"));
    EXPECT_THAT(tail.out(), Not(HasSubstr("line 2")));
    EXPECT_THAT(tail.out(), Not(HasSubstr("line 4")));
}

TEST(Relay, NamesThePortThatIsTakenAndWhoHasIt) {
    Fabric fabric;
    Process relay = fabric.relay();

    const Finished second = fabric.weft({"relay"});

    EXPECT_EQ(second.exit_code, 1);
    EXPECT_THAT(second.err, HasSubstr("cannot bind tcp://127.0.0.1:"));
    EXPECT_THAT(second.err, HasSubstr("pid " + std::to_string(relay.pid()) + " (weft)"));
}

TEST(Relay, StopsCleanlyOnSigterm) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process tail = fabric.tail();

    relay.signal(SIGTERM);

    EXPECT_EQ(relay.wait(std::chrono::seconds(5)), 0) << relay.output();
}

TEST(Relay, ThatWasRestartedServesTheSameTailAgain) {
    Fabric fabric;
    Process first = fabric.relay();
    Process tail = fabric.tail();
    first.signal(SIGKILL);
    EXPECT_EQ(first.wait(), 128 + SIGKILL);

    Process second = fabric.relay();
    // The tail comes back by itself; --wait ends the moment that it has subscribed again.
    const Finished published =
        fabric.weft({"publish", "git.commit", "--json", "{}", "--wait", "20s"});

    EXPECT_EQ(published.exit_code, 0) << published.err;
    tail.wait_for_line(Stream::out, "git.commit");
}

TEST(Check, IsGoodOnlyIfBothSidesOfTheRelayAnswer) {
    Fabric fabric;
    const Finished before = fabric.weft({"check", "--timeout", "200ms"});
    Process relay = fabric.relay();
    const Finished after = fabric.weft({"check"});

    EXPECT_EQ(before.exit_code, 1);
    EXPECT_THAT(before.out, HasSubstr("down  relay inbound"));
    EXPECT_THAT(before.out, HasSubstr("down  relay outbound"));
    EXPECT_EQ(after.exit_code, 0) << after.out;
    EXPECT_THAT(after.out, HasSubstr("up    relay outbound"));
}

TEST(Bench, CountsEveryMessageBetweenPubAndSub) {
    Fabric fabric;
    Process relay = fabric.relay();
    Process sub = fabric.start({"bench", "sub", "--count", "5000", "--json"});
    sub.wait_for_line(Stream::err, "ready");

    const Finished pub = fabric.weft({"bench", "pub", "--count", "5000", "--json"});

    EXPECT_EQ(pub.exit_code, 0) << pub.err;
    EXPECT_EQ(sub.wait(), 0) << sub.output();
    const auto published = json_lines(pub.out).at(0), received = json_lines(sub.out()).at(0);
    EXPECT_EQ(published["messages"], 5000);
    EXPECT_EQ(received["messages"], 5000);
    EXPECT_EQ(received["refused"], 0);
    EXPECT_LT(published["signatures"], 5000);
}

}  // namespace
}  // namespace weft::testing
