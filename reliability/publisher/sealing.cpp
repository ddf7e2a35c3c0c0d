#include "reliability/publisher/sealing.hpp"

#include <cassert>
#include <new>

#include "reliability/publisher/pending_acks.hpp"

namespace weft::reliability {

namespace {
using Reason = PublishFailure::Reason;
}  // namespace

ReliablePublisher::Core::Sealing::Sealing(Core& core, const Nonce& nonce, AckTracker::Wait wait,
                                          std::string topic, Outbox* outbox)
    : core_(core), nonce_(nonce), wait_(std::move(wait)), outbox_(outbox) {
    message_ = std::make_shared<SentMessage>();
    message_->topic = std::move(topic);
    message_->subject.nonce = nonce;
}

void ReliablePublisher::Core::Sealing::cancel() {
    if (!opened_) return;
    const std::scoped_lock lock(core_.mutex);
    core_.tracker.cancel(nonce_);
}

void ReliablePublisher::Core::Sealing::prepare(std::size_t content_bytes) {
    message_->content.resize(content_bytes);
    if (outbox_ != nullptr) {
        auto room = outbox_->hold_room(message_->topic.size(), content_bytes);
        if (!room) throw NoRoom{std::move(room.error())};
        room_ = std::move(*room);
    }
    const std::scoped_lock lock(core_.mutex);
    if (core_.closed) throw Closed{};
    if (!core_.tracker.open(nonce_, std::move(wait_), content_bytes)) throw TooMany{};
    opened_ = true;
    core_.rouse_timer();
}

void ReliablePublisher::Core::Sealing::on_sealed(const Sealed& sealed) noexcept {
    assert(sealed.content.size() == message_->content.size());
    sealed.content.copy(message_->content.data(), sealed.content.size());
    message_->subject.id = sealed.id;
    message_->subject.epoch = sealed.epoch;
    message_->subject.digest = sealed.digest;
    if (outbox_ != nullptr) put_into_outbox(sealed);
    const std::scoped_lock lock(core_.mutex);
    core_.tracker.bind(nonce_, std::move(message_));
}

tl::expected<void, Outbox::Error> ReliablePublisher::Core::Sealing::wait_for_outbox() {
    if (!ticket_) return tl::make_unexpected(std::move(ticket_.error()));
    return outbox_->wait(*ticket_);
}

void ReliablePublisher::Core::Sealing::put_into_outbox(const Sealed& sealed) noexcept {
    // It can no longer be taken back here: what goes wrong is said after it has left.
    try {
        const OutboxMessage message{sealed.id,     sealed.epoch,    sealed.seq,
                                    sealed.digest, message_->topic, message_->content};
        ticket_ = outbox_->append(message, std::move(room_));
    } catch (const std::bad_alloc&) {
        ticket_ = tl::make_unexpected(Outbox::Error{Outbox::Error::Reason::disk, {}});
    }
}

tl::expected<PendingAcks, PublishFailure> ReliablePublisher::Core::keep(PendingAcks pending,
                                                                        Sealing& sealing) {
    const auto safe = sealing.wait_for_outbox();
    PendingAcks::Shared& shared = *pending.shared_;
    std::unique_lock lock(shared.mutex);
    if (safe) {
        shared.kept = pending.id();
        if (!shared.ended) return pending;
        const bool acknowledged = shared.outcome->ok();
        lock.unlock();
        let_outbox_go_on(pending.id(), acknowledged);
        return pending;
    }
    // That verdict stands: a journal has it, or whoever waits was told that none said so.
    if (shared.ended) return pending;
    shared.on_settled = nullptr;
    lock.unlock();
    sealing.cancel();
    return failed(Reason::not_kept,
                  (safe.error().sentence.empty() ? outbox->named() + ": no memory is left"
                                                 : safe.error().sentence) +
                      ". The message has been sent: a journal may have it or not");
}

}  // namespace weft::reliability
