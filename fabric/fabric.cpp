#include "fabric/fabric.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "config/load.hpp"
#include "config/section.hpp"
#include "fabric/curve_setup.hpp"
#include "fabric/node/announcer.hpp"
#include "fabric/node/beacon.hpp"
#include "fabric/node/epoch_file.hpp"
#include "fabric/restart_notes.hpp"
#include "signing/identity.hpp"
#include "signing/identity_watch.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

}  // namespace

struct Subscription::Queue {
    explicit Queue(std::size_t the_limit) : limit(the_limit) {}

    void push(const Message& message) {
        {
            const std::scoped_lock lock(mutex);
            if (messages.size() >= limit) {
                ++dropped;
                return;
            }
            messages.push_back(message);
        }
        arrived.notify_one();
    }

    const std::size_t limit;
    mutable std::mutex mutex;
    std::condition_variable arrived;
    std::deque<Message> messages;
    std::uint64_t dropped = 0;
};

Subscription::Subscription(std::unique_ptr<Queue> queue, std::unique_ptr<Subscriber> subscriber)
    : queue_(std::move(queue)), subscriber_(std::move(subscriber)) {}
Subscription::~Subscription() = default;

std::optional<Message> Subscription::receive(milliseconds timeout) {
    std::unique_lock lock(queue_->mutex);
    if (!queue_->arrived.wait_for(lock, timeout, [this] { return !queue_->messages.empty(); })) {
        return std::nullopt;
    }
    std::optional<Message> message(std::move(queue_->messages.front()));
    queue_->messages.pop_front();
    return message;
}

ReadyResult Subscription::wait_ready(milliseconds timeout) {
    return subscriber_->wait_ready(timeout);
}

std::uint64_t Subscription::dropped() const {
    const std::scoped_lock lock(queue_->mutex);
    return queue_->dropped;
}

SubscriberStats Subscription::stats() const {
    return subscriber_->stats();
}

struct Fabric::Core {
    Core(const config::Configuration& configuration, FabricOptions the_options)
        : configuration_given(configuration),
          options(std::move(the_options)),
          restart_notes(configuration) {
        config::Problems problems;
        settings = read_settings(configuration, problems);
        signing_settings =
            signing::read_settings(config::Section(configuration, "signing", problems));
        if (!problems.empty()) throw OpenFailed(config::text_of(problems));
        if (options.clock == nullptr) options.clock = &system_clock;
        open_trust();
        if (options.transport == nullptr) open_transport();
    }

    void open_transport() {
        if (settings.curve) open_curve();
        ZmqOptions zmq;
        zmq.high_water_mark = static_cast<int>(settings.high_water_mark);
        owned_transport = make_zmq_transport(zmq, curve);
        options.transport = owned_transport.get();
    }

    void open_curve() {
        auto made = make_curve(settings, signing_settings, trust, *options.clock, options.warn);
        if (!made) throw OpenFailed(made.error());
        curve = std::move(*made);
        const std::string why = no_relay_key(*curve, settings);
        if (why.empty()) return;
        // Publishers that bind need no relay, and then there may be none.
        if (settings.mode != Settings::Mode::bind || !settings.relay_name.empty()) {
            throw OpenFailed(why);
        }
        has_relay = false;
    }

    void warn(const std::string& line) const {
        if (options.warn) options.warn(line);
    }

    void open_trust() {
        if (!signing_settings.validate) {
            warn(
                "signing.validate is off: messages are shown whoever signed them, as not verified");
            return;
        }
        auto opened = signing::TrustStore::open(signing_settings.trust);
        if (!opened) throw OpenFailed(joined(opened.error()));
        trust = std::move(*opened);
        for (const std::string& warning : trust->current()->warnings(now())) warn(warning);
    }

    signing::UtcSeconds now() const {
        return static_cast<signing::UtcSeconds>(options.clock->utc_us() / 1'000'000);
    }

    std::shared_ptr<const signing::Identity> identity() const {
        if (!signing_settings.sign) {
            warn(
                "signing.sign is off: messages go out unsigned, and only receivers that do not "
                "validate will show them");
            return nullptr;
        }
        if (settings.name.empty()) {
            throw OpenFailed(
                "`name` is not set: it says which key and certificate to sign with (`weft init` "
                "makes a configuration with one)");
        }
        auto loaded = load_identity();
        if (!loaded) throw OpenFailed(loaded.error());
        return std::make_shared<const signing::Identity>(std::move(*loaded));
    }

    tl::expected<signing::Identity, std::string> load_identity() const {
        return trust ? signing::load_identity(signing_settings.directory, settings.name,
                                              *trust->current(), now())
                     : signing::load_identity(signing_settings.directory, settings.name);
    }

