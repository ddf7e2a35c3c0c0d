// What publishing through the bridge promises, over the in-process transport with real keys.

#include <atomic>
#include <thread>

#include "reliability/ack_consumer.hpp"
#include "tests/unit/gateway/bridge/bridge_world.hpp"

namespace weft::gateway {
namespace {

using reliability::JournalError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = BridgeError::Kind;
using Mode = PublishRequest::Mode;

class BridgePublishing : public BridgeWorld {};

TEST_F(BridgePublishing, AnswersADurablePublishWithTheIdUnderWhichItCanBeRead) {
    open_bridge();
    const auto published = publish(request("first"));
    ASSERT_TRUE(published) << published.error().sentence;
    EXPECT_EQ(published->journal_id, 1U);
    EXPECT_EQ(bridge_->journal().head, 1U);
    const auto page = read();
    ASSERT_TRUE(page) << page.error().sentence;
    ASSERT_EQ(page->events.size(), 1U);
    const fabric::Message& message = page->events[0].message;
    EXPECT_EQ(message.id(), published->id);
    EXPECT_EQ(message.signer(), "a");
    EXPECT_TRUE(message.verified());
    EXPECT_EQ(message.content_type(), "text/plain");
    EXPECT_EQ(message.journal_id(), 1U);
}

// H3: whom a message is from is said by the gateway.
TEST_F(BridgePublishing, PutsThePrincipalIntoTheHeaderViaWhichNoClientCanSet) {
    open_bridge();
    Principal ann;
    ann.name = "ann";
    ann.publish = support::globs_of({"org.weft.dev.deploy"});
    auto with_header = request();
    with_header.headers = {{"x-trace", "7"}};
    ASSERT_TRUE(publish(with_header, ann));
    ASSERT_TRUE(publish(request()));
    const auto page = read();
    ASSERT_EQ(page->events.size(), 2U);
    EXPECT_EQ(page->events[0].message.header("via"), "http:ann");
    EXPECT_EQ(page->events[0].message.header("x-trace"), "7");
    EXPECT_EQ(page->events[1].message.header("via"), "http:anonymous");
    for (const char* name : {"via", "Via", "VIA"}) {
        auto forged = request();
        forged.headers = {{name, "http:root"}};
        const auto refused = publish(forged);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, Kind::invalid);
        EXPECT_THAT(refused.error().sentence, HasSubstr("'via'"));
    }
}

TEST_F(BridgePublishing, RefusesATopicThatThePrincipalMayNotPublish) {
    open_bridge();
    Principal ann;
    ann.name = "ann";
    ann.publish = support::globs_of({"org.weft.dev.ann.**"});
    for (const Mode mode : {Mode::fire_and_forget, Mode::durable, Mode::acknowledged}) {
        auto what = request("x", mode);
        what.recipients = *reliability::Recipients::parse("b");
        const auto refused = publish(what, ann);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, Kind::not_granted);
        EXPECT_THAT(refused.error().sentence, HasSubstr("http:ann may not publish"));
    }
    EXPECT_EQ(bridge_->journal().head, 0U);
}

TEST_F(BridgePublishing, RefusesATopicThatItsOwnCertificateDoesNotGrant) {
    open_bridge({}, "signing: { policy: { 'org.weft.dev.deploy': [git] } }\n");
    for (const Mode mode : {Mode::fire_and_forget, Mode::durable}) {
        const auto refused = publish(request("x", mode));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, Kind::not_granted);
        EXPECT_THAT(refused.error().sentence, HasSubstr("our own certificate 'a'"));
    }
}

