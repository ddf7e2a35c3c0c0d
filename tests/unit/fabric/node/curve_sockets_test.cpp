// Encrypted connections over real sockets: who is let in, who is cut off, and that all others go on
// as before.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "fabric/message/body.hpp"
#include "fabric/node/control.hpp"
#include "fabric/node/relay.hpp"
#include "tests/unit/fabric/curve_world.hpp"

namespace weft::fabric {
namespace {

using signing::Refusal;
using signing::Role;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string topic = "org.weft.dev.a";

/// A relay with CURVE in a thread of its own.
class CurveRelay {
public:
    CurveRelay(CurveWorld& world, const support::Identity& who,
               const std::string& inbound = "tcp://127.0.0.1:0",
               const std::string& outbound = "tcp://127.0.0.1:0")
        : relay_(support::must(Relay::open({.inbound = inbound,
                                            .outbound = outbound,
                                            .socket = {},
                                            .curve = world.curve_of(who)}))),
          thread_([this] { relay_->run(); }) {}
    ~CurveRelay() {
        relay_->stop();
        thread_.join();
    }
    CurveRelay(const CurveRelay&) = delete;
    CurveRelay& operator=(const CurveRelay&) = delete;
    Relay* operator->() const { return relay_.get(); }
    Relay& operator*() const { return *relay_; }
    [[nodiscard]] std::uint64_t refused(Refusal why) const {
        return relay_->stats().gate.refused[static_cast<std::size_t>(why)];
    }

private:
    std::unique_ptr<Relay> relay_;
    std::jthread thread_;
};

/// Somebody at the relay's doors, with ports that send and receive any bytes.
struct Guest {
    Guest(CurveWorld& world, const support::Identity& who, const Relay& relay) {
        const auto curve = world.curve_of(who);
        curve->expect_relay(relay.inbound(), "relay");
        curve->expect_relay(relay.outbound(), "relay");
        transport = make_zmq_transport({}, curve);
        in = support::must(transport->connect_publisher(relay.inbound()));
        out = support::must(transport->open_subscriber());
        out->subscribe("");
        support::must(out->connect(relay.outbound()));
    }
    /// Everything that has come, counted by what it says.
    std::size_t received(const std::string& contents) {
        Arrival arrival;
        while (out->receive(arrival)) ++counts[std::string{arrival.contents}];
        return counts[contents];
    }
    /// True if the relay has asked for `prefix` and not ended it since.
    bool is_asked_for(const std::string& prefix) {
        SubscriptionEvent event;
        while (in->next_subscription(event)) asked[event.prefix] = event.subscribed;
        return asked[prefix];
    }
    void say(const std::string& contents) { in->send(topic, contents, ""); }

