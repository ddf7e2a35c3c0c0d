// `weft hub` as a user has it: a configuration, programs, signals, and what it says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "tests/integration/journal_fixture.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class Hub : public Journaled {
protected:
    /// A bash program that appends each message's number to a file and answers with `answer`.
    std::string program(const std::string& name, const std::string& answer = "echo ok") {
        const fs::path file = fabric_.dir() / name;
        write_text(file,
                   "#!/bin/bash\n"
                   "while IFS= read -r line; do\n"
                   "  n=${line##*\\\"log\\\":\\\"}; n=${n%%\\\"*}\n"
                   "  echo \"$n\" >> " +
                       name +
                       ".out\n"
                       "  " +
                       answer +
                       "\n"
                       "done\n");
        fs::permissions(file, fs::perms::owner_all);
        return "./" + name;
    }
    void consumers(const std::string& yaml) {
        write_text(fabric_.dir() / "weft.d/9999-hub.yaml", "hub:\n  consumers:\n" + yaml);
    }
    Process hub(const std::vector<std::string>& more = {}) {
        Process hub = fabric_.start(and_more({"hub"}, more));
        hub.wait_for_line(Stream::out, "ready");
        return hub;
    }
    std::vector<std::string> written(const std::string& name) const {
        std::ifstream file(fabric_.dir() / (name + ".out"));
        std::vector<std::string> lines;
        for (std::string line; std::getline(file, line) && !file.eof();) lines.push_back(line);
        return lines;
    }
    static void until(const std::function<bool()>& holds, const Process& process) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error("it does not come true\n" + process.output());
            }
            look_again_after_ms(5);
        }
    }
    void until_written(const std::string& name, std::size_t count, const Process& process) const {
        until([&] { return written(name).size() >= count; }, process);
    }
    nlohmann::json listed(const std::string& name) {
        const Finished done = fabric_.weft({"hub", "--list", "--json"});
        if (done.exit_code != 0) throw std::runtime_error(done.err);
        for (const auto& line : json_lines(done.out)) {
            if (line["name"] == name) return line;
        }
        throw std::runtime_error("no consumer " + name + "\n" + done.out);
    }
    static std::vector<std::string> texts(int from, int to) {
        std::vector<std::string> all;
        for (int n = from; n <= to; ++n) all.push_back(std::to_string(n));
        return all;
    }
};

TEST_F(Hub, GivesWhatTheJournalHadBeforeAndWhatComesAfterOnceAndInOrder) {
    const Process relay = fabric_.relay();
    Process journal = serve();
    log_numbers(1, 50);
    consumers("    - {name: a, exec: [" + program("a") +
              "], topics: ['logger.*'], "
              "replay: beginning}\n");
    Process running = hub();
    until_written("a", 50, running);
    log_numbers(51, 100);
    until_written("a", 100, running);
    EXPECT_EQ(written("a"), texts(1, 100));
    stop(running);
    EXPECT_THAT(running.err(), HasSubstr("everything in hand was finished"));

    log_numbers(101, 120);
    Process again = hub();
    until_written("a", 120, again);
    EXPECT_EQ(written("a"), texts(1, 120)) << "it began where it had ended";
}

TEST_F(Hub, ShowsWhatIsRetriedAndWhatIsDeadAndHowToBringItBack) {
    const Process relay = fabric_.relay();
    Process journal = serve();
    log_numbers(1, 3);
    const std::string picky =
        "if [ \"$n\" = 2 ] && [ ! -e good ]; then echo retry not yet; "
        "else echo ok; fi";
    consumers("    - {name: picky, exec: [" + program("picky", picky) +
              "], topics: ['logger.*'], "
              "replay: beginning, max_attempts: 2, retry: [10ms], dead_letter: dead.letters}\n");
    Process running = hub();
    until([&] { return listed("picky")["given_up"] == 1; }, running);
    EXPECT_EQ(written("picky"), (std::vector<std::string>{"1", "2", "2", "3"}));
    const auto now = listed("picky");
    EXPECT_EQ(now["state"], "running");
    EXPECT_EQ(now["dead"], 1);
    EXPECT_EQ(now["retried"], 1);
    EXPECT_THAT(now["last_error"].get<std::string>(), HasSubstr("not yet"));

    // The dead letter on its topic: the message untouched, and what happened to it.
    const auto letters = read_from("beginning", 1, {"--topic", "dead.letters"});
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_EQ(letters[0]["body"]["consumer"], "picky");
    EXPECT_EQ(letters[0]["body"]["attempts"], 2);
    EXPECT_EQ(letters[0]["body"]["reason"], "not yet");
    EXPECT_EQ(letters[0]["body"]["message"]["body"]["log"], "2");
    EXPECT_EQ(letters[0]["parent"], letters[0]["body"]["message"]["id"]);

    write_text(fabric_.dir() / "good", "");
    const Finished retried = fabric_.weft({"cursor", "dead", "picky", "--retry", "2"});
    EXPECT_EQ(retried.exit_code, 0) << retried.err;
    until_written("picky", 5, running);
    until([&] { return listed("picky")["dead"] == 0; }, running);
    EXPECT_EQ(written("picky").back(), "2");
}

