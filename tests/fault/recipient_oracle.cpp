#include "tests/fault/recipient_oracle.hpp"

namespace weft::fault {

using reliability::AckLevel;

void RecipientOracle::asked(const std::string& recipient, const reliability::AckCall& call) {
    Truth& known = truth(recipient, call.subject.nonce);
    known.subject = call.subject;  // of a publisher that renewed its certificate, the last
    known.publisher = call.publisher;
    known.level = call.level;
}

void RecipientOracle::delivered(const std::string& recipient, const reliability::AckCall& call) {
    Truth& known = truth(recipient, call.subject.nonce);
    if (known.in_hand) log_.violation(recipient + " is given the same publish twice");
    if (known.rejected) log_.violation(recipient + " is given a publish that it has rejected");
    known.in_hand = true;
}

void RecipientOracle::queued(const std::string& recipient, const reliability::Nonce& nonce) {
    truth(recipient, nonce).queued = true;
}

void RecipientOracle::not_queued(const std::string& recipient, const reliability::Nonce& nonce) {
    truth(recipient, nonce).in_hand = false;
}

void RecipientOracle::started(const std::string& recipient, const reliability::Nonce& nonce) {
    Truth& known = truth(recipient, nonce);
    ++log_.figures.handlers;
    if (known.started) log_.violation(recipient + " starts its handler twice for one publish");
    if (known.rejected) log_.violation(recipient + " starts its handler after it had rejected");
    known.started = true;
}

void RecipientOracle::returned(const std::string& recipient, const reliability::Nonce& nonce) {
    truth(recipient, nonce).returned = true;
}

void RecipientOracle::stored(const std::string& recipient, const reliability::Nonce& nonce) {
    truth(recipient, nonce).stored = true;
}

void RecipientOracle::says(const std::string& recipient, const reliability::Ack& ack) {
    Truth& known = truth(recipient, ack.subject.nonce);
    const auto wrong = [&](const char* what) { log_.violation(recipient + " says " + what); };
    if (ack.subject.id != known.subject.id || ack.subject.digest != known.subject.digest ||
        ack.subject.epoch != known.subject.epoch || ack.publisher != known.publisher) {
        wrong("something about bytes that it did not get");
    }
    switch (ack.level) {
        case AckLevel::received:
            if (!known.queued) wrong("received, but it is not in its queue (A6)");
            break;
        case AckLevel::processed:
            if (!known.returned) wrong("processed, but its handler has not returned (A6)");
            break;
        case AckLevel::stored:
            if (!known.stored) wrong("stored, but it has not stored it (A6)");
            break;
        case AckLevel::rejected:
            if (known.acknowledged) wrong("rejected after it had acknowledged");
            known.rejected = true;
            return;
    }
    if (known.rejected) wrong("that it has something which it had rejected");
    if (reliability::satisfies(known.level, ack.level)) known.acknowledged = true;
}

}  // namespace weft::fault
