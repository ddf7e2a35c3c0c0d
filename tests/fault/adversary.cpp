#include "tests/fault/adversary.hpp"

namespace weft::fault {

using reliability::AckLevel;
using reliability::AckSubject;

void Adversary::hears(const Sent& sent) {
    reliability::AckRequest request;
    const std::string_view content = sent.message->content;
    if (!reliability::decode_request(content.substr(sizeof(std::uint64_t)), request)) return;
    Target target{sent.message->subject, sent.publisher, {}};
    target.subject.publisher = sent.fingerprint;
    target.names.assign(request.recipients.begin(), request.recipients.end());
    targets_.push_back(std::move(target));
}

void Adversary::hears(const SignedAck& ack) {
    acks_.push_back(ack);
}

/// Mostly of late, when the wait is still open.
const Adversary::Target& Adversary::some_target() {
    const std::size_t recent = std::min<std::size_t>(targets_.size(), 3);
    if (random_.permille(700)) return targets_[targets_.size() - 1 - random_.below(recent)];
    return random_.one_of(targets_);
}

void Adversary::act() {
    if (targets_.empty()) return;
    ++log_.figures.forgeries;
    if (!acks_.empty() && random_.permille(300)) return replay();
    const Target& target = some_target();
    state(target, random_.permille(400) ? spoilt(target) : target.subject);
}

/// All that it ever heard, or one of it, to whom it was for or to somebody else.
void Adversary::replay() {
    const bool all = random_.permille(100);
    const std::size_t first = all ? 0 : random_.below(acks_.size());
    const std::size_t last = all ? acks_.size() : first + 1;
    for (std::size_t i = first; i < last; ++i) {
        SignedAck ack = acks_[i];
        if (random_.permille(200)) ack.to = some_target().publisher;
        bus_.acknowledge(index_, ack);
    }
}

/// About this publish, but for one thing.
AckSubject Adversary::spoilt(const Target& target) {
    AckSubject subject = target.subject;
    const AckSubject& other = random_.one_of(targets_).subject;
    switch (random_.below(9)) {
        case 0:
            subject.digest = other.digest;
            break;
        case 1:
            subject.digest[random_.below(32)] ^= 1;
            break;
        case 2:
            subject.epoch -= 1;
            break;
        case 3:
            subject.epoch = other.epoch + random_.below(2);
            break;
        case 4:
            subject.nonce = other.nonce;
            break;
        case 5:
            subject.nonce = random_.bytes<reliability::Nonce>();
            break;
        case 6:
            subject.id = other.id;
            break;
        case 7:
            subject.publisher = other.publisher;
            break;
        default:
            subject.publisher = random_.bytes<signing::Digest>();
            break;
    }
    return subject;
}

void Adversary::state(const Target& target, AckSubject subject) {
    // In its own name, which may be one of those that are asked, or in that of another.
    const bool own = random_.permille(500);
    const std::string& name = own ? name_ : random_.one_of(target.names);
    const auto level = static_cast<AckLevel>(random_.below(4));
    std::string body = reliability::encode_statement(
        {name, level, level == AckLevel::rejected ? "because" : "", subject});
    if (random_.permille(50)) body.resize(random_.below(body.size()));
    if (random_.permille(50)) body[random_.below(body.size())] ^= 0x20;
    log_.trace([&] {
        return name_ + " sends \"" + std::string(name_of(level)) + "\" in the name of " + name;
    });
    bus_.acknowledge(index_,
                     {target.publisher, body, name_, roles_.may_acknowledge, roles_.may_store});
}

}  // namespace weft::fault
