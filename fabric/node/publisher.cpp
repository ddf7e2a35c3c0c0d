#include "fabric/node/publisher.hpp"

#include <algorithm>
#include <cassert>

#include "fabric/message/codec.hpp"
#include "fabric/node/current_message.hpp"
#include "fabric/node/publisher_core.hpp"
#include "signing/digest.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;

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

}  // namespace

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
    assert(static_cast<std::size_t>(options.kind) < Core::all_kinds.size() &&
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
