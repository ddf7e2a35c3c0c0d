#include "fabric/node/subscriber.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <set>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "fabric/node/beacon.hpp"
#include "fabric/node/control.hpp"
#include "fabric/node/endpoint_directory.hpp"
#include "fabric/node/refusal_log.hpp"

namespace weft::fabric {
namespace {

using signing::Refusal;
using std::chrono::milliseconds;

constexpr milliseconds tick{250};
/// Between two looks at clock and trust.
constexpr int arrivals_per_turn = 64;
/// Barriers that are answered in one tick; a flood of them is somebody's mischief.
constexpr int barriers_per_tick_max = 1000;
/// Topics whose glob decision is remembered.
constexpr std::size_t decisions_max = 10'000;
/// Failed proofs a second that a connection may cost us (C5). Behind a relay many publishers share
/// one connection, and a stranger's failures must not silence them: there the limit only bounds
/// CPU.
constexpr std::uint32_t failures_direct = 200;
constexpr std::uint32_t failures_through_relay = 5000;

struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};

}  // namespace

std::uint64_t SubscriberStats::refused_total() const noexcept {
    return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
}

struct Subscriber::Core {
    Core(const Clock& the_clock, SubscriberSettings the_settings,
         std::shared_ptr<signing::TrustStore> the_trust, SubscriberHooks the_hooks,
         std::unique_ptr<SubscribePort> the_port)
        : clock(the_clock),
          settings(std::move(the_settings)),
          trust(std::move(the_trust)),
          hooks(std::move(the_hooks)),
          port(std::move(the_port)),
          directory(settings.endpoints, settings.relay_outbound),
          verifier(trust,
                   settings.validate ? signing::Verifier::Mode::validate
                                     : signing::Verifier::Mode::integrity,
                   settings.limits),
          probe(std::string{probe_prefix} + make_nonce()),
          trust_generation(trust ? trust->generation() : 0) {}

    tl::expected<void, std::string> connect() {
        std::set<std::string, std::less<>> prefixes;
        for (const auto& glob : settings.globs) prefixes.insert(std::string{glob.literal_prefix()});
        if (!settings.beacon_root.empty()) prefixes.insert(settings.beacon_root);
        for (const std::string& prefix : prefixes) port->subscribe(prefix);
        port->subscribe(barrier_prefix);
        std::vector<std::string> endpoints = directory.fixed();
        const std::string& relay = settings.relay_outbound;
        if (!relay.empty() &&
            std::find(endpoints.begin(), endpoints.end(), relay) == endpoints.end()) {
            endpoints.push_back(relay);
        }
        for (const std::string& endpoint : endpoints) {
            if (auto connected = port->connect(endpoint); !connected) return connected;
        }
        expected = endpoints.size();
        // Last, so that the answer says that all of the above is in force.
        port->subscribe(probe);
        return {};
    }

