#include "gateway/routemaster/presenter.hpp"

#include "gateway/routemaster/event.hpp"
#include "gateway/routemaster/names.hpp"
#include "gateway/routemaster/subscriptions.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway::routemaster {

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
    request.body = "[";
    for (const StoredEvent& stored : events) {
        const auto name = name_in(root_, stored.message.topic());
        const auto event = Event::of(stored.message);
        if (!name || !event) continue;
        if (request.body.size() > 1) request.body += ',';
        request.body += event->delivered(*name, time_of(*event, stored));
    }
    request.body += "]";
    return request;
}

}  // namespace weft::gateway::routemaster
