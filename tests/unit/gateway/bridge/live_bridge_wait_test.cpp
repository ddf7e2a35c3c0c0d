// Waiting and reading through the bridge.

#include <atomic>
#include <thread>

#include "tests/unit/gateway/bridge/bridge_world.hpp"

namespace weft::gateway {
namespace {

using reliability::Gate;
using ::testing::ElementsAre;

class BridgeWaiting : public BridgeWorld {
protected:
    using Ticket = FabricBridge::Ticket;
    Ticket wait(reliability::JournalId after, const std::string& glob, Answer<Woken>& answer,
                milliseconds timeout = long_timeout) {
        return bridge_->wait(after, filter_of({glob}), timeout, answer.taker());
    }
};

TEST_F(BridgeWaiting, EndsWithTheFirstMessageThatMatches) {
    open_bridge();
    Answer<Woken> mine, others;
    EXPECT_NE(wait(0, "org.weft.dev.deploy", mine), 0U);
    EXPECT_NE(wait(0, "org.weft.dev.other", others), 0U);
    const auto published = publish(request());
    ASSERT_TRUE(published);
    EXPECT_EQ(mine.wait(), Woken::stored);
    // What is told can be read.
    EXPECT_EQ(bodies(*read({.filter = filter_of({"org.weft.dev.deploy"})})),
              std::vector<std::string>{"hello"});
    EXPECT_EQ(others.count(), 0U);
    EXPECT_EQ(bridge_->stats().waiting_now, 1U);
}

TEST_F(BridgeWaiting, EndsAtOnceIfTheMessageIsThereAlready) {
    open_bridge();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(publish(request()));
    Answer<Woken> late, other, timely;
    wait(2, "org.weft.dev.deploy", late);
    EXPECT_EQ(late.wait(), Woken::stored);
    // The journal is asked, and has nothing.
    EXPECT_NE(wait(0, "org.weft.dev.other", other, milliseconds{50}), 0U);
    EXPECT_EQ(other.wait(), Woken::timeout);
    wait(3, "org.weft.dev.deploy", timely);
    ASSERT_TRUE(publish(request()));
    EXPECT_EQ(timely.wait(), Woken::stored);
    EXPECT_EQ(late.count(), 1U);
}

TEST_F(BridgeWaiting, HearsAlsoWhatOthersPublish) {
    open_bridge();
    const auto git = open("git");
    Answer<Woken> woken;
    wait(0, "org.weft.dev.git.*", woken);
    ASSERT_TRUE(git.fabric->publisher().wait_for_subscriber("org.weft.dev.git.commit", patience));
    git.fabric->publish("git.commit", fabric::Body::text("from elsewhere"));
    EXPECT_EQ(woken.wait(), Woken::stored);
    const auto page = read();
    ASSERT_EQ(page->events.size(), 1U);
    EXPECT_EQ(page->events[0].message.signer(), "git");
}

TEST_F(BridgeWaiting, EndsByItsTimeAndIsForgottenWhenItIsAsked) {
    open_bridge();
    Answer<Woken> brief, forgotten;
    wait(0, "org.weft.dev.**", brief, milliseconds{0});
    EXPECT_EQ(brief.wait(), Woken::timeout);
    const Ticket ticket = wait(0, "org.weft.dev.**", forgotten);
    bridge_->forget(ticket);
    bridge_->forget(ticket);
    bridge_->forget(0);
    Answer<Woken> marker;
    wait(0, "org.weft.dev.**", marker);
    ASSERT_TRUE(publish(request()));
    EXPECT_EQ(marker.wait(), Woken::stored);
    EXPECT_EQ(forgotten.count(), 0U);
}

TEST_F(BridgeWaiting, SaysFullBeyondItsLimit) {
    BridgeLimits limits;
    limits.waiters = 2;
    open_bridge(limits);
    std::vector<Answer<Woken>> answers(3);
    EXPECT_NE(wait(0, "a", answers[0]), 0U);
    EXPECT_NE(wait(0, "b", answers[1]), 0U);
    EXPECT_EQ(wait(0, "c", answers[2]), 0U);
    EXPECT_EQ(answers[2].wait(), Woken::full);
}

TEST_F(BridgeWaiting, TenThousandHearEachItsOwnTopic) {
    open_bridge();
    constexpr int count = 10'000, woken = 50;
    std::atomic<int> calls{0}, wrong{0};
    for (int i = 0; i < count; ++i) {
        const auto ticket = bridge_->wait(0, filter_of({"org.weft.dev.key." + std::to_string(i)}),
                                          long_timeout, [&, i](Woken why) {
                                              ++calls;
                                              if (why == Woken::stored && i >= woken) ++wrong;
                                          });
        ASSERT_NE(ticket, 0U);
    }
    for (int i = 0; i < woken; ++i) {
        ASSERT_TRUE(publish(
            request("x", PublishRequest::Mode::durable, "org.weft.dev.key." + std::to_string(i))));
    }
    ASSERT_TRUE(eventually([&] { return calls >= woken; }));
    EXPECT_EQ(bridge_->stats().waiting_now, static_cast<std::uint64_t>(count - woken));
    bridge_->stop();
    EXPECT_EQ(calls, count);
    EXPECT_EQ(wrong, 0);
}

// Whatever happens at the same time: a waiter is called once, or was forgotten.
TEST_F(BridgeWaiting, ForgettingRacesWithWakingAndNobodyIsCalledAfterwards) {
    open_bridge();
    std::atomic<bool> go_on{true};
    std::thread publishing([&] {
        while (go_on) bridge_->publish(anybody(), request(), [](const auto&) {});
    });
    struct Waiter {
        std::atomic<int> calls{0};
        std::atomic<bool> calling{false};
    };
    for (int round = 0; round < 500; ++round) {
        auto waiter = std::make_shared<Waiter>();
        const auto ticket =
            bridge_->wait(bridge_->journal().head, {}, long_timeout, [waiter](Woken) {
                waiter->calling = true;
                ++waiter->calls;
                waiter->calling = false;
            });
        if (round % 3 == 0) std::this_thread::yield();
        bridge_->forget(ticket);
        ASSERT_LE(waiter->calls, 1);
    }
    go_on = false;
    publishing.join();
    EXPECT_EQ(bridge_->stats().waiting_now, 0U);
}

TEST_F(BridgeWaiting, ACallbackMayWaitAgainReadAndForget) {
    open_bridge();
    Seen<std::string> seen;
    std::function<void(reliability::Position)> follow = [&](reliability::Position after) {
        bridge_->read({.after = after}, [&](const BridgeResult<EventPage>& page) {
            if (!page) return;
            for (const auto& event : page->events) seen.add(std::string{event.message.body()});
            const auto next = page->next;
            bridge_->wait(next.id, {}, long_timeout, [&, next](Woken why) {
                if (why == Woken::stored) follow(next);
            });
        });
    };
    follow({});
    std::vector<std::string> texts;
    for (int i = 0; i < 200; ++i) {
        texts.push_back(std::to_string(i));
        ASSERT_TRUE(publish(request(texts.back())));
    }
    ASSERT_TRUE(seen.wait_for(texts.size()));
    EXPECT_EQ(seen.all(), texts);
    bridge_->stop();
}

TEST_F(BridgeWaiting, TooManyReadsAreBusyAndOneLongReadDoesNotHoldUpTheOthers) {
    BridgeLimits limits;
    limits.read_threads = 1;
    limits.reads_waiting = 1;
    open_bridge(limits);
    ASSERT_TRUE(publish(request()));
    Gate began, gate;
    ReadRequest slow;
    slow.keep = [&](const StoredEvent&) {
        began.open();
        gate.pass();
        return true;
    };
    Answer<BridgeResult<EventPage>> first, second, third;
    bridge_->read(slow, first.taker());
    began.pass();
    bridge_->read({}, second.taker());
    bridge_->read({}, third.taker());
    EXPECT_EQ(third.wait().error().kind, BridgeError::Kind::busy);
    gate.open();
    EXPECT_TRUE(first.wait());
    EXPECT_TRUE(second.wait());
    EXPECT_EQ(bridge_->stats().reads_busy, 1U);
}

TEST_F(BridgeWaiting, OthersCanAskTheGatewaysJournal) {
    open_bridge();
    ASSERT_TRUE(publish(request("for everybody")));
    EXPECT_EQ(bridge_->bound(), "tcp://127.0.0.1:9");
    const auto git = open("git",
                          "reliability: { journals: [a], journal_endpoints: { a: "
                          "'tcp://127.0.0.1:9' } }\n");
    const auto remote =
        support::must(reliability::open_remote_journal(*git.fabric, settings_of(*git.fabric), "a"));
    const auto page = remote->read({}, {}, {});
    ASSERT_TRUE(page) << page.error().sentence;
    EXPECT_EQ(page->messages(), 1U);
}

TEST_F(BridgeWaiting, NotReadyNamesWhatIsWrongWithTheJournal) {
    open_bridge();
    EXPECT_EQ(bridge_->not_ready(), "");
    EXPECT_EQ(bridge_->journal().backend, "memory");
    EXPECT_NE(bridge_->journal().epoch, 0U);
    journal_->close();
    EXPECT_TRUE(eventually([&] { return !bridge_->not_ready().empty(); }));
}

}  // namespace
}  // namespace weft::gateway
