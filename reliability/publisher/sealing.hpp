#pragma once
// The moment in which a message gets its id and its bytes: opens the wait before it is encoded, and
// tells the tracker (and the outbox) the bytes before they leave. Inside of this library.
// Threads: that of the publish.

#include <memory>
#include <string>

#include "reliability/publisher/core.hpp"

namespace weft::reliability {

class ReliablePublisher::Core::Sealing final : public fabric::SealedMessageHook {
public:
    /// Some of what prepare() may find.
    struct TooMany {};
    struct Closed {};
    struct NoRoom {
        Outbox::Error error;
    };

    /// `outbox` null: it is not kept.
    Sealing(Core& core, const Nonce& nonce, AckTracker::Wait wait, std::string topic,
            Outbox* outbox);
    /// The fabric did not take it after all.
    void cancel();

    void prepare(std::size_t content_bytes) override;
    void on_sealed(const Sealed& sealed) noexcept override;

    /// After it was handed over: nothing, or why it is not safe in the outbox.
    [[nodiscard]] tl::expected<void, Outbox::Error> wait_for_outbox();

private:
    void put_into_outbox(const Sealed& sealed) noexcept;

    Core& core_;
    const Nonce nonce_;
    AckTracker::Wait wait_;
    std::shared_ptr<SentMessage> message_;
    bool opened_ = false;
    Outbox* const outbox_;
    Outbox::Room room_;
    tl::expected<Outbox::Ticket, Outbox::Error> ticket_ = 0;
};

}  // namespace weft::reliability