TEST_F(BridgePublishing, SaysWhatIsWrongWithARequest) {
    open_bridge({}, "", true, "['deploy', 'git.**']");
    const auto error_of = [&](const PublishRequest& what) {
        const auto answer = publish(what);
        return answer ? BridgeError{} : answer.error();
    };
    EXPECT_THAT(error_of(request("x", Mode::durable, "deploy")).sentence,
                HasSubstr("name the full topic"));
    EXPECT_EQ(error_of(request("x", Mode::durable, "org.weft.dev..x")).kind, Kind::invalid);
    EXPECT_THAT(error_of(request("x", Mode::durable, "org.weft.dev.other")).sentence,
                HasSubstr("reliability.journal.topics"));
    EXPECT_TRUE(publish(request("x", Mode::fire_and_forget, "org.weft.dev.other")));
    EXPECT_TRUE(publish(request("x", Mode::durable, "org.weft.dev.git.commit")));
    EXPECT_THAT(error_of(request("x", Mode::acknowledged)).sentence, HasSubstr("name recipients"));
    // A7
    EXPECT_EQ(error_of(request("x", Mode::fire_and_forget, "org.weft.dev.ack.git")).kind,
              Kind::not_granted);
    auto empty = request("");
    empty.content_type.clear();
    EXPECT_EQ(error_of(empty).kind, Kind::invalid);
    auto header = request();
    header.headers = {{"", "nameless"}};
    EXPECT_EQ(error_of(header).kind, Kind::invalid);
    EXPECT_EQ(error_of(request(std::string(std::size_t{5} << 20, 'x'))).kind, Kind::too_large);
    EXPECT_EQ(bridge_->stats().durable_now, 0U);
}

TEST_F(BridgePublishing, FiresAndForgetsWithoutAJournalId) {
    open_bridge();
    const auto published = publish(request("gone", Mode::fire_and_forget));
    ASSERT_TRUE(published);
    EXPECT_FALSE(published->journal_id);
    // Our own journal records it like any other.
    EXPECT_TRUE(eventually([&] { return bridge_->journal().head == 1; }));
}

TEST_F(BridgePublishing, SaysNothingBeforeTheJournalHasStored) {
    open_bridge();
    journal_->shut();
    Answer<BridgeResult<Published>> answer;
    bridge_->publish(anybody(), request(), answer.taker());
    ASSERT_TRUE(eventually([&] { return journal_->waiting() == 1; }));
    EXPECT_EQ(answer.count(), 0U);
    journal_->open();
    EXPECT_EQ(answer.wait()->journal_id, 1U);
    EXPECT_EQ(answer.count(), 1U);
}

TEST_F(BridgePublishing, KeepsTheOrderOfOneThread) {
    open_bridge();
    std::vector<Answer<BridgeResult<Published>>> answers(500);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        texts.push_back(std::to_string(i));
        bridge_->publish(anybody(), request(texts.back()), answers[i].taker());
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto published = answers[i].wait();
        ASSERT_TRUE(published) << published.error().sentence;
        EXPECT_EQ(published->journal_id, i + 1);
    }
    EXPECT_EQ(bodies(*read()), texts);
}

TEST_F(BridgePublishing, GivesManyThreadsAnIdEachAndStoresEachMessageOnce) {
    open_bridge();
    constexpr std::size_t threads = 4, each = 250;
    std::vector<std::vector<Answer<BridgeResult<Published>>>> answers(threads);
    std::vector<std::thread> running;
    for (auto& own : answers) {
        own.resize(each);
        running.emplace_back([&] {
            for (auto& answer : own) bridge_->publish(anybody(), request(), answer.taker());
        });
    }
    for (auto& thread : running) thread.join();
    std::set<reliability::JournalId> ids;
    for (auto& own : answers) {
        for (auto& answer : own) {
            const auto published = answer.wait();
            ASSERT_TRUE(published) << published.error().sentence;
            ids.insert(*published->journal_id);
            EXPECT_EQ(*journal_->find(published->id), published->journal_id);
        }
    }
    EXPECT_EQ(ids.size(), threads * each);
    EXPECT_EQ(bridge_->journal().head, threads * each);
}

TEST_F(BridgePublishing, SaysThatTheDiskIsFullAndGoesOnOnceThereIsRoom) {
    open_bridge();
    journal_->fail_with(JournalError{JournalError::Reason::disk_full, "no room: free some"});
    const auto refused = publish(request());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::disk_full);
    EXPECT_THAT(refused.error().sentence, HasSubstr("no room"));
    EXPECT_TRUE(refused.error().id);
    journal_->fail_with({});
    EXPECT_TRUE(publish(request()));
}

TEST_F(BridgePublishing, TellsFailuresOfTheJournalApart) {
    open_bridge();
    const std::vector<std::pair<JournalError::Reason, Kind>> cases{
        {JournalError::Reason::busy, Kind::busy},
        {JournalError::Reason::closed, Kind::stopped},
        {JournalError::Reason::io, Kind::journal_away}};
    for (const auto& [reason, kind] : cases) {
        journal_->fail_with(JournalError{reason, "so it is"});
        const auto refused = publish(request());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, kind);
    }
}

