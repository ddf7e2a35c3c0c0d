#include "gateway/webhooks/webhook_handler.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/message_id.hpp"
#include "gateway/http/uri.hpp"
#include "gateway/webhooks/webhook_core.hpp"

namespace weft::gateway::webhooks {
namespace {

using Core = WebhookHandler::Core;
using State = delivery::Subscription::State;

struct Asked {
    const Shared& exchange;
    const std::string& id;  ///< "" where the path has none.
    const Query& query;
    const Principal& who;
};

std::string new_id(std::uint64_t now_us) {
    std::string text = fabric::MessageId::make(now_us / 1000).text();
    std::erase(text, '-');
    return "wh_" + text;
}

template <State state>
void to_state(Core& core, const Asked& asked) {
    core.set_state(asked.exchange, asked.id, state, asked.who);
}

void change(Core& core, const Asked& asked) {
    core.change(asked.exchange, asked.id, asked.who);
}

/// What is served; `below` is below /v1/webhooks. GET is also HEAD.
struct Entry {
    std::string_view method, below;
    void (*serve)(Core& core, const Asked& asked);
};
constexpr std::array<Entry, 16> entries{{
    {"GET", "", [](Core& core, const Asked& asked) { core.list(asked.exchange, asked.who); }},
    {"POST", "",
     [](Core& core, const Asked& asked) {
         core.create(asked.exchange, new_id(core.parts.clock.utc_us()), asked.who);
     }},
    {"GET", "/{id}",
     [](Core& core, const Asked& asked) { core.show(asked.exchange, asked.id, asked.who); }},
    {"PUT", "/{id}", &change},
    {"PATCH", "/{id}", &change},
    {"DELETE", "/{id}",
     [](Core& core, const Asked& asked) { core.remove(asked.exchange, asked.id, asked.who); }},
    {"GET", "/{id}/attempts",
     [](Core& core, const Asked& asked) {
         core.attempts(asked.exchange, asked.id, asked.query, asked.who);
     }},
    {"GET", "/{id}/secret",
     [](Core& core, const Asked& asked) { core.secret(asked.exchange, asked.id, asked.who); }},
    {"POST", "/{id}/resend",
     [](Core& core, const Asked& asked) { core.resend(asked.exchange, asked.id, asked.who); }},
    {"POST", "/{id}/recover",
     [](Core& core, const Asked& asked) {
         core.recover(asked.exchange, asked.id, asked.query, asked.who);
     }},
    {"POST", "/{id}/rotate",
     [](Core& core, const Asked& asked) { core.rotate(asked.exchange, asked.id, asked.who); }},
    {"POST", "/{id}/test",
     [](Core& core, const Asked& asked) { core.test(asked.exchange, asked.id, asked.who); }},
    {"POST", "/{id}/disable", &to_state<State::disabled>},
    {"POST", "/{id}/enable", &to_state<State::active>},
    {"POST", "/{id}/pause", &to_state<State::paused>},
    {"POST", "/{id}/resume", &to_state<State::active>},
}};

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= 100 &&
           std::all_of(text.begin(), text.end(), [](char letter) {
               return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '-' || letter == '_';
           });
}

}  // namespace

void WebhookHandler::Core::handle(const Shared& exchange, std::string_view prefix) {
    const Request& request = exchange->request();
    const auto segments = path_segments(request.raw_path().substr(prefix.size()));
    if (!segments) return refuse(exchange, 400, segments.error());
    const auto query = Query::parse(request.raw_query().value_or(""));
    if (!query) return refuse(exchange, 400, query.error());
    auto who = parts.access.who(request);
    if (!who) return exchange->answer(std::move(who.error()));
    if (segments->size() < 2 || (*segments)[0] != "v1" || (*segments)[1] != "webhooks") {
        return refuse(exchange, 404, "nothing is here; webhooks are below /v1/webhooks");
    }
    route(exchange, {segments->begin() + 2, segments->end()}, *query, *who);
}

void WebhookHandler::Core::route(const Shared& exchange, const std::vector<std::string>& path,
                                 const Query& query, const Principal& who) {
    const std::string& sent = exchange->request().method;
    const std::string_view method = sent == "HEAD" ? "GET" : std::string_view{sent};
    if (path.size() > 2 || (!path.empty() && !is_id(path[0]))) {
        return refuse(exchange, 404, "nothing is here");
    }
    const std::string id = path.empty() ? "" : path[0];
    const std::string below = path.empty() ? "" : path.size() == 1 ? "/{id}" : "/{id}/" + path[1];
    std::string allowed;
    for (const Entry& entry : entries) {
        if (entry.below != below) continue;
        if (entry.method == method) return entry.serve(*this, {exchange, id, query, who});
        allowed += (allowed.empty() ? "" : ", ") +
                   (entry.method == "GET" ? "GET, HEAD" : std::string{entry.method});
    }
    if (!allowed.empty()) return not_allowed(exchange, allowed);
    refuse(exchange, 404,
           "a webhook has attempts, secret, resend, recover, rotate, test, disable, enable, pause "
           "and resume");
}

WebhookHandler::WebhookHandler(Parts parts) : core_(std::make_shared<Core>(std::move(parts))) {}

WebhookHandler::~WebhookHandler() = default;

void WebhookHandler::handle_below(std::string_view prefix,
                                  const std::shared_ptr<Exchange>& exchange) {
    core_->handle(exchange, prefix);
}

std::vector<WebhookHandler::Route> WebhookHandler::routes() {
    std::vector<Route> all;
    for (const Entry& entry : entries) {
        all.push_back({std::string{entry.method}, "/v1/webhooks" + std::string{entry.below}});
    }
    return all;
}

}  // namespace weft::gateway::webhooks
