// Our own key or certificate was renewed: the publisher goes on with the new one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <string>

#include "fabric/message/body.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PublisherRenewal : public ::testing::Test {
protected:
    std::unique_ptr<Publisher> publisher(const support::Identity& who) {
        PublisherSettings settings = bound_at(NodeWorld::endpoint);
        settings.renew_identity = [this](const signing::Identity&) {
            const std::scoped_lock lock(mutex_);
            return std::exchange(next_, nullptr);
        };
        auto publisher = world_.publisher(shared(who), settings);
        subscriber_ = world_.subscriber(received_);
        EXPECT_TRUE(subscriber_->wait_ready(patience).ready);
        return publisher;
    }
    void renew(const support::Identity& who) {
        {
            const std::scoped_lock lock(mutex_);
            next_ = shared(who);
        }
        EXPECT_TRUE(eventually([this] {
            clock_.advance(milliseconds{250});
            const std::scoped_lock lock(mutex_);
            return next_ == nullptr;
        }));
    }
    static bool publish(Publisher& publisher, std::string_view topic) {
        const Body body{{"x", 1}};
        return publisher.try_publish(topic, body.view()).has_value();
    }
    static std::uint64_t serial(const Message& message) {
        const std::string_view proof = message.run()->proof;
        const auto certificate = signing::Certificate::read_unverified(std::string{
            proof.substr(signing::proof_fixed_bytes + 32u * static_cast<unsigned char>(proof[3]))});
        return certificate ? (*certificate)->serial() : 0;
    }

    ManualClock clock_;
    NodeWorld world_{clock_};
    Received received_;
    std::unique_ptr<Subscriber> subscriber_;
    std::mutex mutex_;
    std::shared_ptr<const signing::Identity> next_;
};

// T5
TEST_F(PublisherRenewal, WhatIsPublishedAfterwardsIsSignedWithTheNewKey) {
    const auto first = world_.signing.identity("git"), second = world_.signing.identity("git");
    const auto publisher = this->publisher(first);
    ASSERT_TRUE(publish(*publisher, "a"));
    ASSERT_TRUE(received_.wait_for(1));

    renew(second);
    ASSERT_TRUE(publish(*publisher, "a"));

    ASSERT_TRUE(received_.wait_for(2));
    const auto messages = received_.messages();
    EXPECT_EQ(serial(messages[0]), first.certificate->serial());
    EXPECT_EQ(serial(messages[1]), second.certificate->serial());
    EXPECT_EQ(messages[1].seq(), 2u);
    EXPECT_THAT(received_.refused(), IsEmpty());
}

// T5: revoked, it publishes nothing, until there is a new certificate.
TEST_F(PublisherRenewal, ARevokedPublisherSpeaksAgainOnceItHasANewCertificate) {
    const auto first = world_.signing.identity("git");
    const auto publisher = this->publisher(first);
    world_.signing.revoke(first);
    EXPECT_TRUE(eventually([&] {
        clock_.advance(milliseconds{250});
        return !publish(*publisher, "a");
    }));
    const Body body{{"x", 1}};
    const auto refused = publisher->try_publish("a", body.view());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, PublishError::Reason::signer_refused);

    renew(world_.signing.identity("git"));

    EXPECT_TRUE(eventually([&] { return publish(*publisher, "a"); }));
}

// T2: the new certificate's globs hold, not the old one's.
TEST_F(PublisherRenewal, TheGlobsOfTheNewCertificateHold) {
    const auto publisher = this->publisher(world_.signing.identity("git", {.globs = {"a"}}));
    ASSERT_TRUE(publish(*publisher, "a"));
    ASSERT_FALSE(publish(*publisher, "b"));

    renew(world_.signing.identity("git", {.globs = {"b"}}));

    EXPECT_TRUE(eventually([&] { return publish(*publisher, "b"); }));
    EXPECT_FALSE(publish(*publisher, "a"));
}

TEST_F(PublisherRenewal, StopTakingRefusesFurtherMessagesAndSendsWhatWasAccepted) {
    const auto publisher = this->publisher(world_.signing.identity("git"));
    ASSERT_TRUE(publish(*publisher, "a"));

    publisher->stop_taking();

    const Body body{{"x", 1}};
    const auto refused = publisher->try_publish("a", body.view());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, PublishError::Reason::stopped);
    EXPECT_TRUE(publisher->flush(patience).complete);
    EXPECT_TRUE(received_.wait_for(1));
}

}  // namespace
}  // namespace weft::fabric
