#include "gateway/esub/cluster/membership.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace weft::gateway::esub {
namespace {

using std::chrono::milliseconds;

/// Changes gather for so long before they go out.
constexpr milliseconds gather{3};
/// Everything is sent no oftener, however many ask.
constexpr milliseconds full_every{200};
constexpr std::size_t on_fabric_max = 1000, turns_max = 10'000;

}  // namespace

struct Membership::Core {
    Core(fabric::Fabric& the_fabric, const ClusterSettings& the_settings, Displaced the_displaced)
        : fabric(the_fabric),
          settings(the_settings),
          displaced(std::move(the_displaced)),
          self(fabric.settings().name),
          root(fabric.settings().space.root() + ".gateway.esub."),
          local(settings.clustered()),
          directory(self, limits_of(settings)) {}

    static DirectoryLimits limits_of(const ClusterSettings& settings) {
        DirectoryLimits limits;
        limits.silent = settings.beat * settings.silent_beats;
        limits.ask_every = settings.beat / 2;
        return limits;
    }
    [[nodiscard]] fabric::Instant now() const { return fabric.clock().steady(); }

    void start() {
        if (!settings.clustered()) return;
        epoch = fabric.publisher().settings().epoch;
        fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const fabric::Message& message) { on_message(message); };
        subscriber = fabric.subscribe({root + "**"}, std::move(hooks),
                                      {.remember = false, .kind = "esub-directory"});
        announcer = std::jthread([this](const std::stop_token& stop) { announce(stop); });
    }

    // The subscriber's thread.

    void on_message(const fabric::Message& message) {
        const std::string_view topic = message.topic();
        if (!topic.starts_with(root)) return;
        const std::string node{topic.substr(root.size())};
        // A gateway speaks for itself alone.
        if (node == self || message.signer() != node) return;
        const auto said = decode_announcement(message.value());
        if (!said) return;
        std::vector<std::tuple<Kind, std::string, std::uint64_t>> lost;
        {
            const std::scoped_lock lock(mutex);
            if (on_fabric.size() < on_fabric_max) on_fabric.insert(node);
            const Directory::Heard heard =
                directory.hear(node, *said, now(), fabric.clock().utc_us());
            if (heard.ask) to_ask.push_back(node);
            if (heard.asks_us) full_wanted = true;
            if (heard.ask || heard.asks_us) changed.notify_one();
            for (const OpenKey& open : said->open) {
                const auto held = local.find(open.kind, open.key);
                if (!held || held->shared || open.shared) continue;
                if (std::tie(held->stamp_us, self) < std::tie(open.stamp_us, node)) {
                    lost.emplace_back(open.kind, open.key, held->id);
                }
            }
        }
        for (const auto& [kind, key, id] : lost) displaced(kind, key, id);
    }

    // The announcer's thread.

    void announce(const std::stop_token& stop) {
        fabric::Instant next_beat = now(), last_full = now() - full_every;
        while (!stop.stop_requested()) {
            LocalKeys::Changes changes;
            std::vector<OpenKey> everything;
            std::vector<std::string> asked;
            bool is_full = false;
            {
                std::unique_lock lock(mutex);
                const auto wake = [&] {
                    return local.has_changes() || !to_ask.empty() ||
                           (full_wanted && now() - last_full >= full_every);
                };
                const auto until_beat = std::max<fabric::Instant>(next_beat - now(), gather);
                changed.wait_for(lock, stop, std::min<fabric::Instant>(until_beat, full_every),
                                 wake);
                // Others that open and close within a moment share the announcement.
                changed.wait_for(lock, stop, gather, [] { return false; });
                changes = local.take_changes();
                asked = std::exchange(to_ask, {});
                is_full = full_wanted && now() - last_full >= full_every;
                if (is_full) {
                    full_wanted = false;
                    everything = local.all();
                }
                directory.expire(now());
            }
            say_changes(changes);
            if (is_full) {
                say_everything(everything);
                last_full = now();
            }
            for (std::string& node : asked) {
                Announcement ask;
                ask.type = Announcement::Type::ask;
                ask.to = std::move(node);
                say(std::move(ask));
            }
            if (now() >= next_beat) {
                say({});
                next_beat = now() + settings.beat;
            }
        }
    }

    void say_changes(LocalKeys::Changes& changes) {
        std::size_t open = 0, done = 0;
        while (open < changes.open.size() || done < changes.done.size()) {
            Announcement delta;
            delta.type = Announcement::Type::delta;
            while (open < changes.open.size() && delta.open.size() < announced_max) {
                delta.open.push_back(std::move(changes.open[open++]));
            }
            while (done < changes.done.size() && delta.done.size() < announced_max) {
                delta.done.push_back(changes.done[done++]);
            }
            ++seq;
            say(std::move(delta));
        }
    }

    void say_everything(std::vector<OpenKey>& everything) {
        const std::size_t parts =
            std::max<std::size_t>((everything.size() + announced_max - 1) / announced_max, 1);
        for (std::size_t part = 0; part < parts; ++part) {
            Announcement full;
            full.type = Announcement::Type::full;
            full.part = static_cast<std::uint32_t>(part);
            full.parts = static_cast<std::uint32_t>(parts);
            const std::size_t end = std::min(everything.size(), (part + 1) * announced_max);
            for (std::size_t i = part * announced_max; i < end; ++i) {
                full.open.push_back(std::move(everything[i]));
            }
            say(std::move(full));
        }
    }

    /// What finds no room is missed by the others, who then ask.
    void say(Announcement announcement) {
        announcement.epoch = epoch;
        announcement.seq = seq;
        {
            const std::scoped_lock lock(mutex);
            announcement.address = address;
            announcement.keys = local.size();
        }
        const fabric::Body body(encode(announcement));
        fabric::PublishOptions options;
        options.room_timeout = milliseconds{0};
        options.parent = fabric::MessageId{};
        const auto sent = fabric.publisher().try_publish(root + self, body.view(), options);
        if (!sent && !std::exchange(complained, true)) {
            fabric.warn("esub's keys cannot be announced to other gateways: " +
                        sent.error().sentence);
        }
    }

    void stop() {
        if (!announcer.joinable()) return;
        announcer.request_stop();
        announcer.join();
        subscriber->stop();
        // Whoever waited here waits no more.
        std::vector<OpenKey> nothing;
        ++seq;
        say_everything(nothing);
    }

    fabric::Fabric& fabric;
    const ClusterSettings settings;
    const Displaced displaced;
    const std::string self, root;
    std::uint64_t epoch = 0;

    std::uint64_t seq = 0;  // of the announcer's thread
    bool complained = false;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable_any changed;
    LocalKeys local;
    Directory directory;
    std::set<std::string> on_fabric;
    std::vector<std::string> to_ask;
    bool full_wanted = false;
    std::string address;
    std::unordered_map<std::string, std::uint64_t> turns;  // of shared psubs that span gateways

    std::unique_ptr<fabric::Subscriber> subscriber;
    std::jthread announcer;
};

