#include "gateway/delivery/live_engine.hpp"

#include <atomic>

#include "tests/support/http_receiver.hpp"
#include "tests/support/stored_events.hpp"
#include "tests/unit/gateway/delivery/delivery_world.hpp"

namespace weft::gateway::delivery {
namespace {

using support::HttpReceiver;
using support::ReceivedRequest;
using support::ReceiverDoes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> bodies(const HttpReceiver& receiver) {
    std::vector<std::string> bodies;
    for (const ReceivedRequest& request : receiver.requests()) bodies.push_back(request.body);
    return bodies;
}

class LiveEngineTest : public DeliveryWorld {
protected:
    HttpReceiver receiver_;
};

TEST_F(LiveEngineTest, DeliversWhatIsStoredAfterThePutInOrderAndMovesTheCursor) {
    open();
    store("before");
    ASSERT_TRUE(put(subscription_to(receiver_.url("/hook"))));

    store("a");
    const auto last = store("b");

    ASSERT_TRUE(receiver_.wait_for(2));
    EXPECT_THAT(bodies(receiver_), ElementsAre("a", "b"));
    EXPECT_EQ(receiver_.requests().at(0).line, "POST /hook HTTP/1.1");
    EXPECT_EQ(receiver_.requests().at(0).header("Content-Length"), "1");
    EXPECT_EQ(receiver_.requests().at(0).header("Expect"), "");
    EXPECT_EQ(receiver_.requests().at(0).header("Transfer-Encoding"), "");
    EXPECT_TRUE(eventually([&] {
        const auto cursor = room_.cursors().show("delivery.one");
        return cursor && cursor->position.id == last;
    }));
    EXPECT_EQ(receiver_.connections(), 1U);
    const SubscriptionStatus found = status();
    EXPECT_EQ(found.sent, 2U);
    EXPECT_EQ(found.queued, 0U);
    EXPECT_FALSE(found.oldest_us);
}

TEST_F(LiveEngineTest, ABatchGoesWhenItIsFullAndWhatIsLeftWhenItsTimeoutIsOver) {
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.batching.max = 3;
    subscription.batching.timeout = milliseconds{200};
    ASSERT_TRUE(put(subscription));

    for (const char* body : {"a", "b", "c", "d"}) store(body);

    ASSERT_TRUE(receiver_.wait_for(2));
    EXPECT_THAT(bodies(receiver_), ElementsAre("a\nb\nc", "d"));
}

TEST_F(LiveEngineTest, AFailedBatchGoesAgainUnderItsNameWithTheSameMessages) {
    receiver_.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(request.number < 3 ? 500 : 204, {}, "");
    });
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.batching.max = 2;
    ASSERT_TRUE(put(subscription));

    store("a");
    ASSERT_TRUE(receiver_.wait_for(1));
    for (const char* body : {"b", "c", "d"}) store(body);

    ASSERT_TRUE(receiver_.wait_for(5));
    const auto requests = receiver_.requests();
    EXPECT_THAT(bodies(receiver_), ElementsAre("a", "a", "a", "b\nc", "d"));
    EXPECT_EQ(requests.at(0).header("Delivery"), requests.at(2).header("Delivery"));
    EXPECT_NE(requests.at(0).header("Delivery"), requests.at(3).header("Delivery"));
    EXPECT_EQ(requests.at(2).header("Attempt"), "3");
    ASSERT_TRUE(eventually([&] { return attempts().size() == 5; }));
    EXPECT_EQ(attempts().back().status, 500);
    EXPECT_FALSE(attempts().back().succeeded);
    EXPECT_EQ(status().failures, 2U);
}

TEST_F(LiveEngineTest, AnotherEngineGoesOnAtTheOldestThatIsNotConfirmed) {
    receiver_.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(request.number == 1 ? 200 : 500);
    });
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    for (const char* body : {"a", "b", "c"}) store(body);
    ASSERT_TRUE(receiver_.wait_for(2));
    const auto failed = receiver_.requests().at(1).header("Delivery");

    engine_.reset();
    receiver_.script({});
    const std::size_t before = receiver_.requests().size();
    open();

    ASSERT_TRUE(receiver_.wait_for(before + 2));
    const auto requests = receiver_.requests();
    EXPECT_EQ(requests.at(before).body, "b");
    EXPECT_EQ(requests.at(before).header("Delivery"), failed);
    EXPECT_EQ(requests.at(before + 1).body, "c");
    EXPECT_TRUE(eventually([&] { return status().sent == 3; }));
}

