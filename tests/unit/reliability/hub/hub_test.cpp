// The hub: which consumers run, how they change, and what is said of them.

#include "reliability/hub/hub.hpp"

#include "fabric/message/json_form.hpp"
#include "reliability/hub/dead_letter.hpp"
#include "reliability/service/cursor_operations.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/reliability/hub/live_world.hpp"
#include "tests/unit/reliability/service/service_world.hpp"

namespace weft::reliability::hub {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

ConsumerSettings consumer(const std::string& name, const std::string& topics) {
    ConsumerSettings settings;
    settings.name = name;
    settings.plugin = std::string{WEFT_TEST_PLUGINS} + "/scripted_plugin.so";
    settings.globs = support::globs_of({"org.weft.dev." + topics});
    settings.durable = false;
    settings.where = "50-hub.yaml:" + std::to_string(name.size());
    return settings;
}

Settings settings_of(std::vector<ConsumerSettings> consumers) {
    Settings settings;
    settings.consumers = std::move(consumers);
    return settings;
}

TEST(HubProblems, NothingSpeaksAgainstConsumersThatCanRun) {
    auto first = consumer("a", "x.**"), second = consumer("b", "**");
    first.ack = AckLevel::processed;
    EXPECT_THAT(Hub::problems(settings_of({first, second})), IsEmpty());
    first.durable = true;
    auto settings = settings_of({first, second});
    settings.journal = "journal.host1";
    EXPECT_THAT(Hub::problems(settings), IsEmpty());
}

TEST(HubProblems, SomebodyHasToBeThereAndEnabled) {
    EXPECT_THAT(Hub::problems({}), ElementsAre(StartsWith("hub.consumers is empty: write a list")));
    auto off = consumer("counter", "a");
    off.enabled = false;
    off.durable = true;
    EXPECT_THAT(Hub::problems(settings_of({off, off})),
                ElementsAre("50-hub.yaml:7: no consumer is enabled: set enabled: true for at least "
                            "one of the 2 of hub.consumers"));
}

TEST(HubProblems, ADurableOneNeedsAJournal) {
    auto durable = consumer("counter", "a");
    durable.durable = true;
    EXPECT_THAT(Hub::problems(settings_of({durable})),
                ElementsAre(AllOf(StartsWith("50-hub.yaml:7: consumer 'counter': it is durable"),
                                  HasSubstr("reliability.journals"), HasSubstr("durable: false"))));
}

TEST(HubProblems, OneTopicIsAcknowledgedByOne) {
    auto first = consumer("a", "x.**"), second = consumer("bb", "*.y"),
         third = consumer("ccc", "z");
    for (auto* one : {&first, &second, &third}) one->ack = AckLevel::received;
    EXPECT_THAT(Hub::problems(settings_of({first, second, third})),
                ElementsAre(AllOf(StartsWith("50-hub.yaml:2: consumer 'bb': "),
                                  HasSubstr("'org.weft.dev.*.y' and 'org.weft.dev.x.**'"),
                                  HasSubstr("consumer 'a' (50-hub.yaml:1)"),
                                  HasSubstr("let only one of them say ack"))));
    second.enabled = false;
    EXPECT_THAT(Hub::problems(settings_of({first, second, third})), IsEmpty());
}

class HubTest : public LiveWorld {
protected:
    ~HubTest() override {
        hub_.reset();
        service_.reset();
    }
    void make(Settings settings) {
        settings.state = directory_.path();
        HubOptions options;
        options.log = [this](Surroundings::Level level, const std::string& line) {
            surroundings_.log(level, "hub", line);
        };
        hub_.emplace(*a_.fabric, reliability_, std::move(settings), std::move(options));
    }
    std::vector<std::string> start(std::vector<ConsumerSettings> consumers) {
        make(settings_of(std::move(consumers)));
        return hub_->start();
    }
    Hub::Applied apply(std::vector<ConsumerSettings> consumers) {
        return hub_->apply(settings_of(std::move(consumers)), patience);
    }
    ConsumerStatus status(const std::string& name) {
        for (ConsumerStatus& one : hub_->status()) {
            if (one.name == name) return std::move(one);
        }
        throw std::runtime_error("no consumer " + name);
    }
    std::string state(const std::string& name) { return status(name).state; }
    /// Published until it was done once more.
    [[nodiscard]] bool works(const std::string& name, const std::string& topic) {
        const auto before = status(name).feed.done;
        order(topic, "done");
        return eventually([&] { return status(name).feed.done > before; });
    }
    void order(const std::string& topic, const std::string& what) {
        EXPECT_TRUE(heard("org.weft.dev." + topic));
        static_cast<void>(git_.fabric->publish(
            topic, *fabric::Body::json("{\"do\":\"" + what + "\",\"why\":\"so\"}")));
    }
    /// A journal that keeps the places of durable consumers, with git's messages 1 to `count`.
    void serve(std::uint64_t count) {
        reliability_.journals = {"journal.host1"};
        reliability_.journal_endpoints["journal.host1"] = "tcp://127.0.0.1:77";
        journal_.set_stored_us(clock_.utc_us());
        const auto git = identity_of("git");
        for (std::uint64_t seq = 1; seq <= count; ++seq) {
            fabric::ContentHeader header = fabric::sample_header();
            header.id = fabric::MessageId::make(1'800'000'000'000 + seq);
            header.seq = seq;
            header.content_type = "application/json";
            const std::string what = seq == 2 ? "reject" : "done";
            std::vector<RunToStore> runs{ServiceWorld::to_store(
                git, "org.weft.dev.stored",
                {fabric::encoded(header, "{\"do\":\"" + what + "\",\"why\":\"so\"}")})};
            ASSERT_TRUE(journal_.append(std::move(runs)));
        }
        JournalServiceSettings settings;
        settings.space = {"org.weft", "dev"};
        settings.endpoints = {"tcp://127.0.0.1:77"};
        settings.operations = operations_.entries();
        const auto identity = world_.signing.identity(
            "journal.host1", {.roles = support::roles_of({signing::Role::journal})});
        service_ =
            support::must(JournalService::open(*world_.transport, clock_, settings, journal_,
                                               fabric::shared(identity), world_.signing.trust()));
    }
    static ConsumerSettings durable(const std::string& name) {
        ConsumerSettings settings = consumer(name, "stored");
        settings.durable = true;
        settings.replay.kind = Start::Kind::beginning;
        return settings;
    }

