// Publishes that must be heard, over the in-process transport: how each of them ends, and that it
// ends once.

#include "reliability/reliable_publisher.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "reliability/ack_consumer.hpp"
#include "tests/unit/reliability/reliable_world.hpp"

namespace weft::reliability {
namespace {

using fabric::Body;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using Reason = PublishFailure::Reason;
using Verdict = Outcome::Verdict;
using State = RecipientAnswer::State;

const std::string topic = "org.weft.dev.deploy";

ReliableOptions asking(Who recipients, AckLevel level = AckLevel::received,
                       std::optional<milliseconds> timeout = long_timeout) {
    ReliableOptions options;
    options.recipients = std::move(recipients);
    options.level = level;
    options.ack_timeout = timeout;
    return options;
}

class Reliable : public ReliableWorld {
protected:
    Reliable() {
        for (const char* name : {"git", "a", "b"}) issue(name);
        git_ = open("git");
    }

    /// A party that handles everything, from now on.
    struct Consumer {
        Party party;
        std::unique_ptr<AckConsumer> consumer;
    };
    Consumer consumer(
        const std::string& name, AckConsumer::Handler handler = [](const auto&) {},
        ConsumerOptions options = {}) {
        Consumer made{open(name), nullptr};
        made.consumer =
            std::make_unique<AckConsumer>(*made.party.fabric, std::vector<std::string>{"**"},
                                          std::move(handler), std::move(options));
        return made;
    }
    ReliablePublisher& reliable(TrackerLimits limits = {}, RetrySettings retries = {},
                                Settings settings = {}) {
        reliable_.emplace(*git_.fabric, std::move(settings), limits, retries);
        return *reliable_;
    }
    tl::expected<Receipt, PublishFailure> publish(const ReliableOptions& options) {
        return reliable_->try_publish("deploy", body_.view(), options);
    }
    PendingAcks pending(const ReliableOptions& options, ReliablePublisher::OnSettled settled = {}) {
        auto made = reliable_->publish_async("deploy", body_.view(), options, std::move(settled));
        if (!made) throw std::runtime_error(made.error().sentence);
        return *made;
    }

