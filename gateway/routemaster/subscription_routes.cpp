// Subscriptions.

#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/routemaster/answers.hpp"
#include "gateway/routemaster/names.hpp"
#include "gateway/routemaster/visit.hpp"

namespace weft::gateway::routemaster {
namespace {

using fabric::Value;

/// A change of subscriptions, one at a time. `work` gets what ends it with an answer.
template <class Work>
void in_turn(const Visit& visit, Work work) {
    const bool taken =
        visit.service.turns.take([visit, work = std::move(work)](const Turns::End& end) {
            work([visit, end](Response response) {
                end();
                visit.answer(std::move(response));
            });
        });
    if (!taken) visit.answer(away("too much is under way; try again later"));
}

Response done(const delivery::EngineResult<void>& result) {
    return result ? empty() : failed(result.error());
}

void put(const Visit& visit, const SubscribeRequest& request) {
    in_turn(visit, [visit, request](const auto& answer) {
        Service& service = visit.service;
        service.topics.create(
            request.topics, service.head(), [visit, request, answer](const auto& created) {
                if (!created) return answer(away(created.error()));
                visit.service.subscriptions.put(
                    visit.client, request, [answer](const auto& result) { answer(done(result)); });
            });
    });
}

/// Its token for itself and root; its name for others (M92).
std::string subscriber_of(const Visit& visit, const SubscriptionDetails& details, bool is_open) {
    if (is_open) {
        if (auto token = visit.service.clients.token_of(details.client)) return *std::move(token);
    }
    return details.name;
}

Value view_of(const Visit& visit, const delivery::SubscriptionStatus& status) {
    const auto details = SubscriptionDetails::of(status.subscription);
    const bool is_open = visit.client.is_root() || details.client == visit.client.id;
    Value::List topics;
    for (const std::string& name : visit.service.subscriptions.topics_of(status.subscription)) {
        const std::string full = topic_of(visit.service.parts.settings.topic_root, name);
        if (is_open || visit.client.principal.may_read(full)) topics.emplace_back(name);
    }
    const Value uuid = is_open && details.uuid ? Value(*details.uuid) : Value{};
    const Value oldest = status.oldest_us ? Value(*status.oldest_us / 1'000'000) : Value{};
    return Value::Map{
        {"subscriber", subscriber_of(visit, details, is_open)},
        {"callback",
         status.subscription.url.empty() ? std::string{polled_callback} : status.subscription.url},
        {"topics", std::move(topics)},
        {"uuid", uuid},
        {"max_events", status.subscription.batching.max},
        {"timeout", status.subscription.batching.timeout.count()},
        {"events",
         Value::Map{{"sent", status.sent}, {"queued", status.queued}, {"oldest", oldest}}}};
}

}  // namespace

void subscribe(const Visit& visit) {
    const Settings& settings = visit.service.parts.settings;
    auto request = SubscribeRequest::parse(visit.body(),
                                           settings.allow_http ? Schemes::http_too : Schemes::https,
                                           Settings::topics_of_subscription_max);
    if (!request) return visit.answer(error(400, request.error()));
    for (const std::string& topic : request->topics) {
        if (visit.client.principal.may_read(topic_of(settings.topic_root, topic))) continue;
        return visit.answer(error(403, "this token may not read the topic " + topic));
    }
    if (request->callback.empty()) return put(visit, *request);
    visit.service.parts.engine.check_url(request->callback,
                                         [visit, request = *request](const auto& checked) {
                                             if (!checked)
                                                 return visit.answer(failed(checked.error()));
                                             put(visit, request);
                                         });
}

void unsubscribe(const Visit& visit) {
    in_turn(visit, [visit](const auto& answer) {
        visit.service.subscriptions.remove(visit.client.id,
                                           [answer](const auto& result) { answer(done(result)); });
    });
}

void unsubscribe_topic(const Visit& visit, const std::string& topic) {
    if (!is_topic_name(topic)) return visit.answer(error(404, "there is no such topic"));
    in_turn(visit, [visit, topic](const auto& answer) {
        visit.service.subscriptions.drop_topic(
            visit.client.id, topic, [answer](const auto& result) {
                const bool none =
                    !result && result.error().kind == delivery::EngineError::Kind::not_found;
                answer(none ? error(404, "this topic is not subscribed") : done(result));
            });
    });
}

void poll_events(const Visit& visit) {
    const auto poll =
        PollRequest::parse(visit.exchange->request().raw_query().value_or(std::string_view{}));
    if (!poll) return visit.answer(error(400, poll.error()));
    visit.service.polls.begin(visit.exchange, visit.client, *poll);
}

void list_subscriptions(const Visit& visit) {
    visit.service.parts.engine.all(std::string{subscription_kind}, [visit](const auto& all) {
        if (!all) return visit.answer(failed(all.error()));
        Value::List list;
        for (const auto& status : *all) list.push_back(view_of(visit, status));
        visit.answer(json_answer(200, fabric::to_json(Value(std::move(list)))));
    });
}

}  // namespace weft::gateway::routemaster
