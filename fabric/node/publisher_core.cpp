#include "fabric/node/publisher_core.hpp"

#include <utility>

#include "fabric/node/control.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;

/// How often trust is looked at again and an idle sender turns round.
constexpr milliseconds tick{250};
/// Subscriptions looked at before the next batch: a stranger that subscribes without end must not
/// keep the sender from sending.
constexpr int subscriptions_per_turn = 4096;

std::string describe(const signing::Certificate& certificate, const signing::Refused& refused) {
    return "our own certificate '" + certificate.name() +
           "': " + std::string{signing::sentence_for(refused.reason)} +
           (refused.detail.empty() ? "" : " (" + refused.detail + ")");
}

}  // namespace

Publisher::Core::Core(const Clock& the_clock, PublisherSettings the_settings,
                      std::shared_ptr<const signing::Identity> the_identity,
                      std::shared_ptr<signing::TrustStore> the_trust,
                      std::unique_ptr<PublishPort> the_port)
    : clock(the_clock),
      settings(std::move(the_settings)),
      signs(the_identity != nullptr),
      current_identity(std::move(the_identity)),
      trust(std::move(the_trust)),
      port(std::move(the_port)),
      bound(port->bound()),
      queue(clock, [this](std::string_view topic) { return judge_topic(topic); }),
      sender(signer_of(identity())),
      flushes(settings.mode == PublisherSettings::Mode::relay, make_nonce) {
    queue.set_link_up(settings.mode == PublisherSettings::Mode::bind);
    judge_signer();
    thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

std::unique_ptr<signing::BatchSigner> Publisher::Core::signer_of(
    const std::shared_ptr<const signing::Identity>& who) {
    if (!who) return nullptr;
    return std::make_unique<signing::BatchSigner>(who->key, who->certificate);
}

std::shared_ptr<const signing::Identity> Publisher::Core::identity() const {
    const std::scoped_lock lock(identity_mutex);
    return current_identity;
}

bool Publisher::Core::is_ack_topic(std::string_view topic) const {
    return !settings.ack_root.empty() && topic.starts_with(settings.ack_root);
}

std::string Publisher::Core::judge_topic(std::string_view topic) const {
    if (is_ack_topic(topic)) {
        return "topic '" + signing::escape(topic, 80) +
               "': " + std::string{signing::sentence_for(signing::Refusal::ack_topic_reserved)};
    }
    const auto who = identity();
    if (!who) return "";
    const signing::Certificate& own = *who->certificate;
    if (trust) {
        const auto refused = trust->current()->judge_topic(own, topic);
        return refused ? describe(own, *refused) : "";
    }
    if (own.grants(topic)) return "";
    return describe(own, {signing::Refusal::topic_not_granted, std::string{topic}});
}

void Publisher::Core::judge_signer() {
    const auto who = identity();
    if (!who || !trust) return;
    const auto now = static_cast<signing::UtcSeconds>(clock.utc_us() / 1'000'000);
    const auto current = trust->current();
    const std::scoped_lock lock(mutex);
    for (const auto kind : all_kinds) {
        const auto refused = current->judge_signer(*who->certificate, kind, now);
        SignerRefusal& about = signer_refusals[static_cast<std::size_t>(kind)];
        about.sentence = refused ? describe(*who->certificate, *refused) : "";
        about.is_refused.store(refused.has_value(), std::memory_order_release);
    }
}

void Publisher::Core::renew_identity() {
    if (!signs || !settings.renew_identity) return;
    auto renewed = settings.renew_identity(*identity());
    if (!renewed) return;
    sender.use(signer_of(renewed));
    {
        const std::scoped_lock lock(identity_mutex);
        current_identity = std::move(renewed);
    }
    identity_generation.fetch_add(1, std::memory_order_release);
    queue.judge_again();
}

void Publisher::Core::look_at_trust() {
    // An error keeps the old trust in force; whoever owns the store reports it.
    if (trust) static_cast<void>(trust->reload_if_changed());
    renew_identity();
    if (!trust) return;
    judge_signer();
    if (trust->generation() != judged_generation) {
        judged_generation = trust->generation();
        queue.judge_again();
    }
}

void Publisher::Core::on_peers_changed(bool joined) {
    if (settings.mode == PublisherSettings::Mode::relay) {
        if (joined && std::exchange(had_link, true)) {
            hold_until = clock.steady() + settings.relink_hold;
        }
        queue.set_link_up(queue.peers() > 0 && !hold_until);
    }
    if (joined) {
        flushes.on_peer_joined();
    } else {
        flushes.on_peer_lost();
    }
}

void Publisher::Core::drain_subscriptions() {
    SubscriptionEvent event;
    bool any = false;
    for (int i = 0; i < subscriptions_per_turn && port->next_subscription(event); ++i) {
        any = true;
        if (event.all_gone) {
            const std::scoped_lock lock(mutex);
            queue.on_all_gone();
            on_peers_changed(false);
            continue;
        }
        if (!nonce_of(event.prefix, probe_prefix).empty()) {
            if (event.subscribed) port->send(event.prefix, {}, {});
            continue;
        }
        if (const auto nonce = nonce_of(event.prefix, echo_prefix); !nonce.empty()) {
            const std::scoped_lock lock(mutex);
            if (event.subscribed) flushes.on_echo(nonce);
            continue;
        }
        // A stranger must not end what others asked for. A relay is nobody's but ours, and
        // tells us what is no longer wanted; subscribers just go.
        if (!event.subscribed && !event.gone && settings.mode == PublisherSettings::Mode::bind) {
            continue;
        }
        // Under the lock, so that nobody who waits for this misses it.
        const std::scoped_lock lock(mutex);
        queue.on_subscription(event.prefix, event.subscribed);
        if (event.prefix == barrier_prefix) on_peers_changed(event.subscribed);
    }
    if (any) changed.notify_all();
}

bool Publisher::Core::holds_back(Instant now) {
    if (settings.mode != PublisherSettings::Mode::relay) return false;
    if (queue.peers() == 0) {
        hold_until.reset();
        return true;
    }
    if (hold_until && now < *hold_until) return true;
    if (hold_until) {
        const std::scoped_lock lock(mutex);
        hold_until.reset();
        queue.set_link_up(true);
        changed.notify_all();
    }
    return false;
}

void Publisher::Core::send_barriers() {
    std::vector<std::string> nonces;
    {
        const std::scoped_lock lock(mutex);
        if (flushes.idle()) return;
        nonces = flushes.due(handled, queue.peers());
    }
    for (const std::string& nonce : nonces) {
        port->send(std::string{barrier_prefix} + nonce, {}, {});
    }
    changed.notify_all();
}

bool Publisher::Core::send_batch() {
    if (holds_back(clock.steady())) return false;
    std::unique_ptr<OutgoingBatch> batch = queue.take();
    if (!batch) return false;
    sender.send(*batch, queue, *port, clock.steady());
    const std::scoped_lock lock(mutex);
    handled += batch->count;
    counters = sender.counters();
    queue.recycle(std::move(batch));
    return true;
}

void Publisher::Core::send_tails(Instant now) {
    if (settings.mode == PublisherSettings::Mode::relay && queue.peers() == 0) return;
    const auto& may_speak = signer_refusals[static_cast<std::size_t>(signing::Kind::beacon)];
    if (may_speak.is_refused.load(std::memory_order_acquire)) return;
    sender.send_tails({settings.epoch, settings.source, clock.utc_us()}, queue, *port, now);
    const std::scoped_lock lock(mutex);
    counters = sender.counters();
}

void Publisher::Core::run(const std::stop_token& stop) {
    const std::stop_callback wake_up(stop, [this] { port->wake(); });
    Instant next_look = clock.steady() + tick;
    std::optional<Instant> close_by;
    while (true) {
        drain_subscriptions();
        const bool sent = send_batch();
        send_barriers();
        const Instant now = clock.steady();
        if (now >= next_look) {
            look_at_trust();
            send_tails(now);
            if (settings.on_tick) settings.on_tick();
            next_look = now + tick;
        }
        if (stop.stop_requested()) {
            if (!close_by) close_by = now + settings.close_timeout;
            if (hold_until) hold_until = now;  // better to nobody than nowhere
            if (now >= *close_by || (!sent && queue.about_to_sleep())) break;
        }
        // Where cores are short, those who publish go first: what they add meanwhile shares the
        // next signature. Where they are not, this costs nothing to speak of.
        if (sent) {
            std::this_thread::yield();
            continue;
        }
        const bool link_down = holds_back(now);
        if (queue.about_to_sleep() || link_down) {
            port->wait(close_by ? milliseconds{10} : tick);
        }
    }
    std::uint64_t dropped = 0;
    while (const auto left = queue.take()) {
        // Its bytes go away with it, and some thread may still be writing into them.
        for (std::size_t i = 0; i < left->count; ++i) OutgoingQueue::await(left->slots[i]);
        dropped += left->count;
    }
    const std::scoped_lock lock(mutex);
    dropped_at_close = dropped;
    closed = true;
    changed.notify_all();
}

}  // namespace weft::fabric