TEST_F(Hub, PublishesWhatAConsumerAnswersWithTheMessageAsParent) {
    const Process relay = fabric_.relay();
    Process journal = serve();
    consumers(
        "    - {name: answers, exec: [" +
        program("answers", "echo '{\"topic\": \"answers.given\", \"body\": {\"to\": '$n'}}'") +
        "], topics: ['logger.*'], replay: beginning}\n");
    log_numbers(7, 7);
    const auto asked = read_from("beginning", 1, {"--topic", "logger.*"});
    Process running = hub();
    const auto answers = read_from("beginning", 1, {"--topic", "answers.given"});
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0]["body"]["to"], 7);
    EXPECT_EQ(answers[0]["parent"], asked[0]["id"]);
}

TEST_F(Hub, ReloadStartsStopsAndLeavesTheOthersAlone) {
    const Process relay = fabric_.relay();
    Process journal = serve();
    const std::string stays = "    - {name: stays, exec: [" + program("stays") +
                              "], topics: ['logger.*'], replay: beginning}\n";
    const std::string goes = "    - {name: goes, exec: [" + program("goes") +
                             "], topics: ['logger.*'], replay: beginning}\n";
    const std::string comes = "    - {name: comes, exec: [" + program("comes") +
                              "], topics: ['logger.*'], replay: beginning}\n";
    consumers(stays + goes);
    log_numbers(1, 5);
    Process running = hub();
    until_written("stays", 5, running);
    until_written("goes", 5, running);
    const std::string before = listed("stays")["details"];

    consumers(stays + comes);
    running.signal(SIGHUP);
    until_written("comes", 5, running);
    log_numbers(6, 8);
    until_written("stays", 8, running);
    until_written("comes", 8, running);
    EXPECT_EQ(written("stays"), texts(1, 8));
    EXPECT_EQ(written("goes"), texts(1, 5));
    EXPECT_EQ(listed("stays")["details"], before) << "its process is another one";

    // What is wrong changes nothing, and is named.
    consumers("    - {name: stays, exec: [./nothing], topics: ['**b']}\n");
    running.signal(SIGHUP);
    running.wait_for_line(Stream::err, "not reloaded");
    EXPECT_THAT(running.err(), HasSubstr("9999-hub.yaml:3"));
    log_numbers(9, 9);
    until_written("stays", 9, running);
}

TEST_F(Hub, StopsWithinItsTimeAndSaysWhatItLeft) {
    const Process relay = fabric_.relay();
    Process journal = serve();
    log_numbers(1, 3);
    consumers("    - {name: slow, exec: [" + program("slow", "sleep 60; echo ok") +
              "], topics: ['logger.*'], replay: beginning}\n");
    Process running = hub();
    until_written("slow", 1, running);
    const auto began = std::chrono::steady_clock::now();
    stop(running);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{10});
    EXPECT_THAT(running.err(), HasSubstr("left: consumer slow: "));
    EXPECT_THAT(running.err(), HasSubstr("went back to the journal"));

    // It was no attempt: the next one gets it as the first.
    consumers("    - {name: slow, exec: [" +
              program("slow",
                      "case $line in *'\"attempt\":1,'*|*'\"attempt\":1}'*) echo ok;; "
                      "*) echo drop again;; esac") +
              "], topics: ['logger.*'], replay: beginning}\n");
    Process again = hub();
    until([&] { return listed("slow")["done"] == 3; }, again);
}