TEST_F(LiveEngineTest, WhatItsKindDoesNotWantIsPassedOverAndOtherTopicsNeverCome) {
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.interests = {{glob("org.weft.dev.a")}, {glob("org.weft.dev.c"), 2, 4}};
    subscription.details = {{"but", "b"}};
    ASSERT_TRUE(put(subscription));

    store("b");
    store("c1", "org.weft.dev.c");  // 2: not after 2
    store("x", "org.weft.dev.x");
    store("c2", "org.weft.dev.c");  // 4
    store("c3", "org.weft.dev.c");  // 5: after `through`
    store("a");

    ASSERT_TRUE(receiver_.wait_for(2));
    EXPECT_THAT(bodies(receiver_), ElementsAre("c2", "a"));
    EXPECT_TRUE(eventually([&] { return status().position == 6; }));
    EXPECT_EQ(status().queued, 0U);
}

TEST_F(LiveEngineTest, OneThatHangsDelaysNoOther) {
    HttpReceiver hanging([](const ReceivedRequest&) { return ReceiverDoes::hang(); });
    settings_.timeout = milliseconds{60'000};
    open();
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(put(subscription_to(hanging.url(), "dead" + std::to_string(i))));
    }
    ASSERT_TRUE(put(subscription_to(receiver_.url())));

    for (int i = 0; i < 50; ++i) store(std::to_string(i));

    EXPECT_TRUE(receiver_.wait_for(50));
    EXPECT_TRUE(hanging.wait_for(5)) << "its own thread may see them later";
    EXPECT_EQ(hanging.requests().size(), 5U) << "one at a time each";
    EXPECT_GE(status("dead0").queued, 50U);
    engine_->stop(milliseconds{0});
}

TEST_F(LiveEngineTest, OneThatHasFailedGoesAgainHoweverMuchOthersHaveToSend) {
    constexpr int busy_messages = 6000;
    struct Counts {
        std::atomic<int> busy{0}, failing{0}, busy_before_retry{-1};
    };
    const auto counts = std::make_shared<Counts>();
    receiver_.script([counts](const ReceivedRequest& request) {
        if (request.body == "busy") {
            ++counts->busy;
        } else if (++counts->failing == 1) {
            return ReceiverDoes::answer(500);
        } else {
            counts->busy_before_retry = counts->busy.load();
        }
        return ReceiverDoes::answer(200);
    });
    settings_.concurrency = 2;
    open();
    Subscription often = subscription_to(receiver_.url(), "often");
    often.interests = {{glob("org.weft.dev.often")}};
    often.ordered = false;
    often.concurrency = 8;
    ASSERT_TRUE(put(often));
    Subscription seldom = subscription_to(receiver_.url(), "seldom");
    seldom.interests = {{glob("org.weft.dev.seldom")}};
    seldom.retry.pauses = {milliseconds{300}};
    ASSERT_TRUE(put(seldom));
    store("x", "org.weft.dev.seldom");
    ASSERT_TRUE(eventually([&] { return status("seldom").failures == 1; }));
    for (int i = 0; i < busy_messages; ++i) store("busy", "org.weft.dev.often");

    ASSERT_TRUE(eventually([&] { return status("seldom").sent == 1; }));
    EXPECT_LT(counts->busy_before_retry, busy_messages);
    engine_->stop(milliseconds{0});
}

TEST_F(LiveEngineTest, RemovingCancelsWhatIsOnItsWayAndTakesTheCursor) {
    receiver_.script([](const ReceivedRequest&) { return ReceiverDoes::hang(); });
    settings_.timeout = milliseconds{60'000};
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    store("a");
    ASSERT_TRUE(receiver_.wait_for(1));

    EXPECT_TRUE(answer_of<void>([&](auto done) { engine_->remove("one", done); }));

    EXPECT_THAT(engine_->subscriptions("lines"), IsEmpty());
    EXPECT_FALSE(room_.cursors().show("delivery.one"));
    const auto again = answer_of<void>([&](auto done) { engine_->remove("one", done); });
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, EngineError::Kind::not_found);
    engine_->stop(milliseconds{100});
    EXPECT_FALSE(room_.cursors().show("delivery.one")) << "nothing writes it again";
}

