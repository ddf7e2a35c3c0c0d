// weft itself, publisher to subscriber without a relay, as a service would use it.

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <random>
#include <stdexcept>

#include "fabric/node/publisher.hpp"
#include "fabric/node/subscriber.hpp"
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

class WeftDirect final : public Peer {
public:
    WeftDirect(bool is_signed, support::SigningFixture& world, const support::Identity& identity)
        : is_signed_(is_signed), world_(world) {
        if (is_signed) {
            identity_ = std::make_shared<const signing::Identity>(
                signing::Identity{identity.key, identity.certificate});
        }
    }

    [[nodiscard]] std::string name() const override { return is_signed_ ? "signed" : "unsigned"; }

    void publish(const std::string& endpoint, const Load& load) const override {
        const auto transport = open_transport();
        fabric::PublisherSettings settings;
        settings.mode = fabric::PublisherSettings::Mode::bind;
        settings.endpoints = {endpoint};
        settings.source = "bench";
        settings.epoch = 1;
        settings.room_timeout = 60s;
        auto publisher = support::must(
            fabric::Publisher::open(*transport, clock_, settings, identity_, nullptr));
        const auto topics = topics_of(load);
        if (!publisher->wait_for_subscriber(topics.front(), 20s)) {
            throw std::runtime_error("no subscriber came");
        }
        std::string body(load.body_bytes, 'w');
        std::minstd_rand random(1);
        const std::uint64_t start = now_ns();
        for (std::uint64_t i = 0; i < load.messages; ++i) {
            pace(load, start, i);
            if (load.with_latency) {
                const std::uint64_t now = now_ns();
                std::memcpy(body.data(), &now, sizeof now);
            }
            const std::string& topic = topics[topics.size() == 1 ? 0 : random() % topics.size()];
            if (auto sent = publisher->try_publish(topic, {body, "application/octet-stream"});
                !sent) {
                throw std::runtime_error(sent.error().sentence);
            }
        }
        if (const auto flushed = publisher->flush(120s); !flushed.complete) {
            throw std::runtime_error(flushed.sentence);
        }
    }

    [[nodiscard]] Seen receive(const std::string& endpoint, const Load& load) const override {
        const auto transport = open_transport();
        fabric::SubscriberSettings settings;
        settings.globs = support::globs_of({"org.weft.dev.bench.**"});
        settings.endpoints = {endpoint};
        settings.validate = is_signed_;
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
            *transport, clock_, settings, is_signed_ ? world_.trust() : nullptr, hooks));
        std::unique_lock lock(mutex);
        std::uint64_t before = 0;
        while (!changed.wait_for(lock, 5s, [&] { return complete; }) && counted != before) {
            before = counted;
        }
        lock.unlock();
        subscriber.reset();  // its thread no longer touches arrivals
        return arrivals.seen();
    }

private:
    static std::unique_ptr<fabric::Transport> open_transport() {
        fabric::ZmqOptions options;
        options.high_water_mark = 0;  // as for raw libzmq: the benchmark loses nothing
        return fabric::make_zmq_transport(options);
    }

    bool is_signed_;
    support::SigningFixture& world_;
    std::shared_ptr<const signing::Identity> identity_;
    WorldClock clock_;
};

}  // namespace

std::unique_ptr<Peer> weft_direct(bool is_signed, support::SigningFixture& world,
                                  const support::Identity& identity) {
    return std::make_unique<WeftDirect>(is_signed, world, identity);
}

}  // namespace weft::bench
