#include "fabric/node/subscriber.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "config/endpoint.hpp"
#include "fabric/node/beacon.hpp"
#include "fabric/node/control.hpp"
#include "fabric/node/endpoint_directory.hpp"
#include "fabric/node/name_watcher.hpp"
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

/// The question behind an endpoint whose host is a name.
std::optional<NameQuery> query_for(const std::string& text) {
    const auto endpoint = config::Endpoint::parse(text);
    if (!endpoint || endpoint->scheme != config::Endpoint::Scheme::tcp) return std::nullopt;
    const bool ipv4 = endpoint->host.find_first_not_of("0123456789.") == std::string::npos;
    const bool ipv6 = endpoint->host.find(':') != std::string::npos;
    if (ipv4 || ipv6) return std::nullopt;
    return NameQuery{NameQuery::Kind::host, endpoint->host, endpoint->port};
}

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
          trust_generation(trust ? trust->generation() : 0) {
        if (settings.validate && settings.replay.on) watch_replays();
    }

    void watch_replays() {
        const std::uint64_t now = clock.utc_us();
        replays = std::make_unique<ReplayCheck>(settings.replay, now);
        const std::uint64_t unsure = replays->unsure_until_us();
        if (unsure < now) return;
        // Clocks may have jumped meanwhile; nobody waits longer than such a promise is.
        const std::uint64_t left = std::min(unsure - now + 1000, ReplayGuard::promise_us);
        sure_from = clock.steady() + std::chrono::microseconds{left};
    }

    tl::expected<void, std::string> connect() {
        std::set<std::string, std::less<>> prefixes;
        for (const auto& glob : settings.globs) prefixes.insert(std::string{glob.literal_prefix()});
        if (!settings.beacon_root.empty()) prefixes.insert(settings.beacon_root);
        for (const std::string& prefix : prefixes) port->subscribe(prefix);
        port->subscribe(barrier_prefix);
        std::vector<std::string> endpoints;
        for (const std::string& endpoint : directory.fixed()) {
            if (const auto query = settings.resolver ? query_for(endpoint) : std::nullopt) {
                queries.push_back(*query);
                named_endpoints[query->text()] = endpoint;
            } else {
                endpoints.push_back(endpoint);
            }
        }
        for (const std::string& domain : settings.srv) {
            queries.push_back({NameQuery::Kind::srv, domain, 0});
        }
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
        for (const NameQuery& query : queries) unresolved[query.text()] = "not resolved yet";
        thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
        if (queries.empty()) return;
        watcher = std::make_unique<NameWatcher>(
            clock, queries, settings.resolver,
            [this](const NameQuery& query, const NameAnswer& answer) { on_answer(query, answer); });
    }

    /// The watcher's thread. The newest answer of each name waits for the subscriber's.
    void on_answer(const NameQuery& query, const NameAnswer& answer) {
        {
            const std::scoped_lock lock(mutex);
            answers[query.text()] = answer;
            const auto found = unresolved.find(query.text());
            if (found != unresolved.end()) found->second = answer.problem;
        }
        port->wake();
    }

    /// What stays wrong is said once, not at each attempt.
    void say_about(const std::string& name, const std::string& problem) {
        std::string& said = said_about[name];
        if (said == problem) return;
        said = problem;
        if (problem.empty() || !hooks.warn) return;
        hooks.warn(problem + "; it is looked up again and again, the rest goes on");
    }

    /// Whose certificate those have who are found by name: that of the name in the configuration,
    /// and for service records that of their target.
    void expect_keys(const std::string& name, const NameAnswer& answer) {
        for (const std::string& endpoint : answer.endpoints) {
            if (const auto target = answer.targets.find(endpoint); target != answer.targets.end()) {
                settings.curve->expect(endpoint, target->second);
            }
            if (const auto named = named_endpoints.find(name); named != named_endpoints.end()) {
                settings.curve->expect_also(named->second, endpoint);
            }
        }
    }

    void take_answers() {
        std::map<std::string, NameAnswer> taken;
        {
            const std::scoped_lock lock(mutex);
            taken.swap(answers);
        }
        for (const auto& [name, answer] : taken) {
            say_about(name, answer.problem);
            if (answer.endpoints.empty()) continue;
            if (settings.curve) expect_keys(name, answer);
            const auto changes = directory.on_resolved(name, answer.endpoints);
            apply(changes);
            const std::scoped_lock lock(mutex);
            unresolved.erase(name);
            expected += changes.connect.size();
            expected -= std::min(expected, changes.disconnect.size());
            changed.notify_all();
        }
    }

    void refuse(const signing::Refused& why, const Arrival& arrival, bool log = true) {
        {
            const std::scoped_lock lock(mutex);
            ++stats.refused[static_cast<std::size_t>(why.reason)];
        }
        const std::string peer = port->peer();
        if (hooks.warn && log) {
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

    enum class Novelty { fresh, asks_again, refused };
    /// Decoded and not yet handed over: was it here before, and what is missing before it? Who
    /// asks for acknowledgements may ask again, if somebody here answers that.
    Novelty novelty(const ContentHeader& header, const Arrival& arrival, bool deliver) {
        const auto judged = replays->judge(header.epoch, header.seq, header.time_us);
        count_missing();
        if (judged.missing > 0) on_gap(header.epoch, header.seq - 1, judged.missing, arrival.topic);
        if (!judged.refused) return Novelty::fresh;
        if (judged.refused->reason == Refusal::replayed && !header.ack.empty() && deliver &&
            hooks.repeated) {
            return Novelty::asks_again;
        }
        if (judged.duplicate) {
            const std::scoped_lock lock(mutex);
            ++stats.duplicates;
        }
        refuse(*judged.refused, arrival, !judged.duplicate);
        return Novelty::refused;
    }

    /// Before anybody is told or given anything. Only this thread writes the counters.
    void count_missing() {
        if (replays->guard().counters().missing == stats.missing) return;
        const std::scoped_lock lock(mutex);
        copy_counters();
    }

    void on_gap(std::uint64_t epoch, std::uint64_t to, std::uint64_t count,
                std::string_view topic) {
        const Gap gap{verified_run.signer->name(), epoch, topic, to - count + 1, to, count};
        if (hooks.gap) hooks.gap(gap);
        if (!hooks.warn) return;
        if (const auto line = gap_log.line(gap, clock.steady())) hooks.warn(*line);
    }

    /// Under the lock.
    void copy_counters() {
        stats.verifier = verifier.stats();
        if (!replays) return;
        const ReplayGuard& guard = replays->guard();
        stats.gaps = guard.counters().gaps;
        stats.missing = guard.counters().missing;
        stats.streams = guard.streams();
        stats.streams_evicted = guard.counters().streams_evicted;
        stats.signers_evicted = guard.counters().signers_evicted;
    }

    /// On the topic that it is about. Others than tail beacons are for later versions.
    void on_tail_beacon(const Message& beacon, const Arrival& arrival) {
        const auto last = replays ? last_announced(beacon) : std::nullopt;
        if (last) {
            const auto judged = replays->tail(beacon.epoch(), *last, beacon.time_us());
            count_missing();
            if (judged.refused) return refuse(*judged.refused, arrival);
            if (judged.missing > 0) on_gap(beacon.epoch(), *last, judged.missing, arrival.topic);
        }
        const std::scoped_lock lock(mutex);
        ++(last ? stats.tail_beacons : stats.other_kinds);
    }

    void on_beacon(const Message& beacon, const Arrival& arrival) {
        if (settings.beacon_root.empty() || !arrival.topic.starts_with(settings.beacon_root)) {
            return on_tail_beacon(beacon, arrival);
        }
        const std::string_view name = beacon.topic().substr(settings.beacon_root.size());
        if (beacon.signer().empty() || name != beacon.signer()) {
            refuse({Refusal::name_mismatch, std::string{beacon.signer()}}, arrival);
            return;
        }
        if (replays) {
            const auto judged = replays->judge_time(beacon.time_us());
            if (judged.refused) return refuse(*judged.refused, arrival);
        }
        for (const std::string& endpoint : announced_endpoints(beacon)) {
            if (settings.curve) settings.curve->announce(endpoint, *verified_run.signer);
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
    void hand_over(const Message& message, const std::function<void(const Message&)>& consumer) {
        std::string error;
        try {
            consumer(message);
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
        auto run_bytes = std::make_shared<RunBytes>(arrival.topic, arrival.contents, arrival.proof);
        run_bytes->signer = verified_run.signer;
        run_bytes->verified = verified_run.verified;
        const std::string_view kept = run_bytes->contents;
        const std::shared_ptr<const RunBytes> shared = std::move(run_bytes);
        std::uint64_t delivered = 0, acks = 0, repeated = 0;
        if (replays) replays->begin(verified_run.signer->name(), arrival.topic, now_us);
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
            const bool is_message = verified_run.kind == signing::Kind::message;
            const Novelty found =
                replays && is_message ? novelty(decoded.header, arrival, deliver) : Novelty::fresh;
            if (found == Novelty::refused) continue;
            const Message message(shared, std::move(decoded), content, item.digest);
            if (verified_run.kind == signing::Kind::beacon) {
                on_beacon(message, arrival);
            } else if (found == Novelty::asks_again) {
                ++repeated;
                hand_over(message, hooks.repeated);
            } else if (verified_run.kind == signing::Kind::ack) {
                ++acks;
                hand_over(message, hooks.acknowledgement);
            } else if (deliver) {
                ++delivered;
                hand_over(message, hooks.deliver);
            }
        }
        const std::scoped_lock lock(mutex);
        ++stats.runs;
        stats.delivered += delivered;
        stats.acks += acks;
        stats.repeated += repeated;
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
        now_us = clock.utc_us();
        const auto now = static_cast<signing::UtcSeconds>(now_us / 1'000'000);
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
        if (verified_run.kind == signing::Kind::request ||
            verified_run.kind == signing::Kind::answer) {
            // They go to one peer, and mean nothing to whoever overhears them.
            const std::scoped_lock lock(mutex);
            ++stats.other_kinds;
            return;
        }
        if (verified_run.kind == signing::Kind::message && !matches) {
            const std::scoped_lock lock(mutex);
            ++stats.filtered;
            return;
        }
        if (!settings.ack_root.empty() && verified_run.kind != signing::Kind::beacon &&
            arrival.topic.starts_with(settings.ack_root) !=
                (verified_run.kind == signing::Kind::ack)) {
            refuse({Refusal::ack_topic_reserved,
                    verified_run.signer ? "signer '" + verified_run.signer->name() + "'" : ""},
                   arrival);
            return;
        }
        if (verified_run.kind == signing::Kind::ack && !(matches && hooks.acknowledgement)) {
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

    void say_replay_problem() {
        if (!replays) return;
        const std::string problem = replays->problem();
        if (!problem.empty() && hooks.warn) hooks.warn(problem);
    }

    void on_tick() {
        barriers_this_tick = 0;
        if (!queries.empty()) take_answers();
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
        if (replays) replays->tick(clock.utc_us());
        say_replay_problem();
        const std::scoped_lock lock(mutex);
        copy_counters();
    }

    void run_turn() {
        Arrival arrival;
        for (int i = 0; i < arrivals_per_turn; ++i) {
            if (!port->receive(arrival)) {
                {
                    const std::scoped_lock lock(mutex);
                    copy_counters();
                }
                if (i > 0 && hooks.pause) hooks.pause();
                port->wait(tick);
                if (!queries.empty()) take_answers();
                return;
            }
            on_arrival(arrival);
        }
        if (hooks.pause) hooks.pause();
    }

    void run(const std::stop_token& stop) {
        const std::stop_callback wake_up(stop, [this] { port->wake(); });
        Instant next_tick = clock.steady() + tick;
        say_replay_problem();
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
    std::unique_ptr<ReplayCheck> replays;     // null: nothing is judged
    GapLog gap_log;
    std::uint64_t now_us = 0;  // of the arrival in hand
    Instant sure_from{};       // what is published from then on is certainly new
    std::vector<NameQuery> queries;
    std::map<std::string, std::string> said_about;
    std::map<std::string, std::string> named_endpoints;  // by query: as the configuration has it
    int barriers_this_tick = 0;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    std::size_t expected = 0, answered = 0;
    std::map<std::string, NameAnswer> answers;      // not taken yet
    std::map<std::string, std::string> unresolved;  // names that never had an endpoint, and why
    SubscriberStats stats;
    std::jthread thread;  // starts after, and joins before, what it uses
    // Last: it wakes the port. Of whoever owns the subscriber; its thread asks `queries` instead.
    std::unique_ptr<NameWatcher> watcher;
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
    core_->watcher.reset();
    core_->thread.request_stop();
    if (core_->thread.joinable()) core_->thread.join();
}

ReadyResult Subscriber::wait_ready(milliseconds timeout) {
    std::unique_lock lock(core_->mutex);
    ReadyResult result;
    result.ready = core_->changed.wait_for(lock, timeout, [this] {
        return core_->unresolved.empty() && core_->answered >= core_->expected;
    });
    result.expected = core_->expected + core_->unresolved.size();
    result.answered = std::min(core_->answered, core_->expected);
    if (result.ready) {
        const Instant unsure = core_->sure_from - core_->clock.steady();
        if (unsure > Instant::zero()) {
            core_->changed.wait_for(lock, unsure,
                                    [this] { return core_->clock.steady() >= core_->sure_from; });
        }
    }
    if (!result.ready && !core_->unresolved.empty()) {
        result.sentence = core_->unresolved.begin()->second +
                          (core_->unresolved.size() > 1
                               ? " (and " + std::to_string(core_->unresolved.size() - 1) +
                                     " more names without an answer)"
                               : "") +
                          "; what does answer is heard";
    } else if (!result.ready) {
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
