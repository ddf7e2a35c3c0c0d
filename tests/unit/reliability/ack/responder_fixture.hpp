#pragma once
// A responder, messages that ask it, and its answers as texts.

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "reliability/ack/responder.hpp"
#include "tests/unit/reliability/ack/bytes.hpp"

namespace weft::reliability {

inline constexpr AckLevel rejected = AckLevel::rejected, received = AckLevel::received,
                          stored = AckLevel::stored, processed = AckLevel::processed;
inline constexpr std::uint64_t start_us = 1'767'225'600'000'000;

inline Nonce nonce_of(int number) {
    Nonce nonce = counted_nonce();
    nonce[15] = static_cast<char>(number), nonce[14] = static_cast<char>(number >> 8);
    return nonce;
}

inline AckSubject subject_of(int number) {
    AckSubject subject;
    const std::string id(16, static_cast<char>(number));
    subject.id = *fabric::MessageId::from_bytes(id);
    subject.digest = digest_of(static_cast<std::uint8_t>(number));
    subject.publisher = digest_of(0x22);
    subject.nonce = nonce_of(number);
    subject.epoch = 7;
    return subject;
}

/// A message that was published at the start, wants an answer within 250 ms and comes at once.
inline AckCall call_of(int number, AckLevel level = processed) {
    return {subject_of(number), "git.host1", level, std::chrono::milliseconds{250},
            start_us,           false};
}
inline AckCall again(AckCall call) {
    call.repeated = true;
    return call;
}

/// Both clocks that long after the start.
inline Now at(std::chrono::microseconds after) {
    return {std::chrono::hours{1} + after, start_us + static_cast<std::uint64_t>(after.count())};
}

/// "" or what is said: "processed", "rejected: full …".
inline std::string said(const std::optional<Ack>& ack) {
    if (!ack) return "";
    return std::string{name_of(ack->level)} + (ack->reason.empty() ? "" : ": " + ack->reason);
}

class AckResponderTest : public ::testing::Test {
protected:
    AckResponderTest() { use({}); }
    void use(ResponderSettings settings) {
        settings.name = "web1.host1";
        responder_ = std::make_unique<AckResponder>(std::move(settings));
    }
    std::string arrive(const AckCall& call, Now now = at({})) {
        const auto arrived = responder_->on_arrival(call, now);
        return (arrived.deliver ? "deliver " : "") + said(arrived.ack);
    }
    std::string queue(int number, Now now = at({})) {
        return said(responder_->on_queued(nonce_of(number), now));
    }
    std::string start(int number, Now now = at({})) {
        const auto started = responder_->may_start(nonce_of(number), now);
        return (started.go ? "go " : "") + said(started.ack);
    }
    std::string process(int number, Now now = at({})) {
        return said(responder_->on_processed(nonce_of(number), now));
    }
    std::string reject(int number, std::string_view reason, Now now = at({})) {
        return said(responder_->on_rejected(nonce_of(number), reason, now));
    }
    const AckResponder::Stats& stats() const { return responder_->stats(); }

    std::unique_ptr<AckResponder> responder_;
};

}  // namespace weft::reliability
