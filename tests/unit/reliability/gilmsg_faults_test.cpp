// An earlier acknowledged publisher, gilmsg over fedmsg, had faults that made its promise
// worthless. One test for each of them, so that none comes back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/load.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/ack_consumer.hpp"
#include "reliability/reliable_publisher.hpp"
#include "signing/identity.hpp"
#include "tests/unit/fabric/node/node_world.hpp"
#include "tests/unit/reliability/ack/tracker_fixture.hpp"

namespace weft::reliability {
namespace {

using namespace std::chrono_literals;
using fabric::eventually;
using State = RecipientAnswer::State;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GilmsgFaults : public ::testing::Test {
protected:
    GilmsgFaults() {
        for (const char* name : {"git", "a", "b"}) {
            signing::CertificateRequest request;
            request.name = name;
            request.roles = support::roles_of({signing::Role::publish, signing::Role::ack});
            request.globs = support::globs_of({"**"});
            request.not_before = support::SigningFixture::now - support::SigningFixture::day;
            request.not_after = support::SigningFixture::now + support::SigningFixture::day;
            support::must(signing::issue_identity(world_.signing.directory(),
                                                  world_.signing.authority(), request));
        }
        git_ = open("git");
        a_ = open("a");
        b_ = open("b");
    }

    std::unique_ptr<fabric::Fabric> open(const std::string& name) {
        const std::string directory = world_.signing.directory().string();
        config::LoadOptions options;
        options.directory = directory;
        options.documents.push_back(
            {"weft.d/10.yaml", "name: " + name +
                                   "\nfabric: { mode: bind, endpoints: {"
                                   " git: ['tcp://127.0.0.1:1'], a: ['tcp://127.0.0.1:2'],"
                                   " b: ['tcp://127.0.0.1:3'] }, replay: { state: '' } }\n"
                                   "signing: { directory: '" +
                                   directory + "' }\n"});
        const auto loaded = config::load(options);
        EXPECT_TRUE(loaded) << config::text_of(loaded.error());
        fabric::FabricOptions fabric;
        fabric.transport = world_.transport.get();
        fabric.clock = &clock_;
        return fabric::Fabric::open(*loaded, fabric);
    }
    std::unique_ptr<AckConsumer> consume(fabric::Fabric& fabric, AckConsumer::Handler handler,
                                         bool automatic = true) {
        ConsumerOptions options;
        options.automatic = automatic;
        return std::make_unique<AckConsumer>(fabric, std::vector<std::string>{"deploy.**"},
                                             std::move(handler), options);
    }
    static void nothing(const Delivery&) {}

    static ReliableOptions to(Who recipients, milliseconds timeout,
                              AckLevel level = AckLevel::processed) {
        ReliableOptions options;
        options.recipients = std::move(recipients);
        options.level = level;
        options.ack_timeout = timeout;
        return options;
    }
    /// The names that did not acknowledge.
    static std::vector<std::string> missing(const Outcome& outcome) {
        std::vector<std::string> names;
        for (const RecipientAnswer& answer : outcome.answers()) {
            if (answer.state != State::acknowledged) names.push_back(answer.name);
        }
        return names;
    }
    static std::size_t entries(const char* directory) {
        const std::filesystem::directory_iterator all{directory};
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }

    /// Where something must end by its deadline, and where it must not.
    static constexpr milliseconds soon{1000}, late{60'000};
    const fabric::BodyView body_{"work", "text/plain"};

    fabric::WorldClock clock_;
    fabric::NodeWorld world_{clock_};
    std::unique_ptr<fabric::Fabric> git_, a_, b_;
};

// Fault: results were shared by all publishes, so that a second one to the same set succeeded on
// the first one's ACKs, without its own recipient.
TEST_F(GilmsgFaults, TheAcksOfOnePublishAreNotThoseOfTheNext) {
    const auto a = consume(*a_, nothing);
    std::atomic<int> b_saw{0};
    const auto b = consume(
        *b_,
        [&](const Delivery& delivery) {
            if (b_saw++ == 0) delivery.ack();
        },
        false);
    ReliablePublisher reliable(*git_);

    ASSERT_TRUE(reliable.try_publish("deploy.one", body_, to("a, b", late)));
    const auto second = reliable.try_publish("deploy.two", body_, to("a, b", soon));

    ASSERT_FALSE(second);
    ASSERT_TRUE(second.error().outcome);
    EXPECT_THAT(missing(*second.error().outcome), ElementsAre("b"));
}

// Fault: once the set of recipients had changed, no publish ever succeeded again.
TEST_F(GilmsgFaults, APublishToAnotherSetIsJudgedByThatSet) {
    const auto a = consume(*a_, nothing);
    ReliablePublisher reliable(*git_);

    EXPECT_FALSE(reliable.try_publish("deploy.one", body_, to("a, b", soon)));
    EXPECT_TRUE(reliable.try_publish("deploy.two", body_, to("a", late)));
    const auto b = consume(*b_, nothing);
    EXPECT_TRUE(reliable.try_publish("deploy.three", body_, to("b", late)));
}

// Fault: the ACK went out before the application saw the message; a crash in it was a success.
TEST_F(GilmsgFaults, WorkThatFailsOrHasNotEndedIsNotAcknowledged) {  // A6
    std::atomic<bool> entered{false}, may_return{false};
    const auto a = consume(*a_, [&](const Delivery&) {
        entered = true;
        eventually([&] { return may_return.load(); });
    });
    const auto b = consume(*b_, [](const Delivery&) { throw std::runtime_error("disk full"); });
    ReliablePublisher reliable(*git_);

    const auto slow = reliable.publish_async("deploy.slow", body_, to("a", late));
    ASSERT_TRUE(slow);
    ASSERT_TRUE(eventually([&] { return entered.load(); }));
    EXPECT_FALSE(slow->done());
    may_return = true;
    EXPECT_TRUE(slow->wait()->ok());

    const auto crashed = reliable.try_publish("deploy.crash", body_, to("b", late));
    ASSERT_FALSE(crashed);
    EXPECT_THAT(crashed.error().sentence, HasSubstr("disk full"));
}

// Fault: a marker that was put into the envelope broke its signature, so that recipients could
// not validate. The bytes of a reliable message verify like those of any other.
TEST_F(GilmsgFaults, AReliableMessageVerifiesLikeAnyOther) {
    std::mutex mutex;
    std::vector<fabric::Message> plain;
    fabric::SubscriberHooks hooks;
    hooks.deliver = [&](const fabric::Message& message) {
        const std::scoped_lock lock(mutex);
        plain.push_back(message);
    };
    const auto subscriber = b_->subscribe({"deploy.**"}, std::move(hooks));
    const auto a = consume(*a_, nothing);
    ReliablePublisher reliable(*git_);

    ASSERT_TRUE(reliable.try_publish("deploy.one", body_, to("a", late)));

    ASSERT_TRUE(eventually([&] {
        const std::scoped_lock lock(mutex);
        return !plain.empty();
    }));
    const std::scoped_lock lock(mutex);
    EXPECT_TRUE(plain.front().verified());
    EXPECT_EQ(plain.front().signer(), "git");
    EXPECT_EQ(plain.front().body(), "work");
    // And whoever stored it can verify it, with nothing but its three frames.
    const auto& run = *plain.front().run();
    support::Receiver receiver(world_.signing.trust());
    EXPECT_TRUE(
        receiver.take({std::string{run.topic}, std::string{run.contents}, std::string{run.proof}}));
}

// Fault: about a second for each publish, one at a time. Any number wait together.
TEST_F(GilmsgFaults, ManyPublishesWaitAtTheSameTime) {
    std::atomic<bool> may_return{false};
    const auto a =
        consume(*a_, [&](const Delivery&) { eventually([&] { return may_return.load(); }); });
    ReliablePublisher reliable(*git_);

    std::vector<PendingAcks> pending;
    for (int i = 0; i < 200; ++i) {
        auto one = reliable.publish_async("deploy.many", body_, to("a", late));
        ASSERT_TRUE(one) << one.error().sentence;
        pending.push_back(std::move(*one));
    }
    EXPECT_EQ(reliable.waiting(), 200U);
    may_return = true;
    for (const PendingAcks& one : pending) EXPECT_TRUE(one.wait()->ok());
}

// Fault: each publishing thread bound one more endpoint, and failed, or "succeeded" with the
// recipient down, where none was left. There is one endpoint here, and it is enough for all.
TEST_F(GilmsgFaults, AnyNumberOfThreadsPublishThroughOneEndpoint) {
    const auto a = consume(*a_, nothing);
    ReliablePublisher reliable(*git_);
    std::atomic<int> acknowledged{0}, named_b{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                if (reliable.try_publish("deploy.one", body_, to("a", late))) ++acknowledged;
                const auto down = reliable.try_publish("deploy.two", body_, to("a, b", soon));
                if (!down && down.error().outcome && !down.error().outcome->ok()) ++named_b;
            });
        }
    }
    EXPECT_EQ(acknowledged, 8);
    EXPECT_EQ(named_b, 8);
    EXPECT_EQ(git_->publisher().bound(), "tcp://127.0.0.1:1");
}

