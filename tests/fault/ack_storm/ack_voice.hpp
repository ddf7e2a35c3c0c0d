#pragma once
// For recipients that make their ACKs by hand: what a message asks, and a way to say anything about
// it, true or not.
// Threads: the subscriber's.

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fabric/fabric.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/ack/statement.hpp"

namespace weft::fault::storm {

class AckVoice {
public:
    explicit AckVoice(fabric::Fabric& fabric)
        : publisher_(fabric.publisher()), root_(fabric.settings().space.ack_root()) {
        if (!publisher_.wait_for_peer(std::chrono::seconds{20})) {
            throw std::runtime_error("the relay is not there");
        }
    }

    [[nodiscard]] static std::optional<reliability::AckRequest> request_of(
        const fabric::Message& message) {
        reliability::AckRequest request;
        if (!message.certificate() || message.ack_request().empty() ||
            !reliability::decode_request(message.ack_request(), request)) {
            return std::nullopt;
        }
        return request;
    }
    [[nodiscard]] static reliability::AckSubject subject_of(
        const fabric::Message& message, const reliability::AckRequest& request) {
        return {message.id(), message.digest(), message.certificate()->fingerprint(), request.nonce,
                message.epoch()};
    }

    void say(std::string_view publisher, const reliability::AckStatement& statement) {
        say_bytes(publisher, reliability::encode_statement(statement));
    }
    /// A body that need not be a statement.
    void say_bytes(std::string_view publisher, std::string_view body) {
        fabric::PublishOptions options;
        options.kind = signing::Kind::ack;
        options.room_timeout = std::chrono::milliseconds{0};
        const std::string topic = root_ + std::string{publisher};
        ++(publisher_.try_publish(topic, {body, ""}, options) ? said_ : not_said_);
    }

    [[nodiscard]] std::uint64_t said() const noexcept { return said_; }
    [[nodiscard]] std::uint64_t not_said() const noexcept { return not_said_; }

private:
    fabric::Publisher& publisher_;
    const std::string root_;
    std::uint64_t said_ = 0, not_said_ = 0;
};

}  // namespace weft::fault::storm
