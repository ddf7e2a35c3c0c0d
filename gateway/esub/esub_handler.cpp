#include "gateway/esub/esub_handler.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/esub/answers.hpp"
#include "gateway/esub/prep_session.hpp"
#include "gateway/http/websocket_request.hpp"

namespace weft::gateway::esub {
namespace {

constexpr const char* exposition_type = "text/plain; version=0.0.4; charset=utf-8";

std::string json_list(const std::vector<std::string>& keys) {
    std::string list = "[";
    for (const std::string& key : keys) {
        if (list.size() > 1) list += ',';
        list += fabric::json_string(key);
    }
    return list + "]";
}

}  // namespace

/// What a target asks for; `problem` is what is answered instead, 0: nothing.
struct EsubHandler::Asked {
    Target target{};
    unsigned problem = 0;
    std::string moved{};
};

EsubHandler::EsubHandler(std::shared_ptr<House> house, std::string prefix)
    : house_(std::move(house)), prefix_(std::move(prefix)) {}

Response EsubHandler::text(unsigned status, std::string_view text) const {
    return text_answer(house_->settings, status, text);
}

void EsubHandler::count(const Target& target, bool success, fabric::Instant since) const {
    house_->metrics_.observe(
        {target.route, success, target.has_token, house_->clock.steady() - since});
}

EsubHandler::Asked EsubHandler::read(const Request& request) const {
    const std::string_view query = request.raw_query().value_or("");
    auto found = read_target(request.raw_path().substr(prefix_.size()), query);
    Asked asked;
    if (auto* target = std::get_if<Target>(&found)) {
        asked.target = std::move(*target);
        const std::size_t most = house_->settings.key_bytes_max;
        if (request.method != method_of(asked.target.route)) {
            asked.problem = 405;
        } else if (asked.target.key.size() > most || asked.target.token.size() > most) {
            asked.problem = 414;
        }
    } else if (const auto* moved = std::get_if<Moved>(&found)) {
        asked.problem = request.method == "GET" ? 301 : 307;
        asked.moved = prefix_ + moved->path;
        if (request.raw_query()) asked.moved += "?" + std::string{query};
    } else {
        asked.problem = std::holds_alternative<Malformed>(found) ? 400 : 404;
    }
    return asked;
}

Response EsubHandler::problem_of(const Asked& asked, const Request& request) const {
    switch (asked.problem) {
        case 405: {
            Response response = text(405, "Method Not Allowed");
            response.headers.add("Allow", std::string{method_of(asked.target.route)});
            return response;
        }
        case 414:
            return text(414, "key and token may have " +
                                 std::to_string(house_->settings.key_bytes_max) + " bytes each");
        case 400:
            return text(400, "the path has an escape that is none; write two hex digits after %");
        case 404:
            return text(404, "404 page not found");
        default: {
            Response response = text(asked.problem, request.method == "GET" ? "Moved Permanently"
                                                                            : "Temporary Redirect");
            response.headers.add("Location", asked.moved);
            return response;
        }
    }
}

void EsubHandler::handle(std::shared_ptr<Exchange> exchange) {
    const Asked asked = read(exchange->request());
    if (asked.problem != 0) return exchange->answer(problem_of(asked, exchange->request()));
    serve(std::move(exchange), asked.target);
}

void EsubHandler::serve(std::shared_ptr<Exchange> exchange, const Target& target) {
    const fabric::Instant since = house_->clock.steady();
    switch (target.route) {
        case Route::sub:
        case Route::psub:
            return wait(std::move(exchange), target);
        case Route::rep:
            return rep(std::move(exchange), target);
        case Route::ping:
            return exchange->answer(text(200, "OK"));
        case Route::info: {
            Response response =
                Response::of(200, "application/json",
                             "{\"name\":" + fabric::json_string(house_->settings.name) +
                                 ",\"ip\":" + fabric::json_string(house_->settings.node_ip) + "}");
            response.close = house_->settings.close_connections;
            exchange->answer(std::move(response));
            return count(target, true, since);
        }
        case Route::keys: {
            const auto keys = house_->keys();
            Response response;
            response.status = 204;
            if (!keys.empty()) response = Response::of(200, "application/json", json_list(keys));
            response.close = house_->settings.close_connections;
            exchange->answer(std::move(response));
            return count(target, true, since);
        }
        case Route::metrics: {
            Response response = Response::of(200, exposition_type, house_->figures().text());
            response.close = house_->settings.close_connections;
            return exchange->answer(std::move(response));
        }
        case Route::prep:
            return prep(std::move(exchange), target);
    }
}

void EsubHandler::wait(std::shared_ptr<Exchange> exchange, const Target& target) {
    PeerPlaces::Place place;
    if (!house_->take_place(exchange->request(), place)) {
        exchange->answer(text(429, "you have " +
                                       std::to_string(house_->settings.waiters_per_client) +
                                       " subs and psubs open, which is all you may have"));
        return count(target, false, house_->clock.steady());
    }
    if (target.route == Route::sub) {
        return house_->subs_->open(std::move(exchange), target, std::move(place));
    }
    house_->psubs_->open(std::move(exchange), target, std::move(place));
}

void EsubHandler::prep(std::shared_ptr<Exchange> exchange, const Target& target) {
    const fabric::Instant since = house_->clock.steady();
    if (const auto refusal = refuse_websocket(exchange->request())) {
        exchange->answer(
            text(refusal->status == 403 ? 403 : 400, "Bad Request: " + refusal->sentence));
        return count(target, false, since);
    }
    ++house_->metrics_.preps;
    const auto session = std::make_shared<PrepSession>(
        house_->settings.confirm,
        [house = house_](const Rep& rep, std::string body, OnVerdict done) {
            house->deliver(rep, std::move(body), std::move(done));
        },
        [house = house_, has_token = target.has_token, since](bool was_open) {
            --house->metrics_.preps;
            house->metrics_.observe(
                {Route::prep, was_open, has_token, house->clock.steady() - since});
        });
    (void)exchange->upgrade(session->hooks());
}

void EsubHandler::rep(std::shared_ptr<Exchange> exchange, const Target& target) {
    const Exchange& asking = *exchange;
    house_->deliver({target.key, target.token, target.psub}, asking.request().body,
                    [house = house_, exchange = std::move(exchange), has_token = target.has_token,
                     since = house_->clock.steady()](Told told) {
                        const Words words = words_of(told);
                        const bool is_good = told.verdict == Verdict::delivered;
                        Response response =
                            text_answer(house->settings, words.status, is_good ? "OK" : words.text);
                        if (told.stored != 0) {
                            response.headers.add("Esub-Stored", std::to_string(told.stored));
                        }
                        exchange->answer(std::move(response));
                        house->metrics_.observe(
                            {Route::rep, is_good, has_token, house->clock.steady() - since});
                    });
}

std::optional<Response> EsubHandler::refuse_early(const Request& head) {
    const Asked asked = read(head);
    if (asked.problem != 0) return problem_of(asked, head);
    const Target& target = asked.target;
    if (target.route != Route::rep) return std::nullopt;
    const Verdict verdict = house_->look({target.key, target.token, target.psub});
    if (verdict == Verdict::delivered) return std::nullopt;
    count(target, false, house_->clock.steady());
    const Words words = words_of(verdict);
    return text(words.status, words.text);
}

std::optional<Response> EsubHandler::on_body_cut_short(const Request& head) {
    const Asked asked = read(head);
    if (asked.problem != 0 || asked.target.route != Route::rep) return std::nullopt;
    count(asked.target, false, house_->clock.steady());
    return text(500, "Failed to read body: unexpected EOF");
}

}  // namespace weft::gateway::esub