TEST_F(LiveEngineTest, AnotherCallbackGetsWhatWaitsAtOnce) {  // M58
    HttpReceiver other;
    receiver_.script(
        [](const ReceivedRequest&) { return ReceiverDoes::answer(503, "Retry-After: 600\r\n"); });
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    store("a");
    store("b");
    ASSERT_TRUE(eventually([&] { return status().next_attempt_us.has_value(); }));

    ASSERT_TRUE(put(subscription_to(other.url())));

    ASSERT_TRUE(other.wait_for(2));
    EXPECT_THAT(bodies(other), ElementsAre("a", "b"));
    EXPECT_EQ(other.requests().at(0).header("Delivery"),
              receiver_.requests().at(0).header("Delivery"));
}

TEST_F(LiveEngineTest, APausedOneKeepsItsPlaceAlsoOverARestart) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    ASSERT_TRUE(answer_of<void>([&](auto done) {
        engine_->set_state("one", Subscription::State::paused, "by hand", done);
    }));
    store("a");
    engine_.reset();
    open();
    EXPECT_EQ(engine_->subscriptions("lines").at(0).reason, "by hand");
    EXPECT_EQ(status().queued, 1U);
    EXPECT_EQ(receiver_.requests().size(), 0U);

    ASSERT_TRUE(answer_of<void>(
        [&](auto done) { engine_->set_state("one", Subscription::State::active, "", done); }));

    EXPECT_TRUE(receiver_.wait_for(1));
}

TEST_F(LiveEngineTest, GoneDisablesAndIsTold) {
    receiver_.script([](const ReceivedRequest&) { return ReceiverDoes::answer(410); });
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.retry.gone_disables = true;
    ASSERT_TRUE(put(subscription));
    store("a");

    ASSERT_TRUE(eventually([&] { return !notices().empty(); }));
    EXPECT_THAT(notices(), ElementsAre(StartsWith("disabled ")));
    EXPECT_EQ(engine_->subscriptions("lines").at(0).state, Subscription::State::disabled);
    engine_.reset();
    open();
    EXPECT_EQ(engine_->subscriptions("lines").at(0).state, Subscription::State::disabled);
}

TEST_F(LiveEngineTest, AChangeThatWasBegunBeforeItWasDisabledEnablesNothing) {
    receiver_.script([](const ReceivedRequest&) { return ReceiverDoes::answer(410); });
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.retry.gone_disables = true;
    ASSERT_TRUE(put(subscription));
    const Subscription seen = engine_->subscriptions("lines").at(0);
    ASSERT_EQ(seen.state, Subscription::State::active);
    store("a");
    ASSERT_TRUE(eventually([&] { return !notices().empty(); }));

    Subscription changed = seen;
    changed.url = receiver_.url("/elsewhere");
    ASSERT_TRUE(put(changed));

    for (int life = 0; life < 2; ++life) {
        const Subscription now = engine_->subscriptions("lines").at(0);
        EXPECT_EQ(now.state, Subscription::State::disabled) << "life " << life;
        EXPECT_THAT(now.reason, HasSubstr("410"));
        EXPECT_EQ(now.url, receiver_.url("/elsewhere"));
        engine_.reset();
        open();
    }
    EXPECT_EQ(receiver_.requests().size(), 1U);
}

TEST_F(LiveEngineTest, FailingIsToldAfterFiveAttemptsAndRecoveredOnce) {
    receiver_.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(request.number <= 5 ? 500 : 200);
    });
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    store("a");

    ASSERT_TRUE(eventually([&] { return notices().size() == 2; }));
    EXPECT_THAT(notices(),
                ElementsAre("failing the receiver answered 500", StartsWith("recovered ")));
}

TEST_F(LiveEngineTest, RecoverSendsAgainWhatWasStoredSince) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    store("a");
    clock_.advance(std::chrono::seconds{10});
    const std::uint64_t since = clock_.utc_us();
    store("b");
    store("c");
    ASSERT_TRUE(receiver_.wait_for(3));

    ASSERT_TRUE(answer_of<void>([&](auto done) { engine_->recover("one", since, done); }));

    ASSERT_TRUE(receiver_.wait_for(5));
    EXPECT_THAT(bodies(receiver_), ElementsAre("a", "b", "c", "b", "c"));
}

TEST_F(LiveEngineTest, AResendAndATestGoBesideEverythingAndTellHowItWent) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    const auto id = store("a");
    ASSERT_TRUE(receiver_.wait_for(1));

    const auto again = answer_of<Attempt>([&](auto done) { engine_->resend("one", id, done); });
    ASSERT_TRUE(again) << again.error().sentence;
    EXPECT_TRUE(again->succeeded && again->on_request);
    EXPECT_EQ(again->first, id);
    const auto none = answer_of<Attempt>([&](auto done) { engine_->resend("one", 99, done); });
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, EngineError::Kind::not_found);
    const auto test = answer_of<Attempt>(
        [&](auto done) { engine_->send("one", support::stored_event(0, 1), done); });
    ASSERT_TRUE(test);
    EXPECT_THAT(bodies(receiver_), ElementsAre("a", "a", "0"));
    EXPECT_EQ(status().sent, 1U);
}

