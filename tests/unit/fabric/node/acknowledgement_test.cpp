// What the fabric does for acknowledgements without knowing what they say: their own topics (A7),
// bytes that are shown before they leave, and messages that are sent again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Kind;
using signing::Refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string topic = "org.weft.dev.a";
const std::string ack_topic = "org.weft.dev.ack.git.host1";

/// Keeps the bytes that it is shown.
class Kept final : public SealedMessageHook {
public:
    void prepare(std::size_t content_bytes) override {
        if (fails) throw std::runtime_error("no room to keep it");
        content.reserve(content_bytes);
        prepared = content_bytes;
    }
    void on_sealed(const Sealed& sealed) noexcept override {
        id = sealed.id;
        seq = sealed.seq;
        content = sealed.content;
        digest = sealed.digest;
    }
    bool fails = false;
    std::size_t prepared = 0;
    MessageId id;
    std::uint64_t seq = 0;
    std::string content;
    signing::Digest digest{};
};

class Acknowledgement : public ::testing::Test {
protected:
    PublisherSettings settings(std::string ack_root = "org.weft.dev.ack.") const {
        auto settings = bound_at(NodeWorld::endpoint);
        settings.ack_root = std::move(ack_root);
        return settings;
    }
    void open(std::string ack_root = "org.weft.dev.ack.") {
        publisher_ = world_.publisher(shared(git_), settings(std::move(ack_root)));
    }
    void subscribe() {
        auto settings = connected_to({NodeWorld::endpoint});
        settings.ack_root = "org.weft.dev.ack.";
        auto hooks = received_.hooks();
        hooks.acknowledgement = [this](const Message& message) { add(acks_, message); };
        hooks.repeated = [this](const Message& message) { add(repeated_, message); };
        subscriber_ = world_.subscriber(std::move(settings), std::move(hooks));
        // Two subscriptions of one peer, in either order: the topic's and the one that makes it
        // count.
        ASSERT_TRUE(publisher_->wait_for_subscriber(topic, patience));
        ASSERT_TRUE(publisher_->wait_for_peer(patience));
    }
    static void add(std::vector<Message>& list, const Message& message) { list.push_back(message); }
    /// Everything that was published before has been received when this returns.
    void settle() {
        ASSERT_TRUE(publisher_->flush(patience).complete);
        subscriber_->stop();
    }
    MessageId publish(const std::string& to, Kind kind = Kind::message) {
        PublishOptions options;
        options.kind = kind;
        return publisher_->publish(to, Body::text("x"), options);
    }
    std::string refusal_of(const std::string& to, Kind kind) {
        PublishOptions options;
        options.kind = kind;
        const Body body = Body::text("x");
        const auto published = publisher_->try_publish(to, body.view(), options);
        return published ? "" : published.error().sentence;
    }
    MessageId publish_kept(Kept& kept, std::string_view ack = "\x01") {
        PublishOptions options;
        options.ack = ack;
        options.hook = &kept;
        return publisher_->publish(topic, Body::text("x"), options);
    }

    WorldClock clock_;
    NodeWorld world_{clock_};
    support::Identity git_ = world_.signing.identity(
        "git.host1", {.roles = support::roles_of({signing::Role::publish, signing::Role::ack})});
    Received received_;
    std::vector<Message> acks_, repeated_;  // of the subscriber's thread, until it has stopped
    std::unique_ptr<Publisher> publisher_;
    std::unique_ptr<Subscriber> subscriber_;
};

// A7
TEST_F(Acknowledgement, AMessageOnAnAckTopicIsRefusedByItsOwnPublisher) {
    open();

    EXPECT_THAT(refusal_of(ack_topic, Kind::message), HasSubstr("carry acknowledgements"));
    EXPECT_EQ(refusal_of("org.weft.dev.acknowledged", Kind::message), "");
}

TEST_F(Acknowledgement, AnAckAnywhereElseIsRefusedByItsOwnPublisher) {
    open();

    EXPECT_THAT(refusal_of(topic, Kind::ack), HasSubstr("go nowhere else"));
    EXPECT_EQ(refusal_of(ack_topic, Kind::ack), "");
}

