// A recorder over the in-process transport: what it stores, and when it says so.

#include "reliability/service/recorder.hpp"

#include <optional>
#include <string>
#include <vector>

#include "reliability/journal/stored_verifier.hpp"
#include "reliability/reliable_publisher.hpp"
#include "tests/unit/reliability/reliable_world.hpp"
#include "tests/unit/reliability/service/gated_journal.hpp"

namespace weft::reliability {
namespace {

using fabric::Body;
using signing::Role;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Verdict = Outcome::Verdict;

const std::string topic = "org.weft.dev.deploy";

/// git publishes, a is the journal.
class Recording : public ReliableWorld {
protected:
    Recording() {
        issue("git");
        issue("a", {Role::publish, Role::ack, Role::journal});
        git_ = open("git");
        Settings settings;
        settings.journals = {"a"};
        reliable_.emplace(*git_.fabric, settings, TrackerLimits{},
                          RetrySettings{.first = milliseconds{5}, .longest = milliseconds{20}});
    }
    void record(const RecorderOptions& options = {}) {
        if (!a_.fabric) a_ = open("a");
        recorder_ =
            std::make_unique<Recorder>(*a_.fabric, journal_, std::vector<std::string>{}, options);
        ASSERT_TRUE(git_.fabric->publisher().wait_for_subscriber(topic, patience));
    }
    PendingAcks publish(const std::string& text, milliseconds timeout = long_timeout) {
        ReliableOptions options;
        options.durable = true;
        options.ack_timeout = timeout;
        return publish_with(text, options);
    }
    PendingAcks publish_with(const std::string& text, const ReliableOptions& options) {
        auto made = reliable_->publish_async("deploy", Body::text(text).view(), options);
        if (!made) throw std::runtime_error(made.error().sentence);
        return *made;
    }
    /// Bodies in the order of their ids, each verified.
    std::vector<std::string> stored() {
        std::vector<std::string> texts;
        const auto page = journal_.read({}, {}, {});
        if (!page) throw std::runtime_error(page.error().sentence);
        StoredVerifier verifier(a_.fabric->trust());
        verifier.verify(
            *page,
            [&](const VerifiedMessage& message) { texts.emplace_back(message.message.body()); },
            [](const StoredRefusal& refused) {
                ADD_FAILURE() << refused.first << " " << refused.why.detail;
            });
        return texts;
    }
    [[nodiscard]] RecorderStats stats() const { return recorder_->stats(); }

