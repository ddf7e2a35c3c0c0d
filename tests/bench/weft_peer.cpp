// weft itself, direct or through its relay, as a service would use it.

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "fabric/node/publisher.hpp"
#include "fabric/node/relay.hpp"
#include "fabric/node/subscriber.hpp"
#include "signing/curve_directory.hpp"
#include "signing/curve_key.hpp"
#include "tests/bench/bystanders.hpp"
#include "tests/bench/peers.hpp"

namespace weft::bench {
namespace {

using namespace std::chrono_literals;

/// The fixture's certificates are valid at its own time of day.
class WorldClock final : public fabric::Clock {
public:
    [[nodiscard]] fabric::Instant steady() const noexcept override { return system_.steady(); }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000 +
               system_.utc_us() % 1'000'000;
    }

private:
    fabric::SystemClock system_;
};

class WeftPeer final : public Peer {
public:
    WeftPeer(WeftKind kind, support::SigningFixture& world, const support::Identity& identity)
        : kind_(std::move(kind)), world_(world) {
        if (kind_.is_signed) {
            identity_ = std::make_shared<const signing::Identity>(
                signing::Identity{identity.key, identity.certificate});
        }
    }

    [[nodiscard]] std::string name() const override { return kind_.name; }

    [[nodiscard]] std::unique_ptr<Middle> middle() const override {
        if (kind_.beside_flood) return beside_forger();
        if (!kind_.through_relay) return nullptr;
        fabric::RelaySettings settings;
        settings.inbound = free_endpoint();
        settings.outbound = free_endpoint();
        // The benchmark loses nothing, but for the peer whose messages are to be dropped.
        settings.socket.high_water_mark = kind_.beside_stopped || kind_.beside_slow ? 1000 : 0;
        const pid_t pid = ::fork();
        if (pid == 0) {
            auto relay = fabric::Relay::open(settings);
            if (relay) (*relay)->run();
            ::_exit(1);
        }
        std::vector<int> pids{pid};
        if (kind_.beside_stopped) {
            pids.push_back(stopped_subscriber(settings.outbound, world_.trust()));
        }
        if (kind_.beside_slow) pids.push_back(slow_subscriber(settings.outbound));
        auto middle = std::make_unique<Middle>(std::move(pids));
        middle->publish_at = settings.inbound;
        middle->subscribe_at = settings.outbound;
        return middle;
    }

    void publish(const Meeting& meeting, const Load& load) const override {
        const auto transport = open_transport(curve_at(""));
        fabric::PublisherSettings settings;
        if (kind_.through_relay) {
            settings.relay_inbound = meeting.publish_at;
        } else {
            settings.mode = fabric::PublisherSettings::Mode::bind;
            settings.endpoints = {meeting.publish_at};
        }
        settings.source = "bench";
        settings.epoch = 1;
        settings.room_timeout = 60s;
        auto publisher = support::must(
            fabric::Publisher::open(*transport, clock_, settings, identity_, nullptr));
        meeting.await_ready(load.subscribers);
        for (const std::string& topic : topics_of(load)) {
            if (!publisher->wait_for_subscriber(topic, 20s)) {
                throw std::runtime_error("no subscriber came");
            }
        }
        Source source(load);
        for (std::uint64_t i = 0; i < load.messages; ++i) {
            const std::string& topic = source.next(i);
            if (auto sent =
                    publisher->try_publish(topic, {source.body(), "application/octet-stream"});
                !sent) {
                throw std::runtime_error(sent.error().sentence);
            }
        }
        if (const auto flushed = publisher->flush(120s); !flushed.complete) {
            throw std::runtime_error(flushed.sentence);
        }
    }

    [[nodiscard]] Seen receive(const Meeting& meeting, const Load& load) const override {
        const auto transport = open_transport(curve_at(meeting.subscribe_at));
        fabric::SubscriberSettings settings;
        settings.globs = support::globs_of({"org.weft.dev.bench.**"});
        if (kind_.through_relay) {
            settings.relay_outbound = meeting.subscribe_at;
        } else {
            settings.endpoints = {meeting.subscribe_at};
            if (!meeting.flood_at.empty()) settings.endpoints.push_back(meeting.flood_at);
        }
        settings.validate = kind_.is_signed;
        Arrivals arrivals(load);
        std::mutex mutex;
        std::condition_variable changed;
        std::uint64_t counted = 0;
        bool complete = false;
        fabric::SubscriberHooks hooks;
        hooks.deliver = [&](const fabric::Message& message) {
            arrivals.add(message.body());
            if (arrivals.count() % 4096 != 0 && !arrivals.complete()) return;
            const std::scoped_lock lock(mutex);
            counted = arrivals.count();
            complete = arrivals.complete();
            changed.notify_one();
        };
        auto subscriber = support::must(fabric::Subscriber::open(
            *transport, clock_, settings, kind_.is_signed ? world_.trust() : nullptr, hooks));
        if (const auto ready = subscriber->wait_ready(20s); !ready.ready) {
            throw std::runtime_error(ready.sentence);
        }
        meeting.i_am_ready();
        std::unique_lock lock(mutex);
        std::uint64_t before = 0;
        while (!changed.wait_for(lock, 5s, [&] { return complete; }) && counted != before) {
            before = counted;
        }
        lock.unlock();
        subscriber->stop();  // its thread no longer touches arrivals
        Seen seen = arrivals.seen();
        seen.refused = subscriber->stats().refused_total();
        return seen;
    }

private:
    /// The subscriber connects to both: the publisher that is measured, and one that forges in the
    /// name of the same signer.
    [[nodiscard]] std::unique_ptr<Middle> beside_forger() const {
        const std::string forged_at = free_endpoint();
        const support::Identity identity{identity_->key, identity_->certificate};
        const std::string topic = topics_of(Load{}).front();
        auto middle = std::make_unique<Middle>(std::vector<int>{forger(
            forged_at, support::sign(identity, topic, {std::string(Load{}.body_bytes, 'f')}))});
        middle->publish_at = middle->subscribe_at = free_endpoint();
        middle->flood_at = forged_at;
        return middle;
    }

    /// Null without CURVE. Both sides hold the same certificate.
    [[nodiscard]] std::shared_ptr<fabric::Curve> curve_at(const std::string& endpoint) const {
        if (!kind_.curve) return nullptr;
        auto curve = std::make_shared<fabric::Curve>(
            signing::CurveKeyPair::of(*identity_->key),
            std::make_shared<signing::CurveDirectory>(world_.directory(), world_.trust()), clock_,
            nullptr);
        if (!endpoint.empty()) curve->expect(endpoint, identity_->certificate->name());
        return curve;
    }

    [[nodiscard]] std::unique_ptr<fabric::Transport> open_transport(
        std::shared_ptr<fabric::Curve> curve) const {
        fabric::ZmqOptions options;
        // As for raw libzmq: the benchmark loses nothing. What a forger sends may get lost.
        if (!kind_.beside_flood) options.high_water_mark = 0;
        return fabric::make_zmq_transport(options, std::move(curve));
    }

    WeftKind kind_;
    support::SigningFixture& world_;
    std::shared_ptr<const signing::Identity> identity_;
    WorldClock clock_;
};

}  // namespace

std::unique_ptr<Peer> weft_peer(WeftKind kind, support::SigningFixture& world,
                                const support::Identity& identity) {
    return std::make_unique<WeftPeer>(std::move(kind), world, identity);
}

}  // namespace weft::bench