// Fault: after a timeout its thread and its sockets stayed, and the process could not end.
TEST_F(GilmsgFaults, NothingIsLeftOfAPublishThatTimedOut) {
    ReliablePublisher reliable(*git_);
    ASSERT_FALSE(reliable.try_publish("deploy.first", body_, to("a", soon)));
    const std::size_t threads = entries("/proc/self/task"), files = entries("/proc/self/fd");

    std::vector<PendingAcks> pending;
    for (int i = 0; i < 50; ++i) {
        const auto one = reliable.publish_async("deploy.more", body_, to("a, b", soon));
        ASSERT_TRUE(one);
        pending.push_back(*one);
    }
    for (const PendingAcks& one : pending) EXPECT_FALSE(one.wait()->ok());

    EXPECT_EQ(reliable.waiting(), 0U);
    EXPECT_EQ(entries("/proc/self/task"), threads);
    EXPECT_EQ(entries("/proc/self/fd"), files);
}

// Fault: the failure told how many had answered, and not who.
TEST_F(GilmsgFaults, TheFailureSaysWhatEachRecipientDid) {
    const auto a = consume(*a_, nothing);
    ReliablePublisher reliable(*git_);

    const auto failed = reliable.try_publish("deploy.one", body_, to("a, b", soon));

    ASSERT_FALSE(failed);
    const auto& answers = failed.error().outcome->answers();
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].name, "a");
    EXPECT_EQ(answers[0].state, State::acknowledged);
    EXPECT_EQ(answers[1].name, "b");
    EXPECT_EQ(answers[1].state, State::unknown);
    EXPECT_THAT(failed.error().sentence, HasSubstr("b did not answer"));
}