TEST_F(LiveEngineTest, ASecretThatTheReceiverSaysBackIsBlottedOut) {
    receiver_.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(500, {},
                                    "you said " + request.header("Authorization") + "\xff");
    });
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.details = {{"secret", "Basic c2VjcmV0Og=="}};
    ASSERT_TRUE(put(subscription));
    store("a");

    ASSERT_TRUE(eventually([&] { return !attempts().empty(); }));
    EXPECT_EQ(attempts().front().answer_begin, "you said Basic ***?");
}

TEST_F(LiveEngineTest, AnUnorderedOneParksWhatFailsAndKeepsItOverARestart) {
    receiver_.script([](const ReceivedRequest& request) {
        return ReceiverDoes::answer(request.body == "bad" ? 500 : 200);
    });
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.ordered = false;
    subscription.concurrency = 4;
    subscription.retry.pauses = {milliseconds{2000}, milliseconds{60'000}};
    ASSERT_TRUE(put(subscription));
    store("bad");
    for (int i = 0; i < 5; ++i) store("good");
    ASSERT_TRUE(receiver_.wait_for(6));
    ASSERT_TRUE(eventually([&] { return status().sent == 5 && status().parked == 1; }));
    EXPECT_EQ(status().parked, 1U);
    EXPECT_EQ(status().queued, 1U);
    engine_.reset();
    EXPECT_EQ(room_.cursors().show("delivery.one")->position.id, 6U);

    clock_.advance(std::chrono::seconds{10});
    receiver_.script({});
    open();

    ASSERT_TRUE(receiver_.wait_for(7));
    EXPECT_EQ(receiver_.requests().back().body, "bad");
    EXPECT_EQ(receiver_.requests().back().header("Attempt"), "2");
}

TEST_F(LiveEngineTest, RefusesWhatCannotBeAndSaysWhatWouldBeRight) {
    limits_.subscriptions = 1;
    open();
    Subscription bad = subscription_to(receiver_.url(), "no/good");
    EXPECT_EQ(put(bad).error().kind, EngineError::Kind::invalid);
    EXPECT_EQ(put(subscription_to("http://10.0.0.1/")).error().kind,
              EngineError::Kind::refused_url);
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    ASSERT_TRUE(put(subscription_to(receiver_.url()))) << "replacing needs no room";
    const auto full = put(subscription_to(receiver_.url(), "two"));
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().kind, EngineError::Kind::full);
}

TEST_F(LiveEngineTest, CapitalLettersAreOtherSubscriptionsWithCursorsOfTheirOwn) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url(), "aB")));
    ASSERT_TRUE(put(subscription_to(receiver_.url(), "ab")));
    EXPECT_TRUE(room_.cursors().show("delivery.au.b"));
    EXPECT_TRUE(room_.cursors().show("delivery.ab"));
}

/// Answers from a list, whatever is asked.
class ListResolver final : public Resolver {
public:
    void resolve(std::string, OnResolved done) override { done(std::vector{next}); }
    Address next = *Address::parse("1.1.1.1");
};

TEST_F(LiveEngineTest, AnAddressIsCheckedAtTheCheckAndAgainAtTheConnection) {  // W2: rebinding
    settings_.allow_networks = {};
    const auto resolver = std::make_shared<ListResolver>();
    open({}, resolver);
    const std::string url = "http://localhost:" + std::to_string(receiver_.port()) + "/";
    const auto check = [&] {
        return answer_of<void>([&](auto done) { engine_->check_url(url, done); });
    };
    EXPECT_TRUE(check());
    ASSERT_TRUE(put(subscription_to(url)));
    store("a");
    ASSERT_TRUE(eventually([&] { return !attempts().empty(); }));
    EXPECT_THAT(attempts().front().error, HasSubstr("may not lead to"));
    EXPECT_EQ(receiver_.connections(), 0U);

    resolver->next = *Address::parse("169.254.169.254");
    ASSERT_FALSE(check());
    EXPECT_EQ(check().error().kind, EngineError::Kind::refused_url);
}

