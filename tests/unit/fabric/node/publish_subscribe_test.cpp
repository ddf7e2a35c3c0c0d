// A publisher and subscribers together, over the in-process transport and with real signatures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fabric/message/body.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PublishSubscribe : public ::testing::Test {
protected:
    void connect(const std::vector<std::string>& globs = {"**"}) {
        subscriber_ = world_.subscriber(received_, globs);
        const auto ready = subscriber_->wait_ready(patience);
        ASSERT_TRUE(ready.ready) << ready.sentence;
    }
    Message only_message() {
        EXPECT_TRUE(received_.wait_for(1));
        auto messages = received_.messages();
        EXPECT_EQ(messages.size(), 1u);
        return messages.at(0);
    }

    WorldClock clock_;
    NodeWorld world_{clock_};
    const support::Identity git_ = world_.signing.identity("git");
    std::unique_ptr<Publisher> publisher_ = world_.publisher(git_);
    Received received_;
    std::unique_ptr<Subscriber> subscriber_;
};

TEST_F(PublishSubscribe, FourThreadsOfAThousandMessagesAllArriveVerifiedAndInOrder) {
    connect();
    constexpr int threads = 4, each = 1000;
    const std::array<std::string, 3> topics{"org.weft.dev.a", "org.weft.dev.b", "org.weft.dev.c"};
    {
        std::vector<std::jthread> running;
        for (int thread = 0; thread < threads; ++thread) {
            running.emplace_back([&, thread] {
                for (int i = 0; i < each; ++i) {
                    publisher_->publish(topics[static_cast<std::size_t>(i / 25 % 3)],
                                        {{"thread", thread}, {"number", i}});
                }
            });
        }
    }
    ASSERT_TRUE(received_.wait_for(threads * each));

    std::map<std::string, std::uint64_t> seq;
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> last;
    std::set<MessageId> ids;
    for (const Message& message : received_.messages()) {
        const std::string topic{message.topic()};
        ASSERT_EQ(message.seq(), ++seq[topic]) << topic;
        ASSERT_TRUE(message.verified());
        ASSERT_EQ(message.signer(), "git");
        const Value body = message.value();
        const auto [before, first] =
            last.emplace(std::pair{topic, body["thread"].integer_or(-1)}, -1);
        ASSERT_GT(body["number"].integer_or(-1), before->second);
        before->second = body["number"].integer_or(-1);
        ids.insert(message.id());
    }
    EXPECT_EQ(ids.size(), std::size_t{threads} * each);
    EXPECT_EQ(seq.size(), topics.size());
    EXPECT_TRUE(publisher_->flush(patience).complete);
    const PublisherStats stats = publisher_->stats();
    EXPECT_EQ(stats.accepted, std::uint64_t{threads} * each);
    EXPECT_EQ(stats.sent, std::uint64_t{threads} * each);
    EXPECT_EQ(stats.unwanted, 0u);
    EXPECT_LT(stats.runs, stats.sent);
    EXPECT_LE(stats.signatures, stats.runs);
    EXPECT_GT(stats.signatures, 0u);
    EXPECT_THAT(received_.refused(), IsEmpty());
}

TEST_F(PublishSubscribe, EverythingThatWasSaidArrives) {
    connect();
    PublishOptions options;
    options.parent = MessageId::make(123);
    options.headers = {{"trace", "a1"}, {"via", "client"}};

    const MessageId id = publisher_->publish(
        "org.weft.dev.git.commit",
        {{"hash", "2f1c"}, {"files", 3}, {"author", Value{{{"name", "ann"}}}}}, options);

    const Message message = only_message();
    EXPECT_EQ(message.id(), id);
    EXPECT_EQ(message.topic(), "org.weft.dev.git.commit");
    EXPECT_EQ(message.epoch(), 7u);
    EXPECT_EQ(message.seq(), 1u);
    EXPECT_EQ(message.time_us(), clock_.utc_us());
    EXPECT_EQ(id.unix_ms(), clock_.utc_us() / 1000);
    EXPECT_EQ(message.source(), "a test");
    EXPECT_EQ(message.content_type(), "application/msgpack");
    EXPECT_EQ(message.parent(), options.parent);
    EXPECT_EQ(message.header("trace"), "a1");
    EXPECT_EQ(message.header("via"), "client");
    EXPECT_EQ(message.value()["hash"].text_or(""), "2f1c");
    EXPECT_EQ(message.value()["files"].integer_or(0), 3);
    EXPECT_EQ(message.value()["author"]["name"].text_or(""), "ann");
    EXPECT_EQ(message.certificate()->fingerprint(), git_.certificate->fingerprint());
    EXPECT_EQ(message.digest(), signing::message_digest(message.topic(), message.content()));
}

