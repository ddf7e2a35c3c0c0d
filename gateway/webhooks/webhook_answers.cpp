#include "gateway/webhooks/webhook_answers.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/problem.hpp"

namespace weft::gateway::webhooks {

using delivery::EngineError;
using delivery::Subscription;

void answer(const Shared& exchange, unsigned status, const View& view) {
    exchange->answer(Response::of(status, "application/json", text_of(view)));
}

void refuse(const Shared& exchange, unsigned status, std::string_view detail) {
    Response response = problem(status, detail, exchange->request());
    if (status == 503) response.headers.set("Retry-After", "1");
    exchange->answer(std::move(response));
}

void refuse(const Shared& exchange, const EngineError& error) {
    switch (error.kind) {
        case EngineError::Kind::invalid:
            return refuse(exchange, 400, error.sentence);
        case EngineError::Kind::refused_url:
            return refuse(exchange, 400, "url: " + error.sentence);
        case EngineError::Kind::not_found:
            return refuse(exchange, 404, "there is no such webhook");
        case EngineError::Kind::full:
            return refuse(exchange, 429, error.sentence);
        case EngineError::Kind::journal_away:
        case EngineError::Kind::stopped:
            return refuse(exchange, 503, error.sentence);
    }
}

void refuse(const Shared& exchange, const reliability::JournalError& error) {
    using Reason = reliability::JournalError::Reason;
    const unsigned status = error.reason == Reason::invalid     ? 400
                            : error.reason == Reason::not_found ? 404
                                                                : 503;
    refuse(exchange, status, error.sentence);
}

void not_allowed(const Shared& exchange, const std::string& allow) {
    Response response = problem(405, "allowed here: " + allow, exchange->request());
    response.headers.set("Allow", allow);
    exchange->answer(std::move(response));
}

bool sees_all(const Principal& who) {
    return who.admin || who.everything;
}
bool owns(const Principal& who, const Subscription& subscription) {
    return sees_all(who) || (!who.name.empty() && who.name == subscription.owner);
}

/// The body of a POST that may be empty. Nothing: it was refused.
std::optional<fabric::Value> object_of(const Shared& exchange) {
    const std::string& body = exchange->request().body;
    if (body.empty()) return fabric::Value(fabric::Value::Map{});
    auto parsed = fabric::from_json(body);
    if (parsed && parsed->map() != nullptr) return std::move(*parsed);
    refuse(exchange, 400,
           parsed ? "the body must be a JSON object" : "the body is not JSON: " + parsed.error());
    return std::nullopt;
}

}  // namespace weft::gateway::webhooks
