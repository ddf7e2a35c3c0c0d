#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <zmq.hpp>

#include "config/endpoint.hpp"
#include "fabric/transport/transport.hpp"
#include "tests/unit/fabric/transport/request_contract.hpp"
#include "tests/unit/fabric/transport/transport_contract.hpp"

namespace weft::fabric {

namespace {

/// Keeps a port of 127.0.0.1 from being given to anybody who asks for a free one, without listening
/// on it: libzmq can bind and free it as often as it likes.
class ReservedPort {
public:
    ReservedPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        const int on = 1;
        EXPECT_EQ(::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
        EXPECT_EQ(::bind(fd_, any, length), 0);
        EXPECT_EQ(::getsockname(fd_, any, &length), 0);
        port_ = ntohs(address.sin_port);
    }
    ~ReservedPort() { ::close(fd_); }
    ReservedPort(const ReservedPort&) = delete;
    ReservedPort& operator=(const ReservedPort&) = delete;
    [[nodiscard]] std::string endpoint() const {
        return "tcp://127.0.0.1:" + std::to_string(port_);
    }

private:
    int fd_;
    std::uint16_t port_ = 0;
};

std::string reserved_endpoint(const std::string& which) {
    static std::map<std::string, ReservedPort> ports;
    return ports[which].endpoint();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Zmq, TransportContract,
                         ::testing::Values(TransportUnderTest{
                             "tcp", [] { return make_zmq_transport({}); }, reserved_endpoint}),
                         [](const auto& suite) { return suite.param.name; });

INSTANTIATE_TEST_SUITE_P(Zmq, RequestContract,
                         ::testing::Values(TransportUnderTest{
                             "tcp", [] { return make_zmq_transport({}); }, reserved_endpoint}),
                         [](const auto& suite) { return suite.param.name; });

namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ZmqTransport, SaysWhichFreePortItTook) {
    const auto transport = make_zmq_transport({});

    const auto port = support::must(transport->bind_publisher({"tcp://127.0.0.1:0"}));

    const auto bound = config::Endpoint::parse(port->bound());
    ASSERT_TRUE(bound) << bound.error();
    EXPECT_EQ(bound->host, "127.0.0.1");
    EXPECT_NE(bound->port, 0);
}

TEST(ZmqTransport, WhoConnectedIsBoundNowhere) {
    const auto transport = make_zmq_transport({});

    const auto port = support::must(transport->connect_publisher("tcp://127.0.0.1:9"));

    EXPECT_EQ(port->bound(), "");
}

TEST(ZmqTransport, AnEndpointThatIsNoneIsNamedInTheError) {
    const auto transport = make_zmq_transport({});

    const auto bound = transport->bind_publisher({"nonsense"});
    const auto connected = transport->connect_publisher("tcp://127.0.0.1");
    const auto subscriber = support::must(transport->open_subscriber());

    ASSERT_FALSE(bound);
    EXPECT_THAT(bound.error(), StartsWith("cannot bind nonsense: "));
    ASSERT_FALSE(connected);
    EXPECT_THAT(connected.error(), StartsWith("cannot connect to tcp://127.0.0.1: "));
    EXPECT_THAT(subscriber->connect("tcp://").error(), StartsWith("cannot connect to tcp://: "));
}

TEST(ZmqTransport, KnowsThePeerOfWhatArrived) {
    const auto transport = make_zmq_transport({});
    const auto publisher = support::must(transport->bind_publisher({"tcp://127.0.0.1:0"}));
    const auto subscriber = support::must(transport->open_subscriber());
    subscriber->subscribe("a");
    support::must(subscriber->connect(publisher->bound()));
    SubscriptionEvent event;
    ASSERT_TRUE(eventually([&] { return publisher->next_subscription(event); }));

    publisher->send("a", "b", "c");

    Arrival arrival;
    ASSERT_TRUE(eventually([&] { return subscriber->receive(arrival); }));
    EXPECT_THAT(subscriber->peer(), StartsWith("127.0.0.1#"));
}

// A frame that is too large costs its sender the connection, not us our memory. libzmq does not
// connect again after that.
TEST(ZmqTransport, AFrameAboveTheLimitNeverArrivesAndCostsTheConnection) {
    ZmqOptions small;
    small.frame_bytes_max = 1000;
    const auto transport = make_zmq_transport({});
    const auto limited = make_zmq_transport(small);
    const auto reckless = support::must(transport->bind_publisher({"tcp://127.0.0.1:0"}));
    const auto decent = support::must(transport->bind_publisher({"tcp://127.0.0.1:0"}));
    const auto subscriber = support::must(limited->open_subscriber());
    subscriber->subscribe("a");
    support::must(subscriber->connect(reckless->bound()));
    support::must(subscriber->connect(decent->bound()));
    SubscriptionEvent event;
    ASSERT_TRUE(eventually([&] { return reckless->next_subscription(event); }));
    ASSERT_TRUE(eventually([&] { return decent->next_subscription(event); }));

    reckless->send("a", std::string(1001, 'x'), "");

    ASSERT_TRUE(eventually([&] { return reckless->next_subscription(event); }));
    EXPECT_FALSE(event.subscribed);
    decent->send("a", std::string(1000, 'y'), "");
    Arrival arrival;
    ASSERT_TRUE(eventually([&] { return subscriber->receive(arrival); }));
    EXPECT_EQ(arrival.contents, std::string(1000, 'y'));
}

// libzmq itself would take the path from the first, silently.
TEST(ZmqTransport, AnIpcPathWhereSomebodyListensIsTaken) {
    const support::TemporaryDirectory directory;
    const std::string path = "ipc://" + directory.path().string() + "/";
    const auto transport = make_zmq_transport({});
    const auto first = support::must(transport->bind_publisher({path + "a"}));

    const auto again = transport->bind_publisher({path + "a"});
    const auto next = transport->bind_publisher({path + "a", path + "b"});

    ASSERT_FALSE(again);
    EXPECT_THAT(again.error(), HasSubstr("cannot bind " + path + "a: somebody listens there"));
    ASSERT_TRUE(next) << next.error();
    EXPECT_EQ((*next)->bound(), path + "b");
}

TEST(ZmqTransport, AnIpcSocketThatADeadProcessLeftBehindIsTakenOver) {
    const support::TemporaryDirectory directory;
    const std::string path = directory.path().string() + "/left";
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
    ASSERT_TRUE(std::filesystem::exists(path));

    const auto transport = make_zmq_transport({});
    const auto port = transport->bind_publisher({"ipc://" + path});

    EXPECT_TRUE(port) << port.error();
}

TEST(ZmqTransport, NoiseFromASubscriberIsNoSubscription) {
    const auto transport = make_zmq_transport({});
    const auto publisher = support::must(transport->bind_publisher({"tcp://127.0.0.1:0"}));
    zmq::context_t context;
    zmq::socket_t stranger(context, zmq::socket_type::xsub);
    stranger.set(zmq::sockopt::linger, 0);
    stranger.connect(publisher->bound());

    for (const std::string& noise : {std::string{}, std::string{"\x02hello"}, std::string{"x"}}) {
        stranger.send(zmq::buffer(noise), zmq::send_flags::none);
    }
    stranger.send(zmq::str_buffer("\x01real"), zmq::send_flags::none);

    SubscriptionEvent event;
    ASSERT_TRUE(eventually([&] { return publisher->next_subscription(event); }));
    EXPECT_TRUE(event.subscribed);
    EXPECT_EQ(event.prefix, "real");
}

// More subscriptions than libzmq's default mark of 1000 on SUB.
TEST(ZmqTransport, NoSubscriptionIsLostHoweverManyThereAre) {
    const auto transport = make_zmq_transport({});
    const auto subscriber = support::must(transport->open_subscriber());
    constexpr int many = 3000;
    for (int i = 0; i < many; ++i) subscriber->subscribe(std::to_string(i));

    const auto publisher = support::must(transport->bind_publisher({"tcp://127.0.0.1:0"}));
    support::must(subscriber->connect(publisher->bound()));

    int seen = 0;
    SubscriptionEvent event;
    EXPECT_TRUE(eventually([&] {
        while (publisher->next_subscription(event)) ++seen;
        return seen == many;
    })) << seen;
}

}  // namespace
}  // namespace weft::fabric
