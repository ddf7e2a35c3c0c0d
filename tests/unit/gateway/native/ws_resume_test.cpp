// History and live as one sequence, no more than the credit, and readers that do not read.

#include <atomic>
#include <thread>

#include "tests/unit/gateway/native/ws_world_fixture.hpp"

namespace weft::gateway::native {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string subscribe(const std::string& members) {
    return R"({"op":"subscribe","id":"s","topics":["**"],)" + members + "}";
}

class WsResume : public WsTest {};

TEST_F(WsResume, BeginsWhereItIsAsked) {
    store_many(5);
    const auto ids_of = [&](const std::string& after, std::size_t count) {
        const auto client = connect();
        client->say(subscribe("\"after\":\"" + after + "\""));
        return client->ids(count);
    };
    EXPECT_EQ(ids_of("beginning", 5), from_to(1, 5));
    EXPECT_THAT(ids_of("3", 2), ElementsAre(4, 5));
    EXPECT_THAT(ids_of("last:2", 2), ElementsAre(4, 5));
    EXPECT_EQ(ids_of("last:50", 5), from_to(1, 5));
    clock_.advance(std::chrono::minutes{10});
    store_many(2);
    EXPECT_THAT(ids_of("since:5m", 2), ElementsAre(6, 7));
    const auto now = connect();
    now->say(subscribe(R"("after":"now")"));
    EXPECT_EQ(now->last("subscribed")["after"],
              (reliability::Position{bridge_.journal().epoch, 7}.text()));
    store_many(1);
    EXPECT_THAT(now->ids(1), ElementsAre(8));
}

TEST_F(WsResume, TheLastOnesComeAsCreditAllows) {
    store_many(9);
    const auto client = connect();
    client->say(subscribe(R"("after":"last:4","credit":0)"));
    client->wait("subscribed");
    store_many(1);
    client->say(R"({"op":"credit","id":"s","messages":1})");
    const int first = client->ids(1).front();
    EXPECT_TRUE(first == 6 || first == 7) << first;  // looked up before the tenth, or after it
    client->say(R"({"op":"credit","id":"s","messages":9})");
    EXPECT_EQ(client->ids(static_cast<std::size_t>(11 - first)), from_to(first, 10));
}

TEST_F(WsResume, NeverSendsMoreThanTheCredit) {
    store_many(20);
    const auto client = connect();
    client->say(subscribe(R"("after":"beginning","credit":3)"));
    EXPECT_EQ(client->ids(3), from_to(1, 3));
    store_many(5);
    client->say(R"({"op":"credit","id":"s","messages":4})");
    EXPECT_EQ(client->ids(7), from_to(1, 7));
    client->say(R"({"op":"ack","id":"s","through":2})");
    EXPECT_EQ(client->ids(9), from_to(1, 9));
    client->say(R"({"op":"ack","id":"s","through":2})");
    client->say(R"({"op":"ack","id":"s","through":26})");
    EXPECT_EQ(client->last("error")["status"], 400);
    // Another one that gets everything shows that the journal has been read since.
    const auto other = connect();
    other->say(subscribe(R"("after":"beginning")"));
    EXPECT_EQ(other->ids(25), from_to(1, 25));
    EXPECT_EQ(client->ids(9), from_to(1, 9));
}

TEST_F(WsResume, WithoutCreditThereIsAWindowThatAcknowledgementsFill) {
    store_many(600);
    const auto client = connect();
    client->say(subscribe(R"("after":"beginning")"));
    EXPECT_EQ(client->ids(256), from_to(1, 256));
    client->say(R"({"op":"ack","id":"s","through":256})");
    EXPECT_EQ(client->ids(512), from_to(1, 512));
    client->say(R"({"op":"ack","id":"s","through":500})");
    EXPECT_EQ(client->ids(600), from_to(1, 600));
}

TEST_F(WsResume, WhoRunsOutOfCreditAtTheHeadComesBackWithoutAGap) {
    const auto slow = connect(), quick = connect();
    slow->say(subscribe(R"("after":"now","credit":2)"));
    quick->say(subscribe(R"("after":"now")"));
    slow->wait("subscribed");
    quick->wait("subscribed");
    store_many(10);
    EXPECT_EQ(quick->ids(10), from_to(1, 10));
    EXPECT_EQ(slow->ids(2), from_to(1, 2));
    slow->say(R"({"op":"credit","id":"s","messages":100})");
    EXPECT_EQ(slow->ids(10), from_to(1, 10));
    store_many(3);
    EXPECT_EQ(slow->ids(13), from_to(1, 13));
}

TEST_F(WsResume, NothingIsMissingOrTwiceWhileOthersPublish) {
    constexpr int count = 1500, clients = 6;
    std::atomic<int> stored{0};
    std::thread publisher([&] {
        for (int i = 0; i < count; ++i) {
            store(i % 3 == 0 ? "git.commit" : "build.done");
            ++stored;
        }
    });
    std::vector<std::unique_ptr<WsClient>> all;
    for (int i = 0; i < clients; ++i) {
        while (stored < count * i / (2 * clients)) std::this_thread::yield();
        all.push_back(connect());
        // Some live from credit to credit, some have enough.
        all.back()->say(subscribe(i % 2 == 0 ? R"("after":"beginning","credit":10000)"
                                             : R"("after":"beginning","credit":7)"));
    }
    for (int i = 1; i < clients; i += 2) {
        for (std::size_t got = 7; got < count; got += 50) {
            all[static_cast<std::size_t>(i)]->wait("message", got);
            all[static_cast<std::size_t>(i)]->say(R"({"op":"credit","id":"s","messages":50})");
        }
    }
    publisher.join();
    for (const auto& client : all) EXPECT_EQ(client->ids(count), from_to(1, count));
}

TEST_F(WsResume, AClientGoesOnWhereItWas) {
    std::vector<int> got;
    std::atomic<bool> done = false;
    std::thread publisher([&] {
        for (int i = 0; i < 500; ++i) store("git.commit");
        done = true;
    });
    int last = 0;
    while (!done || last < 500) {
        const auto client = connect();
        client->say(subscribe("\"after\":" + std::to_string(last) + ",\"credit\":60"));
        for (const int id : client->ids(last + 60 <= 500 ? 20 : 1)) got.push_back(last = id);
    }
    publisher.join();
    EXPECT_EQ(got, from_to(1, 500));
}

TEST_F(WsResume, WhatWasTrimmedIsSaid) {
    store_many(10);
    ASSERT_TRUE(bridge_.memory().trim(6));
    const auto client = connect();
    client->say(subscribe(R"("after":2)"));
    EXPECT_EQ(client->ids(5), from_to(6, 10));
    EXPECT_EQ(client->last("gap"),
              (json{{"op", "gap"}, {"id", "s"}, {"from", 3}, {"to", 5}, {"lost", 3}}));
}

TEST_F(WsResume, AnErrorOfTheJournalIsWaitedFor) {
    store_many(3);
    bridge_.fail_read(BridgeError{BridgeError::Kind::journal_away, "away", {}, {}});
    const auto client = connect();
    client->say(subscribe(R"("after":"beginning")"));
    client->wait("subscribed");
    client->sync();
    EXPECT_THAT(client->ids(0), IsEmpty());
    bridge_.fail_read(std::nullopt);
    EXPECT_EQ(client->ids(3), from_to(1, 3));
}

TEST_F(WsResume, ReadersAtTheHeadShareTheirReads) {
    std::vector<std::unique_ptr<WsClient>> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(connect());
        all.back()->say(subscribe(R"("after":"now")"));
    }
    store_many(1);
    for (const auto& client : all) EXPECT_THAT(client->ids(1), ElementsAre(1));
    const std::uint64_t before = bridge_.reads;
    store_many(1);
    for (const auto& client : all) EXPECT_THAT(client->ids(2), ElementsAre(1, 2));
    EXPECT_LE(bridge_.reads - before, 2U);
}