    weft::testing::TempDir directory_;
    reliability::Settings reliability_;
    support::FakeJournal journal_;
    CursorStore store_{journal_, clock_};
    GroupService groups_{store_};
    CursorOperations operations_{store_, groups_, {}};
    std::unique_ptr<JournalService> service_;
    std::optional<Hub> hub_;
};

TEST_F(HubTest, RunsWhatIsEnabledAndSaysHowTheyAre) {
    auto off = consumer("off", "b");
    off.enabled = false;
    EXPECT_THAT(start({consumer("counter", "a"), off}), IsEmpty());
    EXPECT_TRUE(works("counter", "a"));
    const auto all = hub_->status();
    ASSERT_THAT(all, SizeIs(2));
    EXPECT_EQ(all[0].name, "counter");
    EXPECT_EQ(all[0].kind, "plugin");
    EXPECT_EQ(all[0].topics, "org.weft.dev.a");
    EXPECT_EQ(all[1].state, "disabled");
    EXPECT_TRUE(surroundings_.wait_for_line("consumer counter: started counter at a"));
    EXPECT_THAT(hub_->stop(patience).left, IsEmpty());
    EXPECT_EQ(state("counter"), "stopped");
    EXPECT_EQ(status("counter").feed.done, 1U) << "what it did can still be read";
}

TEST_F(HubTest, OneThatCannotStartIsNamedWithItsLineAndTheOthersRun) {
    auto broken = consumer("broken", "b");
    broken.plugin = "/nowhere/broken.so";
    EXPECT_THAT(start({broken, consumer("counter", "a")}),
                ElementsAre(AllOf(StartsWith("50-hub.yaml:6: consumer 'broken': "),
                                  HasSubstr("/nowhere/broken.so"))));
    EXPECT_TRUE(works("counter", "a"));
    EXPECT_EQ(state("broken"), "failed");
    EXPECT_THAT(status("broken").why, HasSubstr("/nowhere/broken.so"));
    EXPECT_THAT(hub_->not_ready(), AllOf(StartsWith("50-hub.yaml:6: consumer 'broken': "),
                                         HasSubstr("/nowhere/broken.so")));

    broken.enabled = false;
    EXPECT_THAT(apply({broken, consumer("counter", "a")}).failed, IsEmpty());
    EXPECT_EQ(state("broken"), "disabled");
    EXPECT_EQ(status("broken").why, "");
    EXPECT_THAT(hub_->not_ready(), Not(HasSubstr("broken")));
}

TEST_F(HubTest, AReloadStartsStopsAndChangesWhatIsOtherAndTheRestDoNotNotice) {
    ASSERT_THAT(start({consumer("same", "a"), consumer("other", "b"), consumer("gone", "c"),
                       consumer("off", "d")}),
                IsEmpty());
    ASSERT_TRUE(works("same", "a"));
    ASSERT_TRUE(works("other", "b"));
    auto same = consumer("same", "a"), other = consumer("other", "b"), off = consumer("off", "d");
    same.where = "another line";
    other.settings_json = R"({"greeting":"hello"})";
    off.enabled = false;

    const Hub::Applied applied = apply({same, other, off, consumer("new", "e")});

    EXPECT_THAT(applied.started, ElementsAre("new"));
    EXPECT_THAT(applied.restarted, ElementsAre("other"));
    EXPECT_THAT(applied.stopped, ElementsAre("gone", "off"));
    EXPECT_THAT(applied.failed, IsEmpty());
    EXPECT_EQ(status("same").feed.done, 1U);
    EXPECT_EQ(status("other").feed.done, 0U) << "it began anew";
    EXPECT_TRUE(surroundings_.wait_for_line("greeting hello"));
    EXPECT_TRUE(works("same", "a"));
    EXPECT_TRUE(works("other", "b"));
    EXPECT_TRUE(works("new", "e"));
    EXPECT_EQ(state("off"), "disabled");
    EXPECT_THAT(hub_->status(), SizeIs(4)) << "what is gone is not spoken of";
}

TEST_F(HubTest, OneThatCannotStartAfterAReloadIsFailedAndTheOthersGoOn) {
    ASSERT_THAT(start({consumer("same", "a"), consumer("other", "b")}), IsEmpty());
    ASSERT_TRUE(works("same", "a"));
    auto other = consumer("other", "b");
    other.settings_json = R"({"fail_start":"no database"})";
    const Hub::Applied applied = apply({consumer("same", "a"), other});
    EXPECT_THAT(applied.failed, ElementsAre(AllOf(StartsWith("50-hub.yaml:5: consumer 'other': "),
                                                  HasSubstr("no database"))));
    EXPECT_EQ(state("other"), "failed");
    EXPECT_EQ(status("same").feed.done, 1U);
    EXPECT_TRUE(works("same", "a"));

    EXPECT_THAT(apply({consumer("same", "a"), consumer("other", "b")}).started,
                ElementsAre("other"));
    EXPECT_TRUE(works("other", "b"));
}

TEST_F(HubTest, ItMayBeAskedHowItIsWhileItChanges) {
    ASSERT_THAT(start({consumer("same", "a"), consumer("one", "b")}), IsEmpty());
    std::atomic<bool> over = false;
    std::thread asks([&] {
        while (!over) {
            EXPECT_THAT(hub_->status(), SizeIs(2));
            static_cast<void>(hub_->not_ready());
        }
    });
    auto broken = consumer("two", "b");
    broken.plugin = "/nowhere/broken.so";
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(apply({consumer("same", "a"), broken}));
        static_cast<void>(apply({consumer("same", "a"), consumer("one", "b")}));
    }
    over = true;
    asks.join();
}