    Party git_, a_;
    const fabric::WorldClock clock_;
    GatedJournal journal_{clock_};
    std::optional<ReliablePublisher> reliable_;
    std::unique_ptr<Recorder> recorder_;
};

TEST_F(Recording, LeavesOutWhatItIsToldToUnlessSomebodyWaitsForIt) {
    a_ = open("a");
    recorder_ = std::make_unique<Recorder>(*a_.fabric, journal_,
                                           std::vector<std::string>{"!deploy"}, RecorderOptions{});
    ASSERT_TRUE(git_.fabric->publisher().wait_for_subscriber(topic, patience));
    git_.fabric->publisher().publish(topic, Body::text("of the moment"));
    git_.fabric->publisher().publish("org.weft.dev.other", Body::text("for later"));
    EXPECT_EQ(publish("asked for").wait()->verdict(), Verdict::acknowledged);
    EXPECT_THAT(stored(), ElementsAre("for later", "asked for"));
}

TEST_F(Recording, StoresWhatPassesAndSaysSoWhereItIsAsked) {
    record();
    git_.fabric->publish("deploy", Body::text("for whom it may concern"));
    EXPECT_TRUE(publish("durable").wait()->ok());
    EXPECT_TRUE(eventually([&] { return stats().recorded == 2; }));
    EXPECT_THAT(stored(), ElementsAre("for whom it may concern", "durable"));
    EXPECT_GE(stats().acknowledged, 1U);
}

// A6: the word comes after the deed.
TEST_F(Recording, SaysNothingBeforeTheJournalHasAnswered) {
    record();
    journal_.shut();
    const auto pending = publish("not yet");
    ASSERT_TRUE(eventually([&] { return journal_.waiting() == 1; }));
    // Its publisher asks again and again meanwhile.
    ASSERT_TRUE(eventually([&] { return stats().subscriber.repeated >= 3; }));
    EXPECT_FALSE(pending.done());
    EXPECT_EQ(stats().acknowledged, 0U);
    journal_.open();
    EXPECT_TRUE(pending.wait()->ok());
    EXPECT_THAT(stored(), ElementsAre("not yet"));
}

TEST_F(Recording, RejectsWithTheReasonWhatCouldNotBeStored) {
    record();
    journal_.fail_with(JournalError{JournalError::Reason::io, "the disk said EIO"});
    const auto outcome = publish("lost").wait();
    EXPECT_EQ(outcome->verdict(), Verdict::rejected);
    EXPECT_THAT(outcome->answers()[0].reason, HasSubstr("not stored: the disk said EIO"));
    EXPECT_TRUE(a_.warned("the disk said EIO"));
    EXPECT_EQ(stats().acknowledged, 0U);
    EXPECT_GE(stats().rejected, 1U);
    EXPECT_GE(stats().not_recorded, 1U);
    // What was sent again before the rejection came would be stored, too.
    ASSERT_TRUE(eventually([&] {
        const RecorderStats now = stats();
        return now.waiting == 0 && now.subscriber.delivered + now.subscriber.repeated ==
                                       git_.fabric->publisher().stats().accepted;
    }));
    journal_.fail_with({});
    EXPECT_TRUE(publish("well again").wait()->ok());
    EXPECT_THAT(stored(), ElementsAre("well again"));
}

TEST_F(Recording, StoresWhatIsAskedAgainOnceABusyJournalHasRoom) {
    record();
    journal_.fail_with(JournalError{JournalError::Reason::busy, "too much waits"});
    const auto pending = publish("patient");
    ASSERT_TRUE(eventually([&] { return stats().not_recorded >= 2; }));
    EXPECT_FALSE(pending.done());
    journal_.fail_with({});
    EXPECT_TRUE(pending.wait()->ok());
    EXPECT_THAT(stored(), ElementsAre("patient"));
}

TEST_F(Recording, StoresAMessageOnceHoweverOftenItComes) {
    record();
    journal_.shut();
    const auto pending = publish("once");
    ASSERT_TRUE(eventually([&] { return stats().subscriber.repeated >= 5; }));
    journal_.open();
    EXPECT_TRUE(pending.wait()->ok());
    EXPECT_THAT(stored(), ElementsAre("once"));
}

// A journal that was killed answers for what it stored, from the journal itself.
TEST_F(Recording, AnswersForWhatAFormerLifeStored) {
    record();
    EXPECT_TRUE(publish("first").wait()->ok());
    // A word that was lost: the message is stored, and its publisher has not heard it.
    journal_.shut();
    const auto pending = publish("second");
    ASSERT_TRUE(eventually([&] { return journal_.waiting() >= 1; }));
    // The ACKs of this life go nowhere.
    a_.fabric->publisher().stop_taking();
    journal_.open();
    ASSERT_TRUE(eventually([&] { return stats().recorded == 2; }));
    recorder_.reset();
    a_.fabric.reset();

    record();
    EXPECT_TRUE(pending.wait()->ok());
    EXPECT_THAT(stored(), ElementsAre("first", "second"));
}

TEST_F(Recording, KeepsThePublishersOrderAlsoIfWhatComesFirstIsAheadOfItsPlace) {
    // Nobody records yet: these are sent again and again, each at its own time.
    std::vector<PendingAcks> pending;
    a_ = open("a");
    static_cast<void>(a_.fabric->publisher());
    for (int i = 0; i < 50; ++i) pending.push_back(publish(std::to_string(i)));
    record();
    for (int i = 50; i < 60; ++i) pending.push_back(publish(std::to_string(i)));
    for (const auto& one : pending) EXPECT_TRUE(one.wait()->ok());
    std::vector<std::string> expected;
    for (int i = 0; i < 60; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(stored(), expected);
}

TEST_F(Recording, RejectsWhoAsksForProcessedAndStoresTheMessageAllTheSame) {
    record();
    ReliableOptions options;
    options.recipients = "a";
    options.level = AckLevel::processed;
    options.ack_timeout = long_timeout;
    const auto outcome = publish_with("work", options).wait();
    EXPECT_EQ(outcome->verdict(), Verdict::rejected);
    EXPECT_THAT(outcome->answers()[0].reason, HasSubstr("a journal stores messages"));
    EXPECT_TRUE(eventually([&] { return stats().recorded == 1; }));
    EXPECT_THAT(stored(), ElementsAre("work"));
}

TEST_F(Recording, WhoOnlyAskedForReceivedIsToldThatItIsStored) {
    record();
    ReliableOptions options;
    options.recipients = "a";
    options.ack_timeout = long_timeout;
    const auto outcome = publish_with("heard", options).wait();
    ASSERT_TRUE(outcome->ok());
    EXPECT_EQ(outcome->answers()[0].level, AckLevel::stored);
}

TEST_F(Recording, LeavesToOthersWhatTheyAnswerAndStoresTheMessageAllTheSame) {
    RecorderOptions recorder;
    recorder.answered_elsewhere = [](const fabric::Message& message) {
        return message.topic() == topic;
    };
    record(recorder);
    ReliableOptions options;
    options.recipients = "a";
    options.level = AckLevel::processed;
    options.ack_timeout = milliseconds{100};
    EXPECT_EQ(publish_with("work", options).wait()->verdict(), Verdict::unknown);
    options.level = AckLevel::received;
    EXPECT_EQ(publish_with("heard", options).wait()->verdict(), Verdict::unknown);
    EXPECT_TRUE(publish("durable").wait()->ok()) << "stored is still the recorder's to say";
    EXPECT_THAT(stored(), ElementsAre("work", "heard", "durable"));
    EXPECT_EQ(stats().rejected, 0U);
}

TEST_F(Recording, NeedsACertificateWithTheRoleJournal) {
    issue("b");
    const Party b = open("b");
    try {
        const Recorder recorder(*b.fabric, journal_, {});
        FAIL() << "it recorded";
    } catch (const fabric::OpenFailed& failed) {
        EXPECT_THAT(failed.what(), HasSubstr("weft keys issue b --role journal"));
    }
}

/// What somebody in the recorder's process was told about the messages that it waits for.
struct Told {
    std::vector<AwaitedMessage> messages;
    std::optional<JournalError::Reason> error;
};

TEST_F(Recording, TellsWhoeverWaitsInItsProcessUnderWhichIdAMessageIsStored) {
    Seen<Told> told;
    RecorderOptions options;
    options.awaited = [](const fabric::Message& message) { return message.body() != "other"; };
    options.answered = [&](const auto& messages, const JournalError* error) {
        told.add({messages, error != nullptr ? std::optional{error->reason} : std::nullopt});
        if (error != nullptr) return;
        // It can be read as soon as it is said.
        for (const auto& one : messages) EXPECT_EQ(*journal_.find(one.id), one.stored);
    };
    record(options);
    journal_.shut();
    std::vector<fabric::MessageId> ids;
    for (const char* text : {"one", "other", "two"}) {
        const auto id = git_.fabric->publish("deploy", Body::text(text));
        if (std::string_view{text} != "other") ids.push_back(id);
    }
    ids.push_back(git_.fabric->publish("elsewhere", Body::text("three")));
    ASSERT_TRUE(eventually([&] { return journal_.waiting() >= 1; }));
    EXPECT_THAT(told.all(), IsEmpty());
    journal_.open();
    ASSERT_TRUE(eventually([&] { return stats().recorded == 4; }));
    std::vector<fabric::MessageId> answered;
    for (const Told& one : told.all()) {
        EXPECT_FALSE(one.error);
        for (const AwaitedMessage& message : one.messages) answered.push_back(message.id);
    }
    EXPECT_EQ(answered, ids);

    journal_.fail_with(JournalError{JournalError::Reason::disk_full, "no room"});
    git_.fabric->publish("deploy", Body::text("four"));
    ASSERT_TRUE(eventually([&] { return !told.all().empty() && told.all().back().error; }));
    EXPECT_EQ(told.all().back().error, JournalError::Reason::disk_full);
    EXPECT_EQ(told.all().back().messages.at(0).stored, 0U);
    recorder_.reset();
}

TEST_F(Recording, StopsOnceEverythingItTookIsStored) {
    record();
    journal_.shut();
    git_.fabric->publish("deploy", Body::text("taken"));
    ASSERT_TRUE(eventually([&] { return journal_.waiting() == 1; }));
    std::thread opener([&] { journal_.open(); });
    recorder_->stop();
    opener.join();
    EXPECT_EQ(stats().recorded, 1U);
    EXPECT_EQ(stats().waiting, 0U);
}

}  // namespace
}  // namespace weft::reliability