TEST_F(PublishSubscribe, BodiesKeepTheirBytesAndContentTypes) {
    connect();
    const std::string bytes("\0\x92\xFF\n", 4);

    publisher_->publish("a.raw", Body::raw(bytes, "image/png"));
    publisher_->publish("a.text", Body::text("grüß Gott"));
    publisher_->publish("a.json", Body::json(R"({"b": 1.0, "a": [1, 2]})").value());
    publisher_->publish("a.empty", Body::raw("", ""));

    ASSERT_TRUE(received_.wait_for(4));
    const auto messages = received_.messages();
    EXPECT_EQ(messages[0].content_type(), "image/png");
    EXPECT_EQ(messages[0].body(), bytes);
    EXPECT_EQ(messages[1].content_type(), "text/plain; charset=utf-8");
    EXPECT_EQ(messages[1].body(), "grüß Gott");
    EXPECT_EQ(messages[2].content_type(), "application/json");
    EXPECT_EQ(messages[2].body(), R"({"b":1.0,"a":[1,2]})");
    EXPECT_EQ(messages[3].content_type(), "application/octet-stream");
    EXPECT_EQ(messages[3].body(), "");
}

// S1: what a consumer gets is what was signed, byte for byte: the run verifies again from it.
TEST_F(PublishSubscribe, AMessageCarriesTheVeryBytesThatWereSigned) {
    connect();
    publisher_->publish("a", {{"x", 1.5}});
    const Message message = only_message();

    support::Receiver receiver(world_.signing.trust());
    const support::Frames again{std::string{message.run()->topic},
                                std::string{message.run()->contents},
                                std::string{message.run()->proof}};
    ASSERT_TRUE(receiver.take(again));
    ASSERT_EQ(receiver.run.items.size(), 1u);
    EXPECT_EQ(receiver.run.items[0].content, message.content());
    EXPECT_EQ(receiver.run.items[0].digest, message.digest());
}

TEST_F(PublishSubscribe, AMessageOutlivesTheSubscriber) {
    connect();
    publisher_->publish("a", {{"x", "y"}});
    const Message message = only_message();

    subscriber_.reset();
    publisher_.reset();

    EXPECT_EQ(message.topic(), "a");
    EXPECT_EQ(message.value()["x"].text_or(""), "y");
}

TEST_F(PublishSubscribe, WhatNobodyWantsIsNeitherSignedNorSentButCountedAndNumbered) {
    connect({"org.weft.dev.a.**"});

    for (int i = 0; i < 3; ++i) publisher_->publish("org.weft.dev.b", {{"i", i}});

    EXPECT_TRUE(publisher_->flush(patience).complete);
    PublisherStats stats = publisher_->stats();
    EXPECT_EQ(stats.accepted, 3u);
    EXPECT_EQ(stats.unwanted, 3u);
    EXPECT_EQ(stats.sent, 0u);
    EXPECT_EQ(stats.signatures, 0u);

    Received others;
    const auto later = world_.subscriber(others, {"org.weft.dev.b"});
    ASSERT_TRUE(publisher_->wait_for_subscriber("org.weft.dev.b", patience));
    publisher_->publish("org.weft.dev.b", {{"i", 3}});

    ASSERT_TRUE(others.wait_for(1));
    EXPECT_EQ(others.messages().at(0).seq(), 4u);
    EXPECT_THAT(received_.messages(), IsEmpty());
}

TEST_F(PublishSubscribe, WhatMatchesThePrefixButNoGlobIsNotShown) {
    connect({"a.*.c"});

    publisher_->publish("a.b.c", {});
    publisher_->publish("a.b.d", {});
    publisher_->publish("a.x.c", {});

    ASSERT_TRUE(received_.wait_for(2));
    EXPECT_THAT(received_.topics(), ElementsAre("a.b.c", "a.x.c"));
    EXPECT_TRUE(eventually([&] { return subscriber_->stats().delivered == 2; }));
    EXPECT_EQ(subscriber_->stats().filtered, 1u);
}

