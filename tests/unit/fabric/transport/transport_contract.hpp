#pragma once
// What every transport promises: one suite, run against each (INSTANTIATE_TEST_SUITE_P).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "fabric/transport/transport.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {

struct TransportUnderTest {
    std::string name;
    std::function<std::unique_ptr<Transport>()> make;
    /// A free endpoint, the same each time for the same name, that can be bound, freed and bound
    /// again.
    std::function<std::string(const std::string& which)> endpoint;
};

inline std::ostream& operator<<(std::ostream& out, const TransportUnderTest& transport) {
    return out << transport.name;
}

class TransportContract : public ::testing::TestWithParam<TransportUnderTest> {
protected:
    std::string endpoint(const std::string& which = "a") const {
        return GetParam().endpoint(which);
    }
    std::unique_ptr<PublishPort> bind(const std::string& at) {
        return support::must(transport_->bind_publisher({at}));
    }
    std::unique_ptr<SubscribePort> connect(const std::string& to,
                                           const std::vector<std::string>& prefixes) {
        auto port = support::must(transport_->open_subscriber());
        for (const std::string& prefix : prefixes) port->subscribe(prefix);
        support::must(port->connect(to));
        return port;
    }
    /// The next `count` subscription events, as "+prefix", "-prefix" and, where the subscriber went
    /// away, "gone prefix".
    static std::vector<std::string> events(PublishPort& port, std::size_t count) {
        std::vector<std::string> seen;
        const auto deadline = std::chrono::steady_clock::now() + patience;
        SubscriptionEvent event;
        while (seen.size() < count && std::chrono::steady_clock::now() < deadline) {
            if (port.next_subscription(event)) {
                seen.push_back((event.subscribed ? "+"
                                : event.gone     ? "gone "
                                                 : "-") +
                               event.prefix);
            } else {
                port.wait(std::chrono::milliseconds{100});
            }
        }
        return seen;
    }
    /// The same while a subscriber's thread is at work as it always is: libzmq does much of what
    /// it was told when its socket is used next.
    static std::vector<std::string> events(PublishPort& port, std::size_t count,
                                           SubscribePort& at_work) {
        std::vector<std::string> seen;
        const bool all = eventually([&] {
            Arrival arrival;
            EXPECT_FALSE(at_work.receive(arrival));
            SubscriptionEvent event;
            while (port.next_subscription(event)) {
                seen.push_back((event.subscribed ? "+"
                                : event.gone     ? "gone "
                                                 : "-") +
                               event.prefix);
            }
            return seen.size() >= count;
        });
        EXPECT_TRUE(all);
        return seen;
    }
    /// The next message's frames, joined by '|'; "" if none comes.
    static std::string next(SubscribePort& port) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        Arrival arrival;
        while (std::chrono::steady_clock::now() < deadline) {
            if (port.receive(arrival)) {
                EXPECT_EQ(arrival.frames, 3u);
                return std::string{arrival.topic} + "|" + std::string{arrival.contents} + "|" +
                       std::string{arrival.proof};
            }
            port.wait(std::chrono::milliseconds{100});
        }
        return "";
    }

    std::unique_ptr<Transport> transport_ = GetParam().make();
};

TEST_P(TransportContract, CarriesThreeFramesInOrderAndByteForByte) {
    const auto publisher = bind(endpoint());
    const auto subscriber = connect(endpoint(), {""});
    ASSERT_EQ(events(*publisher, 1).size(), 1u);

    publisher->send("a", std::string("\0\xFF\n", 3), "p");
    publisher->send("b", "", "");
    publisher->send("", std::string(1'000'000, 'x'), "q");

    EXPECT_EQ(next(*subscriber), "a|" + std::string("\0\xFF\n", 3) + "|p");
    EXPECT_EQ(next(*subscriber), "b||");
    EXPECT_EQ(next(*subscriber), "|" + std::string(1'000'000, 'x') + "|q");
}

TEST_P(TransportContract, ASubscriberGetsOnlyWhatBeginsWithAPrefixOfIts) {
    const auto publisher = bind(endpoint());
    const auto subscriber = connect(endpoint(), {"a.", "c"});
    ASSERT_EQ(events(*publisher, 2).size(), 2u);

    for (const char* topic : {"a", "b", "a.b", "A.b", "cc", "bc", "a."})
        publisher->send(topic, "", "");

    EXPECT_EQ(next(*subscriber), "a.b||");
    EXPECT_EQ(next(*subscriber), "cc||");
    EXPECT_EQ(next(*subscriber), "a.||");
}