TEST_F(HubTest, WhatIsGivenUpIsPublishedToItsDeadLetterTopic) {
    auto counter = consumer("counter", "a");
    counter.dead_letter = "org.weft.dev.letters";
    ASSERT_THAT(start({counter}), IsEmpty());
    Seen<fabric::Message> letters;
    fabric::SubscriberHooks hooks;
    hooks.deliver = [&](const fabric::Message& message) { letters.add(message); };
    const auto reader = git_.fabric->subscribe({"org.weft.dev.letters"}, std::move(hooks));
    ASSERT_TRUE(a_.fabric->publisher().wait_for_subscriber("org.weft.dev.letters", patience));

    order("a", "reject");

    ASSERT_TRUE(letters.wait_for(1));
    const fabric::Message letter = letters.all()[0];
    ASSERT_TRUE(is_dead_letter(letter));
    const auto restored = decode_dead_letter(letter);
    ASSERT_TRUE(restored) << restored.error();
    EXPECT_EQ(restored->death.consumer, "counter");
    EXPECT_EQ(restored->death.hub, "a");
    EXPECT_EQ(restored->death.reason, "so");
    EXPECT_EQ(restored->death.attempts, 1U);
    EXPECT_FALSE(restored->death.journal_id);
    EXPECT_EQ(restored->message.topic(), "org.weft.dev.a");
    EXPECT_EQ(letter.parent(), restored->message.id());
    EXPECT_TRUE(eventually([&] { return status("counter").feed.given_up == 1; }));
    EXPECT_EQ(status("counter").feed.dead_unsaid, 0U);
}