// A7
TEST_F(Acknowledgement, AReceiverRefusesMessagesOnAckTopicsAndAcksElsewhere) {
    open("");  // A publisher that does not keep the rule.
    subscribe();
    publish(ack_topic);
    publish(topic, Kind::ack);
    publish(topic);

    settle();

    EXPECT_THAT(received_.reasons(),
                ElementsAre(Refusal::ack_topic_reserved, Refusal::ack_topic_reserved));
    EXPECT_THAT(received_.topics(), ElementsAre(topic));
    EXPECT_THAT(acks_, IsEmpty());
}

TEST_F(Acknowledgement, AcksAreHandedToWhoAsksForThemAndNeverDelivered) {
    open();
    subscribe();
    const MessageId first = publish(ack_topic, Kind::ack);
    const MessageId second = publish(ack_topic, Kind::ack);

    settle();

    ASSERT_THAT(acks_, SizeIs(2));
    EXPECT_EQ(acks_[0].id(), first);
    EXPECT_EQ(acks_[1].id(), second);
    EXPECT_EQ(acks_[0].signer(), "git.host1");
    EXPECT_THAT(received_.messages(), IsEmpty());
    EXPECT_EQ(subscriber_->stats().acks, 2U);
}

TEST_F(Acknowledgement, TheHookIsShownTheVeryBytesThatLeave) {
    open();
    subscribe();
    Kept kept;
    const MessageId id = publish_kept(kept);

    settle();

    ASSERT_THAT(received_.messages(), SizeIs(1));
    const Message message = received_.messages().front();
    EXPECT_EQ(message.content(), kept.content);
    EXPECT_EQ(message.digest(), kept.digest);
    EXPECT_EQ(message.id(), kept.id);
    EXPECT_EQ(id, kept.id);
    EXPECT_EQ(kept.prepared, kept.content.size());
    EXPECT_EQ(message.ack_request(), "\x01");
}

TEST_F(Acknowledgement, AHookThatCannotKeepTheMessageLeavesItUnsent) {
    open();
    subscribe();
    Kept kept;
    kept.fails = true;
    EXPECT_THROW(publish_kept(kept), std::runtime_error);
    kept.fails = false;
    publish_kept(kept);

    settle();

    EXPECT_THAT(received_.messages(), SizeIs(1));
    EXPECT_EQ(kept.seq, 1U);
}

TEST_F(Acknowledgement, WhatIsSentAgainIsShownAsRepeatedAndNotDelivered) {
    open();
    subscribe();
    Kept kept;
    publish_kept(kept);
    EXPECT_TRUE(publisher_->send_again(topic, kept.content, kept.digest));
    publish(topic);

    settle();

    EXPECT_THAT(received_.messages(), SizeIs(2));
    ASSERT_THAT(repeated_, SizeIs(1));
    EXPECT_EQ(repeated_.front().digest(), kept.digest);
    EXPECT_TRUE(repeated_.front().verified());
    // Sending again takes no number: there is no hole.
    EXPECT_EQ(subscriber_->stats().gaps, 0U);
    EXPECT_EQ(received_.messages().back().seq(), 2U);
}

TEST_F(Acknowledgement, ARepeatedMessageThatAsksForNothingIsOnlyCounted) {
    open();
    subscribe();
    Kept kept;
    publish_kept(kept, {});
    ASSERT_TRUE(publisher_->send_again(topic, kept.content, kept.digest));

    settle();

    EXPECT_THAT(repeated_, IsEmpty());
    EXPECT_EQ(subscriber_->stats().duplicates, 1U);
}

TEST_F(Acknowledgement, AMessageWithAHookIsSealedAlthoughNobodyHasSubscribedYet) {
    open();
    Kept kept;
    publish_kept(kept);
    EXPECT_EQ(kept.seq, 1U);
    ASSERT_TRUE(publisher_->flush(patience).complete);
    subscribe();
    ASSERT_TRUE(publisher_->send_again(topic, kept.content, kept.digest));

    settle();

    ASSERT_THAT(received_.messages(), SizeIs(1));
    EXPECT_EQ(received_.messages().front().digest(), kept.digest);
}

TEST_F(Acknowledgement, AClosedPublisherSendsNothingAgain) {
    open();
    Kept kept;
    publish_kept(kept);
    publisher_->close();

    EXPECT_FALSE(publisher_->send_again(topic, kept.content, kept.digest));
}

}  // namespace
}  // namespace weft::fabric
