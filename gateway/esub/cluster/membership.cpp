#include "gateway/esub/cluster/membership.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "gateway/esub/cluster/roster.hpp"

namespace weft::gateway::esub {
namespace {

using std::chrono::milliseconds;

/// Changes gather for so long before they go out.
constexpr milliseconds gather{3};
/// It looks so often whether everything is to be said.
constexpr milliseconds look_every{200};

Roster::Rules rules_of(const ClusterSettings& settings) {
    Roster::Rules rules;
    rules.clustered = settings.clustered();
    rules.beat = settings.beat;
    rules.limits.silent = settings.beat * settings.silent_beats;
    rules.limits.ask_every = settings.beat / 2;
    return rules;
}

}  // namespace

struct Membership::Core {
    Core(fabric::Fabric& the_fabric, const ClusterSettings& the_settings, Displaced the_displaced)
        : fabric(the_fabric),
          clustered(the_settings.clustered()),
          displaced(std::move(the_displaced)),
          self(fabric.settings().name),
          root(fabric.settings().space.root() + ".gateway.esub."),
          roster(self, rules_of(the_settings)) {}

    [[nodiscard]] fabric::Instant now() const { return fabric.clock().steady(); }

    void start() {
        if (!clustered) return;
        roster.begin(fabric.publisher().settings().epoch, now());
        fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const fabric::Message& message) { on_message(message); };
        subscriber = fabric.subscribe({root + "**"}, std::move(hooks),
                                      {.remember = false, .kind = "esub-directory"});
        announcer = std::jthread([this](const std::stop_token& stop) { announce(stop); });
    }

    /// The subscriber's thread.
    void on_message(const fabric::Message& message) {
        const std::string_view topic = message.topic();
        if (!topic.starts_with(root)) return;
        const std::string node{topic.substr(root.size())};
        // A gateway speaks for itself alone.
        if (node == self || message.signer() != node) return;
        const auto said = decode_announcement(message.value());
        if (!said) return;
        std::vector<Roster::Lost> lost;
        {
            const std::scoped_lock lock(mutex);
            lost = roster.hear(node, *said, now(), fabric.clock().utc_us());
            if (roster.is_due(now())) changed.notify_one();
        }
        for (const auto& [kind, key, id] : lost) displaced(kind, key, id);
    }

    void announce(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            std::vector<Announcement> said;
            {
                std::unique_lock lock(mutex);
                const auto until_beat =
                    std::max<fabric::Instant>(roster.next_beat() - now(), gather);
                changed.wait_for(lock, stop, std::min<fabric::Instant>(until_beat, look_every),
                                 [&] { return roster.is_due(now()); });
                // Others that open and close within a moment share the announcement.
                changed.wait_for(lock, stop, gather, [] { return false; });
                said = roster.due(now());
            }
            say(said);
        }
    }

    /// What finds no room is missed by the others, who then ask.
    void say(const std::vector<Announcement>& announcements) {
        for (const Announcement& announcement : announcements) {
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
    }

    void stop() {
        if (!announcer.joinable()) return;
        announcer.request_stop();
        announcer.join();
        subscriber->stop();
        // Whoever waited here waits no more.
        const std::scoped_lock lock(mutex);
        say(roster.farewell());
    }

    fabric::Fabric& fabric;
    const bool clustered;
    const Displaced displaced;
    const std::string self, root;
    bool complained = false;  // of the announcer's thread

    mutable std::mutex mutex;  // guards the roster
    std::condition_variable_any changed;
    Roster roster;

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
    const bool was_quiet = !core_->roster.local.has_changes();
    core_->roster.local.opened(kind, key, token, shared, id, now_us);
    if (was_quiet) core_->changed.notify_one();
}

void Membership::closed(Kind kind, std::string_view key, std::uint64_t id) {
    const std::scoped_lock lock(core_->mutex);
    const bool was_quiet = !core_->roster.local.has_changes();
    core_->roster.local.closed(kind, key, id);
    if (was_quiet) core_->changed.notify_one();
}

std::optional<LocalKeys::Held> Membership::held_here(Kind kind, std::string_view key) const {
    const std::scoped_lock lock(core_->mutex);
    return core_->roster.local.find(kind, key);
}

std::optional<Directory::Owner> Membership::find(std::string_view key, bool psub_only,
                                                 const std::set<std::string>& but) {
    const std::scoped_lock lock(core_->mutex);
    return core_->roster.directory.find(key, psub_only, but);
}

std::optional<Directory::Owner> Membership::find(Kind kind, std::string_view key) {
    const std::scoped_lock lock(core_->mutex);
    return core_->roster.directory.find(kind, key);
}

bool Membership::takes_turn_elsewhere(std::string_view key) {
    const std::scoped_lock lock(core_->mutex);
    return core_->roster.takes_turn_elsewhere(key);
}

void Membership::use_address(std::string address) {
    const std::scoped_lock lock(core_->mutex);
    core_->roster.use_address(std::move(address));
    core_->changed.notify_one();
}

std::string Membership::address() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->roster.address();
}

const std::string& Membership::name() const noexcept {
    return core_->self;
}

std::vector<Directory::Member> Membership::members() const {
    const std::scoped_lock lock(core_->mutex);
    std::vector<Directory::Member> members{{core_->self, core_->roster.address(), true,
                                            core_->fabric.clock().utc_us(),
                                            core_->roster.local.size()}};
    for (Directory::Member& member : core_->roster.directory.members()) {
        members.push_back(std::move(member));
    }
    return members;
}

std::vector<std::string> Membership::keys_of(const std::string& node) const {
    const std::scoped_lock lock(core_->mutex);
    return node == core_->self ? core_->roster.local.keys() : core_->roster.directory.keys_of(node);
}

bool Membership::join(const std::string& node, const std::string& address) {
    const std::scoped_lock lock(core_->mutex);
    if (node == core_->self) return host_port_of(core_->roster.address()) == host_port_of(address);
    return core_->roster.directory.join(node, address);
}

std::optional<Directory::Heard> Membership::hear_outsider(const std::string& node,
                                                          const Announcement& said) {
    const std::scoped_lock lock(core_->mutex);
    return core_->roster.hear_outsider(node, said, core_->now(), core_->fabric.clock().utc_us());
}

Directory::Stats Membership::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->roster.directory.stats();
}

}  // namespace weft::gateway::esub
