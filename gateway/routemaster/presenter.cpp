#include "gateway/routemaster/presenter.hpp"

#include "gateway/routemaster/event.hpp"
#include "gateway/routemaster/names.hpp"
#include "gateway/routemaster/subscriptions.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway::routemaster {

std::string events_json(std::string_view root, std::span<const StoredEvent> events) {
    std::string list = "[";
    for (const StoredEvent& stored : events) {
        const auto name = name_in(root, stored.message.topic());
        const auto event = Event::of(stored.message);
        if (!name || !event) continue;
        if (list.size() > 1) list += ',';
        list += event->delivered(*name, time_of(*event, stored));
    }
    return list + "]";
}

std::string_view RoutemasterPresenter::kind() const noexcept {
    return subscription_kind;
}

bool RoutemasterPresenter::wants(const delivery::Subscription&, const StoredEvent& event) const {
    return name_in(root_, event.message.topic()) && Event::of(event.message);
}

delivery::OutgoingRequest RoutemasterPresenter::request(const delivery::Subscription& subscription,
                                                        std::span<const StoredEvent> events,
                                                        const delivery::AttemptContext&) const {
    delivery::OutgoingRequest request;
    const std::string uuid = SubscriptionDetails::of(subscription).uuid.value_or("");
    request.headers = {{"Content-Type", "application/json"},
                       {"Authorization", "Basic " + signing::to_base64(uuid + ":x")},
                       {"User-Agent", "weft-routemaster/" + version_}};
    request.body = events_json(root_, events);
    return request;
}

}  // namespace weft::gateway::routemaster