    std::unique_ptr<Transport> transport;
    std::unique_ptr<PublishPort> in;
    std::unique_ptr<SubscribePort> out;
    std::map<std::string, std::size_t> counts;
    std::map<std::string, bool> asked;
};

/// `from` says it until `to` has heard it.
bool reaches(Guest& from, Guest& to, const std::string& contents) {
    return eventually([&] {
        if (from.is_asked_for("")) from.say(contents);
        return to.received(contents) > 0;
    });
}

class CurveRelayTest : public ::testing::Test {
protected:
    CurveWorld world_;
    const support::Identity relay_identity_ = world_.citizen("relay", {Role::relay});
    const support::Identity git_ = world_.citizen("git", {Role::publish});
    const support::Identity hub_ = world_.citizen("hub", {Role::publish, Role::ack});
    CurveRelay relay_{world_, relay_identity_};
};

TEST_F(CurveRelayTest, ThoseWithCertificatesHearEachOther) {
    Guest git(world_, git_, *relay_), hub(world_, hub_, *relay_);

    EXPECT_TRUE(reaches(git, hub, "hello"));
    EXPECT_TRUE(reaches(hub, git, "hello too"));
    EXPECT_GE(relay_->stats().gate.let_in, 4u);
    EXPECT_EQ(relay_->stats().gate.refused_total(), 0u);
}

// N1
TEST_F(CurveRelayTest, AnUnknownKeyReceivesNothingAndItsMessagesReachNobody) {
    const auto nobody = world_.signing.identity("nobody");  // genuine, but not in the directory
    Guest git(world_, git_, *relay_), hub(world_, hub_, *relay_);
    Guest stranger(world_, nobody, *relay_);

    ASSERT_TRUE(eventually([&] { return relay_.refused(Refusal::curve_key_unknown) >= 2; }));
    ASSERT_TRUE(reaches(git, hub, "secret"));

    stranger.say("believe me");
    EXPECT_FALSE(stranger.is_asked_for(""));
    EXPECT_EQ(stranger.received("secret"), 0u);
    ASSERT_TRUE(reaches(git, hub, "later"));
    EXPECT_EQ(hub.received("believe me"), 0u);
    EXPECT_THAT(stranger.counts, ::testing::Each(::testing::Pair(::testing::_, 0u)));
    EXPECT_TRUE(world_.logged("curve_key_unknown from 127.0.0.1"));
}

TEST_F(CurveRelayTest, AStrangerWhoseCertificateComesIsLetInWithoutARestart) {
    const auto late = world_.signing.identity("late");
    support::put_certificate(world_.signing, late);

    Guest guest(world_, late, *relay_), hub(world_, hub_, *relay_);

    EXPECT_TRUE(reaches(hub, guest, "welcome"));
    EXPECT_EQ(relay_.refused(Refusal::curve_key_unknown), 0u);
}

TEST_F(CurveRelayTest, WhoMayOnlyRelayCannotSendIntoTheRelay) {
    const auto other = world_.citizen("other-relay", {Role::relay});
    Guest guest(world_, other, *relay_), hub(world_, hub_, *relay_);

    ASSERT_TRUE(eventually([&] { return relay_.refused(Refusal::role_missing) >= 1; }));

    EXPECT_TRUE(reaches(hub, guest, "you may listen"));
    EXPECT_FALSE(guest.is_asked_for(""));
}

// T5
TEST_F(CurveRelayTest, ARevokedListenerIsCutOffAndGetsNothingMoreWhileOthersGoOn) {
    Guest git(world_, git_, *relay_), hub(world_, hub_, *relay_);
    const auto victim_identity = world_.citizen("victim", {Role::publish});
    Guest victim(world_, victim_identity, *relay_);
    ASSERT_TRUE(reaches(git, victim, "before"));
    ASSERT_TRUE(reaches(git, hub, "before"));

    world_.signing.revoke(victim_identity);
    ASSERT_TRUE(world_.logged("cut off 'victim': certificate_revoked; the outbound side"));
    ASSERT_TRUE(eventually([&] { return relay_.refused(Refusal::certificate_revoked) >= 2; }))
        << "it comes back, and is refused at both sides";

    ASSERT_TRUE(reaches(git, hub, "after"));
    EXPECT_EQ(victim.received("after"), 0u);
    EXPECT_GE(relay_->stats().gate.reopened, 2u);
}

// Another way to end it than a revocation; expiry takes the same path (see CurveEntry).
TEST_F(CurveRelayTest, WhoseCertificateIsRemovedIsCutOffAndLetInAgainOnceItIsBack) {
    const auto guest_identity = world_.citizen("guest", {Role::publish});
    Guest guest(world_, guest_identity, *relay_), git(world_, git_, *relay_);
    ASSERT_TRUE(reaches(git, guest, "before"));

    std::filesystem::remove(support::file_of(world_.signing, "guest"));
    ASSERT_TRUE(world_.logged("cut off 'guest': curve_key_unknown"));
    ASSERT_TRUE(eventually([&] { return relay_.refused(Refusal::curve_key_unknown) >= 2; }));
    ASSERT_TRUE(reaches(git, git, "meanwhile"));
    EXPECT_EQ(guest.received("meanwhile"), 0u);

    support::put_certificate(world_.signing, guest_identity);
    Guest back(world_, guest_identity, *relay_);  // the old one tries again only each 5 s

    EXPECT_TRUE(reaches(git, back, "again"));
}

TEST_F(CurveRelayTest, ARevokedPublisherIsHeardNoMoreAndOthersAreAskedAnew) {
    const auto victim_identity = world_.citizen("victim", {Role::publish});
    Guest git(world_, git_, *relay_);
    Guest victim(world_, victim_identity, *relay_);
    auto hub = std::make_unique<Guest>(world_, hub_, *relay_);
    ASSERT_TRUE(reaches(victim, *hub, "before"));
    ASSERT_TRUE(reaches(git, *hub, "before too"));

    world_.signing.revoke(victim_identity);
    ASSERT_TRUE(world_.logged("cut off 'victim': certificate_revoked; the inbound side"));
    ASSERT_TRUE(eventually([&] { return relay_.refused(Refusal::certificate_revoked) >= 2; }));

    ASSERT_TRUE(reaches(git, *hub, "after"));
    victim.say("still here?");
    ASSERT_TRUE(reaches(git, *hub, "last"));
    EXPECT_EQ(hub->received("still here?"), 0u);

    // Nobody wants anything any more: the relay keeps no subscription from before it was reopened.
    hub.reset();
    git.out.reset();
    EXPECT_TRUE(eventually([&] { return !git.is_asked_for(""); }));
}

TEST_F(CurveRelayTest, APublisherLearnsItsSubscriptionsBeforeTheBarrierAlsoOfAReopenedRelay) {
    Guest git(world_, git_, *relay_), hub(world_, hub_, *relay_);
    const auto victim_identity = world_.citizen("victim", {Role::publish});
    Guest victim(world_, victim_identity, *relay_);
    ASSERT_TRUE(reaches(victim, hub, "before"));
    ASSERT_TRUE(git.is_asked_for(std::string{barrier_prefix}) ||
                eventually([&] { return git.is_asked_for(std::string{barrier_prefix}); }));
    world_.signing.revoke(victim_identity);
    ASSERT_TRUE(eventually([&] { return relay_->stats().gate.reopened >= 2; }));

    const auto late_identity = world_.citizen("late", {Role::publish});
    ASSERT_TRUE(reaches(git, hub, "after"));
    Guest late(world_, late_identity, *relay_);

    std::vector<std::string> prefixes;
    SubscriptionEvent event;
    ASSERT_TRUE(eventually([&] {
        while (late.in->next_subscription(event)) prefixes.push_back(event.prefix);
        return !prefixes.empty() && prefixes.back() == barrier_prefix;
    }));
    EXPECT_EQ(prefixes.front(), "");
}

TEST_F(CurveRelayTest, AnIpcEndpointIsReopenedAtTheSamePath) {
    const support::TemporaryDirectory directory;
    const auto ipc = [&](const std::string& name) {
        return "ipc://" + (directory.path() / name).string();
    };
    const CurveRelay relay(world_, relay_identity_, ipc("in"), ipc("out"));
    Guest git(world_, git_, *relay), hub(world_, hub_, *relay);
    const auto victim_identity = world_.citizen("victim", {Role::publish});
    Guest victim(world_, victim_identity, *relay);
    ASSERT_TRUE(reaches(git, victim, "before"));

    world_.signing.revoke(victim_identity);
    ASSERT_TRUE(eventually([&] { return relay.refused(Refusal::certificate_revoked) >= 2; }));

    EXPECT_TRUE(reaches(git, hub, "after"));
    EXPECT_EQ(victim.received("after"), 0u);
}

// A client that was told another key than the relay's talks to nobody: no machine in between.
TEST_F(CurveRelayTest, AServerWithAnotherKeyThanItsCertificateGetsNothingFromItsClients) {
    const CurveRelay impostor(world_, hub_);
    Guest git(world_, git_, *relay_);
    Guest fooled(world_, git_, *impostor);  // expects "relay" there
    ASSERT_TRUE(reaches(git, git, "to myself"));

    EXPECT_FALSE(fooled.is_asked_for(std::string{barrier_prefix}));
    EXPECT_EQ(impostor->stats().gate.let_in, 0u);
}

TEST_F(CurveRelayTest, WhoConnectsLeavesARelayThatIsRevoked) {
    Guest git(world_, git_, *relay_);
    ASSERT_TRUE(eventually([&] { return git.is_asked_for(std::string{barrier_prefix}); }));

    world_.signing.revoke(relay_identity_);

    EXPECT_TRUE(eventually([&] { return !git.is_asked_for(std::string{barrier_prefix}); }));
}

/// Says `greeting` and counts what comes until the other side hangs up; nullopt if it never does.
std::optional<std::size_t> bytes_until_hung_up(const std::string& endpoint,
                                               const std::string& greeting) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    timeval timeout{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    std::optional<std::size_t> total;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(fd, greeting.data(), greeting.size(), MSG_NOSIGNAL) > 0) {
        std::string buffer(4096, '\0');
        std::size_t got = 0;
        ssize_t now = 0;
        while ((now = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0) {
            got += static_cast<std::size_t>(now);
        }
        if (now == 0 || errno == ECONNRESET) total = got;
    }
    ::close(fd);
    return total;
}

// N1: neither who does not encrypt nor who speaks an older ZMTP, which cannot, gets beyond the
// greeting.
TEST_F(CurveRelayTest, WhoDoesNotEncryptIsHungUpOnAfterTheGreeting) {
    std::string null3("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0NULL", 16);
    null3.resize(64, '\0');
    const std::string ready("\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03SUB", 27);
    const std::string zmtp2("\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x02\0\0\0\x01\x01", 17);
    const std::string zmtp1("\x01\0\x02\0\x01", 5);

    for (const std::string& greeting : {null3 + ready, zmtp2, zmtp1}) {
        const auto got = bytes_until_hung_up(relay_->outbound(), greeting);
        ASSERT_TRUE(got) << "not hung up on " << testing::PrintToString(greeting);
        EXPECT_LE(*got, 64u);
    }
    EXPECT_EQ(relay_->stats().gate.let_in, 0u);
}

/// A publisher that binds, with subscribers of weft.
class CurvePublisherTest : public ::testing::Test {
protected:
    CurveWorld world_;
    const support::Identity git_ = world_.citizen("git", {Role::publish});
    const std::unique_ptr<Transport> transport_ = make_zmq_transport({}, world_.curve_of(git_));
    const std::unique_ptr<Publisher> publisher_ =
        support::must(Publisher::open(*transport_, world_.clock, bound_at("tcp://127.0.0.1:0"),
                                      shared(git_), world_.signing.trust()));