Membership::Membership(fabric::Fabric& fabric, const ClusterSettings& settings, Displaced displaced)
    : core_(std::make_unique<Core>(fabric, settings, std::move(displaced))) {}

Membership::~Membership() {
    stop();
}

void Membership::start() {
    core_->start();
}

void Membership::stop() {
    core_->stop();
}

void Membership::opened(Kind kind, std::string_view key, std::string_view token, bool shared,
                        std::uint64_t id) {
    const std::uint64_t now_us = core_->fabric.clock().utc_us();
    const std::scoped_lock lock(core_->mutex);
    const bool was_quiet = !core_->local.has_changes();
    core_->local.opened(kind, key, token, shared, id, now_us);
    if (was_quiet) core_->changed.notify_one();
}

void Membership::closed(Kind kind, std::string_view key, std::uint64_t id) {
    const std::scoped_lock lock(core_->mutex);
    const bool was_quiet = !core_->local.has_changes();
    core_->local.closed(kind, key, id);
    if (was_quiet) core_->changed.notify_one();
}

std::optional<LocalKeys::Held> Membership::held_here(Kind kind, std::string_view key) const {
    const std::scoped_lock lock(core_->mutex);
    return core_->local.find(kind, key);
}

std::optional<Directory::Owner> Membership::find(std::string_view key, bool psub_only,
                                                 const std::set<std::string>& but) {
    const std::scoped_lock lock(core_->mutex);
    return core_->directory.find(key, psub_only, but);
}

std::optional<Directory::Owner> Membership::find(Kind kind, std::string_view key) {
    const std::scoped_lock lock(core_->mutex);
    return core_->directory.find(kind, key);
}

bool Membership::takes_turn_elsewhere(std::string_view key) {
    const std::scoped_lock lock(core_->mutex);
    const std::size_t here = core_->local.pooled(key);
    if (here == 0) return false;
    const std::size_t there = core_->directory.pooled(key);
    if (there == 0) return false;
    auto& turns = core_->turns;
    if (turns.size() >= turns_max) turns.clear();
    return turns[std::string{key}]++ % (here + there) >= here;
}

void Membership::use_address(std::string address) {
    const std::scoped_lock lock(core_->mutex);
    core_->address = std::move(address);
}

std::string Membership::address() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->address;
}

const std::string& Membership::name() const noexcept {
    return core_->self;
}

std::vector<Directory::Member> Membership::members() const {
    const std::scoped_lock lock(core_->mutex);
    std::vector<Directory::Member> members{
        {core_->self, core_->address, true, core_->fabric.clock().utc_us(), core_->local.size()}};
    for (Directory::Member& member : core_->directory.members()) {
        members.push_back(std::move(member));
    }
    return members;
}

std::vector<std::string> Membership::keys_of(const std::string& node) const {
    const std::scoped_lock lock(core_->mutex);
    return node == core_->self ? core_->local.keys() : core_->directory.keys_of(node);
}

bool Membership::join(const std::string& node, const std::string& address) {
    const std::scoped_lock lock(core_->mutex);
    if (node == core_->self) return address == core_->address;
    return core_->directory.join(node, address);
}

std::optional<Directory::Heard> Membership::hear_outsider(const std::string& node,
                                                          const Announcement& said) {
    const std::scoped_lock lock(core_->mutex);
    if (node == core_->self || core_->on_fabric.contains(node)) return std::nullopt;
    return core_->directory.hear(node, said, core_->now(), core_->fabric.clock().utc_us());
}

Directory::Stats Membership::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->directory.stats();
}

}  // namespace weft::gateway::esub
