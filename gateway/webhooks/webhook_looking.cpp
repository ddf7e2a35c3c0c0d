// The part of the portal that shows what is there.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "gateway/webhooks/details.hpp"
#include "gateway/webhooks/webhook_core.hpp"

namespace weft::gateway::webhooks {

using delivery::Attempt;
using delivery::EngineResult;
using delivery::SubscriptionStatus;

void WebhookHandler::Core::list(const Shared& exchange, const Principal& who) {
    parts.engine.all(std::string{kind},
                     [self = shared_from_this(), exchange,
                      who](const EngineResult<std::vector<SubscriptionStatus>>& all) {
                         if (!all) return refuse(exchange, all.error());
                         View views = View::array();
                         for (const SubscriptionStatus& one : *all) {
                             if (owns(who, one.subscription)) {
                                 views.push_back(view_of(one, self->parts.clock.utc_us()));
                             }
                         }
                         answer(exchange, 200, View{{"webhooks", std::move(views)}});
                     });
}

void WebhookHandler::Core::show(const Shared& exchange, const std::string& id, const Principal& who,
                                unsigned status, View beside) {
    with(exchange, id, who,
         [self = shared_from_this(), exchange, status,
          beside = std::move(beside)](const SubscriptionStatus& found) {
             View view = view_of(found, self->parts.clock.utc_us());
             view.update(beside);
             answer(exchange, status, view);
         });
}

void WebhookHandler::Core::attempts(const Shared& exchange, const std::string& id,
                                    const Query& query, const Principal& who) {
    std::size_t limit = delivery::Engine::attempts_kept;
    if (const auto asked = query.find("limit")) {
        const auto number = fabric::from_json(*asked);
        const std::int64_t wanted = number ? number->integer_or(0) : 0;
        if (wanted < 1) return refuse(exchange, 400, "limit: a number from 1 to 100");
        limit = std::min(limit, static_cast<std::size_t>(wanted));
    }
    with(exchange, id, who,
         [self = shared_from_this(), exchange, limit, id](const SubscriptionStatus&) {
             self->parts.engine.attempts(
                 id, [exchange, limit](const EngineResult<std::vector<Attempt>>& kept) {
                     if (!kept) return refuse(exchange, kept.error());
                     View views = View::array();
                     for (const Attempt& one : *kept) {
                         if (views.size() < limit) views.push_back(view_of(one));
                     }
                     answer(exchange, 200, View{{"attempts", std::move(views)}});
                 });
         });
}

void WebhookHandler::Core::secret(const Shared& exchange, const std::string& id,
                                  const Principal& who) {
    with(exchange, id, who, [self = shared_from_this(), exchange](const SubscriptionStatus& found) {
        const auto details = Details::parse(found.subscription.details);
        if (!details) return refuse(exchange, 500, details.error());
        self->answer_secrets(exchange, *details);
    });
}

void WebhookHandler::Core::answer_secrets(const Shared& exchange, const Details& details) {
    Response response =
        Response::of(200, "application/json", text_of(secrets_of(details, parts.clock.utc_us())));
    response.headers.set("Cache-Control", "no-store");
    exchange->answer(std::move(response));
}

}  // namespace weft::gateway::webhooks