    /// Each publisher has its own: to be made before its identity is loaded.
    PublisherSettings::RenewIdentity identity_watch() const {
        auto watch = std::make_shared<signing::IdentityWatch>(
            signing_settings.directory, settings.name, [this] { return load_identity(); });
        return [this, watch](const signing::Identity& current) {
            auto look = watch->look(current);
            if (!look.problem.empty()) {
                warn("our own certificate was not renewed, the old one stays: " + look.problem);
            }
            if (look.renewed) warn("our own certificate was renewed and is in use from now on");
            return std::move(look.renewed);
        };
    }

    tl::expected<void, std::vector<std::string>> reload(
        const config::Configuration& configuration) {
        config::Problems problems;
        static_cast<void>(read_settings(configuration, problems));
        auto read = signing::read_settings(config::Section(configuration, "signing", problems));
        std::vector<std::string> lines;
        for (const config::Problem& problem : problems) lines.push_back(problem.text());
        if (!lines.empty()) return tl::make_unexpected(std::move(lines));
        const std::scoped_lock lock(reload_mutex);
        if (trust) {
            // Another directory of keys would also mean another key of our own.
            read.trust.directory = signing_settings.trust.directory;
            if (auto loaded = trust->reload(std::move(read.trust)); !loaded) return loaded;
        }
        for (const std::string& line : restart_notes.on_reload(configuration)) warn(line);
        return {};
    }

    std::uint64_t epoch(bool is_signing) const {
        auto raised = next_epoch(signing_settings.directory / (settings.name + ".epoch"));
        if (raised) return *raised;
        if (is_signing) throw OpenFailed(raised.error());
        return options.clock->utc_us();  // nobody verifies unsigned messages; unique is enough
    }

    PublisherSettings publisher_settings(bool is_signing) const {
        PublisherSettings wanted;
        wanted.relay_inbound = settings.relay_inbound.text();
        wanted.source = options.source.empty() ? settings.name : options.source;
        wanted.ack_root = settings.space.ack_root();
        wanted.epoch = epoch(is_signing);
        if (settings.mode == Settings::Mode::relay) return wanted;
        wanted.mode = PublisherSettings::Mode::bind;
        for (const config::Endpoint& endpoint : settings.own_endpoints()) {
            if (const auto refusal = bind_refusal(endpoint, settings); !refusal.empty()) {
                throw OpenFailed(refusal);
            }
            if (const auto warning = bind_warning(endpoint, settings); !warning.empty()) {
                warn(warning);
            }
            wanted.endpoints.push_back(endpoint.text());
        }
        return wanted;
    }

    void open_publisher() {
        const auto renew = identity_watch();
        const auto who = identity();
        PublisherSettings wanted = publisher_settings(who != nullptr);
        wanted.renew_identity = renew;
        wanted.on_tick = [this] {
            if (Announcer* current = announcing.load(std::memory_order_acquire)) {
                current->tick(options.clock->steady());
            }
        };
        auto opened =
            Publisher::open(*options.transport, *options.clock, std::move(wanted), who, trust);
        if (!opened) throw OpenFailed(opened.error());
        if (needs_announcement((*opened)->bound())) start_announcer(who, (*opened)->bound());
        publisher = std::move(*opened);
    }

    /// Others find a publisher in the configuration; one that took a free port must say where it
    /// is.
    bool needs_announcement(const std::string& bound) const {
        const auto endpoint = config::Endpoint::parse(bound);
        if (!endpoint || endpoint->scheme != config::Endpoint::Scheme::tcp) return false;
        const auto mesh = settings.mesh_endpoints();
        return std::find(mesh.begin(), mesh.end(), bound) == mesh.end();
    }

    void start_announcer(const std::shared_ptr<const signing::Identity>& who,
                         const std::string& bound) {
        if (!has_relay) throw OpenFailed(no_relay_key(*curve, settings));
        PublisherSettings relay;
        relay.relay_inbound = settings.relay_inbound.text();
        relay.source = options.source.empty() ? settings.name : options.source;
        relay.epoch = epoch(who != nullptr);
        relay.room_timeout = milliseconds{0};
        relay.close_timeout = milliseconds{0};
        relay.renew_identity = identity_watch();
        auto opened =
            Publisher::open(*options.transport, *options.clock, std::move(relay), who, trust);
        if (!opened) throw OpenFailed(opened.error());
        announcer = std::make_unique<Announcer>(
            std::move(*opened), beacon_root(settings.space) + settings.name,
            announced_address(bound, settings.relay_inbound.text()));
        announcer->tick(options.clock->steady());
        announcing.store(announcer.get(), std::memory_order_release);
    }

