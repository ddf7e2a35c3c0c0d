// The part of the portal that acts on a webhook: sends, goes back, stops, signs with another
// secret.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/message_id.hpp"
#include "fabric/message/value.hpp"
#include "gateway/problem.hpp"
#include "gateway/webhooks/details.hpp"
#include "gateway/webhooks/since.hpp"
#include "gateway/webhooks/test_event.hpp"
#include "gateway/webhooks/webhook_core.hpp"

namespace weft::gateway::webhooks {
namespace {

using delivery::Attempt;
using delivery::EngineResult;
using delivery::Subscription;
using delivery::SubscriptionStatus;
using reliability::JournalId;
using State = Subscription::State;

constexpr std::chrono::milliseconds overlap_max = std::chrono::hours{30 * 24};

}  // namespace

delivery::Engine::OnAttempt WebhookHandler::Core::tell(const Shared& exchange) {
    return [exchange](const EngineResult<Attempt>& attempt) {
        if (!attempt) return refuse(exchange, attempt.error());
        answer(exchange, 200, view_of(*attempt));
    };
}

void WebhookHandler::Core::test(const Shared& exchange, const std::string& id,
                                const Principal& who) {
    with(exchange, id, who, [self = shared_from_this(), exchange, id](const SubscriptionStatus&) {
        self->parts.engine.send(
            id,
            test_event(self->parts.space.root() + ".webhooks.test", id, self->parts.clock.utc_us()),
            tell(exchange));
    });
}

void WebhookHandler::Core::resend(const Shared& exchange, const std::string& id,
                                  const Principal& who) {
    const auto body = object_of(exchange);
    if (!body) return;
    const fabric::Value& asked = (*body)["id"];
    const auto number = asked.integer_or(0);
    const auto message = fabric::MessageId::parse(asked.text_or(""));
    if (number < 1 && !message) {
        return refuse(exchange, 400,
                      R"(id: which message, by its id of the journal, {"id": 4711}, or its own, )"
                      R"({"id": "0190a5c4-…"})");
    }
    with(exchange, id, who,
         [self = shared_from_this(), exchange, number, message,
          who](const SubscriptionStatus& found) {
             if (!message) {
                 return self->resend_if_wanted(exchange, found.subscription, who,
                                               static_cast<JournalId>(number));
             }
             self->find_message(exchange, found.subscription, who, *message);
         });
}

void WebhookHandler::Core::find_message(const Shared& exchange, const Subscription& subscription,
                                        const Principal& who, const fabric::MessageId& message) {
    const bool taken = parts.room.work(
        [self = shared_from_this(), exchange, subscription, who, message](JournalThings& things) {
            reliability::Start start;
            start.kind = reliability::Start::Kind::after_message;
            start.message = message;
            const auto place = reliability::resolve(start, things.journal, {}, 0);
            if (!place) return refuse(exchange, place.error());
            self->resend_if_wanted(exchange, subscription, who, place->id);
        });
    if (!taken) refuse(exchange, 503, "too much work on the journal waits; try again");
}

void WebhookHandler::Core::resend_if_wanted(const Shared& exchange,
                                            const Subscription& subscription, const Principal& who,
                                            JournalId id) {
    ReadRequest read;
    read.after = {0, id - 1};
    read.through = id;
    read.messages = 1;
    parts.bridge.read(read, [self = shared_from_this(), exchange, subscription, who,
                             id](const BridgeResult<EventPage>& page) {
        if (!page) {
            return exchange->answer(problem(page.error(), exchange->request()));
        }
        const auto wanted = [&](const StoredEvent& event) {
            const std::string_view topic = event.message.topic();
            const auto& interests = subscription.interests;
            return event.id == id && who.may_read(topic) &&
                   std::any_of(interests.begin(), interests.end(),
                               [&](const auto& interest) { return interest.glob.matches(topic); });
        };
        if (page->events.empty() || !wanted(page->events.front())) {
            return refuse(exchange, 404,
                          "the journal has no such message, or not any more, or this webhook "
                          "is not about its topic");
        }
        self->parts.engine.resend(subscription.id, id, tell(exchange));
    });
}

void WebhookHandler::Core::recover(const Shared& exchange, const std::string& id,
                                   const Query& query, const Principal& who) {
    const auto body = object_of(exchange);
    if (!body) return;
    const std::string since{query.find("since").value_or((*body)["since"].text_or(""))};
    const auto time = since_us(since, parts.clock.utc_us());
    if (!time) return refuse(exchange, 400, time.error());
    with(exchange, id, who,
         [self = shared_from_this(), exchange, id, who, time = *time](const SubscriptionStatus&) {
             self->parts.engine.recover(id, time,
                                        [self, exchange, id, who](const EngineResult<void>& done) {
                                            if (!done) return refuse(exchange, done.error());
                                            self->show(exchange, id, who);
                                        });
         });
}

void WebhookHandler::Core::rotate(const Shared& exchange, const std::string& id,
                                  const Principal& who) {
    const auto body = object_of(exchange);
    if (!body) return;
    auto overlap = parts.settings.rotation_overlap;
    if (const fabric::Value& asked = (*body)["overlap"]; !asked.is_nil()) {
        const auto parsed = config::parse_duration(asked.text_or(""));
        if (!parsed || *parsed > overlap_max) {
            return refuse(exchange, 400, "overlap: a duration up to 30d, such as 24h or 0s");
        }
        overlap = *parsed;
    }
    auto keys = tl::expected<Keys, std::string>(Keys::generate());
    if (const fabric::Value& own = (*body)["secret"]; !own.is_nil()) {
        keys = Keys::with_secret(own.text_or(""));
    }
    if (!keys) return refuse(exchange, 400, "secret: " + keys.error());
    auto changing_it = begin_change(exchange, id);
    if (!changing_it) return;
    with(exchange, id, who,
         [self = shared_from_this(), exchange, keys = *keys, overlap,
          changing_it](const SubscriptionStatus& found) {
             auto details = Details::parse(found.subscription.details);
             if (!details) return refuse(exchange, 500, details.error());
             details->rotate(keys, self->parts.clock.utc_us(),
                             static_cast<std::uint64_t>(overlap.count()) * 1000);
             Subscription made = found.subscription;
             made.details = details->json();
             self->parts.engine.put(
                 made, std::nullopt,
                 [self, exchange, details = *details, changing_it](const EngineResult<void>& done) {
                     if (!done) return refuse(exchange, done.error());
                     self->answer_secrets(exchange, details);
                 });
         });
}

void WebhookHandler::Core::set_state(const Shared& exchange, const std::string& id, State state,
                                     const Principal& who) {
    const std::string by = who.name.empty() ? "anonymous" : who.name;
    const std::string reason =
        state == State::active ? "" : std::string{name_of(state)} + " by " + by;
    with(exchange, id, who,
         [self = shared_from_this(), exchange, id, who, state, reason](const SubscriptionStatus&) {
             self->parts.engine.set_state(
                 id, state, reason, [self, exchange, id, who](const EngineResult<void>& done) {
                     if (!done) return refuse(exchange, done.error());
                     self->show(exchange, id, who);
                 });
         });
}

}  // namespace weft::gateway::webhooks
