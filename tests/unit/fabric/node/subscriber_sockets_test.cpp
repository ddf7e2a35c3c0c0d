// What only real sockets can do to a subscriber: messages of other than three frames, publishers
// that come and go.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>
#include <zmq.hpp>

#include "fabric/message/body.hpp"
#include "fabric/node/control.hpp"
#include "tests/support/zmtp_stranger.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using signing::Refusal;
using support::ZmtpStranger;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string topic = "org.weft.dev.a";

class SubscriberOverSockets : public ::testing::Test {
protected:
    SubscriberOverSockets() { world_.transport = make_zmq_transport({}); }

    WorldClock clock_;
    NodeWorld world_{clock_};
    const support::Identity git_ = world_.signing.identity("git");
    Received received_;
};

/// A socket that is no publisher of ours, and so may send what it likes.
class ForeignPublisher {
public:
    ForeignPublisher() {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.bind("tcp://127.0.0.1:*");
    }
    [[nodiscard]] std::string endpoint() { return socket_.get(zmq::sockopt::last_endpoint); }
    [[nodiscard]] bool wait_for_barrier_subscription() {
        return eventually([&] {
            zmq::message_t event;
            return socket_.recv(event, zmq::recv_flags::dontwait).has_value() &&
                   event.to_string() == "\x01" + std::string{barrier_prefix};
        });
    }
    void send(const std::vector<std::string>& frames) {
        for (std::size_t i = 0; i < frames.size(); ++i) {
            socket_.send(zmq::buffer(frames[i]),
                         i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
        }
    }

private:
    zmq::context_t context_;
    zmq::socket_t socket_{context_, zmq::socket_type::xpub};
};

TEST_F(SubscriberOverSockets, AnythingButThreeFramesIsRefusedAndTheNextMessageIsRead) {
    ForeignPublisher foreign;
    const auto subscriber =
        world_.subscriber(connected_to({foreign.endpoint()}), received_.hooks());
    ASSERT_TRUE(foreign.wait_for_barrier_subscription());
    ContentHeader header = sample_header();
    header.time_us = clock_.utc_us();
    const auto good = support::sign(git_, topic, {encoded(header, "\xC0")});

    foreign.send({topic});
    foreign.send({topic, good.contents});
    foreign.send({good.topic, good.contents, good.proof, ""});
    foreign.send({topic, "", "", "", "", "", ""});
    foreign.send({good.topic, good.contents, good.proof});

    ASSERT_TRUE(received_.wait_for(1));
    EXPECT_THAT(received_.reasons(), Each(Refusal::not_three_frames));
    std::vector<std::string> details;
    for (const auto& refused : received_.refused()) details.push_back(refused.detail);
    EXPECT_THAT(details, ElementsAre("1 frame", "2 frames", "4 frames", "7 frames"));
    EXPECT_THAT(received_.refused().at(0).peer, HasSubstr("127.0.0.1"));
    EXPECT_EQ(received_.messages().size(), 1u);
}

TEST_F(SubscriberOverSockets, APublisherAndASubscriberMeetOverTcp) {
    const auto publisher = world_.publisher(shared(git_), bound_at("tcp://127.0.0.1:0"));
    const auto subscriber =
        world_.subscriber(connected_to({publisher->bound()}), received_.hooks());
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    for (int i = 0; i < 2000; ++i) publisher->publish(topic, {{"i", i}});

    const FlushResult flush = publisher->flush(patience);

    EXPECT_TRUE(flush.complete) << flush.sentence;
    EXPECT_EQ(flush.peers, 1u);
    ASSERT_EQ(received_.messages().size(), 2000u);  // the echo came after the last of them
    std::uint64_t seq = 0;
    for (const Message& message : received_.messages()) ASSERT_EQ(message.seq(), ++seq);
    EXPECT_THAT(received_.refused(), IsEmpty());
}

// A1: whoever reaches a bound publisher must not be able to silence it for the others.
TEST_F(SubscriberOverSockets, AStrangerCannotUnsubscribeForASubscriber) {
    const auto publisher = world_.publisher(shared(git_), bound_at("tcp://127.0.0.1:0"));
    const auto subscriber =
        world_.subscriber(connected_to({publisher->bound()}, {"a.**"}), received_.hooks());
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    ZmtpStranger stranger(publisher->bound(), "SUB");

    for (int i = 0; i < 3; ++i) {
        stranger.unsubscribe("a");
        stranger.unsubscribe("a.");
        stranger.unsubscribe(barrier_prefix);
    }
    stranger.subscribe("z");
    ASSERT_TRUE(publisher->wait_for_subscriber("z", patience));

    EXPECT_EQ(publisher->stats().peers, 1u);
    publisher->publish("a.b", {{"x", 1}});
    EXPECT_TRUE(received_.wait_for(1));
}

TEST_F(SubscriberOverSockets, AnEndpointThatIsNoneIsAnErrorAtOnce) {
    const auto opened = Subscriber::open(*world_.transport, clock_, connected_to({"tcp://nowhere"}),
                                         world_.signing.trust(), received_.hooks());

    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), HasSubstr("tcp://nowhere"));
}

TEST_F(SubscriberOverSockets, ASubscriberThatLeavesIsNoLongerSentTo) {
    const auto publisher = world_.publisher(shared(git_), bound_at("tcp://127.0.0.1:0"));
    auto subscriber = world_.subscriber(connected_to({publisher->bound()}), received_.hooks());
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    EXPECT_EQ(publisher->stats().peers, 1u);

    subscriber.reset();

    EXPECT_TRUE(eventually([&] { return publisher->stats().peers == 0; }));
    publisher->publish(topic, {{"x", 1}});
    EXPECT_EQ(publisher->stats().unwanted, 1u);
}

}  // namespace
}  // namespace weft::fabric