TEST_F(HubTest, ADeadLetterThatCannotBePublishedIsSaid) {
    reliability_.journals = {"journal.host1"};  // nobody is there: it cannot be stored
    reliability_.ack_timeout = 1ms;
    auto counter = consumer("counter", "a");
    counter.dead_letter = "org.weft.dev.letters";
    ASSERT_THAT(start({counter}), IsEmpty());
    order("a", "reject");
    EXPECT_TRUE(
        surroundings_.wait_for_line("could not publish a dead letter to "
                                    "org.weft.dev.letters: "));
    EXPECT_TRUE(eventually([&] { return status("counter").feed.dead_unsaid == 1; }));
}

TEST_F(HubTest, ADurableConsumerGetsTheHistoryFromAJournalElsewhereAndKeepsItsPlace) {
    serve(5);
    Settings settings = settings_of({durable("counter")});
    settings.journal = "journal.host1";
    make(settings);
    EXPECT_THAT(hub_->start(), IsEmpty());
    EXPECT_TRUE(eventually([&] {
        return status("counter").feed.done == 4 && status("counter").feed.given_up == 1;
    })) << status("counter").why;
    EXPECT_EQ(state("counter"), "running");
    EXPECT_EQ(hub_->not_ready(), "");
    EXPECT_THAT(hub_->stop(patience).left, IsEmpty());
    EXPECT_EQ(store_.show("counter")->position.id, 5U);
    ASSERT_THAT(*groups_.dead("counter"), SizeIs(1));
    EXPECT_EQ(groups_.dead("counter")->front().member, "a-hub0");
    EXPECT_EQ(groups_.dead("counter")->front().reason, "so");
}

TEST_F(HubTest, WhileTheJournalIsAwayADurableConsumerWaitsAndTheOthersRun) {
    reliability_.journals = {"journal.host1"};
    reliability_.journal_endpoints["journal.host1"] = "tcp://127.0.0.1:78";
    Settings settings = settings_of({durable("counter"), consumer("live", "a")});
    settings.journal = "journal.host1";
    make(settings);
    EXPECT_THAT(hub_->start(), IsEmpty());
    EXPECT_TRUE(works("live", "a"));
    EXPECT_EQ(state("counter"), "waiting");
    EXPECT_THAT(hub_->not_ready(), StartsWith("consumer counter: "));
}

}  // namespace
}  // namespace weft::reliability::hub
