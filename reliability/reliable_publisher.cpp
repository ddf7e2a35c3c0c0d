#include "reliability/reliable_publisher.hpp"

#include <algorithm>

#include "reliability/ack/request.hpp"
#include "reliability/publisher/core.hpp"
#include "reliability/publisher/pending_acks.hpp"
#include "reliability/publisher/sealing.hpp"
#include "signing/sodium.hpp"

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using Reason = PublishFailure::Reason;

Settings settings_of(const fabric::Fabric& fabric) {
    config::Problems problems;
    Settings settings = read_settings(fabric.configuration(), problems);
    if (!problems.empty()) throw fabric::OpenFailed(config::text_of(problems));
    return settings;
}

}  // namespace

ReliablePublisher::ReliablePublisher(fabric::Fabric& fabric)
    : ReliablePublisher(fabric, settings_of(fabric)) {}

ReliablePublisher::ReliablePublisher(fabric::Fabric& fabric, Settings settings,
                                     TrackerLimits limits, RetrySettings retries)
    : core_(std::make_unique<Core>(fabric, std::move(settings), limits, retries)) {}

ReliablePublisher::~ReliablePublisher() {
    close();
    core_->timer.request_stop();
    if (core_->outbox_sender) core_->outbox_sender->request_stop();
    core_->subscriber->stop();
}

void ReliablePublisher::close() {
    std::vector<AckTracker::Settled> settled;
    {
        const std::scoped_lock lock(core_->mutex);
        core_->closed = true;
        core_->tracker.abort_all(core_->clock.steady(), settled);
    }
    core_->complete(settled);
}

tl::expected<PendingAcks, PublishFailure> ReliablePublisher::publish_async(
    std::string_view topic, fabric::BodyView body, const ReliableOptions& options,
    OnSettled on_settled) {
    Core& core = *core_;
    if (core.closed) return Core::is_closed();
    const Instant start = core.clock.steady();
    const auto wanted = core.wanted(options);
    if (!wanted) return tl::make_unexpected(wanted.error());
    const auto& [recipients, level] = *wanted;

    fabric::PublishOptions plain;
    plain.parent = options.parent;
    plain.headers = options.headers;
    auto shared = std::make_shared<PendingAcks::Shared>();
    const auto publish = [&](const std::string& full) -> tl::expected<PendingAcks, PublishFailure> {
        const auto published = core.publisher.try_publish(full, body, plain);
        if (published) return PendingAcks(*published, shared);
        return tl::make_unexpected(PublishFailure{
            Reason::not_published, published.error().sentence, {}, published.error(), false});
    };
    std::string full = core.fabric.settings().space.complete(topic);
    if (recipients->empty()) {
        core.fabric.warn("no recipients were named for " + signing::escape(full, 80) +
                         ": it is published like any other message, and nobody's silence is seen");
        shared->settled = true;
        return publish(full);
    }

    const auto timeout = core.timeout_of(options);
    if (!timeout) return tl::make_unexpected(timeout.error());
    if (level == AckLevel::rejected) {
        return failed(Reason::invalid_request,
                      "the level `rejected` cannot be asked for: ask for received, stored or "
                      "processed");
    }
    if (std::string why = core.impossible(); !why.empty()) return failed(Reason::not_possible, why);
    Outbox* const outbox = options.durable ? core.outbox.get() : nullptr;
    if (auto ready = core.await_ready(start, start + *timeout); !ready) {
        // With an outbox it is kept, and its wait ends at once.
        if (outbox == nullptr || ready.error().reason != Reason::not_ready) {
            return tl::make_unexpected(std::move(ready.error()));
        }
        if (!core.said_unreachable.exchange(true)) {
            core.fabric.warn(core.unreachable(duration_cast<milliseconds>(*timeout)) +
                             ". What is published is kept");
        }
    }
    core.follow_identity();

    AckRequest request;
    signing::random_bytes(request.nonce.data(), request.nonce.size());
    request.level = level;
    request.timeout = *timeout;
    const auto& names = recipients->names();
    request.recipients.assign(names.begin(), names.end());
    const std::string encoded = encode_request(request);
    shared->on_settled = std::move(on_settled);
    Core::Sealing sealing(core, request.nonce, {recipients, level, start, *timeout, shared}, full,
                          outbox);
    plain.ack = encoded;
    plain.hook = &sealing;
    try {
        plain.room_timeout = std::max(
            duration_cast<milliseconds>(start + *timeout - core.clock.steady()), milliseconds{0});
        auto pending = publish(full);
        if (pending && outbox != nullptr) return core.keep(std::move(*pending), sealing);
        if (pending) return pending;
        sealing.cancel();
        // It waited for room until its deadline, and the timer was faster: that verdict stands.
        const std::scoped_lock lock(shared->mutex);
        if (shared->ended) return PendingAcks({}, shared);
        return pending;
    } catch (const Core::Sealing::TooMany&) {
        return failed(Reason::too_many_waiting,
                      "no room to wait for one more acknowledgement: " + std::to_string(waiting()) +
                          " publishes wait already, and they or their bytes are the limit; wait "
                          "for some of them. Nothing was published");
    } catch (const Core::Sealing::NoRoom& none) {
        const bool full_up = none.error.reason != Outbox::Error::Reason::broken;
        return failed(full_up ? Reason::outbox_full : Reason::not_kept,
                      none.error.sentence + ". Nothing was published");
    } catch (const Core::Sealing::Closed&) {
        return Core::is_closed();
    } catch (...) {
        sealing.cancel();
        throw;
    }
}

