// A consumer that acknowledges, over the in-process transport: what it says, when, and how often.

#include "reliability/ack_consumer.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "reliability/reliable_publisher.hpp"
#include "tests/unit/reliability/reliable_world.hpp"

namespace weft::reliability {
namespace {

using fabric::Body;
using fabric::OpenFailed;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Verdict = Outcome::Verdict;

const std::string topic = "org.weft.dev.deploy";

/// git publishes to a. Sends again fast, so that repetitions are part of every test.
class Consuming : public ReliableWorld {
protected:
    Consuming() {
        for (const char* name : {"git", "a"}) issue(name);
        git_ = open("git");
        reliable_.emplace(*git_.fabric, Settings{}, TrackerLimits{},
                          RetrySettings{.first = milliseconds{2}, .longest = milliseconds{20}});
    }
    void consume(AckConsumer::Handler handler, ConsumerOptions options = {},
                 const fabric::Clock* clock = nullptr) {
        a_ = open("a", "", clock);
        consumer_.emplace(*a_.fabric, std::vector<std::string>{"**"}, std::move(handler),
                          std::move(options));
        ASSERT_TRUE(git_.fabric->publisher().wait_for_subscriber(topic, patience));
    }
    PendingAcks publish(const std::string& text, AckLevel level = AckLevel::processed,
                        milliseconds timeout = long_timeout, const std::string& who = "a") {
        ReliableOptions options;
        options.recipients = who;
        options.level = level;
        options.ack_timeout = timeout;
        auto made = reliable_->publish_async("deploy", Body::text(text).view(), options);
        if (!made) throw std::runtime_error(made.error().sentence);
        return *made;
    }
    static std::string text_of(const Delivery& delivery) {
        return std::string{delivery.message().body()};
    }
    [[nodiscard]] ConsumerStats stats() const { return consumer_->stats(); }

