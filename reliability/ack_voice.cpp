#include "reliability/ack_voice.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "reliability/ack/statement.hpp"

namespace weft::reliability {
namespace {

using std::chrono::milliseconds;

/// D2: who does not verify says nothing.
fabric::Publisher& publisher_of(fabric::Fabric& fabric) {
    if (!fabric.signing_settings().validate) {
        throw fabric::OpenFailed(
            "acknowledging needs signing.validate: true; an ACK for a message that nobody "
            "verified would be a lie");
    }
    if (!fabric.signing_settings().sign) {
        throw fabric::OpenFailed(
            "acknowledging needs signing.sign: true; publishers count signed ACKs only");
    }
    return fabric.publisher();
}

}  // namespace

AckVoice::AckVoice(fabric::Fabric& fabric, ResponderSettings settings)
    : fabric_(fabric),
      publisher_(publisher_of(fabric)),
      clock_(fabric.clock()),
      ack_root_(fabric.settings().space.ack_root()),
      name_(settings.name),
      responder_(std::move(settings)) {
    if (std::string why = publisher_.signer_refusal(signing::Kind::ack); !why.empty()) {
        throw fabric::OpenFailed("acknowledging: " + why);
    }
}

std::optional<AckRequest> AckVoice::request_of(const fabric::Message& message) {
    if (message.ack_request().empty() || !message.certificate()) return std::nullopt;
    AckRequest request;
    if (decode_request(message.ack_request(), request)) {
        if (request.names(name_)) return request;
        return std::nullopt;
    }
    const std::scoped_lock lock(mutex_);
    ++requests_malformed_;
    return std::nullopt;
}

AckCall AckVoice::call_of(const fabric::Message& message, const AckRequest& request,
                          bool repeated) {
    return {{message.id(), message.digest(), message.certificate()->fingerprint(), request.nonce,
             message.epoch()},
            message.signer(),
            request.level,
            request.timeout,
            message.time_us(),
            repeated};
}

void AckVoice::send(const std::optional<Ack>& ack) {
    if (ack) send(*ack, {});
}

void AckVoice::say(const Ack& ack, std::string_view also) {
    const std::shared_lock open(closing_);
    if (!closed_) send(ack, also);
}

void AckVoice::send(const Ack& ack, std::string_view also) {
    fabric::PublishOptions options;
    options.kind = signing::Kind::ack;
    options.room_timeout = milliseconds{0};
    AckStatement statement = responder_.statement_of(ack);
    statement.also = also;
    const auto sent = publisher_.try_publish(ack_root_ + ack.publisher,
                                             {encode_statement(statement), ""}, options);
    if (sent) return;
    {
        const std::scoped_lock lock(mutex_);
        acks_not_sent_ += 1 + statement.also_count();
        if (said_not_sent_ == sent.error().sentence) return;
        said_not_sent_ = sent.error().sentence;
    }
    fabric_.warn("an acknowledgement for " + ack.publisher +
                 " could not be sent (it will be asked for again): " + sent.error().sentence);
}

void AckVoice::close() {
    const std::scoped_lock lock(closing_);
    closed_ = true;
}

AckVoice::Stats AckVoice::stats() const {
    const std::scoped_lock lock(mutex_);
    return {responder_.stats(), acks_not_sent_, requests_malformed_};
}

fabric::ReadyResult AckVoice::wait_ready(fabric::ReadyResult result,
                                         std::chrono::steady_clock::time_point deadline) {
    const bool relay = fabric_.settings().mode == fabric::Settings::Mode::relay;
    if (!result.ready || !relay) return result;
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (publisher_.wait_for_peer(std::max(left, milliseconds{0}))) return result;
    result.ready = false;
    result.sentence = "acknowledgements cannot leave: the relay at " +
                      publisher_.settings().relay_inbound +
                      " did not answer in time; it is tried again and again";
    return result;
}

}  // namespace weft::reliability