    Party git_;
    std::optional<ReliablePublisher> reliable_;
    Body body_{{"version", "1.4"}};
};

TEST_F(Reliable, WhatEveryRecipientAcknowledgedIsASuccessAtEitherLevel) {
    const Consumer a = consumer("a"), b = consumer("b");
    reliable();

    for (const AckLevel level : {AckLevel::received, AckLevel::processed}) {
        const auto receipt = publish(asking({"a", "b"}, level));

        ASSERT_TRUE(receipt) << receipt.error().sentence;
        EXPECT_FALSE(receipt->id.is_none());
        EXPECT_EQ(receipt->outcome->about().id, receipt->id);
        EXPECT_EQ(receipt->outcome->about().topic, topic);
        ASSERT_THAT(receipt->outcome->answers(), SizeIs(2));
        for (const RecipientAnswer& answer : receipt->outcome->answers()) {
            EXPECT_EQ(answer.state, State::acknowledged);
            EXPECT_EQ(answer.level, level);
        }
    }
    EXPECT_EQ(reliable_->waiting(), 0U);
}

TEST_F(Reliable, ProcessedIsSaidOnceTheHandlerHasReturnedAndNotBefore) {
    Gate gate;
    Seen<int> started;
    const Consumer a = consumer("a", [&](const Delivery&) {
        started.add(1);
        gate.pass();
    });
    reliable({}, {.first = milliseconds{1}, .longest = milliseconds{2}});
    const PendingAcks waits = pending(asking("a", AckLevel::processed));
    ASSERT_TRUE(started.wait_for(1));
    // The repetitions are answered: we live. That is not what was asked for.
    ASSERT_TRUE(eventually([&] { return reliable_->stats().acks_too_weak > 2; }));
    EXPECT_FALSE(waits.done());
    EXPECT_EQ(waits.wait_for(milliseconds{0}), nullptr);

    gate.open();

    EXPECT_TRUE(waits.wait()->ok()) << waits.wait()->sentence();
}

TEST_F(Reliable, NobodyThereIsUnknownAtTheDeadlineAndNamed) {
    reliable();

    const auto receipt = publish(asking("a", AckLevel::received, short_timeout));

    ASSERT_FALSE(receipt);
    const PublishFailure& failure = receipt.error();
    EXPECT_EQ(failure.reason, Reason::not_acknowledged);
    ASSERT_NE(failure.outcome, nullptr);
    EXPECT_EQ(failure.outcome->verdict(), Verdict::unknown);
    EXPECT_GE(failure.outcome->about().elapsed, short_timeout);
    EXPECT_GT(failure.outcome->about().resent, 0U);
    EXPECT_EQ(failure.outcome->answers().front().state, State::unknown);
    EXPECT_THAT(failure.sentence,
                AllOf(HasSubstr(topic), HasSubstr("within 300 ms: a did not answer")));
}

TEST_F(Reliable, OfTwoRecipientsTheSilentOneIsNamed) {
    const Consumer a = consumer("a");
    reliable();

    const auto receipt = publish(asking({"a", "b"}, AckLevel::processed, milliseconds{2000}));

    ASSERT_FALSE(receipt);
    const auto& answers = receipt.error().outcome->answers();
    ASSERT_THAT(answers, SizeIs(2));
    EXPECT_EQ(answers[0].state, State::acknowledged);
    EXPECT_EQ(answers[1].state, State::unknown);
    EXPECT_THAT(receipt.error().sentence,
                AllOf(HasSubstr("b did not answer"), HasSubstr("a processed it after")));
}

TEST_F(Reliable, OneOfAnyIsEnoughAndSoAreTwoOfThree) {
    const Consumer a = consumer("a"), b = consumer("b");
    reliable({}, {}, {.groups = {{"hosts", "2 of (a, b, ghost)"}}, .journals = {}});

    EXPECT_TRUE(publish(asking("any(ghost, b)")));
    EXPECT_TRUE(publish(asking("hosts")));
    EXPECT_TRUE(publish(asking(all("a", any("ghost", "b")))));
    EXPECT_FALSE(publish(asking("3 of (a, b, ghost)", AckLevel::received, short_timeout)));
}

TEST_F(Reliable, EnoughRejectionsEndTheWaitLongBeforeItsDeadline) {
    const Consumer a =
        consumer("a", [](const Delivery& delivery) { delivery.reject("no such host here"); });
    const Consumer b = consumer("b");
    reliable();

    const auto both = publish(asking({"a", "b"}, AckLevel::processed));
    const auto either = publish(asking("any(a, b)", AckLevel::processed));

    ASSERT_FALSE(both);
    EXPECT_EQ(both.error().outcome->verdict(), Verdict::rejected);
    EXPECT_EQ(both.error().outcome->answers()[0].reason, "no such host here");
    EXPECT_THAT(both.error().sentence, HasSubstr("(no such host here)"));
    EXPECT_TRUE(either) << either.error().sentence;
}

TEST_F(Reliable, APublisherMayNameItself) {
    const AckConsumer own(*git_.fabric, {"**"}, [](const Delivery&) {});
    reliable();

    const auto receipt = publish(asking("git", AckLevel::processed));

    EXPECT_TRUE(receipt) << receipt.error().sentence;
}

TEST_F(Reliable, WithoutRecipientsItWarnsAndPublishesLikeAnyOtherMessage) {
    auto c = open("c");
    const auto subscription = c.fabric->subscribe({"deploy"});
    reliable();
    ASSERT_TRUE(git_.fabric->publisher().wait_for_subscriber(topic, patience));

    Seen<Verdict> settled;
    const PendingAcks done =
        pending({}, [&](const Outcome& outcome) { settled.add(outcome.verdict()); });
    const auto receipt = publish({});

    EXPECT_TRUE(done.done());
    EXPECT_EQ(done.wait(), nullptr);
    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->outcome, nullptr);
    EXPECT_THAT(settled.all(), SizeIs(0));
    EXPECT_TRUE(git_.warned("no recipients were named"));
    const auto first = subscription->receive(patience), second = subscription->receive(patience);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(second->id(), receipt->id);
    EXPECT_EQ(second->ack_request(), "");
}

TEST_F(Reliable, WhatCannotBeAskedForIsAnInvalidRequestAndNothingIsSent) {
    reliable();
    const std::vector<std::pair<ReliableOptions, std::string>> wrong{
        {asking("a, any(b"), "bracket is not closed"},
        {asking("3 of (a, b)"), "3"},
        {asking("A"), "'A'"},
        {asking("a", AckLevel::rejected), "ask for received, stored or processed"},
        {asking("a", AckLevel::received, milliseconds{0}), "more than 0 and at most 24h"},
        {asking("a", AckLevel::received, milliseconds{-5}), "more than 0 and at most 24h"},
        {asking("a", AckLevel::received, std::chrono::hours{25}), "at most 24h"},
        {asking("a", AckLevel::received, milliseconds::max()), "at most 24h"},
    };

    for (const auto& [options, why] : wrong) {
        const auto receipt = publish(options);
        ASSERT_FALSE(receipt) << why;
        EXPECT_EQ(receipt.error().reason, Reason::invalid_request);
        EXPECT_THAT(receipt.error().sentence, HasSubstr(why));
        EXPECT_EQ(receipt.error().outcome, nullptr);
    }
    EXPECT_EQ(git_.fabric->publisher().stats().accepted, 0U);
    EXPECT_EQ(reliable_->stats().opened, 0U);
}

TEST_F(Reliable, WhatTheFabricRefusesWaitsForNobody) {
    reliable();

    const auto receipt =
        reliable_->try_publish("ack.b", body_.view(), asking("a", AckLevel::received));

    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().reason, Reason::not_published);
    ASSERT_TRUE(receipt.error().publish_error);
    EXPECT_THAT(receipt.error().sentence, HasSubstr("carry acknowledgements"));
    EXPECT_EQ(reliable_->waiting(), 0U);
}

