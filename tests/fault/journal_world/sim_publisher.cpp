#include "tests/fault/journal_world/sim_publisher.hpp"

#include <utility>

#include "tests/fault/journal_world/journal_oracle.hpp"

namespace weft::fault {

StreamPublisher::StreamPublisher(std::size_t number, Ways ways, Scene& scene)
    : clock(scene.log),
      name_("pub" + std::to_string(number)),
      ways_(std::move(ways)),
      scene_(scene),
      has_outbox_(scene.random.permille(800)),
      nonce_((number + 1) * 1'000'000) {}

Told StreamPublisher::make(const StreamName& stream) {
    ++scene_.figures.published;
    return {{stream, ++last_[stream]}, clock.utc_us(), ++nonce_};
}

void StreamPublisher::publish() {
    Random& random = scene_.random;
    const StreamName stream{name_ + "." +
                                (random.permille(300) ? std::string{aged_topic}
                                                      : "t" + std::to_string(random.below(2))),
                            epoch_};
    Sent sent;
    const bool durable = random.permille(500);
    for (std::uint64_t i = random.permille(300) ? random.between(2, 5) : 1; i > 0; --i) {
        sent.messages.push_back(make(stream));
    }
    scene_.log.trace([&] {
        return name_ + " publishes " + std::to_string(sent.messages.size()) + " up to " +
               sent.messages.back().number.text() + (durable ? ", to be stored" : "");
    });
    if (durable) {
        for (const Told& told : sent.messages) {
            ++scene_.figures.durable;
            waits_[told] = {scene_.log.now + random.between(milliseconds{50}, milliseconds{900}),
                            scene_.log.now + milliseconds{60}, false};
        }
    }
    ways_.everybody(sent);
}

void StreamPublisher::on_stored(const std::vector<Told>& messages) {
    for (const Told& told : messages) waits_.erase(told);
}

void StreamPublisher::tick() {
    for (auto& [told, waits] : waits_) {
        if (scene_.log.now < waits.again) continue;
        if (!waits.in_outbox && waits.deadline <= scene_.log.now) {
            waits.in_outbox = has_outbox_;
            scene_.figures.outboxed += has_outbox_;
        }
        if (waits.in_outbox) {
            waits.again = scene_.log.now + milliseconds{200};
            ++scene_.figures.submitted;
            if (!scene_.has(Planted::forgets_the_outbox)) ways_.hand_in(told);
        } else if (scene_.log.now < waits.deadline) {
            waits.again = scene_.log.now + milliseconds{60};
            ways_.everybody({{told}});
        }
    }
    if (!has_outbox_) {
        std::erase_if(waits_,
                      [&](const auto& one) { return one.second.deadline <= scene_.log.now; });
    }
    for (const auto& [stream, last] : last_) ways_.tail(stream, last, clock.utc_us());
}

void StreamPublisher::restart(bool killed) {
    scene_.log.trace([&] { return name_ + " is started again"; });
    // Stopped cleanly it puts into the outbox what waits; killed it has what is there already.
    if (killed || !has_outbox_) {
        std::erase_if(waits_, [](const auto& one) { return !one.second.in_outbox; });
    }
    for (auto& [told, waits] : waits_) waits.in_outbox = true;
    last_.clear();
    if (!scene_.has(Planted::reuses_the_epoch)) ++epoch_;
}

void StreamPublisher::end() {
    for (const auto& [told, waits] : waits_) {
        scene_.log.violation(name_ + ": " + told.number.text() +
                             " is to be stored, and never was, or it was not told");
    }
}

}  // namespace weft::fault
