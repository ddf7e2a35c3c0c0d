// `weft replay`: stored messages are published again, by the commands that people type.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "config/load.hpp"
#include "fabric/message/json_form.hpp"
#include "reliability/hub/dead_letter.hpp"
#include "reliability/reliable_publisher.hpp"
#include "reliability/service/open_remote.hpp"
#include "tests/integration/journal_fixture.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Replaying : public Journaled {
protected:
    Replaying() : relay_(fabric_.relay()), journal_(serve()) {}

    /// The id of the message, which is on disk.
    std::string stored(const std::string& body, const std::string& topic = "deploy",
                       const std::vector<std::string>& more = {}) {
        const Finished done = fabric_.weft(and_more(
            {"publish", topic, "--json", body, "--durable", "--ack-timeout", "20s"}, more));
        if (done.exit_code != 0) throw std::runtime_error(done.err);
        return done.out.substr(0, done.out.find('\n'));
    }
    Finished replay(const std::vector<std::string>& arguments) {
        return fabric_.weft(and_more({"replay"}, arguments));
    }
    Finished replay_durably(const std::vector<std::string>& arguments) {
        return replay(and_more({"--durable", "--ack-timeout", "20s"}, arguments));
    }

    Process relay_, journal_;
};

TEST_F(Replaying, AStoredMessageComesAgainAsANewOneThatNamesTheOriginal) {
    const std::string first = stored(R"({"n":1.50})", "deploy", {"--header", "ticket=4711"});
    const std::string second = stored(R"({"n":2})");

    const Finished done = replay_durably({"1", second});

    ASSERT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.err, HasSubstr("replayed 2 messages"));
    EXPECT_THAT(done.out, HasSubstr("1  org.weft.dev.deploy  " + first + "  replayed as "));
    const auto lines = read_from("beginning", 4);
    const json &original = lines[0], &again = lines[2];
    EXPECT_NE(again["id"], first);
    EXPECT_THAT(done.out, HasSubstr(again["id"].get<std::string>()));
    EXPECT_EQ(again["parent"], first);
    EXPECT_EQ(again["topic"], original["topic"]);
    EXPECT_EQ(again["body"].dump(), original["body"].dump());
    EXPECT_EQ(again["content_type"], original["content_type"]);
    EXPECT_EQ(again["signer"], "git.host1");
    EXPECT_EQ(again["verified"], true);
    EXPECT_EQ(again["headers"], (json{{"ticket", "4711"}, {"weft-replay-of", first}}));
    EXPECT_EQ(lines[3]["parent"], second);
}

TEST_F(Replaying, AReplayOfAReplayNamesTheReplayAndAddsTheHeadersThatAreGiven) {
    stored("1", "deploy", {"--header", "ticket=1", "--header", "who=ann"});
    ASSERT_EQ(replay_durably({"1"}).exit_code, 0);

    ASSERT_EQ(replay_durably({"2", "--header", "ticket=2"}).exit_code, 0);

    const auto lines = read_from("beginning", 3);
    EXPECT_EQ(lines[2]["parent"], lines[1]["id"]);
    EXPECT_EQ(lines[2]["headers"],
              (json{{"ticket", "2"}, {"who", "ann"}, {"weft-replay-of", lines[1]["id"]}}));
}

TEST_F(Replaying, WhoIsSubscribedGetsItWithoutAJournalToAnswer) {
    stored(R"({"n":1})");
    const Process tail = fabric_.tail();

    const Finished done = replay({"1"});

    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(printed(tail, 1).front()["headers"].size(), 1u);
}

TEST_F(Replaying, OfARangeTheTopicsThatAreAskedForComeAndNothingThatIsStoredMeanwhile) {
    for (int n = 1; n <= 4; ++n) stored(std::to_string(n), n % 2 == 0 ? "even.one" : "odd.one");

    const Finished dry = replay({"--from", "beginning", "--topic", "even.**", "--dry-run"});
    ASSERT_EQ(dry.exit_code, 0) << dry.err;
    EXPECT_THAT(dry.out, AllOf(HasSubstr("2  org.weft.dev.even.one"), HasSubstr("would be"),
                               HasSubstr("4  org.weft.dev.even.one"), Not(HasSubstr("odd"))));
    EXPECT_THAT(dry.err, HasSubstr("would replay 2 messages"));
    EXPECT_EQ(info()["head"], 4);

    ASSERT_EQ(replay_durably({"--from", "1", "--to", "3", "--rate", "500"}).exit_code, 0);
    ASSERT_EQ(replay_durably({"--from", "last:1", "--topic", "even.**"}).exit_code, 0);

    const auto lines = read_from("4", 3);
    EXPECT_EQ(lines[0]["body"], 2);
    EXPECT_EQ(lines[1]["body"], 3);
    EXPECT_EQ(lines[2]["body"], 2) << "the newest even one is the replayed one";
    EXPECT_EQ(info()["head"], 7);
}

TEST_F(Replaying, WhatIsNotThereIsNamedAndTheRestIsReplayed) {
    stored("1");
    const std::string nobody = "0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f";

    const Finished done = replay_durably({"4711", "1", nobody});

    EXPECT_EQ(done.exit_code, 1);
    EXPECT_THAT(done.err, HasSubstr("replayed 1 message, 2 not found: 4711, " + nobody));
    EXPECT_EQ(info()["head"], 2);
}

