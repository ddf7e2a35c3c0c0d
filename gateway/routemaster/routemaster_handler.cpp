#include "gateway/routemaster/routemaster_handler.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/http/uri.hpp"
#include "gateway/routemaster/answers.hpp"
#include "gateway/routemaster/visit.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway::routemaster {
namespace {

enum class Needs : std::uint8_t { nobody, client, client_or_root, root };
using Action = std::function<void(const Visit&)>;

/// What one path takes.
struct Way {
    std::string method;
    Needs needs;
    Action action;
};
using Ways = std::vector<Way>;

void answer_health(const Visit& visit) {
    visit.answer(json_answer(200, "{}"));
}

void answer_ping(const Visit& visit) {
    const std::uint64_t now_ms = visit.service.parts.clock.utc_us() / 1000;
    visit.answer(json_answer(200, "{\"pong\":" + std::to_string(now_ms) + "}"));
}

Ways ways_of_one(const std::string& path) {
    if (path == "topics") return {{"GET", Needs::client_or_root, list_topics}};
    if (path == "subscription" || path == "subscriber") {
        return {{"POST", Needs::client, subscribe}, {"DELETE", Needs::client, unsubscribe}};
    }
    if (path == "subscriptions" || path == "subscribers") {
        return {{"GET", Needs::client_or_root, list_subscriptions}};
    }
    if (path == "api_tokens") {
        return {{"GET", Needs::root, list_tokens}, {"POST", Needs::root, add_token}};
    }
    if (path == "pulse") return {{"GET", Needs::client_or_root, pulse}};
    if (path == "health") return {{"GET", Needs::nobody, answer_health}};
    return {};
}

/// Those of section 1; none: there is no such path.
Ways ways_of(const std::vector<std::string>& path) {
    const auto with = [](auto* action, const std::string& name) -> Action {
        return [action, name](const Visit& visit) { action(visit, name); };
    };
    if (path.size() == 1) return ways_of_one(path[0]);
    if (path.size() == 2) {
        if (path[0] == "topics" || path[0] == "topic") {
            return {{"POST", Needs::client, with(publish, path[1])},
                    {"DELETE", Needs::client_or_root, with(delete_topic, path[1])}};
        }
        if ((path[0] == "subscription" || path[0] == "subscriber") && path[1] == "events") {
            return {{"GET", Needs::client, poll_events}};
        }
        if (path[0] == "api_tokens") {
            return {{"DELETE", Needs::root, with(delete_token, path[1])}};
        }
        if (path[0] == "pulse" && path[1] == "scaling") {
            return {{"GET", Needs::client_or_root, scaling}};
        }
        if (path[0] == "health" && (path[1] == "ping" || path[1] == "ping.json")) {
            return {{"GET", Needs::nobody, answer_ping}};
        }
    }
    if (path.size() == 3 && (path[0] == "subscriber" || path[0] == "subscription") &&
        path[1] == "topics") {
        return {{"DELETE", Needs::client, with(unsubscribe_topic, path[2])}};
    }
    return {};
}

/// The user of Basic (M20); nothing: no credentials were shown. "" is a token that nobody has.
std::optional<std::string> token_in(const Request& request) {
    const auto all = request.headers.all("Authorization");
    if (all.empty()) return std::nullopt;
    constexpr std::string_view scheme = "Basic ";
    const std::string_view header = trimmed(all.front());
    if (all.size() > 1 || header.size() <= scheme.size() ||
        !same_name(header.substr(0, scheme.size()), scheme)) {
        return std::string{};
    }
    const auto decoded = signing::from_base64(trimmed(header.substr(scheme.size())));
    const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos) return std::string{};
    return decoded->substr(0, colon);
}