TEST_F(PublishSubscribe, AMessageThatMatchesSeveralGlobsIsShownOnce) {
    connect({"a.**", "a.b", "**"});

    publisher_->publish("a.b", {{"n", 1}});
    publisher_->publish("a.b", {{"n", 2}});

    ASSERT_TRUE(received_.wait_for(2));
    EXPECT_TRUE(publisher_->flush(patience).complete);
    EXPECT_EQ(received_.messages().size(), 2u);
}

TEST_F(PublishSubscribe, OneSubscriberHearsSeveralPublishers) {
    auto settings = bound_at("inproc://second");
    const auto mail = world_.signing.identity("mail");
    const auto second = world_.publisher(shared(mail), settings);
    const auto subscriber = world_.subscriber(
        connected_to({NodeWorld::endpoint, "inproc://second"}), received_.hooks());
    const auto ready = subscriber->wait_ready(patience);
    ASSERT_TRUE(ready.ready);
    EXPECT_EQ(ready.expected, 2u);

    publisher_->publish("a", {});
    second->publish("a", {});

    ASSERT_TRUE(received_.wait_for(2));
    std::set<std::string> signers;
    for (const Message& message : received_.messages()) signers.emplace(message.signer());
    EXPECT_THAT(signers, ElementsAre("git", "mail"));
}

TEST_F(PublishSubscribe, NothingIsDeliveredOnceTheSubscriberIsGone) {
    connect();
    std::atomic<bool> stop{false};
    std::jthread traffic([&] {
        while (!stop) publisher_->publish("a", {{"x", 1}});
    });
    ASSERT_TRUE(received_.wait_for(100));

    subscriber_.reset();
    const std::size_t after = received_.messages().size();
    stop = true;
    traffic.join();

    EXPECT_TRUE(publisher_->flush(patience).complete);
    EXPECT_EQ(received_.messages().size(), after);
}

TEST_F(PublishSubscribe, ClosingInTrafficHandsOverExactlyWhatWasAccepted) {
    connect();
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<int> ended{0};
    std::vector<std::jthread> traffic;
    for (int thread = 0; thread < 4; ++thread) {
        traffic.emplace_back([&] {
            const Body body{{"x", 1}};
            while (true) {
                const auto published = publisher_->try_publish("a", body.view());
                if (!published) {
                    EXPECT_EQ(published.error().reason, PublishError::Reason::stopped);
                    ++ended;
                    return;
                }
                ++accepted;
            }
        });
    }
    ASSERT_TRUE(received_.wait_for(100));

    publisher_->close();
    traffic.clear();

    EXPECT_EQ(ended, 4);
    ASSERT_TRUE(received_.wait_for(accepted));
    EXPECT_EQ(received_.messages().size(), accepted);
    const PublisherStats stats = publisher_->stats();
    EXPECT_EQ(stats.accepted, accepted);
    EXPECT_EQ(stats.sent, accepted);
    EXPECT_EQ(stats.dropped_at_close, 0u);
}

// D2: what is not validated says so; the signature must still be whole.
TEST_F(PublishSubscribe, WithoutValidationUnsignedMessagesComeAsNotVerified) {
    const auto silent = world_.publisher(nullptr, bound_at("inproc://unsigned"));
    auto settings = connected_to({"inproc://unsigned"});
    settings.validate = false;
    subscriber_ = world_.subscriber(settings, received_.hooks());
    ASSERT_TRUE(subscriber_->wait_ready(patience).ready);

    silent->publish("a", {{"x", 1}});

    const Message message = only_message();
    EXPECT_FALSE(message.verified());
    EXPECT_EQ(message.signer(), "");
    EXPECT_EQ(message.run()->proof, "");
    EXPECT_EQ(silent->stats().signatures, 0u);
}

TEST_F(PublishSubscribe, WithoutValidationASignerIsNamedButNotVerified) {
    const auto stranger = support::SigningFixture::stranger("somebody");
    const auto elsewhere = support::must(Publisher::open(
        *world_.transport, clock_, bound_at("inproc://stranger"), shared(stranger), nullptr));
    auto settings = connected_to({"inproc://stranger"});
    settings.validate = false;
    subscriber_ = support::must(
        Subscriber::open(*world_.transport, clock_, settings, nullptr, received_.hooks()));
    ASSERT_TRUE(subscriber_->wait_ready(patience).ready);

    elsewhere->publish("a", {{"x", 1}});

    const Message message = only_message();
    EXPECT_FALSE(message.verified());
    EXPECT_EQ(message.signer(), "somebody");
}

