// Publish and be acknowledged: weft through its relay, signed and verified both ways, beside a NATS
// request and its reply through nats-server, unsigned. `publish` is the side that answers and
// `receive` the one that asks and measures; at the end it tells the other that it may go.

#include "tests/bench/ack_peers.hpp"

#include <unistd.h>

#include <stdexcept>

#include "config/load.hpp"
#include "fabric/node/relay.hpp"
#include "reliability/ack_consumer.hpp"
#include "reliability/reliable_publisher.hpp"
#include "signing/identity.hpp"
#include "tests/bench/nats_parts.hpp"

namespace weft::bench {
namespace {

using namespace std::chrono_literals;

void ask_once(reliability::ReliablePublisher& reliable, Bodies& bodies,
              const reliability::ReliableOptions& options) {
    const auto receipt =
        reliable.try_publish("bench.ack", {bodies.next(), "application/octet-stream"}, options);
    if (!receipt) throw std::runtime_error(receipt.error().sentence);
}

}  // namespace

std::unique_ptr<Middle> WeftAck::middle() const {
    fabric::RelaySettings settings;
    settings.inbound = free_endpoint();
    settings.outbound = free_endpoint();
    const pid_t pid = ::fork();
    if (pid == 0) {
        auto relay = fabric::Relay::open(settings);
        if (relay) (*relay)->run();
        ::_exit(1);
    }
    auto middle = std::make_unique<Middle>(std::vector<int>{pid});
    middle->publish_at = settings.inbound;
    middle->subscribe_at = settings.outbound;
    return middle;
}

void WeftAck::publish(const Meeting& meeting, const Load& load) const {
    const auto fabric = open(recipient_, meeting);
    reliability::AckConsumer consumer(*fabric, {"bench.**"}, [](const auto&) {});
    if (const auto ready = consumer.wait_ready(20s); !ready.ready) {
        throw std::runtime_error(ready.sentence);
    }
    meeting.await_ready(load.subscribers);
}

Seen WeftAck::receive(const Meeting& meeting, const Load& load) const {
    const auto fabric = open(publisher_, meeting);
    reliability::Settings settings;
    settings.journals = {recipient_};
    reliability::ReliablePublisher reliable(*fabric, settings);
    const reliability::ReliableOptions options = this->options();
    Bodies bodies(load);
    // Until the recipient is there: then everything is open and known on both ways.
    for (int i = 0; i < 100; ++i) ask_once(reliable, bodies, options);

    Arrivals arrivals(load);
    std::mutex mutex;
    std::uint64_t failed = 0;
    std::string first_failure;
    Window window(load.in_flight);
    for (std::uint64_t i = 0; i < load.messages; ++i) {
        window.enter();
        const std::string& body = bodies.next();
        const std::string stamp = body.substr(0, 8);
        const auto pending =
            reliable.publish_async("bench.ack", {body, "application/octet-stream"}, options,
                                   [&, stamp](const reliability::Outcome& outcome) {
                                       {
                                           const std::scoped_lock lock(mutex);
                                           if (outcome.ok()) {
                                               arrivals.add(stamp);
                                           } else if (failed++ == 0) {
                                               first_failure = outcome.sentence();
                                           }
                                       }
                                       window.leave();
                                   });
        if (!pending) throw std::runtime_error(pending.error().sentence);
    }
    if (!window.wait_until_empty() || failed > 0) {
        throw std::runtime_error(std::to_string(failed) +
                                 " publishes failed, such as: " + first_failure);
    }
    meeting.i_am_ready();
    const std::scoped_lock lock(mutex);
    return arrivals.seen();
}

std::unique_ptr<fabric::Fabric> WeftAck::open(const std::string& name,
                                              const Meeting& meeting) const {
    config::LoadOptions options;
    options.directory = directory_;
    options.settings = {"name=" + name, "signing.directory=" + directory_.string(),
                        "fabric.replay.state=\"\"", "fabric.relay.inbound=" + meeting.publish_at,
                        "fabric.relay.outbound=" + meeting.subscribe_at};
    auto loaded = config::load(options);
    if (!loaded) throw std::runtime_error(config::text_of(loaded.error()));
    fabric::FabricOptions fabric;
    fabric.clock = &clock_;
    return fabric::Fabric::open(*loaded, fabric);
}

std::uint64_t WeftAck::WorldClock::utc_us() const noexcept {
    return static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000 +
           static_cast<std::uint64_t>((system_.steady() - start_) / 1us);
}

reliability::ReliableOptions WeftAck::options() const {
    reliability::ReliableOptions options;
    options.recipients = recipient_;
    options.ack_timeout = 20s;
    return options;
}

std::string issue_name(support::SigningFixture& world, const std::string& name,
                       std::initializer_list<signing::Role> roles) {
    signing::CertificateRequest request;
    request.name = name;
    request.roles = support::roles_of(roles);
    request.globs = support::globs_of({"**"});
    request.not_before = support::SigningFixture::now - support::SigningFixture::day;
    request.not_after = support::SigningFixture::now + support::SigningFixture::day;
    support::must(signing::issue_identity(world.directory(), world.authority(), request));
    return name;
}

namespace {

class NatsRequest final : public Peer {
public:
    [[nodiscard]] std::string name() const override { return "nats_request"; }
    [[nodiscard]] std::unique_ptr<Middle> middle() const override { return server_->middle(); }

