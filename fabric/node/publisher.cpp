#include "fabric/node/publisher.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "fabric/message/codec.hpp"
#include "fabric/node/control.hpp"
#include "fabric/node/current_message.hpp"
#include "fabric/node/flush_tracker.hpp"
#include "fabric/node/run_sender.hpp"
#include "signing/digest.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;

constexpr std::array all_kinds{signing::Kind::message, signing::Kind::ack, signing::Kind::beacon};

/// How often trust is looked at again and an idle sender turns round.
constexpr milliseconds tick{250};
/// Subscriptions looked at before the next batch: a stranger that subscribes without end must not
/// keep the sender from sending.
constexpr int subscriptions_per_turn = 4096;

PublishError::Reason reason_of(OutgoingError::Reason reason) {
    switch (reason) {
        case OutgoingError::Reason::invalid_topic:
            return PublishError::Reason::invalid_topic;
        case OutgoingError::Reason::not_granted:
            return PublishError::Reason::not_granted;
        case OutgoingError::Reason::too_many_topics:
            return PublishError::Reason::too_many_topics;
        case OutgoingError::Reason::too_large:
            return PublishError::Reason::too_large;
        case OutgoingError::Reason::full:
            return PublishError::Reason::queue_full;
        case OutgoingError::Reason::stopped:
            break;
    }
    return PublishError::Reason::stopped;
}

std::string describe(const signing::Certificate& certificate, const signing::Refused& refused) {
    return "our own certificate '" + certificate.name() +
           "': " + std::string{signing::sentence_for(refused.reason)} +
           (refused.detail.empty() ? "" : " (" + refused.detail + ")");
}

}  // namespace

struct Publisher::Core {
    /// Why our own certificate may not speak now. Roles differ by kind: who may only acknowledge is
    /// refused for messages, not for ACKs.
    struct SignerRefusal {
        std::atomic<bool> is_refused{false};
        std::string sentence;
    };

    Core(const Clock& the_clock, PublisherSettings the_settings,
         std::shared_ptr<const signing::Identity> the_identity,
         std::shared_ptr<signing::TrustStore> the_trust, std::unique_ptr<PublishPort> the_port)
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

    static std::unique_ptr<signing::BatchSigner> signer_of(
        const std::shared_ptr<const signing::Identity>& who) {
        if (!who) return nullptr;
        return std::make_unique<signing::BatchSigner>(who->key, who->certificate);
    }

    std::shared_ptr<const signing::Identity> identity() const {
        const std::scoped_lock lock(identity_mutex);
        return current_identity;
    }

    bool is_ack_topic(std::string_view topic) const {
        return !settings.ack_root.empty() && topic.starts_with(settings.ack_root);
    }

