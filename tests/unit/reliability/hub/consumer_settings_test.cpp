#include "reliability/hub/consumer_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"
#include "reliability/cursor/cursor.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

struct Read {
    Settings settings;
    std::vector<std::string> problems;
};

/// Reads YAML as if it stood in /etc/weft/weft.d/50-hub.yaml.
Read read(const std::string& yaml) {
    config::LoadOptions options;
    options.directory = "/etc/weft";
    options.documents.push_back({"/etc/weft/weft.d/50-hub.yaml", yaml});
    const auto configuration = config::load(options);
    Read result;
    config::Problems problems;
    if (configuration) {
        result.settings = read_settings(*configuration, problems);
    } else {
        problems = configuration.error();
    }
    for (const config::Problem& problem : problems) result.problems.push_back(problem.text());
    return result;
}

/// One consumer with these lines, from line 5 on.
Read read_one(const std::string& lines, const std::string& program = "plugin: counter.so") {
    std::string yaml = "hub:\n  consumers:\n    - name: counter\n      " + program + "\n";
    std::size_t from = 0;
    while (from < lines.size()) {
        const std::size_t end = lines.find('\n', from);
        yaml += "      " + lines.substr(from, end - from) + "\n";
        from = end == std::string::npos ? lines.size() : end + 1;
    }
    return read(yaml);
}

ConsumerSettings only(const Read& result) {
    EXPECT_THAT(result.problems, IsEmpty());
    EXPECT_THAT(result.settings.consumers, SizeIs(1));
    return result.settings.consumers.empty() ? ConsumerSettings{} : result.settings.consumers[0];
}

std::string at_line(int line) {
    return "50-hub.yaml:" + std::to_string(line);
}

const std::string topics = "topics: [git.commit]";

TEST(ConsumerSettingsTest, HaveDefaults) {
    const Read result = read_one(topics);
    const ConsumerSettings consumer = only(result);
    EXPECT_EQ(consumer.name, "counter");
    EXPECT_EQ(consumer.plugin, "/etc/weft/counter.so");
    EXPECT_THAT(consumer.exec, IsEmpty());
    EXPECT_FALSE(consumer.isolate);
    ASSERT_THAT(consumer.globs, SizeIs(1));
    EXPECT_EQ(consumer.globs[0].text(), "org.weft.dev.git.commit");
    EXPECT_TRUE(consumer.enabled);
    EXPECT_TRUE(consumer.durable);
    EXPECT_TRUE(consumer.ordered);
    EXPECT_EQ(consumer.workers, 1U);
    EXPECT_FALSE(consumer.ack);
    EXPECT_EQ(consumer.max_attempts, 5U);
    EXPECT_THAT(consumer.retry, ElementsAre(1s, 5s, 30s, 2min));
    EXPECT_EQ(consumer.timeout, 30s);
    EXPECT_EQ(consumer.dead_letter, "");
    EXPECT_EQ(consumer.replay, (Start{Start::Kind::now}));
    EXPECT_EQ(consumer.backlog_count, 0U);
    EXPECT_EQ(consumer.backlog_age, 0ms);
    EXPECT_EQ(consumer.memory, 0U);
    EXPECT_EQ(consumer.settings_json, "{}");
    EXPECT_THAT(consumer.where, HasSubstr(at_line(3)));
    EXPECT_EQ(result.settings.state, "/etc/weft/var/hub");
    EXPECT_EQ(result.settings.journal, "");
    EXPECT_THAT(read("{}").settings.consumers, IsEmpty());
    EXPECT_THAT(read("{}").problems, IsEmpty());
}

TEST(ConsumerSettingsTest, SayWhatIsWritten) {
    const ConsumerSettings consumer = only(
        read_one("topics: [git.*, '**.deploy']\nenabled: false\nordered: false\nworkers: 8\n"
                 "ack: processed\nmax_attempts: 9\nretry: [10ms, 24h]\ntimeout: 12h\n"
                 "dead_letter: letters\nreplay: since:1h\nmax_backlog: { count: 10, age: 5m }\n"
                 "memory: 64MB\nisolate: true"));
    EXPECT_EQ(consumer.globs[0].text(), "org.weft.dev.git.*");
    EXPECT_FALSE(consumer.enabled);
    EXPECT_FALSE(consumer.ordered);
    EXPECT_TRUE(consumer.isolate);
    EXPECT_EQ(consumer.workers, 8U);
    EXPECT_EQ(consumer.ack, AckLevel::processed);
    EXPECT_EQ(consumer.max_attempts, 9U);
    EXPECT_THAT(consumer.retry, ElementsAre(10ms, 24h));
    EXPECT_EQ(consumer.timeout, 12h);
    EXPECT_EQ(consumer.dead_letter, "org.weft.dev.letters");
    EXPECT_EQ(consumer.replay.text(), Start::parse("since:1h")->text());
    EXPECT_EQ(consumer.backlog_count, 10U);
    EXPECT_EQ(consumer.backlog_age, 5min);
    EXPECT_GE(consumer.memory, 64'000'000U);
}