TEST_F(Reliable, PublishThrowsWithTheWholeFailure) {
    reliable();

    try {
        reliable_->publish("deploy", body_, asking("a", AckLevel::received, short_timeout));
        FAIL() << "it returned";
    } catch (const ReliablePublishFailed& failed) {
        EXPECT_EQ(failed.failure().outcome->verdict(), Verdict::unknown);
        EXPECT_THAT(failed.what(), HasSubstr("a did not answer"));
    }
}

TEST_F(Reliable, TooManyWaitingIsSaidAtOnceUntilOneEnds) {
    reliable({.waits_max = 2});
    const PendingAcks first = pending(asking("a")), second = pending(asking("a"));

    const auto third = publish(asking("a"));

    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().reason, Reason::too_many_waiting);
    EXPECT_THAT(third.error().sentence, HasSubstr("Nothing was published"));
    EXPECT_EQ(reliable_->stats().opened, 2U);
    const Consumer a = consumer("a");
    EXPECT_TRUE(first.wait()->ok());
    EXPECT_TRUE(second.wait()->ok());
    EXPECT_TRUE(publish(asking("a")));
}

TEST_F(Reliable, TooManyBytesWaitingIsSaidAtOnce) {
    reliable({.bytes_max = 4000});
    const Body large = Body::text(std::string(3000, 'x'));
    const auto first = reliable_->publish_async("deploy", large.view(), asking("a"));
    const auto second = reliable_->publish_async("deploy", large.view(), asking("a"));

    ASSERT_TRUE(first);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason, Reason::too_many_waiting);
}

TEST_F(Reliable, ClosingEndsEverythingThatWaitsAsAbortedAndNothingIsPublishedAnyMore) {
    reliable();
    Seen<Verdict> settled;
    std::vector<PendingAcks> all;
    for (int i = 0; i < 5; ++i) {
        all.push_back(
            pending(asking("a"), [&](const Outcome& outcome) { settled.add(outcome.verdict()); }));
    }
    std::jthread waiter([&] { EXPECT_EQ(all[4].wait()->verdict(), Verdict::aborted); });

    reliable_->close();
    reliable_->close();

    for (const PendingAcks& one : all) {
        EXPECT_TRUE(one.done());
        EXPECT_EQ(one.wait()->verdict(), Verdict::aborted);
        EXPECT_THAT(one.wait()->sentence(), HasSubstr("when its publisher was closed"));
    }
    EXPECT_THAT(settled.all(), AllOf(SizeIs(5), Each(Verdict::aborted)));
    for (const ReliableOptions& options : {asking("a"), ReliableOptions{}}) {
        const auto later = publish(options);
        ASSERT_FALSE(later);
        EXPECT_EQ(later.error().reason, Reason::not_published);
        EXPECT_THAT(later.error().sentence, HasSubstr("closed"));
    }
    EXPECT_EQ(reliable_->stats().opened, 5U);
}