    std::string judge_topic(std::string_view topic) const {
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

    /// Expired or revoked meanwhile? Then say so to whoever publishes, not only to receivers.
    void judge_signer() {
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

    /// What has been signed stays as it is; the next batch is signed with the new key.
    void renew_identity() {
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

    void look_at_trust() {
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

    void on_peers_changed(bool joined) {
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

    void drain_subscriptions() {
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
            if (!event.subscribed && !event.gone &&
                settings.mode == PublisherSettings::Mode::bind) {
                continue;
            }
            // Under the lock, so that nobody who waits for this misses it.
            const std::scoped_lock lock(mutex);
            queue.on_subscription(event.prefix, event.subscribed);
            if (event.prefix == barrier_prefix) on_peers_changed(event.subscribed);
        }
        if (any) changed.notify_all();
    }

    /// True while nothing may go out: the relay is away, or its subscribers may not be back yet.
    bool holds_back(Instant now) {
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

    void send_barriers() {
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

    /// One batch; false if there is none or nobody to take it.
    bool send_batch() {
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

    /// Topics that went quiet: receivers are told how far they got. Not while the relay is away,
    /// and not on behalf of a certificate that receivers would refuse.
    void send_tails(Instant now) {
        if (settings.mode == PublisherSettings::Mode::relay && queue.peers() == 0) return;
        const auto& may_speak = signer_refusals[static_cast<std::size_t>(signing::Kind::beacon)];
        if (may_speak.is_refused.load(std::memory_order_acquire)) return;
        sender.send_tails({settings.epoch, settings.source, clock.utc_us()}, queue, *port, now);
        const std::scoped_lock lock(mutex);
        counters = sender.counters();
    }

    void run(const std::stop_token& stop) {
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

    const Clock& clock;
    const PublisherSettings settings;
    const bool signs;
    mutable std::mutex identity_mutex;  // held for the copy of a pointer only, also below the
                                        // queue's
    std::shared_ptr<const signing::Identity> current_identity;
    std::atomic<std::uint64_t> identity_generation{1};
    const std::shared_ptr<signing::TrustStore> trust;
    const std::unique_ptr<PublishPort> port;
    const std::string bound;
    OutgoingQueue queue;
    RunSender sender;

    mutable std::mutex
        mutex;  // guards what follows; never held while the queue's is taken by claim
    std::condition_variable changed;
    FlushTracker flushes;
    bool had_link = false;
    std::optional<Instant> hold_until;  // of the sender's thread alone
    std::uint64_t handled = 0, dropped_at_close = 0;
    RunSender::Counters counters;
    std::array<SignerRefusal, all_kinds.size()> signer_refusals;
    std::uint64_t judged_generation = 0;
    bool closed = false;
    std::jthread thread;  // last: starts after, and joins before, everything that it uses
};

tl::expected<std::unique_ptr<Publisher>, std::string> Publisher::open(
    Transport& transport, const Clock& clock, PublisherSettings settings,
    std::shared_ptr<const signing::Identity> identity, std::shared_ptr<signing::TrustStore> trust) {
    // Once here instead of with each message: receivers would refuse every one of them.
    ContentHeader header;
    header.source = settings.source;
    if (std::string wrong = content_error(header); !wrong.empty())
        return tl::make_unexpected(wrong);
    auto port = settings.mode == PublisherSettings::Mode::bind
                    ? transport.bind_publisher(settings.endpoints)
                    : transport.connect_publisher(settings.relay_inbound);
    if (!port) return tl::make_unexpected(port.error());
    return std::unique_ptr<Publisher>(new Publisher(std::make_unique<Core>(
        clock, std::move(settings), std::move(identity), std::move(trust), std::move(*port))));
}

Publisher::Publisher(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Publisher::~Publisher() {
    close();
}

void Publisher::stop_taking() {
    core_->queue.stop();
}

void Publisher::close() {
    core_->queue.stop();
    core_->thread.request_stop();
    std::unique_lock lock(core_->mutex);
    core_->changed.wait(lock, [this] { return core_->closed; });
}

MessageId Publisher::publish(std::string_view topic, const Body& body,
                             const PublishOptions& options) {
    auto published = try_publish(topic, body.view(), options);
    if (!published) throw PublishFailed(std::move(published.error()));
    return *published;
}

tl::expected<MessageId, PublishError> Publisher::try_publish(std::string_view topic, BodyView body,
                                                             const PublishOptions& options) {
    Core& core = *core_;
    assert(static_cast<std::size_t>(options.kind) < all_kinds.size() &&
           "requests and answers are not published");
    const auto& signer = core.signer_refusals[static_cast<std::size_t>(options.kind)];
    if (signer.is_refused.load(std::memory_order_acquire)) {
        const std::scoped_lock lock(core.mutex);
        return tl::make_unexpected(
            PublishError{PublishError::Reason::signer_refused, signer.sentence});
    }
    if (options.kind == signing::Kind::ack && !core.settings.ack_root.empty() &&
        !core.is_ack_topic(topic)) {
        return tl::make_unexpected(PublishError{
            PublishError::Reason::invalid_topic,
            "topic '" + signing::escape(topic, 80) +
                "': " + std::string{signing::sentence_for(signing::Refusal::ack_topic_reserved)}});
    }
    ContentHeader header;
    header.time_us = core.clock.utc_us();
    header.id = MessageId::make(header.time_us / 1000);
    header.epoch = core.settings.epoch;
    header.source = core.settings.source;
    header.content_type = body.content_type;
    // An ACK is caused by what it names, and has no parent.
    if (options.parent) {
        if (!options.parent->is_none()) header.parent = options.parent;
    } else if (options.kind == signing::Kind::message && !CurrentMessage::id().is_none()) {
        header.parent = CurrentMessage::id();
    }
    header.ack = options.ack;
    if (!options.headers.empty() || !body.content_type.empty()) {
        header.headers.assign(options.headers.begin(), options.headers.end());
        if (std::string wrong = content_error(header); !wrong.empty()) {
            return tl::make_unexpected(
                PublishError{PublishError::Reason::invalid_header, std::move(wrong)});
        }
    }
    if (body.content_type.empty() && body.bytes.empty()) {
        return tl::make_unexpected(PublishError{
            PublishError::Reason::invalid_header,
            "the body is empty, and nothing is not a msgpack object: give it a content type"});
    }
    const std::size_t bytes = encoded_size(header, body.bytes);
    if (bytes > core.settings.content_bytes_max) {
        return tl::make_unexpected(
            PublishError{PublishError::Reason::too_large,
                         "the message has " + std::to_string(bytes) + " bytes, the limit is " +
                             std::to_string(core.settings.content_bytes_max) +
                             ": publish a reference to large data instead of the data"});
    }
    assert(options.hook == nullptr || core.signs);
    if (options.hook != nullptr) options.hook->prepare(bytes);
    const milliseconds patience = std::min(
        options.room_timeout.value_or(core.settings.room_timeout), core.settings.room_timeout);
    auto claim = core.queue.claim(
        topic, options.kind, bytes, core.clock.steady() + patience,
        options.hook != nullptr ? OutgoingQueue::Keep::always : OutgoingQueue::Keep::if_wanted);
    if (!claim) {
        return tl::make_unexpected(
            PublishError{reason_of(claim.error().reason), std::move(claim.error().sentence)});
    }
    if (claim->slot == nullptr) return header.id;
    header.seq = claim->seq;
    encode_content(header, body.bytes, claim->content);
    if (core.signs) {
        claim->slot->digest = signing::message_digest(claim->topic, {claim->content, bytes});
    }
    if (options.hook != nullptr) {
        options.hook->on_sealed({header.id,
                                 header.epoch,
                                 header.seq,
                                 claim->topic,
                                 {claim->content, bytes},
                                 claim->slot->digest});
    }
    OutgoingQueue::commit(*claim);
    if (claim->wake_sender) core.port->wake();
    return header.id;
}

bool Publisher::send_again(std::string_view topic, std::string_view content,
                           const signing::Digest& digest) {
    Core& core = *core_;
    // While nobody is there it would only lie beside what waits already.
    if (core.queue.peers() == 0 || !signer_refusal(signing::Kind::message).empty()) return false;
    const auto claim = core.queue.claim_again(topic, content.size());
    if (!claim) return false;
    content.copy(claim->content, content.size());
    claim->slot->digest = digest;
    OutgoingQueue::commit(*claim);
    if (claim->wake_sender) core.port->wake();
    return true;
}

std::shared_ptr<const signing::Identity> Publisher::identity() const {
    return core_->identity();
}

std::uint64_t Publisher::identity_generation() const noexcept {
    return core_->identity_generation.load(std::memory_order_acquire);
}

std::string Publisher::signer_refusal(signing::Kind kind) const {
    const auto& refusal = core_->signer_refusals[static_cast<std::size_t>(kind)];
    if (!refusal.is_refused.load(std::memory_order_acquire)) return "";
    const std::scoped_lock lock(core_->mutex);
    return refusal.sentence;
}

FlushResult Publisher::flush(milliseconds timeout) {
    Core& core = *core_;
    auto flush = std::make_shared<PendingFlush>();
    flush->position = core.queue.claimed();
    std::unique_lock lock(core.mutex);
    core.flushes.open(flush);
    core.port->wake();
    core.changed.wait_for(lock, timeout, [&] { return flush->done || core.closed; });
    core.flushes.close(flush);

    FlushResult result;
    result.peers = flush->expected;
    result.answered = flush->answered;
    const bool relay = core.settings.mode == PublisherSettings::Mode::relay;
    // A relay that went away may not have passed on what it was sent; a subscriber that went away
    // does not want it any longer.
    result.complete = flush->done && !(relay && flush->peer_lost);
    if (result.complete) return result;
    const std::string where = relay ? "the relay at " + core.settings.relay_inbound
                                    : std::to_string(flush->expected - flush->answered) + " of " +
                                          std::to_string(flush->expected) + " subscribers";
    if (core.closed) {
        result.sentence = "the publisher was closed before " + where + " confirmed what was sent";
    } else if (relay && flush->peer_lost) {
        result.sentence = where + " went away before it had confirmed what was sent to it";
    } else if (relay && !flush->sent && core.queue.peers() == 0) {
        result.sentence = where + " cannot be reached (waited " + std::to_string(timeout.count()) +
                          " ms): is `weft relay` running?";
    } else {
        result.sentence =
            where + " did not confirm within " + std::to_string(timeout.count()) + " ms";
    }
    return result;
}

bool Publisher::wait_for_subscriber(std::string_view topic, milliseconds timeout) {
    std::unique_lock lock(core_->mutex);
    return core_->changed.wait_for(lock, timeout, [&] { return core_->queue.is_wanted(topic); });
}

bool Publisher::wait_for_peer(milliseconds timeout) {
    std::unique_lock lock(core_->mutex);
    return core_->changed.wait_for(lock, timeout, [&] { return core_->queue.peers() > 0; });
}

PublisherStats Publisher::stats() const {
    const Core& core = *core_;
    const std::scoped_lock lock(core.mutex);
    PublisherStats stats;
    stats.unwanted = core.queue.unwanted();
    stats.accepted = core.queue.claimed() + stats.unwanted;
    stats.unwanted += core.counters.unwanted;
    stats.sent = core.counters.sent;
    stats.refused_full = core.queue.refused_full();
    stats.dropped_at_close = core.dropped_at_close;
    stats.runs = core.counters.runs;
    stats.signatures = core.counters.signatures;
    stats.tail_beacons = core.counters.tail_beacons;
    stats.peers = core.queue.peers();
    return stats;
}

const std::string& Publisher::bound() const noexcept {
    return core_->bound;
}
const PublisherSettings& Publisher::settings() const noexcept {
    return core_->settings;
}

}  // namespace weft::fabric