    struct Listener {
        Listener(CurveWorld& world, const support::Identity& who, const Publisher& publisher) {
            const auto curve = world.curve_of(who);
            curve->expect(publisher.bound(), "git");
            transport = make_zmq_transport({}, curve);
            subscriber = support::must(Subscriber::open(*transport, world.clock,
                                                        connected_to({publisher.bound()}),
                                                        world.signing.trust(), received.hooks()));
        }
        Received received;
        std::unique_ptr<Transport> transport;
        std::unique_ptr<Subscriber> subscriber;
    };
};

TEST_F(CurvePublisherTest, ASubscriberThatIsKnownGetsVerifiedMessages) {
    const auto hub_identity = world_.citizen("hub", {Role::ack});
    Listener hub(world_, hub_identity, *publisher_);
    ASSERT_TRUE(hub.subscriber->wait_ready(patience).ready);

    publisher_->publish(topic, {{"x", 1}});

    EXPECT_TRUE(publisher_->flush(patience).complete);
    ASSERT_TRUE(hub.received.wait_for(1));
    EXPECT_TRUE(hub.received.messages().at(0).verified());
}

// T5 and the books of the publisher: whoever is cut off takes no subscription of it along, and
// everybody else is counted once again.
TEST_F(CurvePublisherTest, ARevokedSubscriberIsCutOffAndOthersComeBack) {
    const auto hub_identity = world_.citizen("hub", {Role::ack});
    const auto victim_identity = world_.citizen("victim", {Role::ack});
    Listener hub(world_, hub_identity, *publisher_);
    Listener victim(world_, victim_identity, *publisher_);
    ASSERT_TRUE(hub.subscriber->wait_ready(patience).ready);
    ASSERT_TRUE(victim.subscriber->wait_ready(patience).ready);
    publisher_->publish(topic, {{"n", 1}});
    ASSERT_TRUE(publisher_->flush(patience).complete);
    ASSERT_TRUE(victim.received.wait_for(1));

    world_.signing.revoke(victim_identity);
    ASSERT_TRUE(world_.logged("cut off 'victim'"));
    ASSERT_TRUE(world_.logged("refused certificate_revoked from 127.0.0.1 as 'victim'"));
    ASSERT_TRUE(eventually([&] { return publisher_->stats().peers == 1; }));
    publisher_->publish(topic, {{"n", 2}});

    const FlushResult flush = publisher_->flush(patience);
    EXPECT_TRUE(flush.complete) << flush.sentence;
    EXPECT_EQ(flush.peers, 1u);
    ASSERT_TRUE(hub.received.wait_for(2));
    EXPECT_EQ(victim.received.messages().size(), 1u);
    hub.subscriber.reset();
    EXPECT_TRUE(eventually([&] { return publisher_->stats().peers == 0; }));
}

/// Messages that come to `port`, published until one does.
bool hears(SubscribePort& port, Publisher& publisher) {
    return eventually([&] {
        publisher.publish(topic, {{"x", 1}});
        Arrival arrival;
        while (port.receive(arrival)) {
            if (arrival.topic == topic) return true;
        }
        return false;
    });
}

// A2: whoever announces another's endpoint as its own first must not keep it from being heard.
TEST_F(CurvePublisherTest, AnImpostorAtTheSameEndpointDoesNotSilenceWhoIsThere) {
    const auto curve = world_.curve_of(world_.citizen("hub", {Role::ack}));
    const auto impostor = world_.citizen("impostor", {Role::publish});
    curve->announce(publisher_->bound(), *impostor.certificate);
    const auto transport = make_zmq_transport({}, curve);
    const auto port = support::must(transport->open_subscriber());
    port->subscribe("");
    support::must(port->connect(publisher_->bound()));

    curve->announce(publisher_->bound(), *git_.certificate);

    EXPECT_TRUE(hears(*port, *publisher_));
}

TEST_F(CurvePublisherTest, ACertificateThatComesLaterIsConnectedWithoutARestart) {
    const auto hub = world_.citizen("hub", {Role::ack});
    std::filesystem::remove(support::file_of(world_.signing, "git"));
    const auto curve = world_.curve_of(hub);
    curve->expect(publisher_->bound(), "git");
    const auto transport = make_zmq_transport({}, curve);
    const auto port = support::must(transport->open_subscriber());
    port->subscribe("");
    support::must(port->connect(publisher_->bound()));
    Arrival arrival;
    EXPECT_FALSE(port->receive(arrival));

    support::put_certificate(world_.signing, git_);

    EXPECT_TRUE(hears(*port, *publisher_));
}

TEST_F(CurvePublisherTest, AServerThatComesBackWithAnotherKeyIsFoundByItsNewCertificate) {
    const auto hub = world_.citizen("hub", {Role::ack});
    const auto curve = world_.curve_of(hub);
    const std::string endpoint = "tcp://127.0.0.1:0";
    auto old_transport = make_zmq_transport({}, world_.curve_of(git_));
    auto old_publisher = support::must(Publisher::open(
        *old_transport, world_.clock, bound_at(endpoint), shared(git_), world_.signing.trust()));
    const std::string bound = old_publisher->bound();
    curve->expect(bound, "git");
    const auto transport = make_zmq_transport({}, curve);
    const auto port = support::must(transport->open_subscriber());
    port->subscribe("");
    support::must(port->connect(bound));
    ASSERT_TRUE(hears(*port, *old_publisher));
    old_publisher.reset();
    old_transport.reset();

    const auto again = world_.citizen("git", {Role::publish});  // the same name, another key
    const auto new_transport = make_zmq_transport({}, world_.curve_of(again));
    const auto publisher = support::must(Publisher::open(
        *new_transport, world_.clock, bound_at(bound), shared(again), world_.signing.trust()));

    EXPECT_TRUE(hears(*port, *publisher));
}

// N3: encryption does not replace the proof. Here somebody with a genuine certificate, and so with
// an encrypted connection, sends what another has not signed.
TEST_F(CurvePublisherTest, WhatIsAlteredBehindAnEncryptedConnectionIsRefused) {
    const auto relay_identity = world_.citizen("relay", {Role::relay});
    const auto hub_identity = world_.citizen("hub", {Role::ack});
    const auto relay = make_zmq_transport({}, world_.curve_of(relay_identity));
    const auto port = support::must(relay->bind_publisher({"tcp://127.0.0.1:0"}));
    const auto curve = world_.curve_of(hub_identity);
    curve->expect_relay(port->bound(), "relay");
    const auto transport = make_zmq_transport({}, curve);
    Received received;
    const auto subscriber =
        support::must(Subscriber::open(*transport, world_.clock, connected_to({port->bound()}),
                                       world_.signing.trust(), received.hooks()));
    ASSERT_TRUE(eventually([&] {
        SubscriptionEvent event;
        return port->next_subscription(event) && event.prefix == barrier_prefix;
    }));
    auto frames = support::sign(git_, topic, {"genuine"});
    frames.contents.back() = 'X';

    port->send(frames.topic, frames.contents, frames.proof);

    ASSERT_TRUE(received.wait_for_refusals(1));
    EXPECT_EQ(received.reasons().at(0), Refusal::signature_bad);
    EXPECT_THAT(received.messages(), IsEmpty());
}

}  // namespace
}  // namespace weft::fabric