TEST_F(Reliable, AHandleOutlivesItsPublisher) {
    reliable();
    Seen<Verdict> settled;
    const PendingAcks waits =
        pending(asking("a"), [&](const Outcome& outcome) { settled.add(outcome.verdict()); });

    reliable_.reset();
    git_.fabric.reset();

    EXPECT_TRUE(waits.done());
    EXPECT_EQ(waits.wait()->verdict(), Verdict::aborted);
    EXPECT_THAT(settled.all(), testing::ElementsAre(Verdict::aborted));
}

TEST_F(Reliable, ACallbackThatThrowsIsWarnedOfAndHarmsNobody) {
    const Consumer a = consumer("a");
    reliable();

    const PendingAcks first =
        pending(asking("a"), [](const Outcome&) { throw std::runtime_error("no\nidea"); });
    const PendingAcks second = pending(asking("a"), [](const Outcome&) { throw 1; });

    EXPECT_TRUE(first.wait()->ok());
    EXPECT_TRUE(second.wait()->ok());
    EXPECT_TRUE(git_.warned("on_settled of " + first.id().text() + " threw: no\\x0aidea") ||
                git_.warned("on_settled of " + first.id().text() + " threw: no\\nidea"));
    EXPECT_TRUE(git_.warned("on_settled of " + second.id().text() + " threw"));
    EXPECT_TRUE(publish(asking("a")));
}

TEST_F(Reliable, ACallbackMayPublishAgain) {
    const Consumer a = consumer("a");
    reliable();
    Seen<Verdict> settled;

    pending(asking("a"), [&](const Outcome& outcome) {
        settled.add(outcome.verdict());
        static_cast<void>(
            reliable_->publish_async("deploy", body_.view(), asking("a"),
                                     [&](const Outcome& next) { settled.add(next.verdict()); }));
    });

    ASSERT_TRUE(settled.wait_for(2));
    EXPECT_THAT(settled.all(), Each(Verdict::acknowledged));
}

// A3: each publish has a set of its own, whoever publishes meanwhile.
TEST_F(Reliable, ThousandsInFlightFromSeveralThreadsEndOnceEach) {
    constexpr int threads = 4, each = 600;
    const Consumer a = consumer("a"), b = consumer("b");
    reliable();
    std::atomic<int> calls{0}, acknowledged{0}, wrong{0};
    std::vector<std::vector<PendingAcks>> all(threads);
    {
        std::vector<std::jthread> publishing;
        for (int t = 0; t < threads; ++t) {
            publishing.emplace_back([&, t] {
                for (int i = 0; i < each; ++i) {
                    const char* const who = i % 3 == 0   ? "a"
                                            : i % 3 == 1 ? "any(b, ghost)"
                                                         : "a, b";
                    const AckLevel level = i % 2 == 0 ? AckLevel::received : AckLevel::processed;
                    auto made =
                        reliable_->publish_async("deploy.t" + std::to_string(t), body_.view(),
                                                 asking(who, level), [&](const Outcome& outcome) {
                                                     ++calls;
                                                     if (outcome.ok()) ++acknowledged;
                                                 });
                    ASSERT_TRUE(made) << made.error().sentence;
                    all[static_cast<std::size_t>(t)].push_back(*made);
                }
            });
        }
    }
    for (const auto& of_thread : all) {
        for (const PendingAcks& one : of_thread) {
            const auto outcome = one.wait();
            if (!outcome->ok() || outcome->about().id != one.id()) {
                ++wrong;
                ADD_FAILURE() << outcome->sentence();
                return;
            }
        }
    }

    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(eventually([&] { return calls == threads * each; }));
    EXPECT_EQ(acknowledged, threads * each);
    EXPECT_EQ(reliable_->waiting(), 0U);
    EXPECT_EQ(reliable_->stats().acknowledged, static_cast<std::uint64_t>(threads) * each);
    // Every message was handled once by each, however often it was sent again.
    EXPECT_TRUE(eventually([&] {
        return a.consumer->stats().handled == static_cast<std::uint64_t>(threads) * each;
    })) << a.consumer->stats().handled;
}

