#include "gateway/routemaster/presenter.hpp"

#include <optional>
#include <utility>

#include "gateway/routemaster/event.hpp"
#include "gateway/routemaster/names.hpp"
#include "gateway/routemaster/subscriptions.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway::routemaster {

namespace {

/// Nothing: the message is no event.
std::optional<std::string> event_json(std::string_view root, const StoredEvent& stored) {
    const auto name = name_in(root, stored.message.topic());
    if (!name) return std::nullopt;
    const auto event = Event::of(stored.message);
    if (!event) return std::nullopt;
    return event->delivered(*name, time_of(*event, stored));
}

void append(std::string& list, std::string_view text) {
    if (list.size() > 1) list += ',';
    list += text;
}

}  // namespace

std::string events_json(std::string_view root, std::span<const StoredEvent> events) {
    std::string list = "[";
    for (const StoredEvent& stored : events) {
        if (const auto text = event_json(root, stored)) append(list, *text);
    }
    return list + "]";
}

std::string_view RoutemasterPresenter::kind() const noexcept {
    return subscription_kind;
}

bool RoutemasterPresenter::wants(const delivery::Subscription&, const StoredEvent& event) const {
    return text_of(event) != nullptr;
}

RoutemasterPresenter::Text RoutemasterPresenter::read(const StoredEvent& stored) const {
    auto text = event_json(root_, stored);
    return text ? std::make_shared<const std::string>(*std::move(text)) : nullptr;
}

RoutemasterPresenter::Text RoutemasterPresenter::text_of(const StoredEvent& stored) const {
    {
        const std::scoped_lock lock(mutex_);
        const auto found = kept_.find(stored.message.id());
        if (found != kept_.end() && found->second.id == stored.id) return found->second.text;
    }
    Text text = read(stored);
    const std::size_t bytes = text ? text->size() : 0;
    const std::scoped_lock lock(mutex_);
    if (kept_.size() >= kept_max || kept_bytes_ + bytes > kept_bytes_max) {
        kept_.clear();
        kept_bytes_ = 0;
    }
    if (kept_.insert_or_assign(stored.message.id(), Kept{stored.id, text}).second) {
        kept_bytes_ += bytes;
    }
    return text;
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
        if (const Text text = text_of(stored)) append(request.body, *text);
    }
    request.body += "]";
    return request;
}

}  // namespace weft::gateway::routemaster