TEST_P(TransportContract, AMessageThatMatchesTwoPrefixesComesOnce) {
    const auto publisher = bind(endpoint());
    const auto subscriber = connect(endpoint(), {"", "a"});
    ASSERT_EQ(events(*publisher, 2).size(), 2u);

    publisher->send("a", "1", "");
    publisher->send("a", "2", "");

    EXPECT_EQ(next(*subscriber), "a|1|");
    EXPECT_EQ(next(*subscriber), "a|2|");
}

// What flush() stands on: each peer is seen, also when it goes.
TEST_P(TransportContract, APublisherSeesEachSubscriberComeAndGo) {
    const auto publisher = bind(endpoint());
    auto first = connect(endpoint(), {"a"});
    EXPECT_THAT(events(*publisher, 1), ::testing::ElementsAre("+a"));
    auto second = connect(endpoint(), {"a"});
    EXPECT_THAT(events(*publisher, 1), ::testing::ElementsAre("+a"));

    first.reset();
    EXPECT_THAT(events(*publisher, 1), ::testing::ElementsAre("gone a"));
    second.reset();
    EXPECT_THAT(events(*publisher, 1), ::testing::ElementsAre("gone a"));
}

// What control.hpp stands on: the barrier begins with 0xFF, and comes after every topic.
TEST_P(TransportContract, SubscriptionsOfANewConnectionComeInByteOrder) {
    const auto publisher = bind(endpoint());

    const auto subscriber = connect(endpoint(), {"\xFF"
                                                 "b",
                                                 "b", "", "\xC3\xA9", "a.b", "a"});

    EXPECT_THAT(events(*publisher, 6), ::testing::ElementsAre("+", "+a", "+a.b", "+b", "+\xC3\xA9",
                                                              "+\xFF"
                                                              "b"));
}

TEST_P(TransportContract, SubscriptionsMadeLaterAreToldInTheOrderMade) {
    const auto publisher = bind(endpoint());
    const auto subscriber = connect(endpoint(), {"a"});
    ASSERT_EQ(events(*publisher, 1).size(), 1u);

    subscriber->subscribe("z");
    subscriber->subscribe("b");
    subscriber->unsubscribe("z");

    EXPECT_THAT(events(*publisher, 3), ::testing::ElementsAre("+z", "+b", "-z"));
}

TEST_P(TransportContract, WhatIsNoLongerSubscribedDoesNotCome) {
    const auto publisher = bind(endpoint());
    const auto subscriber = connect(endpoint(), {"a", "b"});
    ASSERT_EQ(events(*publisher, 2).size(), 2u);

    subscriber->unsubscribe("a");
    ASSERT_THAT(events(*publisher, 1), ::testing::ElementsAre("-a"));
    publisher->send("a", "", "");
    publisher->send("b", "", "");

    EXPECT_EQ(next(*subscriber), "b||");
}

TEST_P(TransportContract, APublisherThatComesLaterIsFound) {
    const auto subscriber = connect(endpoint(), {"a"});

    const auto publisher = bind(endpoint());

    ASSERT_THAT(events(*publisher, 1), ::testing::ElementsAre("+a"));
    publisher->send("a", "late", "");
    EXPECT_EQ(next(*subscriber), "a|late|");
}

TEST_P(TransportContract, APublisherThatComesAgainIsFoundAgain) {
    auto publisher = bind(endpoint());
    const auto subscriber = connect(endpoint(), {"a"});
    ASSERT_EQ(events(*publisher, 1).size(), 1u);

    publisher.reset();
    // libzmq frees a port soon after the socket is closed, but not at once.
    ASSERT_TRUE(eventually([&] {
        auto bound = transport_->bind_publisher({endpoint()});
        if (bound) publisher = std::move(*bound);
        return publisher != nullptr;
    }));

    ASSERT_THAT(events(*publisher, 1, *subscriber), ::testing::ElementsAre("+a"));
    publisher->send("a", "again", "");
    EXPECT_EQ(next(*subscriber), "a|again|");
}