TEST_F(BridgePublishing, AfterItsJournalFailedNothingIsPublishedDurablyAnyMore) {
    open_bridge();
    journal_->fail_with(JournalError{JournalError::Reason::io, "input/output error"});
    const auto first = publish(request());
    ASSERT_FALSE(first);
    EXPECT_TRUE(first.error().id) << "it went out live before the journal said no";
    journal_->fail_with({});
    const auto second = publish(request());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, Kind::journal_away);
    EXPECT_FALSE(second.error().id);
    EXPECT_THAT(second.error().sentence, HasSubstr("restart the gateway"));
    EXPECT_THAT(bridge_->not_ready(), HasSubstr("restart the gateway"));
    EXPECT_EQ(journal_->info().head, 0U);
    PublishRequest plain = request();
    plain.mode = PublishRequest::Mode::fire_and_forget;
    EXPECT_TRUE(publish(plain)) << "that needs no journal";
}

TEST_F(BridgePublishing, AnswersInTimeWhatDoesNotComeBack) {
    BridgeLimits limits;
    limits.durable.timeout = milliseconds{50};
    open_bridge(limits);
    journal_->shut();
    const auto refused = publish(request());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::journal_away);
    EXPECT_THAT(refused.error().sentence, HasSubstr("did not come back"));
    ASSERT_TRUE(refused.error().id);
    // It may be stored all the same, once.
    journal_->open();
    EXPECT_TRUE(eventually([&] { return bridge_->journal().head == 1; }));
    EXPECT_EQ(*journal_->find(*refused.error().id), 1U);
}

TEST_F(BridgePublishing, StoresOnceWhatItSentAgain) {
    BridgeLimits limits;
    limits.durable.send_again = milliseconds{5};
    open_bridge(limits);
    journal_->shut();
    Answer<BridgeResult<Published>> answer;
    bridge_->publish(anybody(), request(), answer.taker());
    ASSERT_TRUE(eventually([&] { return bridge_->stats().recorder.subscriber.duplicates >= 3; }));
    journal_->open();
    ASSERT_TRUE(answer.wait());
    EXPECT_TRUE(publish(request("next")));
    EXPECT_EQ(bodies(*read()), (std::vector<std::string>{"hello", "next"}));
    EXPECT_GE(bridge_->stats().sent_again, 3U);
}

TEST_F(BridgePublishing, IsBusyBeyondItsLimits) {
    BridgeLimits limits;
    limits.durable.publishes = 2;
    open_bridge(limits);
    journal_->shut();
    std::vector<Answer<BridgeResult<Published>>> answers(3);
    for (auto& answer : answers) bridge_->publish(anybody(), request(), answer.taker());
    EXPECT_EQ(answers[2].wait().error().kind, Kind::busy);
    journal_->open();
    EXPECT_TRUE(answers[0].wait());
    EXPECT_TRUE(answers[1].wait());
    EXPECT_TRUE(publish(request()));
}

TEST_F(BridgePublishing, AnAcknowledgedPublishSaysWhatEachRecipientDid) {
    open_bridge();
    const auto b = open("b");
    Seen<std::string> heard;
    reliability::AckConsumer consumer(*b.fabric, {"deploy"},
                                      [&](const reliability::Delivery& given) {
                                          heard.add(std::string{given.message().body()});
                                      });
    ASSERT_TRUE(a_.fabric->publisher().wait_for_subscriber(deploy, patience));
    auto what = request("work", Mode::acknowledged);
    what.recipients = *reliability::Recipients::parse("b");
    what.level = reliability::AckLevel::processed;
    what.ack_timeout = long_timeout;
    BridgeResult<Published> published = tl::make_unexpected(BridgeError{});
    // Until the gateway's subscription to its ACKs is in force.
    ASSERT_TRUE(eventually([&] {
        published = publish(what);
        return published || published.error().kind != Kind::journal_away;
    }));
    ASSERT_TRUE(published) << published.error().sentence;
    ASSERT_TRUE(published->outcome);
    EXPECT_EQ(published->outcome->answers()[0].name, "b");
    EXPECT_THAT(heard.all(), ElementsAre("work"));

    what.recipients = *reliability::Recipients::parse("b, c");
    what.ack_timeout = reliability::short_timeout;
    const auto silent = publish(what);
    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error().kind, Kind::not_acknowledged);
    ASSERT_TRUE(silent.error().outcome);
    EXPECT_EQ(silent.error().outcome->answers()[1].name, "c");
    EXPECT_EQ(silent.error().id, silent.error().outcome->about().id);
}