TEST_F(Reliable, ClosingAmidPublishingThreadsSettlesWhatTheyWereGiven) {
    reliable();
    std::atomic<int> given{0}, settled{0};
    std::vector<std::jthread> publishing;
    for (int t = 0; t < 3; ++t) {
        publishing.emplace_back([&] {
            while (true) {
                auto made = reliable_->publish_async("deploy", body_.view(), asking("a"),
                                                     [&](const Outcome& outcome) {
                                                         EXPECT_FALSE(outcome.ok());
                                                         ++settled;
                                                     });
                if (!made) {
                    EXPECT_EQ(made.error().reason, Reason::not_published);
                    return;
                }
                ++given;
                // On its way out with the rest.
                if (given > 5000) reliable_->close();
            }
        });
    }
    ASSERT_TRUE(eventually([&] { return given > 200; }));

    reliable_->close();
    publishing.clear();

    EXPECT_EQ(given, settled);
    EXPECT_EQ(reliable_->waiting(), 0U);
}

// T5, A2: recipients name us by the certificate that they saw.
TEST_F(Reliable, OurRenewedCertificateBetweenPublishAndAckChangesNothing) {
    Gate gate;
    Seen<int> started;
    const Consumer a = consumer("a", [&](const Delivery&) {
        started.add(1);
        gate.pass();
    });
    reliable();
    const auto before = git_.fabric->publisher().identity();
    const PendingAcks waits = pending(asking("a", AckLevel::processed));
    ASSERT_TRUE(started.wait_for(1));

    issue("git");
    ASSERT_TRUE(eventually([&] { return git_.fabric->publisher().identity() != before; }));
    gate.open();

    EXPECT_TRUE(waits.wait()->ok()) << waits.wait()->sentence();
}

TEST_F(Reliable, WhatIsSentAgainUnderARenewedCertificateIsAcknowledged) {
    reliable();
    const auto before = git_.fabric->publisher().identity();
    const PendingAcks waits = pending(asking("a", AckLevel::processed));

    issue("git");
    ASSERT_TRUE(eventually([&] { return git_.fabric->publisher().identity() != before; }));
    const Consumer a = consumer("a");

    EXPECT_TRUE(waits.wait()->ok()) << waits.wait()->sentence();
    EXPECT_GT(waits.wait()->about().resent, 0U);
}

// T4
TEST_F(Reliable, WithAnOverdueRevocationListItRefusesThoughOrdinaryMessagesGoOn) {
    world_.signing.let_list_expire(support::SigningFixture::now - support::SigningFixture::hour,
                                   signing::WhenListExpired::warn);
    git_ = open("git", "signing: { revocation_expired: warn }");
    reliable();

    const auto receipt = publish(asking("a"));

    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().reason, Reason::not_possible);
    EXPECT_THAT(receipt.error().sentence, HasSubstr("revocation list"));
    EXPECT_TRUE(git_.fabric->try_publish("deploy", body_.view()));
}

// D2
TEST_F(Reliable, WithoutSigningOrValidatingNothingCanBeAcknowledged) {
    for (const char* const what : {"sign", "validate"}) {
        reliable_.reset();
        git_ = {};
        git_ = open("git", std::string{"signing: { "} + what + ": false }");
        reliable();

        const auto receipt = publish(asking("a"));

        ASSERT_FALSE(receipt) << what;
        EXPECT_EQ(receipt.error().reason, Reason::not_possible);
        EXPECT_THAT(receipt.error().sentence,
                    HasSubstr(std::string{"signing."} + what + " is off"));
        EXPECT_EQ(git_.fabric->publisher().stats().accepted, 0U);
    }
}

TEST_F(Reliable, TheDeadlineIsOfTheMonotonicClock) {
    // P7: the calendar jumps both ways while it waits.
    git_ = {};
    git_ = open("git", "", &shifted_);
    reliable();
    const PendingAcks late = pending(asking("a", AckLevel::received, milliseconds{500}));
    const PendingAcks waits = pending(asking("b"));

    shifted_.shift(std::chrono::hours{1});
    EXPECT_EQ(late.wait()->verdict(), Verdict::unknown);
    EXPECT_GE(late.wait()->about().elapsed, milliseconds{500});
    EXPECT_FALSE(waits.done());
    shifted_.shift(-std::chrono::hours{2});
    const Consumer b = consumer("b");

    EXPECT_TRUE(waits.wait()->ok()) << waits.wait()->sentence();
}

}  // namespace
}  // namespace weft::reliability
