#include "gateway/webhooks/webhook_presenter.hpp"

#include <utility>

#include "gateway/webhooks/details.hpp"
#include "gateway/webhooks/payload.hpp"
#include "signing/webhook_signature.hpp"

namespace weft::gateway::webhooks {
namespace {

constexpr std::uint64_t us_per_second = 1'000'000;

std::string signatures(const Details& details, const std::string& content, std::uint64_t now_us) {
    std::string all;
    for (const Keys* keys : details.signing_at(now_us)) {
        const auto secret = signing::WebhookSecret::parse(keys->secret);
        const auto key = signing::WebhookKey::parse(keys->key);
        if (secret) all += (all.empty() ? "" : " ") + secret->sign(content);
        if (key) all += (all.empty() ? "" : " ") + key->sign(content);
    }
    return all;
}

}  // namespace

std::string_view WebhookPresenter::kind() const noexcept {
    return webhooks::kind;
}

bool WebhookPresenter::wants(const delivery::Subscription& subscription,
                             const StoredEvent& event) const {
    const auto where = subscription.details.find("where");
    if (where == subscription.details.end() || where->empty()) return true;
    const auto conditions = Conditions::parse(*where);
    return conditions && conditions->hold(event.message.value());
}

delivery::OutgoingRequest WebhookPresenter::request(const delivery::Subscription& subscription,
                                                    std::span<const StoredEvent> events,
                                                    const delivery::AttemptContext& context) const {
    const auto details = Details::parse(subscription.details);
    // A damaged record has no secret: what goes out is not signed, and says nothing.
    if (!details) return {};
    Payload payload = payload_of(details->format, subscription.batching.max > 1, events);
    const std::string id =
        events.size() == 1 ? events.front().message.id().text() : std::string{context.delivery};
    const std::uint64_t timestamp = context.now_us / us_per_second;
    delivery::OutgoingRequest request;
    request.headers = details->headers;
    request.headers.insert(request.headers.end(), payload.headers.begin(), payload.headers.end());
    request.headers.emplace_back("User-Agent", "weft-webhooks");
    request.headers.emplace_back("webhook-id", id);
    request.headers.emplace_back("webhook-timestamp", std::to_string(timestamp));
    request.headers.emplace_back(
        "webhook-signature",
        signatures(*details, signing::webhook_content(id, timestamp, payload.body),
                   context.now_us));
    request.body = std::move(payload.body);
    return request;
}

}  // namespace weft::gateway::webhooks