TEST_F(BridgePublishing, StopAnswersWhatIsUnderWayAndWhatComesAfter) {
    BridgeLimits limits;
    limits.stop_patience = milliseconds{20};
    open_bridge(limits);
    journal_->shut();
    std::vector<Answer<BridgeResult<Published>>> durable(10);
    for (auto& answer : durable) bridge_->publish(anybody(), request(), answer.taker());
    ASSERT_TRUE(eventually([&] { return journal_->waiting() > 0; }));
    Answer<Woken> woken;
    EXPECT_NE(bridge_->wait(0, {}, long_timeout, woken.taker()), 0U);
    // The journal answers only after those who waited were told.
    std::thread opener([&] {
        for (auto& answer : durable) EXPECT_EQ(answer.wait().error().kind, Kind::stopped);
        journal_->open();
    });
    bridge_->stop();
    opener.join();
    EXPECT_EQ(woken.wait(), Woken::stopped);
    for (const Mode mode : {Mode::durable, Mode::fire_and_forget}) {
        EXPECT_EQ(publish(request("late", mode)).error().kind, Kind::stopped);
    }
    EXPECT_EQ(read().error().kind, Kind::stopped);
    Answer<Woken> late;
    EXPECT_EQ(bridge_->wait(0, {}, long_timeout, late.taker()), 0U);
    EXPECT_EQ(late.wait(), Woken::stopped);
    EXPECT_THAT(bridge_->not_ready(), HasSubstr("stops"));
    EXPECT_EQ(bridge_->stats().durable_now, 0U);
}

TEST_F(BridgePublishing, StopUnderLoadAnswersEveryRequestOnce) {
    open_bridge();
    std::atomic<bool> go_on{true};
    std::atomic<int> asked{0}, answered{0}, neither{0};
    std::vector<std::thread> running;
    for (int i = 0; i < 3; ++i) {
        running.emplace_back([&] {
            while (go_on) {
                ++asked;
                bridge_->publish(anybody(), request(), [&](const auto& result) {
                    ++answered;
                    if (!result && result.error().kind != Kind::stopped &&
                        result.error().kind != Kind::busy) {
                        ++neither;
                    }
                });
                asked += 2;
                bridge_->read({}, [&](const auto&) { ++answered; });
                bridge_->wait(0, filter_of({"nothing.**"}), milliseconds{1},
                              [&](Woken) { ++answered; });
            }
        });
    }
    ASSERT_TRUE(eventually([&] { return bridge_->journal().head > 100; }));
    bridge_->stop();
    go_on = false;
    for (auto& thread : running) thread.join();
    EXPECT_EQ(answered, asked);
    EXPECT_EQ(neither, 0);
}

TEST_F(BridgePublishing, OpensOnlyWithARoleJournalAndAJournalThatNobodyElseHas) {
    issue("c");
    const auto c = open("c",
                        "reliability: { journal: { listen: 'tcp://127.0.0.1:9', backend: "
                        "memory } }\n");
    const auto no_role = LiveBridge::open(*c.fabric, settings_of(*c.fabric));
    ASSERT_FALSE(no_role);
    EXPECT_THAT(no_role.error(), HasSubstr("--role journal"));

    const std::string here = "reliability: { journal: { listen: 'tcp://127.0.0.1:9', path: '" +
                             (world_.signing.directory() / "journal").string() + "' } }\n";
    a_ = open("a", here);
    auto first = LiveBridge::open(*a_.fabric, settings_of(*a_.fabric));
    ASSERT_TRUE(first) << first.error();
    const auto second = LiveBridge::open(*a_.fabric, settings_of(*a_.fabric));
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error(), HasSubstr("another process has this journal open"));
    EXPECT_THAT(second.error(), HasSubstr("reliability.journal.path"));
}

}  // namespace
}  // namespace weft::gateway