TEST_F(Hub, TwoOfThemShareAConsumersWork) {
    const Process relay = fabric_.relay();
    Process journal = serve();
    consumers("    - {name: shared, ordered: false, exec: [" +
              program("shared", "sleep 0.01; echo ok") +
              "], topics: ['logger.*'], replay: beginning}\n");
    log_numbers(1, 400);
    Process one = hub();
    Process two = hub();
    until_written("shared", 400, one);
    stop(one);
    stop(two);
    std::vector<std::string> all = written("shared");
    std::sort(all.begin(), all.end());
    std::vector<std::string> wanted = texts(1, 400);
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(all, wanted);
    EXPECT_THAT(one.err(), HasSubstr("shared.done"));
    EXPECT_THAT(two.err(), HasSubstr("shared.done"));
}

TEST_F(Hub, WaitsForAJournalThatIsAwayAndGoesOn) {
    const Process relay = fabric_.relay();
    consumers("    - {name: a, exec: [" + program("a") +
              "], topics: ['logger.*'], "
              "replay: beginning}\n");
    Process running = hub({"--ready-timeout", "100ms"});
    running.wait_for_line(Stream::err, "waits for the journal");
    EXPECT_EQ(listed("a")["state"], "waiting");
    Process journal = serve();
    log_numbers(1, 3);
    until_written("a", 3, running);
    journal.signal(SIGKILL);
    static_cast<void>(journal.wait());
    Process back = serve();
    log_numbers(4, 6);
    until_written("a", 6, running);
    EXPECT_EQ(written("a"), texts(1, 6)) << running.output();
}

TEST_F(Hub, AcknowledgesOnceItsConsumerHasProcessed) {
    issue("box.host9", {"--role", "ack", "--role", "publish"});
    const Process relay = fabric_.relay();
    Process journal = serve();
    consumers("    - {name: acks, ack: processed, exec: [" +
              program("acks", "if [ \"$n\" = bad ]; then echo drop I will not; else echo ok; fi") +
              "], topics: ['logger.*'], replay: now}\n");
    Process running = hub({"--set", "name=box.host9"});
    const auto ask = [&](const std::string& text) {
        return fabric_.weft(
            {"logger", "--recipients", "box.host9", "--level", "processed", "--ack-timeout", "10s"},
            text + "\n");
    };
    const Finished good = ask("1");
    EXPECT_EQ(good.exit_code, 0) << good.err << running.output();
    EXPECT_THAT(written("acks"), ElementsAre("1"));
    const Finished bad = ask("bad");
    EXPECT_EQ(bad.exit_code, 1);
    EXPECT_THAT(bad.err, HasSubstr("I will not"));
}

