// Tokens, and the pulse.

#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/routemaster/answers.hpp"
#include "gateway/routemaster/visit.hpp"

namespace weft::gateway::routemaster {
namespace {

using fabric::Value;

constexpr const char* store_away = "the event store does not answer; try again later";

Value view_of(const ApiToken& token) {
    return Value::Map{{"name", token.name}, {"token", token.token}};
}

/// The name and the token, "" where it is to be made; or a sentence.
tl::expected<ApiToken, std::string> wanted(std::string_view body) {
    const auto parsed = fabric::from_json(body);
    if (!parsed) return tl::make_unexpected("the body is not JSON: " + parsed.error());
    const std::string* name = (*parsed)["name"].text();
    if (name == nullptr) return tl::make_unexpected(std::string{"name is required: a text"});
    const Value& token = (*parsed)["token"];
    if (!token.is_nil() && (token.text() == nullptr || token.text()->empty())) {
        return tl::make_unexpected(std::string{"token must be a text, or left out"});
    }
    return ApiToken{*name, token.text_or("")};
}

}  // namespace

void list_tokens(const Visit& visit) {
    Value::List list;
    for (const ApiToken& token : visit.service.clients.list()) list.push_back(view_of(token));
    visit.answer(json_answer(200, fabric::to_json(Value(std::move(list)))));
}

void add_token(const Visit& visit) {
    const auto asked = wanted(visit.body());
    if (!asked) return visit.answer(error(400, asked.error()));
    const auto made = visit.service.clients.prepare(asked->name, asked->token);
    if (!made) return visit.answer(error(400, made.error()));
    const bool taken = visit.service.turns.take([visit, made = *made](const Turns::End& end) {
        Service& service = visit.service;
        service.desk.apply(service.clients.storing(made), StateDesk::Durability::sync,
                           [visit, made, end](const auto& stored) {
                               if (stored) visit.service.clients.add(made);
                               end();
                               if (!stored) return visit.answer(away(store_away));
                               visit.answer(json_answer(201, fabric::to_json(view_of(made))));
                           });
    });
    if (!taken) visit.answer(away(store_away));
}

void delete_token(const Visit& visit, const std::string& token) {
    const bool taken = visit.service.turns.take([visit, token](const Turns::End& end) {
        const auto answer = [visit, end](Response response) {
            end();
            visit.answer(std::move(response));
        };
        Service& service = visit.service;
        service.subscriptions.remove(
            service.clients.id_of(token), [visit, token, answer](const auto& removed) {
                using Kind = delivery::EngineError::Kind;
                if (!removed && removed.error().kind != Kind::not_found) {
                    return answer(failed(removed.error()));
                }
                Service& its = visit.service;
                its.desk.apply(its.clients.forgetting(token), StateDesk::Durability::sync,
                               [visit, token, answer](const auto& stored) {
                                   if (stored) visit.service.clients.remove(token);
                                   answer(stored ? empty() : away(store_away));
                               });
            });
    });
    if (!taken) visit.answer(away(store_away));
}

void pulse(const Visit& visit) {
    const std::string why = visit.service.parts.bridge.not_ready();
    visit.answer(why.empty() ? empty() : error(500, "the event store does not answer"));
}

void scaling(const Visit& visit) {
    visit.service.parts.engine.all(std::string{subscription_kind}, [visit](const auto& all) {
        if (!all) return visit.answer(failed(all.error()));
        if (visit.service.due(*all) < Service::scaling_threshold) return visit.answer(empty());
        visit.service.answer_late(visit.exchange, empty());
    });
}

}  // namespace weft::gateway::routemaster