    void publish(const Meeting& meeting, const Load& load) const override {
        natsConnection* connection = connect_nats(meeting.publish_at, true);
        natsSubscription* subscription = nullptr;
        check(natsConnection_Subscribe(
                  &subscription, connection, "bench.ack",
                  [](natsConnection* to, natsSubscription*, natsMsg* request, void*) {
                      // As much as an ACK says of its message: the first bytes of the body.
                      natsConnection_Publish(to, natsMsg_GetReply(request),
                                             natsMsg_GetData(request), 8);
                      natsMsg_Destroy(request);
                  },
                  nullptr),
              "subscribe");
        check(natsConnection_Flush(connection), "flush");
        meeting.await_ready(load.subscribers);
        natsSubscription_Destroy(subscription);
        natsConnection_Destroy(connection);
    }

    [[nodiscard]] Seen receive(const Meeting& meeting, const Load& load) const override {
        natsConnection* connection = connect_nats(meeting.subscribe_at, true);
        struct Asking {
            Arrivals arrivals;
            Window window;
            std::mutex mutex;
            std::uint64_t warm = 0;
        };
        Asking asking{Arrivals(load), Window(load.in_flight), {}, 0};
        natsInbox* inbox = nullptr;
        check(natsInbox_Create(&inbox), "inbox");
        natsSubscription* subscription = nullptr;
        check(natsConnection_Subscribe(
                  &subscription, connection, inbox,
                  [](natsConnection*, natsSubscription*, natsMsg* reply, void* closure) {
                      auto& asker = *static_cast<Asking*>(closure);
                      {
                          const std::scoped_lock lock(asker.mutex);
                          // The server's "nobody listens" has no body.
                          if (natsMsg_GetDataLength(reply) >= 8 && asker.warm++ >= 100) {
                              asker.arrivals.add({natsMsg_GetData(reply), 8});
                          }
                      }
                      asker.window.leave();
                      natsMsg_Destroy(reply);
                  },
                  &asking),
              "subscribe");
        Bodies bodies(load);
        const auto ask = [&] {
            asking.window.enter();
            const std::string& body = bodies.next();
            check(natsConnection_PublishRequest(connection, "bench.ack", inbox, body.data(),
                                                static_cast<int>(body.size())),
                  "request");
        };
        const auto warm = [&] {
            const std::scoped_lock lock(asking.mutex);
            return asking.warm;
        };
        while (warm() < 100) {
            ask();
            if (!asking.window.wait_until_empty()) throw std::runtime_error("nats: no reply");
        }
        for (std::uint64_t i = 0; i < load.messages; ++i) ask();
        if (!asking.window.wait_until_empty())
            throw std::runtime_error("nats: replies are missing");
        meeting.i_am_ready();
        natsSubscription_Destroy(subscription);
        natsInbox_Destroy(inbox);
        natsConnection_Destroy(connection);
        return asking.arrivals.seen();
    }

private:
    std::unique_ptr<Peer> server_ = nats_core();
};

}  // namespace

std::unique_ptr<Peer> weft_ack(support::SigningFixture& world) {
    using signing::Role;
    return std::make_unique<WeftAck>(
        world.directory(), issue_name(world, "asks.host1", {Role::publish, Role::ack}),
        issue_name(world, "answers.host1", {Role::publish, Role::ack}));
}

std::unique_ptr<Peer> nats_request() {
    return std::make_unique<NatsRequest>();
}

}  // namespace weft::bench