/// Or the answer to give instead.
tl::expected<Client, Response> client_of(Service& service, const Request& request, Needs needs) {
    const auto no = [](Response response) { return tl::make_unexpected(std::move(response)); };
    const auto token = token_in(request);
    const auto known =
        service.access.who(token ? std::optional<std::string_view>{*token} : std::nullopt, request);
    if (!known && known.error().status == 429) {
        Response response = error(429, "too many attempts with unknown tokens; wait a minute");
        response.headers.set("Retry-After", "60");
        return no(std::move(response));
    }
    auto client = known ? service.clients.client(*token) : std::nullopt;
    if (!client) {
        return no(who_are_you("a known token is needed, as the user name of Basic authentication"));
    }
    if (needs == Needs::root && !client->is_root()) {
        return no(who_are_you("the root key is needed here"));
    }
    if (needs == Needs::client && client->is_root_key) {
        return no(who_are_you("the token of a client is needed here, not the root key"));
    }
    return *std::move(client);
}

std::optional<std::string_view> below(std::string_view path, std::string_view prefix) {
    if (!path.starts_with(prefix)) return std::nullopt;
    path.remove_prefix(prefix.size());
    if (!path.starts_with('/')) return std::nullopt;
    return path;
}

/// By itself, or up to a proxy that is believed (M25); the first value counts.
bool comes_by_https(const Settings& settings, const Request& request) {
    if (request.tls || !settings.require_https) return true;
    const std::string peer = client_address(request.peer, "", {});
    const auto& proxies = settings.trusted_proxies;
    const bool believed = std::any_of(proxies.begin(), proxies.end(), [&](const Network& network) {
        return network.contains(peer);
    });
    if (!believed) return false;
    const auto all = request.headers.all("X-Forwarded-Proto");
    if (all.empty()) return false;
    const std::string_view first = all.front();
    return same_name(trimmed(first.substr(0, first.find(','))), "https");
}

Response to_https(const Request& request) {
    const auto host = request.headers.find("Host");
    if (!host) return error(400, "only https is spoken here, to whom? Send a Host header");
    Response response = error(308, "only https is spoken here; ask the Location");
    response.headers.set("Location", "https://" + std::string{*host} + request.target);
    return response;
}

std::string methods_of(const Ways& ways) {
    std::string text;
    for (const Way& way : ways) text += (text.empty() ? "" : ", ") + way.method;
    return text;
}

}  // namespace

void RoutemasterHandler::handle(std::shared_ptr<Exchange> exchange) {
    const Request& request = exchange->request();
    if (!comes_by_https(service_.parts.settings, request)) {
        return exchange->answer(to_https(request));
    }
    const auto path = below(request.raw_path(), path_prefix_);
    const auto segments =
        path ? path_segments(*path) : tl::make_unexpected(std::string{"there is no such path"});
    if (!segments) return exchange->answer(error(path ? 400 : 404, segments.error()));
    const Ways ways = ways_of(*segments);
    if (ways.empty()) return exchange->answer(empty(404));
    const auto way = std::find_if(ways.begin(), ways.end(),
                                  [&](const Way& one) { return one.method == request.method; });
    if (way == ways.end()) return exchange->answer(wrong_method(methods_of(ways)));
    Visit visit{service_, exchange};
    if (way->needs == Needs::nobody) return way->action(visit);
    if (!service_.is_ready()) {
        service_.begin();
        if (!service_.is_ready()) {
            return exchange->answer(
                segments->front() == "pulse"
                    ? error(500, "the event store does not answer")
                    : away("the event store does not answer yet; try again later"));
        }
    }
    auto client = client_of(service_, request, way->needs);
    if (!client) return exchange->answer(std::move(client.error()));
    if (request.body.size() > Settings::body_bytes_max) {
        return exchange->answer(
            error(413, "the body has " + std::to_string(request.body.size()) + " bytes; at most " +
                           std::to_string(Settings::body_bytes_max) + " are allowed"));
    }
    visit.client = *std::move(client);
    way->action(visit);
}

}  // namespace weft::gateway::routemaster