TEST_F(Replaying, MoreThanAThousandMessagesTakeAYes) {
    log_numbers(1, 1001);

    const Finished asked = replay({"--from", "beginning"});
    EXPECT_EQ(asked.exit_code, 2);
    EXPECT_THAT(asked.err, AllOf(HasSubstr("ids 1 to 1001, more than 1000"), HasSubstr("--yes"),
                                 HasSubstr("nothing was published")));
    EXPECT_EQ(info()["head"], 1001);

    const Finished done = fabric_.weft(
        {"replay", "--from", "beginning", "--yes", "--durable", "--ack-timeout", "25s"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_THAT(done.err, HasSubstr("replayed 1001 messages"));
    EXPECT_EQ(numbers(read_from("1001", 1001)), all_from_to(1, 1001));
}

TEST_F(Replaying, WhatCannotBeMeantIsAUsageError) {
    const auto error_of = [&](const std::vector<std::string>& arguments) {
        const Finished done = replay(arguments);
        EXPECT_EQ(done.exit_code, 2) << done.err;
        EXPECT_THAT(done.out, IsEmpty());
        return done.err;
    };
    EXPECT_THAT(error_of({}), HasSubstr("which messages?"));
    EXPECT_THAT(error_of({"1", "--from", "1"}), HasSubstr("not both"));
    EXPECT_THAT(error_of({"1", "--to", "2"}), HasSubstr("say --from, too"));
    EXPECT_THAT(error_of({"yesterday"}), HasSubstr("'yesterday' is neither"));
    EXPECT_THAT(error_of({"0"}), HasSubstr("'0' is neither"));
    EXPECT_THAT(error_of({"--from", "yesterday"}), HasSubstr("--from: 'yesterday'"));
    EXPECT_THAT(error_of({"--from", "last-per-topic"}), HasSubstr("a range of stored messages"));
    EXPECT_THAT(error_of({"--from", "1", "--to", "now"}), HasSubstr("--to 'now' is neither"));
    EXPECT_THAT(error_of({"--from", "1", "--topic", "a..b"}), HasSubstr("--topic 'a..b'"));
    EXPECT_THAT(error_of({"1", "--parent", "0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f"}),
                HasSubstr("--parent"));
}

TEST(Replay, WithoutAJournalInTheConfigurationSaysWhatToSet) {
    Fabric fabric;
    const Finished done = fabric.weft({"replay", "1"});
    EXPECT_EQ(done.exit_code, 2);
    EXPECT_THAT(done.err, HasSubstr("reliability.journals"));
}

/// What a hub does with the first message of the journal when a consumer has given it up.
void bury_first(const Fabric& made, const std::string& consumer) {
    config::LoadOptions options;
    options.directory = made.dir().path();
    options.folders = {made.dir() / "weft.d"};
    const auto loaded = config::load(options);
    if (!loaded) throw std::runtime_error(config::text_of(loaded.error()));
    const auto fabric = fabric::Fabric::open(*loaded);
    config::Problems problems;
    const auto settings = reliability::read_settings(*loaded, problems);
    const auto journal = reliability::open_any_journal(*fabric, settings);
    if (!journal) throw std::runtime_error(journal.error());
    const auto page = (*journal)->read({}, {}, {.messages = 1});
    if (!page) throw std::runtime_error(page.error().sentence);
    std::optional<fabric::Message> message;
    reliability::StoredVerifier verifier(fabric->trust());
    verifier.verify(*page, [&](const auto& stored) { message = stored.message; }, {});
    const reliability::hub::Death death{consumer, "hub.host1", "no", 5, fabric::rfc3339(1), 1};
    const auto body = reliability::hub::encode_dead_letter(death, message.value());
    reliability::ReliablePublisher publisher(*fabric, settings);
    const auto published =
        publisher.publish("org.weft.dev.dead", body, {.ack_timeout = patience, .durable = true});
}

TEST_F(Replaying, OfADeadLetterTheMessageInItComesUnlessItIsToComeItself) {
    const std::string original = stored(R"({"to":"ann"})", "mail.send", {"--header", "a=b"});
    bury_first(fabric_, "mailer");

    const Finished dry = replay({"2", "--dry-run"});
    EXPECT_THAT(dry.out, HasSubstr("2  org.weft.dev.mail.send  " + original +
                                   "  would be replayed, the message in a dead letter of mailer"));
    ASSERT_EQ(replay_durably({"2"}).exit_code, 0);
    ASSERT_EQ(replay_durably({"2", "--as-is"}).exit_code, 0);

    const auto lines = read_from("1", 3);
    EXPECT_EQ(lines[0]["body"]["message"]["body"]["to"], "ann");
    EXPECT_EQ(lines[1]["topic"], "org.weft.dev.mail.send");
    EXPECT_EQ(lines[1]["body"], (json{{"to", "ann"}}));
    EXPECT_EQ(lines[1]["parent"], original);
    EXPECT_EQ(lines[1]["headers"], (json{{"a", "b"}, {"weft-replay-of", original}}));
    EXPECT_EQ(lines[2]["topic"], "org.weft.dev.dead");
    EXPECT_EQ(lines[2]["body"], lines[0]["body"]);
    EXPECT_EQ(lines[2]["parent"], lines[0]["id"]);
}

}  // namespace
}  // namespace weft::testing
