// A connection of the native WebSocket: what a client asks for, and gets.

#include "tests/unit/gateway/native/ws_world_fixture.hpp"

namespace weft::gateway::native {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::vector<signing::TopicGlob> globs(const std::vector<std::string>& texts) {
    std::vector<signing::TopicGlob> all;
    for (const std::string& text : texts) all.push_back(*signing::TopicGlob::parse(text));
    return all;
}

class WsSessionTest : public WsTest {
protected:
    static Principal ci() {
        Principal ci;
        ci.name = "ci";
        ci.publish = globs({"org.weft.dev.build.*"});
        ci.read = globs({"org.weft.dev.git.**"});
        return ci;
    }
};

TEST_F(WsSessionTest, AConnectionEndsOnceItsTokenDoesNotHoldAnyMore) {
    std::atomic<bool> holds = true;
    WsClient client(sessions_, anybody_, [&holds] { return holds.load(); });
    const auto anonymous = connect();
    sessions_.review();
    client.sync();
    holds = false;
    sessions_.review();
    EXPECT_THAT(client.last("end").dump(), ::testing::HasSubstr("revoked"));
    EXPECT_TRUE(client.socket->wait_closed());
    EXPECT_EQ(client.socket->code(), 1008);
    WsClient late(sessions_, anybody_, [] { return false; });
    EXPECT_TRUE(late.socket->wait_closed()) << "it was revoked while it was let in";
    anonymous->sync();
}

TEST_F(WsSessionTest, APublishedMessageComesToItsSubscriber) {
    const auto client = connect();
    client->say(R"({"op":"subscribe","id":"s1","topics":["git.*"],"ref":1})");
    const json subscribed = client->last("subscribed");
    EXPECT_EQ(subscribed["id"], "s1");
    EXPECT_EQ(subscribed["ref"], 1);
    EXPECT_EQ(subscribed["credit"], 256);
    client->say(R"({"op":"publish","ref":2,"topic":"git.commit","body":{"n":1},
                    "headers":{"shot":"7"},"durable":true})");
    const json published = client->last("published");
    EXPECT_EQ(published["ref"], 2);
    EXPECT_EQ(published["journal_id"], 1);
    const json message = client->last("message");
    EXPECT_EQ(message["id"], "s1");
    EXPECT_EQ(message["message"]["id"], published["id"]);
    EXPECT_EQ(message["message"]["journal_id"], 1);
    EXPECT_EQ(message["message"]["topic"], "org.weft.dev.git.commit");
    EXPECT_EQ(message["message"]["body"]["n"], 1);
    EXPECT_EQ(message["message"]["headers"]["shot"], "7");
    EXPECT_EQ(message["message"]["headers"]["via"], "http:anonymous");
}

TEST_F(WsSessionTest, SubscriptionsOfOneConnectionAreTheirOwn) {
    const auto client = connect();
    client->say(R"({"op":"subscribe","id":"a","topics":["git.*"],"after":"beginning"})");
    client->say(R"({"op":"subscribe","id":"b","topics":["build.*"],"after":"beginning"})");
    client->wait("subscribed", 2);
    store("git.commit");
    store("build.done");
    client->wait("message", 2);
    EXPECT_THAT(client->ids(2, "a"), ElementsAre(1));
    EXPECT_THAT(client->ids(2, "b"), ElementsAre(2));
    client->say(R"({"op":"unsubscribe","id":"a"})");
    EXPECT_EQ(client->last("unsubscribed")["id"], "a");
    store("git.commit");
    store("build.done");
    EXPECT_THAT(client->ids(3), UnorderedElementsAre(1, 2, 4));
    client->say(R"({"op":"unsubscribe","id":"a"})");
    EXPECT_EQ(client->last("error")["status"], 404);
    client->say(R"({"op":"subscribe","id":"a","topics":["git.*"],"after":2})");
    client->wait("message", 4);
    EXPECT_THAT(client->ids(4, "a"), ElementsAre(1, 3));
}

TEST_F(WsSessionTest, BadFramesAreAnsweredAndTheConnectionLives) {
    const auto client = connect();
    client->say(R"({"op":"shout","ref":"r"})");
    EXPECT_EQ(client->last("error")["ref"], "r");
    client->say("no json");
    client->say("no json");
    client->say("[]");  // JSON, if not ours: it counts anew
    client->say("no json");
    client->say("bytes", false);
    EXPECT_FALSE(client->socket->closed());
    client->say("no json");
    EXPECT_EQ(client->socket->code(), 1008);
    EXPECT_EQ(client->wait("error", 7).size(), 7U);
    client->say(R"({"op":"publish","topic":"a","body":1})");
    EXPECT_EQ(bridge_.published(), 0U) << "nobody is there any more";
}

