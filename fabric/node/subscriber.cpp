#include "fabric/node/subscriber.hpp"

#include <algorithm>
#include <numeric>

#include "config/endpoint.hpp"
#include "fabric/node/subscriber_core.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds tick{250};
constexpr std::size_t had_max = 100'000;
/// Between two looks at clock and trust.
constexpr int arrivals_per_turn = 64;

/// The question behind an endpoint whose host is a name.
std::optional<NameQuery> query_for(const std::string& text) {
    const auto endpoint = config::Endpoint::parse(text);
    if (!endpoint || endpoint->scheme != config::Endpoint::Scheme::tcp) return std::nullopt;
    const bool ipv4 = endpoint->host.find_first_not_of("0123456789.") == std::string::npos;
    const bool ipv6 = endpoint->host.find(':') != std::string::npos;
    if (ipv4 || ipv6) return std::nullopt;
    return NameQuery{NameQuery::Kind::host, endpoint->host, endpoint->port};
}

}  // namespace

std::uint64_t SubscriberStats::refused_total() const noexcept {
    return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
}

void Subscriber::Core::watch_replays() {
    const std::uint64_t now = clock.utc_us();
    replays = std::make_unique<ReplayCheck>(settings.replay, now);
    const std::uint64_t unsure = replays->unsure_until_us();
    if (unsure < now) return;
    // Clocks may have jumped meanwhile; nobody waits longer than such a promise is.
    const std::uint64_t left = std::min(unsure - now + 1000, ReplayGuard::promise_us);
    sure_from = clock.steady() + std::chrono::microseconds{left};
}

tl::expected<void, std::string> Subscriber::Core::connect() {
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
    if (!relay.empty() && std::find(endpoints.begin(), endpoints.end(), relay) == endpoints.end()) {
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

void Subscriber::Core::start() {
    for (const NameQuery& query : queries) unresolved[query.text()] = "not resolved yet";
    thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
    if (queries.empty()) return;
    watcher = std::make_unique<NameWatcher>(
        clock, queries, settings.resolver,
        [this](const NameQuery& query, const NameAnswer& answer) { on_answer(query, answer); });
}

void Subscriber::Core::apply(const EndpointDirectory::Changes& changes) {
    for (const std::string& endpoint : changes.disconnect) port->disconnect(endpoint);
    for (const std::string& endpoint : changes.connect) {
        if (auto connected = port->connect(endpoint); !connected && hooks.warn) {
            hooks.warn("announced endpoint: " + connected.error());
        }
    }
}

void Subscriber::Core::copy_counters() {
    stats.verifier = verifier.stats();
    if (!replays) return;
    const ReplayGuard& guard = replays->guard();
    stats.gaps = guard.counters().gaps;
    stats.missing = guard.counters().missing;
    stats.streams = guard.streams();
    stats.streams_evicted = guard.counters().streams_evicted;
    stats.signers_evicted = guard.counters().signers_evicted;
}

void Subscriber::Core::say_once(const std::vector<std::string>& problems) {
    if (problems == trust_problems) return;
    trust_problems = problems;
    if (!hooks.warn) return;
    for (const std::string& problem : problems) {
        hooks.warn("trust not reloaded, the old one stays in force: " + problem);
    }
}

void Subscriber::Core::say_replay_problem() {
    if (!replays) return;
    const std::string problem = replays->problem();
    if (!problem.empty() && hooks.warn) hooks.warn(problem);
}

void Subscriber::Core::on_tick() {
    barriers_this_tick = 0;
    is_relay.clear();
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

void Subscriber::Core::take_had() {
    std::vector<Message> taken;
    {
        const std::scoped_lock lock(mutex);
        taken.swap(had_elsewhere);
    }
    if (!replays) return;
    for (const Message& message : taken) {
        replays->begin(message.signer(), message.topic(), clock.utc_us());
        replays->had(message.epoch(), message.seq(), message.time_us());
    }
}

void Subscriber::Core::run_turn() {
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
            take_had();
            return;
        }
        on_arrival(arrival);
    }
    take_had();
    if (hooks.pause) hooks.pause();
}

void Subscriber::Core::run(const std::stop_token& stop) {
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
    take_had();
}

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

void Subscriber::had(const std::vector<Message>& messages) {
    {
        const std::scoped_lock lock(core_->mutex);
        const std::size_t room = had_max - std::min(had_max, core_->had_elsewhere.size());
        const auto end =
            messages.begin() + static_cast<std::ptrdiff_t>(std::min(room, messages.size()));
        core_->had_elsewhere.insert(core_->had_elsewhere.end(), messages.begin(), end);
    }
    core_->port->wake();
}

SubscriberStats Subscriber::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->stats;
}

}  // namespace weft::fabric