    Party git_, a_;
    std::optional<ReliablePublisher> reliable_;
    Seen<std::string> handled_;
    std::optional<AckConsumer> consumer_;
};

TEST_F(Consuming, LeavesStoredToTheJournalIfItIsToldTo) {
    ConsumerOptions options;
    options.leaves_stored = true;
    consume(
        [&](const Delivery& delivery) {
            EXPECT_FALSE(delivery.asked());
            handled_.add(text_of(delivery));
        },
        std::move(options));
    EXPECT_EQ(publish("kept", AckLevel::stored, milliseconds{100}).wait()->verdict(),
              Verdict::unknown);
    ASSERT_TRUE(handled_.wait_for(1));
    EXPECT_THAT(handled_.all(), ElementsAre("kept")) << "once, however often it came";
    EXPECT_EQ(stats().responder.rejections, 0U);
}

TEST_F(Consuming, AHandlerThatThrowsRejectsWithTheText) {
    consume([](const Delivery& delivery) {
        if (text_of(delivery) == "bad") throw std::runtime_error("disk\nfull");
        if (text_of(delivery) == "worse") throw 1;
    });

    const auto bad = publish("bad").wait(), worse = publish("worse").wait();
    const auto good = publish("good").wait();

    EXPECT_EQ(bad->verdict(), Verdict::rejected);
    EXPECT_EQ(bad->answers()[0].reason, "the consumer failed: disk\nfull");
    EXPECT_EQ(bad->sentence().find('\n'), std::string::npos) << bad->sentence();
    EXPECT_EQ(worse->verdict(), Verdict::rejected);
    EXPECT_TRUE(good->ok());
    EXPECT_TRUE(a_.warned("threw at message"));
    EXPECT_TRUE(eventually([&] { return stats().handled == 1; }));
    EXPECT_EQ(stats().failed, 2U);
}

TEST_F(Consuming, WhatAHandlerPublishesHasItsMessageAsParentUnlessItSaysOtherwise) {
    using Parent = std::optional<fabric::MessageId>;
    const fabric::MessageId other = fabric::MessageId::make(1);
    Seen<Parent> parents;
    issue("b");
    const Party b = open("b");
    fabric::SubscriberHooks hooks;
    hooks.deliver = [&](const fabric::Message& message) { parents.add(message.parent()); };
    const auto watching = b.fabric->subscribe({"org.weft.dev.answer"}, std::move(hooks));
    consume([&](const Delivery& delivery) {
        if (delivery.message().topic() != topic) return;
        a_.fabric->publish("answer", Body::text("automatic"));
        a_.fabric->publish("answer", Body::text("explicit"), {.parent = other, .headers = {}});
        a_.fabric->publish("answer", Body::text("none"),
                           {.parent = fabric::MessageId{}, .headers = {}});
    });
    ASSERT_TRUE(a_.fabric->publisher().wait_for_subscriber("org.weft.dev.answer", patience));
    const auto cause = publish("go");
    ASSERT_TRUE(cause.wait()->verdict() == Verdict::acknowledged);
    a_.fabric->publish("answer", Body::text("outside of it"));
    ASSERT_TRUE(parents.wait_for(4));
    EXPECT_THAT(parents.all(), ElementsAre(Parent{cause.id()}, Parent{other}, Parent{}, Parent{}));
}

TEST_F(Consuming, AnAnswerMayComeLaterAndFromAnotherThread) {
    ConsumerOptions options;
    options.automatic = false;
    Seen<Delivery> kept;
    consume([&](const Delivery& delivery) { kept.add(delivery); }, options);
    const PendingAcks first = publish("one"), second = publish("two");
    ASSERT_TRUE(kept.wait_for(2));
    ASSERT_TRUE(eventually([&] { return stats().handled == 2; }));
    EXPECT_FALSE(first.done() || second.done());

    std::thread([&] {
        kept.all()[0].ack();
        kept.all()[1].reject("not today");
    }).join();

    EXPECT_TRUE(first.wait()->ok());
    EXPECT_EQ(second.wait()->verdict(), Verdict::rejected);
    EXPECT_EQ(second.wait()->answers()[0].reason, "not today");
}

TEST_F(Consuming, TheFirstWordCounts) {
    consume([&](const Delivery& delivery) {
        if (text_of(delivery) == "no") {
            delivery.reject("no");
            delivery.ack();
        } else {
            delivery.ack();
            delivery.reject("after all");
            throw std::runtime_error("after all");
        }
    });

    EXPECT_EQ(publish("no").wait()->verdict(), Verdict::rejected);
    EXPECT_TRUE(publish("yes").wait()->ok());
}

TEST_F(Consuming, ADeliveryThatOutlivesItsConsumerSaysNothing) {
    ConsumerOptions options;
    options.automatic = false;
    Seen<Delivery> kept;
    consume([&](const Delivery& delivery) { kept.add(delivery); }, options);
    const PendingAcks waits = publish("one");
    ASSERT_TRUE(kept.wait_for(1));

    consumer_.reset();
    a_.fabric.reset();
    kept.all()[0].ack();
    kept.all()[0].reject("late");

    EXPECT_FALSE(waits.done());
    EXPECT_EQ(kept.all()[0].asked(), AckLevel::processed);
    EXPECT_EQ(text_of(kept.all()[0]), "one");
}

TEST_F(Consuming, AnswersFromManyThreadsWhileTheConsumerGoesAwayHarmNobody) {
    ConsumerOptions options;
    options.automatic = false;
    Seen<Delivery> kept;
    consume([&](const Delivery& delivery) { kept.add(delivery); }, options);
    for (int i = 0; i < 200; ++i) publish(std::to_string(i));
    ASSERT_TRUE(kept.wait_for(200));
    std::vector<std::jthread> answering;
    for (int t = 0; t < 3; ++t) {
        answering.emplace_back([&] {
            for (const Delivery& delivery : kept.all()) delivery.ack();
        });
    }

    consumer_.reset();
    a_.fabric.reset();
}

TEST_F(Consuming, WhatFindsTheQueueFullIsDeliveredWithARepetitionAndHandledOnce) {
    Gate gate;
    ConsumerOptions options;
    options.queue_max = 1;
    consume(
        [&](const Delivery& delivery) {
            handled_.add(text_of(delivery));
            gate.pass();
        },
        options);
    std::vector<PendingAcks> all;
    for (const char* text : {"1", "2", "3", "4", "5"}) {
        all.push_back(
            publish(text, std::string{text} > "3" ? AckLevel::received : AckLevel::processed));
    }
    ASSERT_TRUE(eventually([&] { return stats().dropped >= 3; }));

    gate.open();

    for (const PendingAcks& one : all) EXPECT_TRUE(one.wait()->ok()) << one.wait()->sentence();
    ASSERT_TRUE(eventually([&] { return stats().handled == 5; }));
    EXPECT_THAT(handled_.all(), UnorderedElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(Consuming, RepetitionsAreAnsweredAndNotHandledAgain) {
    Gate gate;
    consume([&](const Delivery& delivery) {
        handled_.add(text_of(delivery));
        gate.pass();
    });
    const PendingAcks waits = publish("once");
    ASSERT_TRUE(eventually([&] { return stats().responder.repeated >= 3; }));

    gate.open();

    EXPECT_TRUE(waits.wait()->ok());
    // One more goes through after all of its repetitions.
    EXPECT_TRUE(publish("then").wait()->ok());
    EXPECT_THAT(handled_.all(), ElementsAre("once", "then"));
}

TEST_F(Consuming, WhatComesAfterItsDeadlineIsRejectedAndNotHandled) {
    shifted_.shift(std::chrono::seconds{10});
    consume([&](const Delivery& delivery) { handled_.add(text_of(delivery)); }, {}, &shifted_);

    const auto late = publish("late", AckLevel::processed, milliseconds{5000}).wait();
    const auto good = publish("good").wait();

    EXPECT_EQ(late->verdict(), Verdict::rejected);
    EXPECT_THAT(late->sentence(), HasSubstr("late"));
    EXPECT_TRUE(good->ok());
    EXPECT_THAT(handled_.all(), ElementsAre("good"));
    EXPECT_GE(stats().responder.late, 1U);
}

TEST_F(Consuming, WhatWaitedBeyondItsDeadlineIsNotHandled) {
    Gate gate;
    consume(
        [&](const Delivery& delivery) {
            handled_.add(text_of(delivery));
            gate.pass();
        },
        {}, &shifted_);
    const PendingAcks first = publish("first");
    ASSERT_TRUE(handled_.wait_for(1));
    const PendingAcks second = publish("second", AckLevel::processed, milliseconds{5000});
    ASSERT_TRUE(eventually([&] { return stats().responder.delivered == 2; }));

    shifted_.pass(std::chrono::seconds{10});
    gate.open();

    EXPECT_TRUE(first.wait()->ok());
    EXPECT_FALSE(second.wait()->ok());
    EXPECT_TRUE(publish("third").wait()->ok());
    EXPECT_THAT(handled_.all(), ElementsAre("first", "third"));
    EXPECT_EQ(stats().responder.late, 1U);
}

TEST_F(Consuming, WhoeverOnlyAsksForReceivedIsHandledHoweverLate) {
    Gate gate;
    consume(
        [&](const Delivery& delivery) {
            handled_.add(text_of(delivery));
            gate.pass();
        },
        {}, &shifted_);
    const PendingAcks first = publish("first");
    ASSERT_TRUE(handled_.wait_for(1));
    EXPECT_TRUE(publish("second", AckLevel::received, milliseconds{5000}).wait()->ok());

    shifted_.pass(std::chrono::seconds{10});
    gate.open();

    EXPECT_TRUE(first.wait()->ok());
    EXPECT_TRUE(publish("third").wait()->ok());
    EXPECT_THAT(handled_.all(), ElementsAre("first", "second", "third"));
}

TEST_F(Consuming, StoppingHandlesWhatIsThereAndThenNothingMore) {
    Gate gate;
    consume([&](const Delivery& delivery) {
        handled_.add(text_of(delivery));
        gate.pass();
    });
    const PendingAcks first = publish("first"), second = publish("second");
    ASSERT_TRUE(eventually([&] { return stats().responder.delivered == 2; }));
    std::jthread opener([&] { gate.open(); });

    consumer_->stop(patience);

    EXPECT_THAT(handled_.all(), ElementsAre("first", "second"));
    EXPECT_TRUE(first.wait()->ok());
    EXPECT_TRUE(second.wait()->ok());
    EXPECT_EQ(stats().left, 0U);
}

TEST_F(Consuming, StoppingWithoutTimeCountsWhatIsLeftAndSaysNothingAboutIt) {
    Gate gate;
    consume([&](const Delivery& delivery) {
        handled_.add(text_of(delivery));
        gate.pass();
    });
    const PendingAcks first = publish("first"), second = publish("second");
    ASSERT_TRUE(eventually([&] { return stats().responder.delivered == 2; }));
    ASSERT_TRUE(handled_.wait_for(1));
    std::jthread opener([&] { gate.open(); });

    consumer_->stop();

    // The handler may have come to the second one before it was told to stop.
    EXPECT_EQ(stats().handled + stats().left, 2U);
    EXPECT_TRUE(first.wait()->ok());
    if (stats().left > 0) {
        EXPECT_THAT(handled_.all(), ElementsAre("first"));
        EXPECT_FALSE(second.done());
    }
}

TEST_F(Consuming, WhatAsksSomebodyElseOrNobodyIsHandledWithoutAWord) {
    Seen<bool> asked;
    consume([&](const Delivery& delivery) {
        asked.add(delivery.asked().has_value());
        delivery.ack();
        delivery.reject("unasked");
    });

    const PendingAcks waits = publish("for b", AckLevel::processed, short_timeout, "b");
    static_cast<void>(git_.fabric->publish("deploy", Body::text("for nobody")));

    EXPECT_EQ(waits.wait()->verdict(), Verdict::unknown);
    ASSERT_TRUE(asked.wait_for(2));
    EXPECT_THAT(asked.all(), ElementsAre(false, false));
    EXPECT_EQ(a_.fabric->publisher().stats().accepted, 0U);
}

TEST_F(Consuming, ARequestThatIsNoneIsCountedAndTheMessageHandled) {
    consume([&](const Delivery& delivery) {
        handled_.add(text_of(delivery));
        EXPECT_FALSE(delivery.asked());
    });
    issue("mallory");
    auto port = mallory("");
    for (const std::string& request : {std::string{"\xC3"}, std::string{"\x94\xC0\xC0\xC0\xC0"}}) {
        fabric::ContentHeader header = fabric::sample_header();
        header.id = fabric::MessageId::make(handled_.all().size());
        header.seq = handled_.all().size() + 1;
        header.time_us = clock_.utc_us();
        header.content_type = "text/plain";
        header.ack = request;
        const auto before = handled_.all().size();
        const auto frames =
            support::sign(identity_of("mallory"), topic, {fabric::encoded(header, "x")});
        port->send(frames.topic, frames.contents, frames.proof);
        ASSERT_TRUE(handled_.wait_for(before + 1));
    }

    EXPECT_EQ(stats().requests_malformed, 2U);
}

TEST_F(Consuming, WhoIsNoJournalRejectsStored) {
    consume([&](const Delivery& delivery) { handled_.add(text_of(delivery)); });

    const auto outcome = publish("x", AckLevel::stored).wait();

    EXPECT_EQ(outcome->verdict(), Verdict::rejected);
    EXPECT_THAT(outcome->sentence(), HasSubstr("no journal"));
    EXPECT_THAT(handled_.all(), SizeIs(0));
}

// A1: another one's ACK topic is none of a publisher's business.
TEST_F(Consuming, AcksAreNotHandledAsMessages) {
    consume([&](const Delivery& delivery) { handled_.add(text_of(delivery)); });
    issue("b");
    auto b = open("b");
    const AckConsumer other(*b.fabric, {"**"},
                            [&](const Delivery& delivery) { handled_.add(text_of(delivery)); });

    EXPECT_TRUE(publish("x", AckLevel::processed, long_timeout, "a, b").wait()->ok());

    EXPECT_THAT(handled_.all(), ElementsAre("x", "x"));
}

// D2, A1: said at the start, not by silence.
TEST_F(Consuming, ItNeedsItsRoleSigningAndValidation) {
    const auto why_not = [&](const std::string& name, const std::string& more) {
        const Party party = open(name, more);
        try {
            const AckConsumer consumer(*party.fabric, {"**"}, [](const Delivery&) {});
        } catch (const OpenFailed& failed) {
            return std::string{failed.what()};
        }
        return std::string{};
    };
    issue("b", {signing::Role::publish});

    EXPECT_THAT(why_not("b", ""), HasSubstr("acknowledging: our own certificate 'b'"));
    EXPECT_THAT(why_not("a", "signing: { validate: false }"), HasSubstr("signing.validate"));
    EXPECT_THAT(why_not("a", "signing: { sign: false }"), HasSubstr("signing.sign"));
    EXPECT_EQ(why_not("a", ""), "");
}

}  // namespace
}  // namespace weft::reliability