TEST_F(WsSessionTest, WhatIsWrongWithASubscriptionIsSaid) {
    const auto client = connect();
    store_many(3);
    const auto refused = [&](const std::string& members) {
        const std::size_t before = client->wait("error", 0).size();
        client->say(R"({"op":"subscribe","id":"s",)" + members + "}");
        return client->last("error", before + 1)["detail"].get<std::string>();
    };
    EXPECT_THAT(refused(R"("topics":["a..b"])"), HasSubstr("is not a glob"));
    EXPECT_THAT(refused(R"("after":"tomorrow")"), HasSubstr("after:"));
    EXPECT_THAT(refused(R"("after":4)"), HasSubstr("the journal ends at 3"));
    EXPECT_THAT(refused(R"("credit":10001)"), HasSubstr("at most 10000"));
    EXPECT_THAT(refused(R"("member":"m")"), HasSubstr("goes with `cursor`"));
    EXPECT_THAT(refused(R"("cursor":"nobody")"), HasSubstr("nobody"));
    EXPECT_THAT(refused(R"("cursor":"no body")"), HasSubstr("cursor and member:"));
    EXPECT_THAT(refused(R"("cursor":"c","topics":["a"])"), HasSubstr("leave topics and after out"));
    bridge_.set_not_ready("the journal is away");
    EXPECT_THAT(refused(R"("topics":["a"])"), HasSubstr("the journal is away"));
    EXPECT_EQ(client->last("error")["status"], 503);
    bridge_.set_not_ready("");
    client->say(R"({"op":"subscribe","id":"s"})");
    client->wait("subscribed");
    EXPECT_THAT(refused(R"("topics":["a"])"), HasSubstr("is there already"));
}

TEST_F(WsSessionTest, SubscriptionsOfAConnectionAreBounded) {
    const auto client = connect();
    for (int i = 0; i < 65; ++i) {
        client->say(R"({"op":"subscribe","id":"s)" + std::to_string(i) + "\"}");
    }
    EXPECT_EQ(client->wait("subscribed", 64).size(), 64U);
    EXPECT_THAT(client->last("error")["detail"].get<std::string>(), HasSubstr("at most 64"));
    client->say(R"({"op":"unsubscribe","id":"s0"})");
    client->say(R"({"op":"subscribe","id":"again"})");
    EXPECT_EQ(client->wait("subscribed", 65).size(), 65U);
}

TEST_F(WsSessionTest, ATokenReadsAndPublishesWhatItIsGranted) {
    const auto client = connect(ci());
    client->say(R"({"op":"subscribe","id":"s","topics":["**"],"after":"beginning"})");
    client->wait("subscribed");
    store("secret.key");
    store("git.commit");
    EXPECT_THAT(client->ids(1), ElementsAre(2));
    client->say(R"({"op":"publish","ref":1,"topic":"git.commit","body":{}})");
    EXPECT_EQ(client->last("error")["status"], 403);
    EXPECT_EQ(client->last("error")["ref"], 1);
    client->say(R"({"op":"publish","ref":2,"topic":"build.done","body":{}})");
    EXPECT_EQ(client->last("published")["ref"], 2);
    // One with other rights wants the same topics at the same head, and gets its own answer.
    const auto other = connect();
    other->say(R"({"op":"subscribe","id":"s","topics":["**"],"after":1})");
    EXPECT_THAT(other->ids(2), ElementsAre(2, 3));
    store("secret.key");
    EXPECT_THAT(other->ids(3), ElementsAre(2, 3, 4));
    store("git.commit");
    EXPECT_THAT(client->ids(2), ElementsAre(2, 5));
}

TEST_F(WsSessionTest, ATokenThatWasMadeAnewHasItsOwnRights) {
    const auto before = connect(ci());
    before->say(R"({"op":"subscribe","id":"s","topics":["**"]})");
    before->wait("subscribed");
    Principal less = ci();
    less.read = globs({"org.weft.dev.build.*"});
    const auto after = connect(less);
    after->say(R"({"op":"subscribe","id":"s","topics":["**"]})");
    after->wait("subscribed");
    store("git.commit");
    EXPECT_THAT(before->ids(1), ElementsAre(1));
    store("build.done");
    EXPECT_THAT(after->ids(1), ElementsAre(2));
}

