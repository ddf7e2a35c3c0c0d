#include "reliability/hub/ack_desk.hpp"

#include <optional>
#include <utility>

namespace weft::reliability::hub {
namespace {

template <class Map>
void forget_oldest(Map& map, std::deque<fabric::MessageId>& order) {
    while (order.size() > AckDesk::remembered_max) {
        map.erase(order.front());
        order.pop_front();
    }
}

}  // namespace

AckDesk::AckDesk(fabric::Fabric& fabric, const std::string& consumer,
                 const std::vector<std::string>& globs, AckLevel level)
    : consumer_(consumer), level_(level) {
    ConsumerOptions options;
    options.automatic = false;
    options.says_received = false;
    options.kind = "hub-" + consumer;
    consumer_of_acks_ = std::make_unique<AckConsumer>(
        fabric, globs, [this](const Delivery& delivery) { on_delivery(delivery); }, options);
}

void AckDesk::answer(const Delivery& delivery, const Known& known) {
    if (known.is == Known::Is::rejected) {
        delivery.reject(known.reason);
    } else if (known.is == Known::Is::processed || delivery.asked() == AckLevel::received) {
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
        if (const auto at = known_.find(id); at != known_.end()) known = at->second;
        if (asked_.emplace(id, delivery).second) asked_order_.push_back(id);
        forget_oldest(asked_, asked_order_);
    }
    if (known) answer(delivery, *known);
}

void AckDesk::note(const fabric::MessageId& id, Known known) {
    std::optional<Delivery> delivery;
    {
        const std::scoped_lock lock(mutex_);
        if (const auto at = asked_.find(id); at != asked_.end()) delivery = at->second;
        const auto [at, fresh] = known_.try_emplace(id, known);
        if (fresh) {
            known_order_.push_back(id);
        } else if (known.is != Known::Is::leased) {
            at->second = known;
        } else {
            known = at->second;  // the worker was faster than who told of the lease
        }
        forget_oldest(known_, known_order_);
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

}  // namespace weft::reliability::hub