TEST_F(LiveEngineTest, AllListsTheStatusesOfAKindByRisingIds) {
    open();
    for (const char* id : {"c", "a", "b"}) ASSERT_TRUE(put(subscription_to(receiver_.url(), id)));
    const auto all =
        answer_of<std::vector<SubscriptionStatus>>([&](auto done) { engine_->all("lines", done); });
    ASSERT_TRUE(all);
    std::vector<std::string> ids;
    for (const SubscriptionStatus& one : *all) ids.push_back(one.subscription.id);
    EXPECT_THAT(ids, ElementsAre("a", "b", "c"));
    EXPECT_TRUE(answer_of<std::vector<SubscriptionStatus>>([&](auto done) {
                    engine_->all("webhook", done);
                })->empty());
}

TEST_F(LiveEngineTest, StoppingLetsWhatIsUnderWayEndAndAnswersWhatComesLater) {
    std::atomic<bool> go{false};
    receiver_.script([&](const ReceivedRequest&) {
        while (!go) testing::look_again_after_ms(1);
        return ReceiverDoes::answer(200);
    });
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    const auto id = store("a");
    ASSERT_TRUE(eventually([&] { return receiver_.connections() == 1; }));
    std::thread later([&] {
        testing::look_again_after_ms(100);
        go = true;
    });

    engine_->stop();

    later.join();
    EXPECT_EQ(room_.cursors().show("delivery.one")->position.id, id);
    const auto refused = put(subscription_to(receiver_.url()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, EngineError::Kind::stopped);
}

TEST_F(LiveEngineTest, AKindThatNobodyPresentsWaitsAndSaysSo) {
    open();
    Subscription subscription = subscription_to(receiver_.url());
    subscription.kind = "unknown";
    ASSERT_TRUE(put(subscription));
    store("a");
    EXPECT_THAT(status().last_error, HasSubstr("'unknown'"));
    EXPECT_EQ(status().queued, 1U);
}

TEST_F(LiveEngineTest, SubscriptionsOfTheSameTopicsShareWhatIsRead) {
    HttpReceiver receiver;
    open();
    constexpr std::size_t count = 100;
    for (std::size_t i = 0; i < count; ++i) {
        ASSERT_TRUE(put(subscription_to(receiver.url("/" + std::to_string(i)), std::to_string(i))));
    }
    const auto reads = [&] {
        for (const EngineFigure& figure : engine_->figures()) {
            if (figure.name == "weft_delivery_reads_total") return figure.value;
        }
        return -1.0;
    };
    store("first");
    ASSERT_TRUE(receiver.wait_for(count));
    const double before = reads();
    ASSERT_GT(before, 0);
    store("second");
    ASSERT_TRUE(receiver.wait_for(2 * count));
    EXPECT_LE(reads() - before, 10) << "and not one for each of " << count;
    std::map<std::string, std::vector<std::string>> got;
    for (const auto& request : receiver.requests()) got[request.line].push_back(request.body);
    EXPECT_EQ(got.size(), count);
    for (const auto& [line, bodies] : got) EXPECT_THAT(bodies, ElementsAre("first", "second"));
}

TEST_F(LiveEngineTest, WhatRetentionTakesBeforeItIsDeliveredIsCountedAsDropped) {  // M85
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    const auto set = [&](Subscription::State state) {
        return answer_of<void>([&](auto done) { engine_->set_state("one", state, "", done); });
    };
    ASSERT_TRUE(set(Subscription::State::paused));
    for (const char* body : {"a", "b", "c", "d"}) store(body);
    ASSERT_TRUE(bridge_.memory().trim(4));
    ASSERT_TRUE(set(Subscription::State::active));
    ASSERT_TRUE(receiver_.wait_for(1));
    EXPECT_THAT(bodies(receiver_), ElementsAre("d"));
    EXPECT_TRUE(eventually([&] { return status().sent == 1; }));
    EXPECT_EQ(status().dropped, 3U);
    engine_.reset();
    open();
    EXPECT_EQ(status().dropped, 3U) << "also in another life";
}

TEST_F(LiveEngineTest, TellsItsFigures) {
    open();
    ASSERT_TRUE(put(subscription_to(receiver_.url())));
    store("a");
    ASSERT_TRUE(eventually([&] {
        for (const EngineFigure& figure : engine_->figures()) {
            if (figure.name == "weft_delivery_messages_total" && figure.value == 1) return true;
        }
        return false;
    }));
}

}  // namespace
}  // namespace weft::gateway::delivery