tl::expected<Receipt, PublishFailure> ReliablePublisher::try_publish(
    std::string_view topic, fabric::BodyView body, const ReliableOptions& options) {
    const auto pending = publish_async(topic, body, options);
    if (!pending) return tl::make_unexpected(pending.error());
    auto outcome = pending->wait();
    if (!outcome || outcome->ok()) return Receipt{pending->id(), std::move(outcome)};
    const bool kept = pending->kept();
    std::string sentence = outcome->sentence();
    if (kept) {
        sentence += "; it is kept in the " + core_->outbox->named() +
                    ", and handed to a journal as soon as one takes it";
    }
    return tl::make_unexpected(
        PublishFailure{Reason::not_acknowledged, std::move(sentence), outcome, {}, kept});
}

Receipt ReliablePublisher::publish(std::string_view topic, const fabric::Body& body,
                                   const ReliableOptions& options) {
    auto receipt = try_publish(topic, body.view(), options);
    if (!receipt) throw ReliablePublishFailed(std::move(receipt.error()));
    return std::move(*receipt);
}

fabric::ReadyResult ReliablePublisher::wait_ready(milliseconds timeout) {
    const auto result = core_->subscriber->wait_ready(timeout);
    if (result.ready) core_->ready.store(true, std::memory_order_release);
    return result;
}

bool ReliablePublisher::wait_handed_in(milliseconds timeout) const {
    return !core_->outbox_sender || core_->outbox_sender->wait_empty(timeout);
}

std::optional<OutboxSender::Stats> ReliablePublisher::outbox_stats() const {
    if (!core_->outbox_sender) return std::nullopt;
    return core_->outbox_sender->stats();
}

AckTracker::Stats ReliablePublisher::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->tracker.stats();
}

fabric::SubscriberStats ReliablePublisher::ack_stats() const {
    return core_->subscriber->stats();
}

std::uint64_t ReliablePublisher::acks_malformed() const noexcept {
    return core_->acks_malformed;
}

std::uint64_t ReliablePublisher::not_sent_again() const noexcept {
    return core_->not_sent_again;
}

std::size_t ReliablePublisher::waiting() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->tracker.waits();
}

const Settings& ReliablePublisher::settings() const noexcept {
    return core_->settings;
}

}  // namespace weft::reliability