TEST_F(Hub, FeedsOneStoredMessageToOneConsumerAndShowsWhatItDoes) {
    const Process relay = fabric_.relay();
    Process journal = serve();
    log_numbers(1, 3);
    const std::string answer =
        "if [ \"$n\" = 3 ]; then echo drop not that one; "
        "else echo '{\"topic\": \"answers.given\", \"body\": '$n'}'; fi";
    consumers("    - {name: one, exec: [" + program("one", answer) + "], topics: ['logger.*']}\n");

    const Finished shown = fabric_.weft({"hub", "--consume", "2", "--only", "one", "--dry-run"});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_THAT(shown.out, AllOf(HasSubstr("would publish answers.given 2"), HasSubstr("done")));
    const Finished done = fabric_.weft({"hub", "--consume", "2", "--only", "one"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("published "));
    EXPECT_EQ(read_from("beginning", 1, {"--topic", "answers.given"})[0]["body"], 2);

    const Finished dropped = fabric_.weft({"hub", "--consume", "3", "--only", "one"});
    EXPECT_EQ(dropped.exit_code, 1);
    EXPECT_THAT(dropped.out, HasSubstr("reject: not that one"));
    EXPECT_EQ(written("one"), (std::vector<std::string>{"2", "2", "3"}));

    const Finished nobody = fabric_.weft({"hub", "--consume", "2", "--only", "two"});
    EXPECT_EQ(nobody.exit_code, 2);
    EXPECT_THAT(nobody.err, HasSubstr("there are: one"));
    const Finished nothing = fabric_.weft({"hub", "--consume", "99", "--only", "one"});
    EXPECT_EQ(nothing.exit_code, 1);
    EXPECT_THAT(nothing.err, HasSubstr("not found"));
}

TEST_F(Hub, APluginThatCrashesInItsOwnProcessHarmsNobodyElse) {
    const Process relay = fabric_.relay();
    Process journal = serve();
    consumers("    - {name: bad, plugin: '" WEFT_SCRIPTED_PLUGIN
              "', isolate: true, topics: ['test.*'], replay: beginning,\n"
              "       max_attempts: 2, retry: [10ms]}\n"
              "    - {name: good, exec: [" +
              program("good") +
              "], topics: ['logger.*'], "
              "replay: beginning}\n");
    Process running = hub();
    const auto tell = [&](const std::string& json) {
        const Finished sent = fabric_.weft(
            {"publish", "test.one", "--json", json, "--durable", "--ack-timeout", "20s"});
        ASSERT_EQ(sent.exit_code, 0) << sent.err;
    };
    tell(R"({"do": "done"})");
    tell(R"({"do": "crash"})");
    tell(R"({"do": "done"})");
    log_numbers(1, 5);
    until_written("good", 5, running);
    until([&] { return listed("bad")["done"] == 2; }, running);
    EXPECT_EQ(listed("bad")["dead"], 1);
    EXPECT_THAT(listed("bad")["last_error"].get<std::string>(), HasSubstr("killed by signal"));
    stop(running);
}

// ---- What is wrong ends with exit 2 and the line of the configuration ----

struct WrongCase {
    const char* name;
    const char* yaml;
    std::vector<std::string> says;
};

class HubRefuses : public Hub, public ::testing::WithParamInterface<WrongCase> {};

TEST_P(HubRefuses, WithTheLineOfTheConfiguration) {
    write_text(fabric_.dir() / "weft.d/9999-hub.yaml", GetParam().yaml);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"hub"}, std::vector<std::string>{"hub", "--check"}}) {
        const Finished done = fabric_.weft(command);
        EXPECT_EQ(done.exit_code, 2) << done.out << done.err;
        for (const std::string& says : GetParam().says) EXPECT_THAT(done.err, HasSubstr(says));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, HubRefuses,
    ::testing::Values(
        WrongCase{"NoConsumerAtAll", "hub: {consumers: []}\n", {"hub.consumers is empty"}},
        WrongCase{"NoneEnabled",
                  "hub:\n  consumers:\n    - {name: a, exec: [cat], topics: ['a'], enabled: "
                  "false}\n",
                  {"9999-hub.yaml:3", "no consumer is enabled"}},
        WrongCase{"AGlobThatIsNone",
                  "hub:\n  consumers:\n    - {name: a, exec: [cat], topics: ['a.**b']}\n",
                  {"9999-hub.yaml:3", "not a glob"}},
        WrongCase{"ALibraryThatIsMissing",
                  "hub:\n  consumers:\n    - {name: a, plugin: gone.so, topics: ['a']}\n",
                  {"9999-hub.yaml:3", "gone.so"}},
        WrongCase{"ALibraryThatIsNoPlugin",
                  "hub:\n  consumers:\n    - {name: a, plugin: /lib/x86_64-linux-gnu/libz.so.1, "
                  "topics: ['a']}\n",
                  {"9999-hub.yaml:3", "weft_consumer_plugin"}},
        WrongCase{"AProgramThatIsMissing",
                  "hub:\n  consumers:\n    - {name: a, exec: [./gone], topics: ['a']}\n",
                  {"9999-hub.yaml:3", "gone", "No such file"}},
        WrongCase{"BothAPluginAndAProgram",
                  "hub:\n  consumers:\n    - {name: a, plugin: a.so, exec: [cat], topics: ['a']}\n",
                  {"9999-hub.yaml:3", "either plugin"}},
        WrongCase{"TwoOfOneName",
                  "hub:\n  consumers:\n    - {name: a, exec: [cat], topics: ['a']}\n"
                  "    - {name: a, exec: [cat], topics: ['b']}\n",
                  {"9999-hub.yaml:4", "another consumer has the name 'a'"}},
        WrongCase{"DurableWithoutAJournal",
                  "reliability: {journals: []}\n"
                  "hub:\n  consumers:\n    - {name: a, exec: [cat], topics: ['a']}\n",
                  {"9999-hub.yaml:4", "durable: false"}},
        WrongCase{"TwoThatAcknowledgeOneTopic",
                  "hub:\n  consumers:\n"
                  "    - {name: a, exec: [cat], topics: ['a.*'], ack: processed}\n"
                  "    - {name: b, exec: [cat], topics: ['a.b'], ack: received}\n",
                  {"9999-hub.yaml:4", "have topics in common"}},
        WrongCase{"DeadLettersThatComeBack",
                  "hub:\n  consumers:\n    - {name: a, exec: [cat], topics: ['a.*'], "
                  "dead_letter: a.dead}\n",
                  {"9999-hub.yaml:3", "come back to it"}}),
    [](const auto& wrong) { return wrong.param.name; });

}  // namespace
}  // namespace weft::testing
