#include "tests/fault/ack_storm/players.hpp"

#include <chrono>
#include <stdexcept>

#include "reliability/ack_consumer.hpp"
#include "tests/fault/ack_storm/ack_voice.hpp"

namespace weft::fault::storm {
namespace {

using namespace std::chrono_literals;
using reliability::AckLevel;

void demand_ready(const fabric::ReadyResult& result) {
    if (!result.ready) throw std::runtime_error(result.sentence);
}

std::string text_of(const reliability::ConsumerStats& stats) {
    return std::to_string(stats.handled) + " handled, " + std::to_string(stats.responder.acks) +
           " ACKs, " + std::to_string(stats.responder.rejections) + " rejections, " +
           std::to_string(stats.responder.repeated) + " repeated, " +
           std::to_string(stats.responder.late) + " late, " + std::to_string(stats.responder.full) +
           " full, " + std::to_string(stats.dropped) + " dropped, " +
           std::to_string(stats.acks_not_sent) + " ACKs not sent, " +
           std::to_string(stats.subscriber.refused_total()) + " refused, " +
           std::to_string(stats.subscriber.missing) + " missing";
}

std::string play_consumer(fabric::Fabric& fabric, const Cue& cue,
                          const reliability::AckConsumer::Handler& handler, bool automatic) {
    reliability::ConsumerOptions options;
    options.automatic = automatic;
    reliability::AckConsumer consumer(fabric, {std::string{topics_glob}}, handler, options);
    demand_ready(consumer.wait_ready(20s));
    cue.ready();
    cue.await_end();
    consumer.stop();
    return text_of(consumer.stats());
}

std::string play_silent(fabric::Fabric& fabric, const Cue& cue) {
    fabric::SubscriberHooks hooks;
    hooks.deliver = [](const fabric::Message&) {};
    const auto subscriber = fabric.subscribe({std::string{topics_glob}}, std::move(hooks));
    demand_ready(subscriber->wait_ready(20s));
    cue.ready();
    cue.await_end();
    subscriber->stop();
    return std::to_string(subscriber->stats().delivered) + " received";
}

/// Answers at the level that was asked for, entitled to it or not, or never.
std::string play_flaky(fabric::Fabric& fabric, const std::string& name, const Cue& cue) {
    AckVoice voice(fabric);
    const auto answer = [&](const fabric::Message& message) {
        const auto request = AckVoice::request_of(message);
        if (!request || !request->names(name) || !flaky_answers(message.id())) return;
        voice.say(message.signer(),
                  {name, request->level, "", AckVoice::subject_of(message, *request)});
    };
    fabric::SubscriberHooks hooks;
    hooks.deliver = answer;
    hooks.repeated = answer;
    const auto subscriber = fabric.subscribe({std::string{topics_glob}}, std::move(hooks));
    demand_ready(subscriber->wait_ready(20s));
    cue.ready();
    cue.await_end();
    subscriber->stop();
    return std::to_string(voice.said()) + " ACKs, " + std::to_string(voice.not_said()) +
           " not sent";
}

}  // namespace

std::string play(const Member& who, const World& world, const Cue& cue) {
    if (who.part == Part::replayer) return play_replayer(world, cue);
    if (who.part == Part::forger) return play_forger(who.name, world, cue);
    const auto fabric = world.open(who.name);
    switch (who.part) {
        case Part::silent:
            return play_silent(*fabric, cue);
        case Part::flaky:
            return play_flaky(*fabric, who.name, cue);
        case Part::weak:
            return play_consumer(
                *fabric, cue, [](const auto&) {}, false);
        case Part::refuser:
            return play_consumer(
                *fabric, cue,
                [](const reliability::Delivery& delivery) {
                    const fabric::MessageId& id = delivery.message().id();
                    if (refuser_refuses(id)) delivery.reject(reason_of_refusal(id));
                },
                true);
        case Part::good:
        case Part::forger:
        case Part::replayer:
            break;
    }
    return play_consumer(
        *fabric, cue, [](const auto&) {}, true);
}

}  // namespace weft::fault::storm
