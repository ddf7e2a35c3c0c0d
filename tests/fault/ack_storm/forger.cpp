// Has a valid certificate of its own, with the roles publish and ack, and answers each message that
// it sees with lies: in the names of all who were asked, and in its own name about another message.

#include <chrono>
#include <stdexcept>

#include "tests/fault/ack_storm/ack_voice.hpp"
#include "tests/fault/ack_storm/players.hpp"
#include "tests/fault/random.hpp"

namespace weft::fault::storm {
namespace {

using namespace std::chrono_literals;
using reliability::AckLevel;
using reliability::AckRequest;
using reliability::AckStatement;
using reliability::AckSubject;

class Forger {
public:
    Forger(fabric::Fabric& fabric, std::string name) : name_(std::move(name)), voice_(fabric) {}

    /// The whole chorus once; a repetition is met with one more lie.
    void on_message(const fabric::Message& message, bool repeated) {
        const auto request = AckVoice::request_of(message);
        if (!request) return;
        const AckSubject subject = AckVoice::subject_of(message, *request);
        const std::string publisher{message.signer()};
        lie_otherwise(publisher, *request, subject);
        if (repeated) return;
        for (const std::string_view other : request->recipients) {
            if (other == name_) continue;
            voice_.say(publisher, {other, request->level, "", subject});
        }
        lie_about_another(publisher, request->level, subject);
        last_ = subject;
    }

    [[nodiscard]] const AckVoice& voice() const noexcept { return voice_; }

private:
    /// In its own name, as it may, but about something that was not published so.
    void lie_about_another(const std::string& publisher, AckLevel level, AckSubject subject) {
        switch (random_.below(5)) {
            case 0:
                subject.digest[random_.below(subject.digest.size())] ^= 1;
                break;
            case 1:
                subject.publisher[random_.below(subject.publisher.size())] ^= 1;
                break;
            case 2:
                ++subject.epoch;
                break;
            case 3:
                subject.id = last_.id;
                break;
            default:
                // All of an earlier message under the nonce of this one.
                subject = {last_.id, last_.digest, last_.publisher, subject.nonce, last_.epoch};
                break;
        }
        voice_.say(publisher, {name_, level, "", subject});
    }

    void lie_otherwise(const std::string& publisher, const AckRequest& request,
                       AckSubject subject) {
        const std::string_view other = request.recipients[random_.below(request.recipients.size())];
        const bool own = other == name_;
        switch (random_.below(6)) {
            case 0:
                subject.nonce = random_.bytes<reliability::Nonce>();
                return voice_.say(publisher, {other, request.level, "", subject});
            case 1:
                subject.nonce = last_.nonce;
                return voice_.say(publisher, {other, request.level, "", subject});
            case 2:
                if (own) return;
                return voice_.say(publisher, {other, AckLevel::rejected, "forged", subject});
            case 3:
                // Exactly what was asked, at a level that takes another role.
                return voice_.say(publisher, {name_, AckLevel::stored, "", subject});
            case 4: {
                const std::string body = reliability::encode_statement(
                    {other, own ? AckLevel::stored : request.level, "", subject});
                const std::size_t kept = random_.below(body.size());
                return voice_.say_bytes(publisher, body.substr(0, kept));
            }
            default:
                subject.digest[0] ^= 1;
                return voice_.say(publisher, {other, AckLevel::processed, "", subject});
        }
    }

    const std::string name_;
    AckVoice voice_;
    Random random_{7};
    AckSubject last_{};
};

}  // namespace

std::string play_forger(const std::string& name, const World& world, const Cue& cue) {
    const auto fabric = world.open(name);
    Forger forger(*fabric, name);
    fabric::SubscriberHooks hooks;
    hooks.deliver = [&](const fabric::Message& message) { forger.on_message(message, false); };
    hooks.repeated = [&](const fabric::Message& message) { forger.on_message(message, true); };
    const auto subscriber = fabric->subscribe({std::string{topics_glob}}, std::move(hooks));
    if (const auto ready = subscriber->wait_ready(20s); !ready.ready) {
        throw std::runtime_error(ready.sentence);
    }
    cue.ready();
    cue.await_end();
    subscriber->stop();
    return std::to_string(forger.voice().said()) + " forged ACKs, " +
           std::to_string(forger.voice().not_said()) + " not sent";
}

}  // namespace weft::fault::storm