// Fault: sent once, with no second try. Who comes within the time has it all the same.
TEST_F(GilmsgFaults, ARecipientThatComesLaterIsStillReached) {
    ReliablePublisher reliable(*git_);
    const auto pending = reliable.publish_async("deploy.one", body_, to("a", late));
    ASSERT_TRUE(pending);
    ASSERT_TRUE(eventually([&] { return reliable.stats().sent_again > 0; }));
    EXPECT_FALSE(pending->done());

    const auto a = consume(*a_, nothing);
    EXPECT_TRUE(pending->wait()->ok());
}

// Fault: a replayed ACK with the same message id counted.
TEST_F(AckTrackerTest, GilmsgFaultAReplayedAckOfTheSameIdDoesNotCountForAnotherPublish) {  // A2
    publish(1, "a");
    ack(1, "a");
    EXPECT_THAT(verdicts(), ElementsAre("1 acknowledged"));
    // The very same message once more: id, bytes and publisher are equal, the nonce is not.
    AckSubject again = subject(1);
    again.nonce = nonce_of(2);
    ASSERT_TRUE(open(2, "a"));
    tracker_.bind(again.nonce, std::make_shared<const SentMessage>(
                                   SentMessage{"org.weft.dev.deploy", "content", again}));

    ack(1, "a");
    tick(seconds{1});
    EXPECT_THAT(verdicts(), ElementsAre("2 unknown"));
    EXPECT_EQ(tracker_.stats().acks_unmatched, 1U);
}