TEST(ConsumerSettingsTest, NameTheVariablesOfAProgram) {
    const std::string program = "exec: [cat]";
    const ConsumerSettings consumer =
        only(read_one(topics + "\nenvironment: {TOKEN: 'a=b', _x1: '', N: 7}", program));
    EXPECT_THAT(consumer.environment,
                ElementsAre(Pair("TOKEN", "a=b"), Pair("_x1", ""), Pair("N", "7")));
    EXPECT_FALSE(consumer == only(read_one(topics, program)));
    EXPECT_THAT(only(read_one(topics + "\nisolate: true\nenvironment: {A: b}")).environment,
                SizeIs(1));
}

// L2
TEST(ConsumerSettingsTest, RefuseVariablesThatAreNoneOrAreOurs) {
    for (const char* name : {"1A", "'A B'", "'A=B'", "A-B", "A.B", "'\xC3\x84'"}) {
        EXPECT_THAT(read_one(topics + "\nenvironment:\n  " + name + ": x", "exec: [cat]").problems,
                    ElementsAre(AllOf(HasSubstr(at_line(7)),
                                      HasSubstr("is no name of an environment variable"))))
            << name;
    }
    EXPECT_THAT(read_one(topics + "\nenvironment: {'': x}", "exec: [cat]").problems,
                ElementsAre(AllOf(HasSubstr(at_line(6)), HasSubstr("'' is no name of an"))));
    EXPECT_THAT(
        read_one(topics + "\nenvironment:\n  A: x\n  WEFT_NAME: x", "exec: [cat]").problems,
        ElementsAre(AllOf(HasSubstr(at_line(8)), HasSubstr("begin with WEFT_ are weft's own"))));
    EXPECT_THAT(read_one(topics + "\nenvironment: {A: \"x\\0y\"}", "exec: [cat]").problems,
                ElementsAre(HasSubstr("cannot hold a zero byte")));
    EXPECT_THAT(read_one(topics + "\nenvironment: {A: [x]}", "exec: [cat]").problems, SizeIs(1));
}

TEST(ConsumerSettingsTest, RefuseVariablesForAPluginInTheHubsProcess) {
    EXPECT_THAT(read_one(topics + "\nenvironment: {A: b}").problems,
                ElementsAre(AllOf(HasSubstr(at_line(6)), HasSubstr("isolate: true"))));
}

TEST(ConsumerSettingsTest, AProgramIsFoundFromTheDirectoryOfTheConfigurationButNotOnesOfThePath) {
    EXPECT_THAT(only(read_one(topics, "exec: [bin/../bin/count, -x, '']")).exec,
                ElementsAre("/etc/weft/bin/count", "-x", ""));
    EXPECT_THAT(only(read_one(topics, "exec: [python3, bin/count]")).exec,
                ElementsAre("python3", "bin/count"));
    EXPECT_THAT(only(read_one(topics, "exec: [/bin/count]")).exec, ElementsAre("/bin/count"));
}

TEST(ConsumerSettingsTest, PlacesAreInTheJournalThatIsNamedOrInTheFirst) {
    const std::string some = "reliability: { journals: [j1, j2] }\n";
    EXPECT_EQ(read(some).settings.journal, "j1");
    EXPECT_EQ(read(some + "hub: { journal: j2, state: /srv/hub }\n").settings.journal, "j2");
    EXPECT_EQ(read("hub: { state: /srv/hub }\n").settings.state, "/srv/hub");
}

TEST(ConsumerSettingsTest, WhatTheConsumerIsToldBecomesJsonWithItsTypes) {
    const ConsumerSettings consumer =
        only(read_one(topics + "\nsettings:\n"
                               "  number: 5\n"
                               "  negative: -2.5e3\n"
                               "  quoted: \"5\"\n"
                               "  yes_it_is: true\n"
                               "  quoted_flag: 'false'\n"
                               "  nothing:\n"
                               "  tilde: ~\n"
                               "  null_word: null\n"
                               "  quoted_nothing: \"\"\n"
                               "  word: \"a \\\"b\\\"\\n\"\n"
                               "  version: 1.2.3\n"
                               "  leading: 007\n"
                               "  dash: --\n"
                               "  nested: { a: [1, [two, {}], []], b: {} }\n"));
    EXPECT_EQ(consumer.settings_json,
              R"({"number":5,"negative":-2.5e3,"quoted":"5","yes_it_is":true,)"
              R"("quoted_flag":"false","nothing":null,"tilde":null,"null_word":null,)"
              R"("quoted_nothing":"","word":"a \"b\"\n","version":"1.2.3","leading":"007",)"
              R"("dash":"--","nested":{"a":[1,["two",{}],[]],"b":{}}})");
}

struct Refused {
    const char* name;
    const char* lines;  ///< From line 5 on.
    int line;
    const char* sentence;
    const char* program = "plugin: counter.so";
};