TEST_P(TransportContract, OneSubscriberHearsSeveralPublishersUntilItDisconnects) {
    const auto first = bind(endpoint("a"));
    const auto second = bind(endpoint("b"));
    const auto subscriber = connect(endpoint("a"), {"t"});
    support::must(subscriber->connect(endpoint("b")));
    ASSERT_EQ(events(*first, 1).size(), 1u);
    ASSERT_EQ(events(*second, 1).size(), 1u);
    first->send("t", "1", "");
    EXPECT_EQ(next(*subscriber), "t|1|");
    second->send("t", "2", "");
    EXPECT_EQ(next(*subscriber), "t|2|");

    subscriber->disconnect(endpoint("a"));

    ASSERT_THAT(events(*first, 1, *subscriber), ::testing::ElementsAre("gone t"));
    first->send("t", "3", "");
    second->send("t", "4", "");
    EXPECT_EQ(next(*subscriber), "t|4|");
}

TEST_P(TransportContract, ConnectingTwiceToOneEndpointIsConnectingOnce) {
    const auto publisher = bind(endpoint());
    const auto subscriber = connect(endpoint(), {"a"});
    ASSERT_EQ(events(*publisher, 1).size(), 1u);

    support::must(subscriber->connect(endpoint()));
    publisher->send("a", "1", "");
    publisher->send("a", "2", "");

    EXPECT_EQ(next(*subscriber), "a|1|");
    EXPECT_EQ(next(*subscriber), "a|2|");
}

// What rule C5 stands on.
TEST_P(TransportContract, AConnectionThatIsHungUpOnEndsAndIsMadeAgain) {
    const auto publisher = bind(endpoint());
    const auto subscriber = connect(endpoint(), {"a"});
    ASSERT_EQ(events(*publisher, 1).size(), 1u);
    publisher->send("a", "1", "");
    ASSERT_EQ(next(*subscriber), "a|1|");
    EXPECT_TRUE(subscriber->may_be_from(endpoint()));
    EXPECT_FALSE(subscriber->may_be_from(endpoint("b")));

    EXPECT_TRUE(subscriber->hang_up());

    EXPECT_THAT(events(*publisher, 2, *subscriber), ::testing::ElementsAre("gone a", "+a"));
    publisher->send("a", "2", "");
    EXPECT_EQ(next(*subscriber), "a|2|");
}

TEST_P(TransportContract, DisconnectingFromWhereItIsNotConnectedDoesNothing) {
    const auto subscriber = connect(endpoint(), {"a"});

    subscriber->disconnect(endpoint("b"));
}

TEST_P(TransportContract, TheFirstFreeEndpointIsBound) {
    const auto taken = bind(endpoint("a"));

    const auto port = transport_->bind_publisher({endpoint("a"), endpoint("b")});

    ASSERT_TRUE(port) << port.error();
    EXPECT_EQ((*port)->bound(), endpoint("b"));
}

TEST_P(TransportContract, WhereNothingIsFreeTheErrorNamesEveryEndpoint) {
    const auto one = bind(endpoint("a"));
    const auto two = bind(endpoint("b"));

    const auto port = transport_->bind_publisher({endpoint("a"), endpoint("b")});

    ASSERT_FALSE(port);
    EXPECT_THAT(port.error(), ::testing::HasSubstr("cannot bind " + endpoint("a")));
    EXPECT_THAT(port.error(), ::testing::HasSubstr("cannot bind " + endpoint("b")));
}

TEST_P(TransportContract, NoEndpointAtAllIsAnError) {
    const auto port = transport_->bind_publisher({});

    ASSERT_FALSE(port);
    EXPECT_EQ(port.error(), "no endpoint to bind was given");
}

TEST_P(TransportContract, AWakeUpEndsTheNextWait) {
    const auto publisher = bind(endpoint("a"));
    const auto subscriber = connect(endpoint("b"), {});
    const auto begun = std::chrono::steady_clock::now();

    publisher->wake();
    publisher->wait(patience);
    subscriber->wake();
    subscriber->wait(patience);
    std::jthread([&] { subscriber->wake(); }).join();
    subscriber->wait(patience);

    EXPECT_LT(std::chrono::steady_clock::now() - begun, patience);
}

TEST_P(TransportContract, SendingToNobodyIsFine) {
    const auto publisher = bind(endpoint());

    for (int i = 0; i < 1000; ++i) publisher->send("a", "b", "c");

    EXPECT_EQ(publisher->bound(), endpoint());
}

}  // namespace weft::fabric