    void start() {
        thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    void refuse(const signing::Refused& why, const Arrival& arrival) {
        {
            const std::scoped_lock lock(mutex);
            ++stats.refused[static_cast<std::size_t>(why.reason)];
        }
        const std::string peer = port->peer();
        if (hooks.warn) {
            if (const auto line = refusal_log.line(why, peer, arrival.topic, clock.steady())) {
                hooks.warn(*line);
            }
        }
        if (hooks.refused) {
            hooks.refused({why, arrival.topic, arrival.contents, arrival.proof, peer});
        }
    }

    void on_control(const Arrival& arrival) {
        if (arrival.topic == probe) {
            const std::scoped_lock lock(mutex);
            ++answered;
            changed.notify_all();
            return;
        }
        const std::string_view nonce = nonce_of(arrival.topic, barrier_prefix);
        if (nonce.empty()) return;
        if (++barriers_this_tick > barriers_per_tick_max) {
            const std::scoped_lock lock(mutex);
            ++stats.barriers_ignored;
            return;
        }
        const std::string echo = std::string{echo_prefix} + std::string{nonce};
        port->subscribe(echo);
        port->unsubscribe(echo);
    }

    bool wanted(std::string_view topic) {
        if (const auto found = decisions.find(topic); found != decisions.end())
            return found->second;
        const bool wanted = std::any_of(settings.globs.begin(), settings.globs.end(),
                                        [&](const auto& glob) { return glob.matches(topic); });
        if (decisions.size() >= decisions_max) decisions.clear();
        decisions.emplace(topic, wanted);
        return wanted;
    }

    void on_beacon(const Message& beacon, const Arrival& arrival) {
        const std::string_view name = beacon.topic().substr(settings.beacon_root.size());
        if (beacon.signer().empty() || name != beacon.signer()) {
            refuse({Refusal::name_mismatch, std::string{beacon.signer()}}, arrival);
            return;
        }
        for (const std::string& endpoint : announced_endpoints(beacon)) {
            apply(directory.on_announcement(std::string{name}, endpoint, clock.steady()));
        }
    }

    void apply(const EndpointDirectory::Changes& changes) {
        for (const std::string& endpoint : changes.disconnect) port->disconnect(endpoint);
        for (const std::string& endpoint : changes.connect) {
            if (auto connected = port->connect(endpoint); !connected && hooks.warn) {
                hooks.warn("announced endpoint: " + connected.error());
            }
        }
    }

    /// A consumer that throws harms nobody but itself: counted, named, and the next message comes.
    void hand_over(const Message& message) {
        std::string error;
        try {
            hooks.deliver(message);
            return;
        } catch (const std::exception& thrown) {
            error = thrown.what();
        } catch (...) {
            error = "something that is no std::exception";
        }
        {
            const std::scoped_lock lock(mutex);
            ++stats.consumer_failed;
        }
        if (hooks.warn) {
            hooks.warn("the consumer of " + std::string{message.topic()} + " threw at message " +
                       message.id().text() + ": " + signing::escape(error));
        }
    }

    void on_run(const Arrival& arrival, bool deliver) {
        auto run_bytes = std::make_shared<RunBytes>();
        run_bytes->topic = arrival.topic;
        run_bytes->contents = arrival.contents;
        run_bytes->proof = arrival.proof;
        run_bytes->signer = verified_run.signer;
        run_bytes->verified = verified_run.verified;
        const std::string_view kept = run_bytes->contents;
        const std::shared_ptr<const RunBytes> shared = std::move(run_bytes);
        std::uint64_t delivered = 0;
        for (const signing::RunItem& item : verified_run.items) {
            if (!item.present) continue;
            const auto offset =
                static_cast<std::size_t>(item.content.data() - arrival.contents.data());
            const std::string_view content = kept.substr(offset, item.content.size());
            DecodedContent decoded;
            if (auto ok = decode_content(content, decoded); !ok) {
                refuse({Refusal::content_undecodable, ok.error()}, arrival);
                continue;
            }
            const Message message(shared, std::move(decoded), content, item.digest);
            if (verified_run.kind == signing::Kind::beacon) {
                on_beacon(message, arrival);
            } else if (deliver) {
                ++delivered;
                hand_over(message);
            }
        }
        const std::scoped_lock lock(mutex);
        ++stats.runs;
        stats.delivered += delivered;
    }

    void on_arrival(const Arrival& arrival) {
        if (is_control(arrival.topic)) {
            on_control(arrival);
            return;
        }
        if (arrival.frames != 3) {
            refuse({Refusal::not_three_frames,
                    std::to_string(arrival.frames) + " frame" + (arrival.frames == 1 ? "" : "s")},
                   arrival);
            return;
        }
        // Before anything is remembered by topic: a stranger chooses its length.
        if (arrival.topic.size() > signing::TopicGlob::bytes_max) {
            refuse({Refusal::topic_invalid, std::to_string(arrival.topic.size()) + " bytes"},
                   arrival);
            return;
        }
        const bool maybe_beacon =
            !settings.beacon_root.empty() && arrival.topic.starts_with(settings.beacon_root);
        const bool matches = wanted(arrival.topic);
        if (!matches && !maybe_beacon) {
            const std::scoped_lock lock(mutex);
            ++stats.filtered;
            return;
        }
        const auto now = static_cast<signing::UtcSeconds>(clock.utc_us() / 1'000'000);
        const std::string from = port->peer();
        const signing::Peer peer{
            from, settings.relay_outbound.empty() ? failures_direct : failures_through_relay};
        const auto steady_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<milliseconds>(clock.steady()).count());
        const auto believed = verifier.verify({arrival.topic, arrival.contents, arrival.proof},
                                              peer, now, steady_ms, verified_run);
        if (!believed) {
            refuse(believed.error(), arrival);
            return;
        }
        if (verified_run.kind == signing::Kind::message && !matches) {
            const std::scoped_lock lock(mutex);
            ++stats.filtered;
            return;
        }
        if (verified_run.kind == signing::Kind::ack ||
            (verified_run.kind == signing::Kind::beacon && !maybe_beacon)) {
            const std::scoped_lock lock(mutex);
            ++stats.other_kinds;
            return;
        }
        on_run(arrival, matches);
    }

