// Cursors, groups and families of a running journal, by the commands that people type, and by a
// member of a group in a process of its own: this one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <optional>

#include "config/load.hpp"
#include "reliability/service/open_remote.hpp"
#include "reliability/service/remote_cursors.hpp"
#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using reliability::JournalId;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* journal_name = "git.host1";

class RunningJournal : public ::testing::Test {
protected:
    RunningJournal() {
        fabric_.configure("reliability: { journals: [" + std::string{journal_name} +
                          "], journal: { listen: 'tcp://127.0.0.1:" + std::to_string(free_port()) +
                          "' } }");
        relay_ = fabric_.relay();
        serve();
    }
    void serve() {
        journal_ = fabric_.start({"journal", "serve"});
        journal_->wait_for_line(Stream::out, "ready");
    }
    void kill_journal() {
        journal_->signal(SIGKILL);
        journal_->wait();
    }
    /// The same, and the test stops unless it ends with 0.
    std::string weft(std::vector<std::string> arguments) {
        const std::string first = arguments.at(0) + " " + arguments.at(1);
        const Finished finished = fabric_.weft(std::move(arguments));
        if (finished.exit_code != 0) throw std::runtime_error(first + ": " + finished.err);
        return finished.out;
    }
    /// The id of the message, which is on disk.
    std::string publish(const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"publish",   "git.commit",    "--json", "{}",
                                           "--durable", "--ack-timeout", "20s"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        std::string id = weft(std::move(arguments));
        id.resize(id.find_last_not_of('\n') + 1);
        return id;
    }
    json cursor(const std::string& name) {
        return json::parse(weft({"cursor", "show", name, "--json"}));
    }

    Fabric fabric_;
    std::optional<Process> relay_, journal_;
};

/// What a service that consumes has: a fabric, and the groups of the journal.
class Member {
public:
    explicit Member(const Fabric& fabric) {
        config::LoadOptions options;
        options.directory = fabric.dir().path();
        options.folders = {fabric.dir() / "weft.d"};
        const auto loaded = config::load(options);
        if (!loaded) throw std::runtime_error(config::text_of(loaded.error()));
        fabric_ = fabric::Fabric::open(*loaded);
        config::Problems problems;
        const auto settings = reliability::read_settings(*loaded, problems);
        auto journal = reliability::open_remote_journal(*fabric_, settings, journal_name,
                                                        reliability::RemoteAccess::change);
        if (!journal) throw std::runtime_error(journal.error());
        journal_ = std::move(*journal);
    }
    reliability::RemoteGroups groups() { return {journal_->link(), fabric_->clock()}; }
    std::vector<JournalId> next(std::size_t max, std::chrono::milliseconds wait = patience) {
        const auto got = groups().next("crew", "one", max, {}, wait);
        if (!got) throw std::runtime_error(got.error().sentence);
        std::vector<JournalId> ids;
        for (const auto& leased : got->messages) ids.push_back(leased.message.id());
        return ids;
    }

private:
    std::unique_ptr<fabric::Fabric> fabric_;
    std::unique_ptr<reliability::RemoteJournal> journal_;
};

TEST_F(RunningJournal, CursorsAndWhatAGroupAcknowledgedSurviveAKilledJournal) {
    for (int i = 0; i < 4; ++i) publish();
    weft({"cursor", "create", "reports", "--from", "beginning"});
    weft({"cursor", "create", "crew", "--topic", "git.**", "--from", "beginning", "--group",
          "shared"});
    weft({"cursor", "set", "reports", "--to", "3"});
    Member member(fabric_);
    ASSERT_THAT(member.next(3), ElementsAre(1, 2, 3));
    const auto answers = member.groups().ack("crew", "one", {1, 2});
    ASSERT_TRUE(answers) << answers.error().sentence;
    EXPECT_EQ(cursor("crew")["group"]["leased"], 1);

    kill_journal();
    serve();

    const json reports = cursor("reports"), crew = cursor("crew");
    EXPECT_EQ(reports["id"], 3);
    EXPECT_EQ(reports["lag"]["messages"], 1);
    EXPECT_EQ(crew["id"], 2);
    EXPECT_EQ(crew["topics"], json::array({"org.weft.dev.git.**"}));
    EXPECT_EQ(crew["group"]["mode"], "shared");
    // 3 was leased, and leases do not outlive the journal; 1 and 2 were acknowledged.
    EXPECT_THAT(member.next(10), ElementsAre(3, 4));
}

TEST_F(RunningJournal, AMemberThatWaitsOverARestartOfTheJournalGetsWhatComesThen) {
    weft({"cursor", "create", "crew", "--group", "keyed"});
    Member member(fabric_);
    auto waiting = std::async(std::launch::async, [&] { return member.next(1, 60s); });
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (cursor("crew")["group"]["members"] != 1) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nobody has asked";
    }
    kill_journal();
    serve();
    Process later = fabric_.start(
        {"publish", "git.commit", "--json", "{}", "--durable", "--ack-timeout", "20s"});

    EXPECT_THAT(waiting.get(), ElementsAre(1));
    EXPECT_EQ(later.wait(), 0) << later.output();
}