// Fault: the ACK itself was lost if nobody listened yet, and never said again. The recipient
// repeats it whenever the message comes again, and handles the message once.
TEST_F(GilmsgFaults, ALostAckIsSaidAgainAndTheWorkIsNotDoneAgain) {
    std::atomic<int> handled{0};
    AckResponder responder({.name = "a"});
    AckCall call;
    call.subject.nonce = nonce_of(1);
    call.publisher = "git";
    call.level = AckLevel::processed;
    call.timeout = late;
    call.time_us = clock_.utc_us();
    const Now now{seconds{1}, clock_.utc_us()};
    ASSERT_TRUE(responder.on_arrival(call, now).deliver);
    ++handled;
    ASSERT_TRUE(responder.on_processed(call.subject.nonce, now));  // … and it is lost.

    call.repeated = true;
    const auto again = responder.on_arrival(call, now);
    EXPECT_FALSE(again.deliver);
    ASSERT_TRUE(again.ack);
    EXPECT_EQ(again.ack->level, AckLevel::processed);
}

// Fault: every ACK went to the whole bus.
TEST_F(GilmsgFaults, AcksGoToTheirPublisherAlone) {
    const auto a = consume(*a_, nothing);
    ReliablePublisher reliable(*git_), other(*b_);
    ASSERT_TRUE(other.try_publish("deploy.other", body_, to("a", late)));

    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(reliable.try_publish("deploy.one", body_, to("a", late)));
    }
    // Its own may be said more than once on a busy machine; those for git would be 20 more.
    EXPECT_GE(reliable.ack_stats().acks + 1, 20U);
    EXPECT_LT(other.ack_stats().acks, 20U);
}

// Fault: a recipient was one host's name; no groups, no "any of".
TEST_F(GilmsgFaults, OneOfSeveralMayBeEnough) {
    const auto b = consume(*b_, nothing);
    Settings settings;
    settings.groups.emplace("web", "a, b");
    ReliablePublisher reliable(*git_, settings);

    EXPECT_TRUE(reliable.try_publish("deploy.one", body_, to("any(a, b)", late)));
    const auto group = reliable.try_publish("deploy.two", body_, to("web", soon));
    ASSERT_FALSE(group);
    EXPECT_THAT(missing(*group.error().outcome), ElementsAre("a"));
}

// Fault: the clock started after the pauses before the publish, and recipients never learnt until
// when they were waited for.
TEST_F(GilmsgFaults, TheMessageSaysUntilWhenItIsWaitedFor) {
    std::mutex mutex;
    std::vector<microseconds> timeouts;
    const auto a = consume(*a_, [&](const Delivery& delivery) {
        AckRequest request;
        if (!decode_request(delivery.message().ack_request(), request)) return;
        const std::scoped_lock lock(mutex);
        timeouts.push_back(request.timeout);
    });
    ReliablePublisher reliable(*git_);

    const auto receipt = reliable.try_publish("deploy.one", body_, to("a", late));

    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->outcome->about().timeout, late);
    const std::scoped_lock lock(mutex);
    EXPECT_THAT(timeouts, ElementsAre(microseconds{late}));
}

}  // namespace
}  // namespace weft::reliability