    /// A reload that fails is tried again, and fails again, at each tick: said when it changes.
    void say_once(const std::vector<std::string>& problems) {
        if (problems == trust_problems) return;
        trust_problems = problems;
        if (!hooks.warn) return;
        for (const std::string& problem : problems) {
            hooks.warn("trust not reloaded, the old one stays in force: " + problem);
        }
    }

    void on_tick() {
        barriers_this_tick = 0;
        if (trust) {
            const auto reloaded = trust->reload_if_changed();
            if (reloaded && trust->generation() != trust_generation) {
                trust_generation = trust->generation();
                if (hooks.warn) hooks.warn("trust reloaded: what has changed is in force");
            }
            if (!reloaded) {
                const std::scoped_lock lock(mutex);
                ++stats.trust_reloads_failed;
            }
            say_once(reloaded ? std::vector<std::string>{} : reloaded.error());
        }
        apply(directory.expire(clock.steady()));
        const std::scoped_lock lock(mutex);
        stats.verifier = verifier.stats();
    }

    void run_turn() {
        Arrival arrival;
        for (int i = 0; i < arrivals_per_turn; ++i) {
            if (!port->receive(arrival)) {
                {
                    const std::scoped_lock lock(mutex);
                    stats.verifier = verifier.stats();
                }
                port->wait(tick);
                return;
            }
            on_arrival(arrival);
        }
    }

    void run(const std::stop_token& stop) {
        const std::stop_callback wake_up(stop, [this] { port->wake(); });
        Instant next_tick = clock.steady() + tick;
        while (!stop.stop_requested()) {
            run_turn();
            const Instant now = clock.steady();
            if (now < next_tick) continue;
            next_tick = now + tick;
            on_tick();
        }
    }

    const Clock& clock;
    const SubscriberSettings settings;
    const std::shared_ptr<signing::TrustStore> trust;
    const SubscriberHooks hooks;
    const std::unique_ptr<SubscribePort> port;
    EndpointDirectory directory;
    signing::Verifier verifier;
    signing::VerifiedRun verified_run;
    RefusalLog refusal_log;
    std::unordered_map<std::string, bool, Hash, std::equal_to<>> decisions;
    const std::string probe;
    std::uint64_t trust_generation;
    std::vector<std::string> trust_problems;  // said already
    std::size_t expected = 0;
    int barriers_this_tick = 0;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::size_t answered = 0;
    SubscriberStats stats;
    std::jthread thread;  // last: starts after, and joins before, everything that it uses
};

tl::expected<std::unique_ptr<Subscriber>, std::string> Subscriber::open(
    Transport& transport, const Clock& clock, SubscriberSettings settings,
    std::shared_ptr<signing::TrustStore> trust, SubscriberHooks hooks) {
    if (settings.validate && !trust) {
        return tl::make_unexpected(
            std::string{"validating needs a trust store: set "
                        "signing.directory, or validate: false"});
    }
    auto port = transport.open_subscriber();
    if (!port) return tl::make_unexpected(port.error());
    auto core = std::make_unique<Core>(clock, std::move(settings), std::move(trust),
                                       std::move(hooks), std::move(*port));
    if (auto connected = core->connect(); !connected) {
        return tl::make_unexpected(connected.error());
    }
    core->start();
    return std::unique_ptr<Subscriber>(new Subscriber(std::move(core)));
}

Subscriber::Subscriber(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Subscriber::~Subscriber() {
    stop();
}

void Subscriber::stop() {
    core_->thread.request_stop();
    if (core_->thread.joinable()) core_->thread.join();
}

ReadyResult Subscriber::wait_ready(milliseconds timeout) {
    std::unique_lock lock(core_->mutex);
    ReadyResult result;
    result.expected = core_->expected;
    result.ready = core_->changed.wait_for(lock, timeout,
                                           [this] { return core_->answered >= core_->expected; });
    result.answered = std::min(core_->answered, core_->expected);
    if (!result.ready) {
        result.sentence = std::to_string(result.expected - result.answered) + " of " +
                          std::to_string(result.expected) + " peers did not answer within " +
                          std::to_string(timeout.count()) +
                          " ms; they are tried again and again, and their messages will come when "
                          "they are there";
    }
    return result;
}

SubscriberStats Subscriber::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->stats;
}

}  // namespace weft::fabric