TEST_F(PublishSubscribe, AValidatingSubscriberCountsUnsignedMessagesAndShowsNone) {
    const auto silent = world_.publisher(nullptr, bound_at("inproc://unsigned"));
    subscriber_ = world_.subscriber(connected_to({"inproc://unsigned"}), received_.hooks());
    ASSERT_TRUE(subscriber_->wait_ready(patience).ready);

    silent->publish("a", {{"x", 1}});

    ASSERT_TRUE(received_.wait_for_refusals(1));
    EXPECT_THAT(received_.reasons(), ElementsAre(signing::Refusal::unsigned_message));
    EXPECT_THAT(received_.messages(), IsEmpty());
    EXPECT_EQ(subscriber_->stats().refused_total(), 1u);
}

/// Loses what the test says, as a full pipe does.
class LossyTransport final : public Transport {
public:
    explicit LossyTransport(Transport& inner) : inner_(inner) {}
    tl::expected<std::unique_ptr<PublishPort>, std::string> bind_publisher(
        const std::vector<std::string>& endpoints) override {
        auto port = inner_.bind_publisher(endpoints);
        if (!port) return port;
        return std::make_unique<Port>(*this, std::move(*port));
    }
    tl::expected<std::unique_ptr<PublishPort>, std::string> connect_publisher(
        const std::string& endpoint) override {
        return inner_.connect_publisher(endpoint);
    }
    tl::expected<std::unique_ptr<SubscribePort>, std::string> open_subscriber() override {
        return inner_.open_subscriber();
    }

    std::atomic<bool> losing{false};

private:
    class Port final : public PublishPort {
    public:
        Port(LossyTransport& line, std::unique_ptr<PublishPort> inner)
            : line_(line), inner_(std::move(inner)) {}
        void send(std::string_view topic, std::string_view contents,
                  std::string_view proof) override {
            if (!line_.losing || topic.front() == '\xFF') inner_->send(topic, contents, proof);
        }
        bool next_subscription(SubscriptionEvent& event) override {
            return inner_->next_subscription(event);
        }
        void wait(std::chrono::milliseconds timeout) override { inner_->wait(timeout); }
        void wake() override { inner_->wake(); }
        [[nodiscard]] std::string bound() const override { return inner_->bound(); }

    private:
        LossyTransport& line_;
        std::unique_ptr<PublishPort> inner_;
    };
    Transport& inner_;
};

// The last message of a topic is lost, and nothing comes after it.
TEST(TailBeacons, ALostTailIsSeen) {
    const WorldClock clock;
    NodeWorld world{clock};
    const auto git = world.signing.identity("git");
    LossyTransport line(*world.transport);
    const auto publisher = support::must(Publisher::open(line, clock, bound_at(NodeWorld::endpoint),
                                                         shared(git), world.signing.trust()));
    Received received;
    const auto subscriber = world.subscriber(received);
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    publisher->publish("org.weft.dev.a", {{"x", 1}});
    ASSERT_TRUE(received.wait_for(1));
    line.losing = true;
    for (int i = 0; i < 5; ++i) publisher->publish("org.weft.dev.a", {{"x", i}});
    ASSERT_TRUE(publisher->flush(patience).complete);
    EXPECT_EQ(subscriber->stats().missing, 0u);
    line.losing = false;

    EXPECT_TRUE(eventually([&] { return subscriber->stats().missing == 5; }));
    EXPECT_TRUE(received.wait_for_line("missing 5 messages of topic org.weft.dev.a"));
    EXPECT_EQ(subscriber->stats().gaps, 1u);
    EXPECT_EQ(received.messages().size(), 1u);
    EXPECT_THAT(received.refused(), IsEmpty());
    EXPECT_EQ(publisher->stats().sent, 6u);
    // The publisher counts after it has sent, so the subscriber may be first.
    EXPECT_TRUE(eventually([&] { return publisher->stats().tail_beacons >= 1; }));
}

}  // namespace
}  // namespace weft::fabric