class RefusedSetting : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedSetting, IsNamedWithItsLineAndWhatWouldBeRight) {
    const Refused& refused = GetParam();
    const Read result = read_one(refused.lines, refused.program);
    ASSERT_THAT(result.problems, SizeIs(1)) << refused.lines;
    EXPECT_THAT(result.problems[0],
                AllOf(HasSubstr(at_line(refused.line)), HasSubstr(refused.sentence)));
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedSetting,
    ::testing::Values(
        Refused{"NoTopics", "topics: []", 5, "name at least one topic glob"},
        Refused{"BadGlob", "topics:\n  - ok\n  - 'a[b'", 7, "is not a glob over topics"},
        Refused{"PluginAndExec", "topics: [a]\nexec: [/bin/true]", 4,
                "either plugin: FILE.so or exec: [PROGRAM, ARGUMENT...]"},
        Refused{"Neither", "topics: [a]", 3,
                "either plugin: FILE.so or exec: [PROGRAM, ARGUMENT...]", "workers: 1"},
        Refused{"EmptyProgram", "topics: [a]", 4, "its first entry is the program",
                "exec: ['', a]"},
        Refused{"IsolatedExec", "topics: [a]\nisolate: true", 6, "it is for plugins",
                "exec: [/bin/true]"},
        Refused{"LongPause", "topics: [a]\nretry:\n  - 1s\n  - 25h", 8, "a pause is at most 24h"},
        Refused{"NoTimeout", "topics: [a]\ntimeout: 0s", 6, "more than 0s and at most 12h"},
        Refused{"LongTimeout", "topics: [a]\ntimeout: 13h", 6, "more than 0s and at most 12h"},
        Refused{"NoWorkers", "topics: [a]\nworkers: 0", 6, "1"},
        Refused{"NoAttempts", "topics: [a]\nmax_attempts: 0", 6, "1"},
        Refused{"BadAck", "topics: [a]\nack: stored", 6, "received"},
        Refused{"BadLetter", "topics: [a]\ndead_letter: 'a..b'", 6, ""},
        Refused{"LetterToItself", "topics: ['a.**']\ndead_letter: a.letters", 6,
                "would come back to it for ever"},
        Refused{"BadReplay", "topics: [a]\nreplay: yesterday", 6, "beginning"},
        Refused{"ReplayOfTopics", "topics: [a]\nreplay: last-per-topic", 6,
                "no place where a cursor can begin"},
        Refused{"LiveReplay", "topics: [a]\ndurable: false\nreplay: beginning", 7,
                "a consumer that is not durable begins now"}),
    [](const auto& instance) { return instance.param.name; });

TEST(ConsumerSettingsTest, TooManyGlobsAreRefused) {
    std::string lines = "topics:";
    for (std::size_t i = 0; i <= Cursor::globs_max; ++i) lines += "\n  - t" + std::to_string(i);
    const Read result = read_one(lines);
    ASSERT_THAT(result.problems, SizeIs(1));
    EXPECT_THAT(result.problems[0], HasSubstr("at most 32 globs; make two consumers of it"));
}

TEST(ConsumerSettingsTest, ANameIsNeededAndMustBeOneAndDiffer) {
    EXPECT_THAT(read("hub:\n  consumers:\n    - { plugin: a.so, topics: [a] }\n").problems,
                ElementsAre(AllOf(HasSubstr(at_line(3)), HasSubstr("name"))));
    EXPECT_THAT(
        read("hub:\n  consumers:\n    - { name: 'A B', plugin: a.so, topics: [a] }\n").problems,
        ElementsAre(AllOf(HasSubstr(at_line(3)), HasSubstr("lower-case"))));
    EXPECT_THAT(
        read("hub:\n  consumers:\n"
             "    - { name: a, plugin: a.so, topics: [a] }\n"
             "    - { name: a, plugin: b.so, topics: [b] }\n")
            .problems,
        ElementsAre(AllOf(HasSubstr(at_line(4)), HasSubstr("another consumer has the name 'a'"))));
}

TEST(ConsumerSettingsTest, ThePausesAreThoseWrittenAndThenTheLastAgainAndAgain) {
    ConsumerSettings consumer;
    EXPECT_EQ(consumer.pause_after(1), 0ms);
    consumer.retry = {1s, 5s};
    EXPECT_EQ(consumer.pause_after(1), 1s);
    EXPECT_EQ(consumer.pause_after(2), 5s);
    EXPECT_EQ(consumer.pause_after(99), 5s);
}

TEST(ConsumerSettingsTest, TwoAreEqualWhateverTheirLinesAre) {
    const ConsumerSettings one = only(read_one(topics + "\nsettings: { a: 5 }"));
    ConsumerSettings other = only(read_one("# a comment\n" + topics + "\nsettings: { a: 5 }"));
    other.where = "elsewhere";
    EXPECT_EQ(one, other);
    EXPECT_FALSE(one == only(read_one(topics + "\nsettings: { a: \"5\" }")));
    EXPECT_FALSE(one == only(read_one(topics + "\nsettings: { a: 5 }\nworkers: 2")));
    EXPECT_FALSE(one == only(read_one(topics + "\nsettings: { a: 5 }\nmemory: 1GB")));
}

}  // namespace
}  // namespace weft::reliability::hub