    SubscriberSettings subscriber_settings(const std::vector<std::string>& globs) const {
        SubscriberSettings subscriber;
        for (const std::string& text : globs) {
            auto glob = signing::TopicGlob::parse(settings.space.complete_glob(text));
            if (!glob)
                throw OpenFailed("glob '" + signing::escape(text, 80) + "': " + glob.error());
            subscriber.globs.push_back(std::move(*glob));
        }
        if (has_relay) subscriber.relay_outbound = settings.relay_outbound.text();
        subscriber.curve = curve;
        subscriber.endpoints = settings.mesh_endpoints();
        subscriber.srv = settings.srv;
        auto resolver = make_dns_resolver(settings.name_servers);
        if (!resolver) throw OpenFailed("fabric.name_servers: " + resolver.error());
        subscriber.resolver = std::move(*resolver);
        subscriber.beacon_root = beacon_root(settings.space);
        subscriber.ack_root = settings.space.ack_root();
        subscriber.validate = signing_settings.validate;
        subscriber.replay.past = settings.replay_past;
        subscriber.replay.future = settings.replay_future;
        subscriber.replay.directory = settings.replay_state;
        subscriber.replay.kind = options.kind;
        return subscriber;
    }

    const config::Configuration configuration_given;
    FabricOptions options;
    SystemClock system_clock;
    Settings settings;
    signing::Settings signing_settings;
    std::shared_ptr<signing::TrustStore> trust;
    std::shared_ptr<Curve> curve;  // null: fabric.curve is off
    bool has_relay = true;
    std::unique_ptr<Transport> owned_transport;  // outlives everything with a socket below
    std::mutex reload_mutex;                     // one reload at a time; guards restart_notes
    RestartNotes restart_notes;
    std::mutex mutex;  // guards the opening of the publisher
    std::unique_ptr<Announcer> announcer;
    std::atomic<Announcer*> announcing{nullptr};
    std::unique_ptr<Publisher> publisher;  // its thread ticks the announcer: goes first
};

std::unique_ptr<Fabric> Fabric::open(FabricOptions options) {
    auto configuration = config::load(config::process_options());
    if (!configuration) throw OpenFailed(config::text_of(configuration.error()));
    return open(*configuration, std::move(options));
}

std::unique_ptr<Fabric> Fabric::open(const config::Configuration& configuration,
                                     FabricOptions options) {
    return std::unique_ptr<Fabric>(
        new Fabric(std::make_unique<Core>(configuration, std::move(options))));
}

Fabric::Fabric(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Fabric::~Fabric() = default;

Publisher& Fabric::publisher() {
    const std::scoped_lock lock(core_->mutex);
    if (!core_->publisher) core_->open_publisher();
    return *core_->publisher;
}

MessageId Fabric::publish(std::string_view topic, const Body& body, const PublishOptions& options) {
    return publisher().publish(core_->settings.space.complete(topic), body, options);
}

tl::expected<MessageId, PublishError> Fabric::try_publish(std::string_view topic, BodyView body,
                                                          const PublishOptions& options) {
    return publisher().try_publish(core_->settings.space.complete(topic), body, options);
}

FlushResult Fabric::flush(milliseconds timeout) {
    {
        const std::scoped_lock lock(core_->mutex);
        if (!core_->publisher) return {true, 0, 0, ""};
    }
    return core_->publisher->flush(timeout);
}

std::unique_ptr<Subscriber> Fabric::subscribe(const std::vector<std::string>& globs,
                                              SubscriberHooks hooks,
                                              const SubscribeOptions& options) {
    if (!hooks.warn) hooks.warn = core_->options.warn;
    SubscriberSettings settings = core_->subscriber_settings(globs);
    if (!options.remember) settings.replay.directory.clear();
    if (!options.kind.empty()) settings.replay.kind = options.kind;
    auto subscriber = Subscriber::open(*core_->options.transport, *core_->options.clock,
                                       std::move(settings), core_->trust, std::move(hooks));
    if (!subscriber) throw OpenFailed(subscriber.error());
    return std::move(*subscriber);
}

std::unique_ptr<Subscription> Fabric::subscribe(const std::vector<std::string>& globs) {
    auto queue = std::make_unique<Subscription::Queue>(
        static_cast<std::size_t>(core_->settings.high_water_mark));
    SubscriberHooks hooks;
    hooks.deliver = [into = queue.get()](const Message& message) { into->push(message); };
    auto subscriber = subscribe(globs, std::move(hooks));
    return std::unique_ptr<Subscription>(new Subscription(std::move(queue), std::move(subscriber)));
}

tl::expected<void, std::vector<std::string>> Fabric::reload(
    const config::Configuration& configuration) {
    return core_->reload(configuration);
}

const config::Configuration& Fabric::configuration() const noexcept {
    return core_->configuration_given;
}
const Settings& Fabric::settings() const noexcept {
    return core_->settings;
}
const signing::Settings& Fabric::signing_settings() const noexcept {
    return core_->signing_settings;
}
const std::shared_ptr<signing::TrustStore>& Fabric::trust() const noexcept {
    return core_->trust;
}
const Clock& Fabric::clock() const noexcept {
    return *core_->options.clock;
}
Transport& Fabric::transport() const noexcept {
    return *core_->options.transport;
}
void Fabric::expect(const std::string& endpoint, const std::string& name) {
    if (core_->curve) core_->curve->expect(endpoint, name);
}
void Fabric::warn(const std::string& line) const {
    core_->warn(line);
}

}  // namespace weft::fabric
