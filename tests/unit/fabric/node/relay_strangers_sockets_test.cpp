// What strangers may send to a relay's and a binding publisher's port without harm to others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fabric/message/body.hpp"
#include "fabric/node/control.hpp"
#include "fabric/node/relay.hpp"
#include "tests/support/resident.hpp"
#include "tests/support/zmtp_stranger.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;
using support::ZmtpStranger;

/// A connection that says anything at all.
class RawPeer {
public:
    explicit RawPeer(const std::string& endpoint)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port =
            htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
        EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~RawPeer() { ::close(fd_); }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    /// False once the other side has closed.
    bool send(std::string_view bytes) const {
        return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;
    }

private:
    int fd_;
};

std::string greeting() {
    std::string bytes("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0NULL", 16);
    bytes.resize(64, '\0');
    return bytes;
}

/// A frame with an 8-byte length, true or not.
std::string long_frame(std::uint64_t claimed, std::string_view bytes, bool more = false) {
    std::string frame(1, static_cast<char>(more ? 3 : 2));
    for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(claimed >> shift);
    return frame.append(bytes);
}

/// Every kind of noise that a port on the network hears.
void make_noise(const std::string& endpoint, const std::string& type) {
    std::mt19937 random(4711);
    for (std::size_t cut : {1u, 9u, 10u, 12u, 33u, 63u}) {
        RawPeer(endpoint).send(greeting().substr(0, cut));
    }
    for (int i = 0; i < 50; ++i) {
        std::string bytes(1 + random() % 2000, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        RawPeer(endpoint).send(bytes);
        RawPeer(endpoint).send(greeting() + bytes);
        ZmtpStranger(endpoint, type).write_some(bytes);
    }
    // Lengths that nobody could send, or hold.
    for (const std::uint64_t claimed :
         {std::uint64_t{10'000'000}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        ZmtpStranger(endpoint, type).write_some(long_frame(claimed, "abc"));
    }
    ZmtpStranger(endpoint, "NONSENSE").write_some(std::string(1000, '\xFF'));
    RawPeer(endpoint).send(greeting() + "\x04\xFF" + std::string(255, '\xFF'));
    RawPeer(endpoint).send("GET / HTTP/1.1\r\nHost: weft\r\n\r\n");
}

/// msgpack that announces more than anybody could hold, and depth without end.
std::vector<std::string> bombs() {
    std::string deep(100'000, '\x91');
    return {std::string("\xDD\xFF\xFF\xFF\xFF", 5), std::string("\xDF\xFF\xFF\xFF\xFF", 5),
            std::string("\xC6\xFF\xFF\xFF\xFF", 5), deep,
            std::string("\x92\x99\xDB\xFF\xFF\xFF\xFF", 7)};
}

std::size_t resident_bytes() {
    std::ifstream status("/proc/self/statm");
    std::size_t total = 0, resident = 0;
    status >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

class RunningRelay {
public:
    explicit RunningRelay(RelaySettings settings = {})
        : relay_(support::must(Relay::open(with_ports(std::move(settings))))),
          thread_([this] { relay_->run(); }) {}
    ~RunningRelay() {
        relay_->stop();
        thread_.join();
    }
    RunningRelay(const RunningRelay&) = delete;
    RunningRelay& operator=(const RunningRelay&) = delete;
    Relay* operator->() const { return relay_.get(); }

private:
    static RelaySettings with_ports(RelaySettings settings) {
        settings.inbound = settings.outbound = "tcp://127.0.0.1:0";
        return settings;
    }
    std::unique_ptr<Relay> relay_;
    std::jthread thread_;
};

/// A publisher and a subscriber that must be served whatever happens beside them.
class RelayStrangers : public ::testing::Test {
protected:
    RelayStrangers() { world_.transport = make_zmq_transport({}); }

    void serve(const RunningRelay& relay) {
        auto settings = connected_to({}, {"org.weft.dev.**"});
        settings.relay_outbound = relay->outbound();
        subscriber_ = world_.subscriber(settings, received_.hooks());
        ASSERT_TRUE(subscriber_->wait_ready(patience).ready);
        PublisherSettings publisher = bound_at("");
        publisher.mode = PublisherSettings::Mode::relay;
        publisher.relay_inbound = relay->inbound();
        publisher_ = world_.publisher(shared(git_), publisher);
        ASSERT_TRUE(publisher_->wait_for_subscriber("org.weft.dev.a", patience));
    }
    void expect_served() {
        const std::size_t before = received_.messages().size();
        for (int i = 0; i < 100; ++i) publisher_->publish("org.weft.dev.a", {{"i", i}});
        EXPECT_TRUE(publisher_->flush(patience).complete);
        EXPECT_TRUE(received_.wait_for(before + 100));
    }

    WorldClock clock_;
    NodeWorld world_{clock_};
    const support::Identity git_ = world_.signing.identity("git");
    Received received_;
    std::unique_ptr<Subscriber> subscriber_;
    std::unique_ptr<Publisher> publisher_;
};

TEST_F(RelayStrangers, NoiseOnBothPortsHarmsNobody) {
    const RunningRelay relay;
    serve(relay);
    const std::size_t before = resident_bytes();

    make_noise(relay->inbound(), "PUB");
    make_noise(relay->outbound(), "SUB");

    EXPECT_TRUE(eventually([&] { return relay->stats().handshakes_failed > 100; }));
    expect_served();
    if (testing::resident_memory_is_what_is_used) {
        EXPECT_LT(resident_bytes(), before + 100'000'000);
    }
}

TEST_F(RelayStrangers, BombsAndBrokenMessagesReachNobodyAsMessages) {
    const RunningRelay relay;
    serve(relay);
    std::size_t bombs_sent = 0;
    {
        ZmtpStranger stranger(relay->inbound(), "PUB");
        for (const std::string& bomb : bombs()) {
            const std::string topic = "org.weft.dev.bomb";
            stranger.write_some(long_frame(topic.size(), topic, true) +
                                long_frame(bomb.size(), bomb, true) + long_frame(3, "abc"));
            stranger.write_some(long_frame(topic.size(), topic, true) +
                                long_frame(bomb.size(), bomb));
            ++bombs_sent;
        }
        EXPECT_TRUE(eventually([&] { return relay->stats().not_three_frames == bombs_sent; }));
    }

    ASSERT_TRUE(received_.wait_for_refusals(bombs_sent));
    EXPECT_EQ(received_.messages().size(), 0u);
    expect_served();
    EXPECT_EQ(subscriber_->stats().refused_total(), bombs_sent);
}

TEST_F(RelayStrangers, SixtyThousandSubscriptionsAreRefusedByNameAndHonestPeersAreServed) {
    const RunningRelay relay;
    serve(relay);
    {
        ZmtpStranger stranger(relay->outbound(), "SUB");
        std::string all;
        for (int i = 0; i < 60'000; ++i) {
            const std::string prefix = "x" + std::to_string(i);
            all += std::string(1, '\0') + static_cast<char>(prefix.size() + 1) + '\x01' + prefix;
        }
        stranger.write_some(all);
        EXPECT_TRUE(eventually([&] { return relay->stats().connections_ended > 0; }));
    }

    EXPECT_GE(relay->stats().subscriptions_over_limit, SubscriptionBooks::refusals_max);
    EXPECT_EQ(relay->stats().asked_for_everything, 0u);
    expect_served();
    // Who comes later is served, too: the limit is each connection's own.
    Received later;
    auto settings = connected_to({}, {"org.weft.dev.a"});
    settings.relay_outbound = relay->outbound();
    const auto subscriber = world_.subscriber(settings, later.hooks());
    ASSERT_TRUE(subscriber->wait_ready(patience).ready);
    publisher_->publish("org.weft.dev.a", {{"i", 1}});
    EXPECT_TRUE(later.wait_for(1));
}

TEST_F(RelayStrangers, WithoutRoomForMorePrefixesEverybodyIsStillServed) {
    RelaySettings settings;
    settings.subscriptions.prefixes = 10;
    const RunningRelay relay(settings);
    ZmtpStranger stranger(relay->outbound(), "SUB");
    for (int i = 0; i < 20; ++i) stranger.subscribe("x" + std::to_string(i));
    ASSERT_TRUE(eventually([&] { return relay->stats().asked_for_everything == 1; }));

    serve(relay);

    expect_served();
}

// Both sides: barriers come from publishers, probes from subscribers.
TEST_F(RelayStrangers, AFloodOfControlMessagesIsAnsweredUpToALimitAndCounted) {
    RelaySettings settings;
    settings.controls_per_second = 50;
    settings.subscriptions.per_connection = 100'000;
    const RunningRelay relay(settings);
    {
        ZmtpStranger publishing(relay->inbound(), "PUB");
        std::string barriers;
        for (int i = 0; i < 2000; ++i) {
            const std::string topic = std::string{barrier_prefix} + make_nonce();
            barriers +=
                long_frame(topic.size(), topic, true) + long_frame(0, "", true) + long_frame(0, "");
        }
        publishing.write_some(barriers);
        ZmtpStranger subscribing(relay->outbound(), "SUB");
        for (int i = 0; i < 2000; ++i) {
            subscribing.subscribe(std::string{probe_prefix} + make_nonce());
        }
        EXPECT_TRUE(eventually([&] {
            return relay->stats().barriers_over_limit > 0 && relay->stats().probes_over_limit > 0;
        }));
    }

    // In the next second there is an answer for honest peers again.
    ASSERT_TRUE(eventually([&] {
        auto honest = connected_to({}, {"org.weft.dev.**"});
        honest.relay_outbound = relay->outbound();
        Received received;
        return world_.subscriber(honest, received.hooks())->wait_ready(milliseconds{100}).ready;
    }));
    serve(relay);
    expect_served();
}

// N1, as far as it holds without CURVE: a subscription is no place for large frames.
TEST_F(RelayStrangers, ASubscriptionOfMegabytesCostsItsSenderTheConnection) {
    const RunningRelay relay;
    serve(relay);
    const std::size_t before = resident_bytes();

    for (int i = 0; i < 5; ++i) {
        ZmtpStranger stranger(relay->outbound(), "SUB");
        stranger.write_some(long_frame(8'000'000, "\x01" + std::string(8'000'000 - 1, 'x')));
    }

    expect_served();
    if (testing::resident_memory_is_what_is_used) {
        EXPECT_LT(resident_bytes(), before + 100'000'000);
    }
}

TEST_F(RelayStrangers, ABindingPublisherServesItsSubscriberUnderTheSameNoise) {
    publisher_ = world_.publisher(shared(git_), bound_at("tcp://127.0.0.1:0"));
    auto settings = connected_to({publisher_->bound()}, {"org.weft.dev.**"});
    subscriber_ = world_.subscriber(settings, received_.hooks());
    ASSERT_TRUE(subscriber_->wait_ready(patience).ready);
    const std::size_t before = resident_bytes();

    make_noise(publisher_->bound(), "SUB");
    {
        ZmtpStranger stranger(publisher_->bound(), "SUB");
        std::string all;
        for (int i = 0; i < 60'000; ++i) {
            const std::string prefix = "x" + std::to_string(i);
            all += std::string(1, '\0') + static_cast<char>(prefix.size() + 1) + '\x01' + prefix;
        }
        stranger.write_some(all);
    }

    expect_served();
    if (testing::resident_memory_is_what_is_used) {
        EXPECT_LT(resident_bytes(), before + 200'000'000);
    }
}

}  // namespace
}  // namespace weft::fabric
