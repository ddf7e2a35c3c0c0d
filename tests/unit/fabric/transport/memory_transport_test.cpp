#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "fabric/transport/transport.hpp"
#include "tests/unit/fabric/transport/request_contract.hpp"
#include "tests/unit/fabric/transport/transport_contract.hpp"

namespace weft::fabric {

INSTANTIATE_TEST_SUITE_P(Memory, TransportContract,
                         ::testing::Values(TransportUnderTest{
                             "memory", [] { return make_memory_transport(); },
                             [](const std::string& which) { return "inproc://" + which; }}),
                         [](const auto& suite) { return suite.param.name; });

INSTANTIATE_TEST_SUITE_P(Memory, RequestContract,
                         ::testing::Values(TransportUnderTest{
                             "memory", [] { return make_memory_transport(); },
                             [](const std::string& which) { return "inproc://" + which; }}),
                         [](const auto& suite) { return suite.param.name; });

namespace {

TEST(MemoryTransport, DropsWhatASlowSubscriberDoesNotTakeAndNothingElse) {
    const auto transport = make_memory_transport(3);
    const auto publisher = support::must(transport->bind_publisher({"inproc://a"}));
    const auto subscriber = support::must(transport->open_subscriber());
    subscriber->subscribe("");
    support::must(subscriber->connect("inproc://a"));

    for (const char* topic : {"1", "2", "3", "4", "5"}) publisher->send(topic, "", "");

    Arrival arrival;
    std::string got;
    while (subscriber->receive(arrival)) got += arrival.topic;
    EXPECT_EQ(got, "123");
    publisher->send("6", "", "");
    ASSERT_TRUE(subscriber->receive(arrival));
    EXPECT_EQ(arrival.topic, "6");
}

TEST(MemoryTransport, NeverDropsASubscription) {
    const auto transport = make_memory_transport(1);
    const auto publisher = support::must(transport->bind_publisher({"inproc://a"}));
    const auto subscriber = support::must(transport->open_subscriber());
    support::must(subscriber->connect("inproc://a"));

    for (int i = 0; i < 100; ++i) subscriber->subscribe(std::to_string(i));

    int seen = 0;
    for (SubscriptionEvent event; publisher->next_subscription(event);) ++seen;
    EXPECT_EQ(seen, 100);
}

TEST(MemoryTransport, SaysWhichAnswersASlowPeerDoesNotTake) {
    const auto transport = make_memory_transport(2);
    const auto journal = support::must(transport->bind_answers({"inproc://a"}));
    const auto asker = support::must(transport->open_requests());
    support::must(asker->connect("inproc://a"));
    EXPECT_TRUE(asker->send("1", "", ""));
    EXPECT_TRUE(asker->send("2", "", ""));
    EXPECT_FALSE(asker->send("3", "", ""));
    std::string_view who;
    Arrival arrival;
    ASSERT_TRUE(journal->receive(who, arrival));

    EXPECT_TRUE(journal->send(who, "1", "", ""));
    EXPECT_TRUE(journal->send(who, "2", "", ""));
    EXPECT_FALSE(journal->send(who, "3", "", ""));
}

TEST(MemoryTransport, HasNoRelay) {
    const auto transport = make_memory_transport();

    const auto port = transport->connect_publisher("tcp://127.0.0.1:9940");

    ASSERT_FALSE(port);
    EXPECT_THAT(port.error(), ::testing::HasSubstr("tcp://127.0.0.1:9940"));
}

TEST(MemoryTransport, TwoTransportsDoNotShareTheirNames) {
    const auto one = make_memory_transport();
    const auto two = make_memory_transport();

    const auto first = one->bind_publisher({"inproc://a"});
    const auto second = two->bind_publisher({"inproc://a"});

    EXPECT_TRUE(first && second);
}

TEST(MemoryTransport, PortsOutliveTheTransport) {
    auto transport = make_memory_transport();
    const auto publisher = support::must(transport->bind_publisher({"inproc://a"}));
    const auto subscriber = support::must(transport->open_subscriber());
    transport.reset();

    subscriber->subscribe("");
    support::must(subscriber->connect("inproc://a"));
    publisher->send("a", "", "");

    Arrival arrival;
    EXPECT_TRUE(subscriber->receive(arrival));
}

TEST(MemoryTransport, ManyPortsInManyThreadsLoseNothing) {
    const auto transport = make_memory_transport();
    constexpr int publishers = 3, each = 500;
    std::atomic<int> ready{0};
    std::vector<std::jthread> threads;
    std::atomic<int> received{0};
    for (int s = 0; s < 2; ++s) {
        threads.emplace_back([&] {
            const auto port = support::must(transport->open_subscriber());
            port->subscribe("");
            for (int p = 0; p < publishers; ++p) {
                support::must(port->connect("inproc://" + std::to_string(p)));
            }
            ++ready;
            Arrival arrival;
            for (int got = 0; got < publishers * each;) {
                if (port->receive(arrival)) {
                    ++got;
                    ++received;
                } else {
                    port->wait(std::chrono::milliseconds{100});
                }
            }
        });
    }
    ASSERT_TRUE(eventually([&] { return ready == 2; }));
    for (int p = 0; p < publishers; ++p) {
        threads.emplace_back([&, p] {
            const auto port =
                support::must(transport->bind_publisher({"inproc://" + std::to_string(p)}));
            for (int i = 0; i < each; ++i) port->send("t", std::to_string(i), "");
        });
    }
    threads.clear();

    EXPECT_EQ(received, 2 * publishers * each);
}

}  // namespace
}  // namespace weft::fabric