TEST_F(WsResume, WhoDoesNotReadIsCutOffAndSlowsNobody) {
    const std::string body = "\"" + std::string(20'000, 'x') + "\"";
    const auto deaf = connect(), other = connect();
    deaf->socket->read(false);
    deaf->say(subscribe(R"("after":"now","credit":10000)"));
    other->say(subscribe(R"("after":"now","credit":10000)"));
    deaf->wait("subscribed");
    other->wait("subscribed");
    for (int i = 0; i < 200; ++i) store("git.commit", body);
    EXPECT_EQ(other->ids(200), from_to(1, 200));
    EXPECT_TRUE(deaf->socket->wait_closed());
    EXPECT_TRUE(deaf->socket->cut_off());
    EXPECT_LE(deaf->socket->most_unread(), support::FakeWebSocket::queue_max);
}

TEST_F(WsResume, WhoReadsNowAndThenGetsAllOfALongHistory) {
    const std::string body = "\"" + std::string(20'000, 'x') + "\"";
    for (int i = 0; i < 200; ++i) store("git.commit", body);
    store("git.commit", "\"" + std::string(600'000, 'x') + "\"");  // waits for room of its own
    const auto client = connect();
    client->socket->read(false);
    client->say(subscribe(R"("after":"beginning","credit":10000)"));
    client->wait("message");
    std::vector<int> ids;
    while (ids.size() < 201 && !client->socket->closed()) {
        client->socket->read(true);
        client->socket->read(false);
        ids = client->ids(std::min<std::size_t>(ids.size() + 1, 201));
    }
    EXPECT_EQ(ids, from_to(1, 201));
    EXPECT_FALSE(client->socket->cut_off());
}

}  // namespace
}  // namespace weft::gateway::native