TEST_F(RunningJournal, PeopleSeeTheirCursorsInATableAndAreToldWhatIsWrong) {
    publish();
    weft({"cursor", "create", "reports", "--from", "beginning"});
    weft({"cursor", "create", "crew", "--group", "exclusive", "--lease", "5s"});

    EXPECT_THAT(weft({"cursor", "list"}),
                AllOf(HasSubstr("NAME"), HasSubstr("reports  0         1"),
                      HasSubstr("crew     1         0    -       exclusive")));
    EXPECT_THAT(weft({"cursor", "show", "crew"}), HasSubstr("leases of 5s"));
    EXPECT_THAT(weft({"cursor", "dead", "crew"}), HasSubstr("no dead letters"));
    weft({"cursor", "delete", "reports"});

    const Finished gone = fabric_.weft({"cursor", "show", "reports"});
    EXPECT_EQ(gone.exit_code, 1);
    EXPECT_THAT(gone.err, HasSubstr("there is no cursor 'reports'; `weft cursor list`"));
    const Finished plain = fabric_.weft({"cursor", "create", "crew"});
    EXPECT_EQ(plain.exit_code, 1);
    EXPECT_THAT(plain.err, HasSubstr("is there already and is a group's"));
    const Finished place = fabric_.weft({"cursor", "set", "crew", "--to", "yesterday"});
    EXPECT_EQ(place.exit_code, 2);
    EXPECT_THAT(place.err, HasSubstr("--to: 'yesterday'"));
    const Finished mode = fabric_.weft({"cursor", "create", "x", "--group", "fair"});
    EXPECT_EQ(mode.exit_code, 2);
    EXPECT_THAT(mode.err, HasSubstr("shared, keyed or exclusive"));
}

TEST_F(RunningJournal, WhatNobodyCouldProcessIsListedAndRetriedByAnOperator) {
    publish();
    weft({"cursor", "create", "crew", "--from", "beginning", "--group", "shared", "--attempts",
          "1"});
    Member member(fabric_);
    ASSERT_THAT(member.next(1), ElementsAre(1));
    ASSERT_TRUE(member.groups().nack("crew", "one", 1, "no such repository"));

    const json letter = json::parse(weft({"cursor", "dead", "crew", "--json"}));

    EXPECT_EQ(letter["id"], 1);
    EXPECT_EQ(letter["reason"], "no such repository");
    EXPECT_THAT(weft({"cursor", "dead", "crew", "--retry", "1"}), HasSubstr("no dead letters"));
    EXPECT_THAT(member.next(1), ElementsAre(1));
}

TEST_F(RunningJournal, AFamilyIsShownByTheJournalThatRunsAndByTheOneThatLiesHere) {
    const std::string first = publish();
    const std::string second = publish({"--parent", first});
    const std::string third = publish({"--parent", second});

    const std::string asked = weft({"journal", "children", first});
    EXPECT_THAT(asked, AllOf(HasSubstr(first + "  (this one)\n`-" + second),
                             HasSubstr("\n  `-" + third), HasSubstr("git.host1")));
    const auto up = json_lines(weft({"journal", "ancestors", third, "--json"}));
    ASSERT_EQ(up.size(), 2u);
    EXPECT_EQ(up[0]["id"], second);
    EXPECT_EQ(up[1]["id"], first);
    EXPECT_EQ(up[1]["journal_id"], 1);
    const Finished wrong = fabric_.weft({"journal", "children", "4711"});
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("not the id of a message"));

    kill_journal();
    EXPECT_EQ(weft({"journal", "children", first}), asked);
}

TEST_F(RunningJournal, CheckIsGoodOnlyIfTheJournalAnswers) {
    const Finished up = fabric_.weft({"check", "--timeout", "20s"});
    kill_journal();
    const Finished down = fabric_.weft({"check", "--timeout", "200ms"});

    EXPECT_EQ(up.exit_code, 0) << up.out;
    EXPECT_THAT(up.out, HasSubstr("up    journal git.host1"));
    EXPECT_EQ(down.exit_code, 1);
    EXPECT_THAT(down.out, HasSubstr("down  journal git.host1"));
}

TEST(Cursor, WithoutAJournalInTheConfigurationSaysWhatToSet) {
    Fabric fabric;
    const Finished listed = fabric.weft({"cursor", "list"});
    EXPECT_EQ(listed.exit_code, 2);
    EXPECT_THAT(listed.err, HasSubstr("reliability.journals"));
}

}  // namespace
}  // namespace weft::testing
