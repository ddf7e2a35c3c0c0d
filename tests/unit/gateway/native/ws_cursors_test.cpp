// Subscriptions of the native WebSocket that name a cursor or a group.

#include "tests/unit/gateway/native/ws_world_fixture.hpp"

namespace weft::gateway::native {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WsCursors : public WsTest {
protected:
    void make(const std::string& name, std::optional<reliability::GroupSettings> group = {}) {
        const auto glob = signing::TopicGlob::parse("org.weft.dev.git.*");
        const auto made = group ? groups_.put(name, {*glob}, begin_, *group)
                                : cursors_.put(name, {*glob}, begin_);
        ASSERT_TRUE(made) << made.error().sentence;
    }
    const reliability::Start begin_ = *reliability::Start::parse("beginning");
};

TEST_F(WsCursors, APlainCursorGoesOnBehindWhatWasAcknowledged) {
    store_many(4);
    store("other");
    make("work");
    auto client = connect();
    client->say(R"({"op":"subscribe","id":"s","cursor":"work"})");
    EXPECT_EQ(client->ids(4), from_to(1, 4));
    client->say(R"({"op":"ack","id":"s","through":3,"ref":7})");
    const json acked = client->last("acked");
    EXPECT_EQ(acked["ref"], 7);
    EXPECT_EQ(acked["through"], 3);
    EXPECT_EQ(cursors_.show("work")->position.id, 3U);
    client = connect();
    client->say(R"({"op":"subscribe","id":"s","cursor":"work"})");
    EXPECT_THAT(client->ids(1), ElementsAre(4));
    store_many(1);
    EXPECT_THAT(client->ids(2), ElementsAre(4, 6));
    client->say(R"({"op":"ack","id":"s","through":99})");
    EXPECT_EQ(client->last("error")["status"], 400);
    EXPECT_EQ(cursors_.show("work")->position.id, 3U) << "not beyond what was sent";
}

TEST_F(WsCursors, MembersOfAGroupShareItsMessagesWithinTheirCredit) {
    make("work", reliability::GroupSettings{});
    const auto a = connect(), b = connect();
    a->say(R"({"op":"subscribe","id":"s","cursor":"work","member":"a","credit":2})");
    EXPECT_EQ(a->last("subscribed")["member"], "a");
    store_many(4);
    EXPECT_EQ(a->ids(2), from_to(1, 2));
    EXPECT_EQ(a->last("message")["attempt"], 1);
    EXPECT_GT(a->last("message")["lease_ms"], 0);
    b->say(R"({"op":"subscribe","id":"s","cursor":"work","member":"b"})");
    EXPECT_EQ(b->ids(2), from_to(3, 4));
    a->say(R"({"op":"ack","id":"s","through":2})");
    EXPECT_EQ(a->last("acked")["through"], 2);
    EXPECT_FALSE(a->last("acked").contains("not_counted"));
    b->say(R"({"op":"ack","id":"s","through":4})");
    b->wait("acked");
    EXPECT_EQ(groups_.show("work")->stats.leased, 0U);
    EXPECT_EQ(cursors_.show("work")->position.id, 4U);
}

TEST_F(WsCursors, WhatAClosedSubscriptionHadGoesToOthersAtOnce) {
    reliability::GroupSettings slow;
    slow.lease = std::chrono::hours{1};
    make("work", slow);
    store_many(3);
    auto gone = connect();
    gone->say(R"({"op":"subscribe","id":"s","cursor":"work","member":"a","credit":3})");
    EXPECT_EQ(gone->ids(3), from_to(1, 3));
    gone->say(R"({"op":"ack","id":"s","through":1})");
    gone->wait("acked");
    const auto other = connect();
    other->say(R"({"op":"subscribe","id":"s","cursor":"work","member":"b"})");
    other->sync();
    gone.reset();
    EXPECT_EQ(other->ids(2), from_to(2, 3)) << "the lease is an hour";
    EXPECT_EQ(other->last("message")["attempt"], 2);
    other->say(R"({"op":"unsubscribe","id":"s"})");
    other->wait("unsubscribed");
    other->say(R"({"op":"subscribe","id":"t","cursor":"work","member":"c"})");
    EXPECT_EQ(other->ids(4, "t"), from_to(2, 3)) << "unsubscribed is closed, too";
}

TEST_F(WsCursors, AnAcknowledgementThatComesTooLateIsSaid) {
    reliability::GroupSettings quick;
    quick.lease = std::chrono::milliseconds{1};
    make("work", quick);
    store_many(1);
    const auto client = connect();
    client->say(R"({"op":"subscribe","id":"s","cursor":"work","member":"a","credit":1})");
    client->wait("message");
    while (groups_.next("work", "thief", 1, std::chrono::hours{1})->messages.empty()) {
        support::Answer<bool>().take(std::chrono::milliseconds{2});
    }
    client->say(R"({"op":"ack","id":"s","through":1})");
    const json acked = client->last("acked");
    ASSERT_TRUE(acked.contains("not_counted")) << acked;
    EXPECT_EQ(acked["not_counted"][0]["is"], "lost");
}

TEST_F(WsCursors, AGroupThatIsRemovedEndsItsSubscriptions) {
    make("work", reliability::GroupSettings{});
    const auto client = connect();
    client->say(R"({"op":"subscribe","id":"s","cursor":"work"})");
    client->wait("subscribed");
    ASSERT_TRUE(groups_.remove("work"));
    const json error = client->last("error");
    EXPECT_EQ(error["status"], 404);
    EXPECT_EQ(error["id"], "s");
    EXPECT_THAT(error["detail"].get<std::string>(), HasSubstr("the subscription is over"));
}

TEST_F(WsCursors, ATokenHasTheCursorsWhoseTopicsItMayRead) {
    make("work");
    Principal stranger;
    stranger.name = "stranger";
    stranger.read = {*signing::TopicGlob::parse("org.weft.dev.build.**")};
    const auto client = connect(stranger);
    client->say(R"({"op":"subscribe","id":"s","cursor":"work"})");
    EXPECT_EQ(client->last("error")["status"], 403);
    room_.full = true;
    client->say(R"({"op":"subscribe","id":"s","cursor":"work"})");
    EXPECT_EQ(client->last("error", 2)["status"], 503);
}

}  // namespace
}  // namespace weft::gateway::native
