#include "reliability/hub/ack_desk.hpp"

#include <optional>
#include <utility>

namespace weft::reliability::hub {
namespace {

/// Of an entry without its bytes: ids, places, maps.
constexpr std::size_t entry_bytes = 512;

}  // namespace

AckDesk::AckDesk(fabric::Fabric& fabric, const std::string& consumer,
                 const std::vector<std::string>& globs, AckLevel level, std::size_t bytes_max)
    : consumer_(consumer),
      level_(level),
      asked_(remembered_max, bytes_max),
      known_(remembered_max, bytes_max) {
    ConsumerOptions options;
    options.automatic = false;
    options.says_received = false;
    options.kind = "hub-" + consumer;
    consumer_of_acks_ = std::make_unique<AckConsumer>(
        fabric, globs, [this](const Delivery& delivery) { on_delivery(delivery); }, options);
}

bool AckDesk::settles(const Delivery& delivery, const Known& known) {
    return known.is != Known::Is::leased || delivery.asked() == AckLevel::received;
}

void AckDesk::answer(const Delivery& delivery, const Known& known) {
    if (known.is == Known::Is::rejected) {
        delivery.reject(known.reason);
    } else {
        delivery.ack();
    }
}

void AckDesk::on_delivery(const Delivery& delivery) {
    if (!delivery.asked()) return;
    if (delivery.asked() != AckLevel::received && level_ == AckLevel::received) {
        return delivery.reject("consumer '" + consumer_ +
                               "' acknowledges receipt only (ack: received)");
    }
    const fabric::MessageId& id = delivery.message().id();
    std::optional<Known> known;
    {
        const std::scoped_lock lock(mutex_);
        const Known* const found = known_.find(id);
        if (found != nullptr && settles(delivery, *found)) {
            known = *found;
        } else {
            const fabric::RunBytes* const run = delivery.message().run().get();
            const std::size_t frames = run->topic.size() + run->contents.size() + run->proof.size();
            unanswered_ += asked_.add(id, delivery, {entry_bytes, run, frames});
        }
    }
    if (known) answer(delivery, *known);
}

void AckDesk::note(const fabric::MessageId& id, Known known) {
    std::optional<Delivery> delivery;
    {
        const std::scoped_lock lock(mutex_);
        Known* const before = known_.find(id);
        if (before != nullptr && known.is == Known::Is::leased) {
            known = *before;  // the worker was faster than who told of the lease
        } else {
            known_.erase(id);
            known_.add(id, known, {entry_bytes + known.reason.size()});
        }
        const Delivery* const asked = asked_.find(id);
        if (asked != nullptr && settles(*asked, known)) {
            delivery = *asked;
            asked_.erase(id);
        }
    }
    if (delivery) answer(*delivery, known);
}

void AckDesk::leased(const fabric::Message& message) {
    if (!message.ack_request().empty()) note(message.id(), {Known::Is::leased, {}});
}

void AckDesk::processed(const fabric::Message& message) {
    if (!message.ack_request().empty()) note(message.id(), {Known::Is::processed, {}});
}

void AckDesk::rejected(const fabric::Message& message, const std::string& reason) {
    if (!message.ack_request().empty()) note(message.id(), {Known::Is::rejected, reason});
}

void AckDesk::stop() {
    consumer_of_acks_->stop();
}

std::uint64_t AckDesk::acks() const {
    const auto stats = consumer_of_acks_->stats();
    return stats.responder.acks + stats.responder.rejections;
}

std::uint64_t AckDesk::unanswered() const {
    const std::scoped_lock lock(mutex_);
    return unanswered_;
}

}  // namespace weft::reliability::hub