TEST_F(WsSessionTest, PublishesThatAreNotAnsweredAreBounded) {
    const auto client = connect();
    publishes_.hold(true);
    for (int i = 0; i < 257; ++i) {
        client->say(R"({"op":"publish","ref":)" + std::to_string(i) + R"(,"topic":"a","body":1})");
    }
    const json busy = client->last("error");
    EXPECT_EQ(busy["ref"], 256);
    EXPECT_EQ(busy["status"], 503);
    EXPECT_THAT(busy["detail"].get<std::string>(), HasSubstr("busy"));
    publishes_.hold(false);
    EXPECT_EQ(client->wait("published", 256).size(), 256U);
    client->say(R"({"op":"publish","ref":"again","topic":"a","body":1})");
    EXPECT_EQ(client->last("published", 257)["ref"], "again");
}

TEST_F(WsSessionTest, APublishWithRecipientsAsksThemAndSaysWhoWasSilent) {
    const auto client = connect();
    bridge_.fail_publish(
        BridgeError{BridgeError::Kind::not_acknowledged, "b did not acknowledge", {}, {}});
    client->say(R"({"op":"publish","ref":1,"topic":"a","body":1,"recipients":["web","c"],
                    "level":"processed","ack_timeout":"2s"})");
    EXPECT_EQ(client->last("error")["status"], 504);
    const auto asked = publishes_.last();
    EXPECT_EQ(asked.mode, PublishRequest::Mode::acknowledged);
    EXPECT_THAT(asked.recipients.names(), ElementsAre("a", "b", "c"));
    EXPECT_EQ(asked.level, reliability::AckLevel::processed);
    EXPECT_EQ(asked.ack_timeout, std::chrono::seconds{2});
}

TEST_F(WsSessionTest, WhatCannotBePublishedIsSaid) {
    const auto client = connect();
    const auto refused = [&](const std::string& members) {
        const std::size_t before = client->wait("error", 0).size();
        client->say(R"({"op":"publish","ref":1,)" + members + "}");
        return client->last("error", before + 1)["detail"].get<std::string>();
    };
    EXPECT_THAT(refused(R"("topic":"a..b","body":{})"), HasSubstr("a..b"));
    EXPECT_THAT(refused(R"("topic":"a","durable":true,"recipients":"b")"),
                HasSubstr("ask for one of them"));
    EXPECT_THAT(refused(R"("topic":"a","level":"stored")"), HasSubstr("name some"));
    EXPECT_THAT(refused(R"("topic":"a","recipients":"b","ack_timeout":"soon")"),
                HasSubstr("ack_timeout"));
    EXPECT_THAT(refused(R"("topic":"a","parent":"x")"), HasSubstr("parent"));
    EXPECT_THAT(refused(R"("topic":"a","content_type":"image/png","body":{})"), HasSubstr("text"));
    bridge_.fail_publish(BridgeError{BridgeError::Kind::disk_full, "the disk is full", {}, {}});
    EXPECT_EQ(refused(R"("topic":"a","body":{})"), "the disk is full");
    EXPECT_EQ(client->last("error")["status"], 507);
}

TEST_F(WsSessionTest, WhenTheGatewayStopsEachGetsALastWord) {
    const auto one = connect(), other = connect();
    one->say(R"({"op":"subscribe","id":"s"})");
    EXPECT_EQ(sessions_.size(), 2U);
    sessions_.stop();
    for (const auto* client : {&one, &other}) {
        EXPECT_THAT((*client)->last("end")["reason"].get<std::string>(), HasSubstr("stops"));
        EXPECT_EQ((*client)->socket->code(), 1001);
    }
    const auto late = connect();
    EXPECT_EQ(late->wait("end").size(), 1U);
    EXPECT_EQ(late->socket->code(), 1001);
    one->go();
    EXPECT_EQ(sessions_.size(), 0U);
}

TEST_F(WsSessionTest, WhoHasGoneLeavesNothingBehind) {
    auto client = connect();
    client->say(R"({"op":"subscribe","id":"s","topics":["git.*"]})");
    client->say(R"({"op":"subscribe","id":"t","topics":["build.*"]})");
    store("git.commit");
    EXPECT_THAT(client->ids(1), ElementsAre(1));
    // Each waits once for what comes.
    const auto waiting = [&](std::size_t count) {
        for (int i = 0; i < 2000 && bridge_.waiters() != count; ++i) {
            support::Answer<bool>().take(std::chrono::milliseconds{5});
        }
        return bridge_.waiters();
    };
    EXPECT_EQ(waiting(2), 2U);
    client.reset();
    EXPECT_EQ(waiting(0), 0U);
    EXPECT_EQ(sessions_.size(), 0U);
}

}  // namespace
}  // namespace weft::gateway::native
