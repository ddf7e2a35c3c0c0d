#pragma once
// The requests of webhooks: a body in the form that the subscription asks for, and the three
// headers of Standard Webhooks, `webhook-id`, `webhook-timestamp` and `webhook-signature`, which
// are made for each attempt over exactly the bytes that are sent (rule W1).
//
// `webhook-id` is the message's id where a request has one message, also when it is sent again, so
// that a receiver knows a repetition; else the delivery's.
// Threads: as Presenter says; has no state.

#include <string>

#include "gateway/delivery/presenter.hpp"

namespace weft::gateway::webhooks {

class WebhookPresenter final : public delivery::Presenter {
public:
    [[nodiscard]] std::string_view kind() const noexcept override;
    [[nodiscard]] bool shows_attempts() const noexcept override { return true; }
    /// What the conditions of `where` let through.
    [[nodiscard]] bool wants(const delivery::Subscription& subscription,
                             const StoredEvent& event) const override;
    [[nodiscard]] delivery::OutgoingRequest request(
        const delivery::Subscription& subscription, std::span<const StoredEvent> events,
        const delivery::AttemptContext& context) const override;
};

}  // namespace weft::gateway::webhooks
