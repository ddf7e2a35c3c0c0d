#include "gateway/rse/rse_handler.hpp"

#include <algorithm>
#include <utility>

#include "gateway/rse/batch.hpp"
#include "gateway/rse/core.hpp"
#include "gateway/rse/event.hpp"
#include "gateway/rse/event_stream.hpp"
#include "gateway/rse/health.hpp"
#include "gateway/rse/json_check.hpp"
#include "gateway/rse/poll.hpp"

namespace weft::gateway::rse {
namespace {

using SharedCore = std::shared_ptr<RseHandler::Core>;
using SharedExchange = std::shared_ptr<Exchange>;

/// One request on its way to a poll or a publish; every step may end it with an error.
struct Route {
    SharedCore core;
    SharedExchange exchange;
    const Request& request;
    Principal who{};

    void answer(Response response) const { core->answer(*exchange, std::move(response)); }
    void refuse(unsigned status, std::string_view message) const { answer(error(status, message)); }
};

bool comes_by_https(const Settings& settings, const Request& request) {
    if (request.tls || !settings.require_https) return true;
    return settings.trust_forwarded_proto && request.headers.find("X-Forwarded-Proto") == "https";
}

std::string allowed_methods(const Settings& settings) {
    return settings.cors_origins.empty() ? "GET, HEAD, POST" : "GET, HEAD, POST, OPTIONS";
}

Response posted(const std::string& callback, std::optional<reliability::JournalId> id) {
    Response response;
    response.status = 201;
    if (!callback.empty()) response = script(callback, "{}");
    if (id) response.headers.set("X-RSE-Event-Id", std::to_string(*id));
    return response;
}

/// What the client's Idempotency-Key is called here; "": it has none. The error is a sentence.
tl::expected<std::string, std::string> key_of(const Route& route, const Client& client) {
    const auto key = route.request.headers.find("Idempotency-Key");
    if (!key) return std::string{};
    if (key->empty() || key->size() > PostedKeys::key_bytes_max) {
        return tl::make_unexpected("Invalid header: Idempotency-Key; it has 1 to " +
                                   std::to_string(PostedKeys::key_bytes_max) + " bytes");
    }
    return route.who.name + '\n' + client.uuid + '\n' + std::string{*key};
}

/// True: this post has been answered, because its key was used before.
bool is_answered_by_key(const Route& route, const std::string& key, const PublishRequest& event,
                        const std::string& callback) {
    if (key.empty()) return false;
    const std::size_t fingerprint = std::hash<std::string>{}(event.topic + '\n' + event.body);
    const auto begin = route.core->posted.begin(key, fingerprint, route.core->clock.steady());
    switch (begin.begun) {
        case PostedKeys::Begun::first:
            return false;
        case PostedKeys::Begun::repeated:
            route.answer(posted(callback, begin.id));
            return true;
        case PostedKeys::Begun::under_way: {
            Response response = error(409, "The post with this Idempotency-Key is under way");
            response.headers.set("Retry-After", "1");
            route.answer(std::move(response));
            return true;
        }
        case PostedKeys::Begun::other:
            route.refuse(422, "This Idempotency-Key was used for another post: take a new one");
            return true;
    }
    return false;
}

void publish(const Route& route, const Channel& channel, const Client& client,
             const std::string& callback, std::string body) {
    const Settings& settings = route.core->settings;
    if (body.size() > settings.body_bytes_max) {
        return route.refuse(413, "The event has " + std::to_string(body.size()) +
                                     " bytes; at most " + std::to_string(settings.body_bytes_max) +
                                     " are allowed");
    }
    const auto root = check_json(body, settings.json_depth_max);
    if (!root) return route.refuse(400, "Invalid JSON: " + root.error());
    if (*root == JsonRoot::scalar) {
        return route.refuse(400, "Invalid JSON: an event is an object or an array");
    }
    PublishRequest event = event_of(channel, route.core->topics, client, std::move(body));
    if (const std::string& trace = route.request.traceparent; !trace.empty()) {
        event.headers.emplace_back("traceparent", trace);
    }
    if (!route.who.may_publish(event.topic)) {
        return route.refuse(403, "This token may not post to this channel");
    }
    const auto key = key_of(route, client);
    if (!key) return route.refuse(400, key.error());
    if (is_answered_by_key(route, *key, event, callback)) return;
    route.core->bridge.publish(
        route.who, std::move(event),
        [core = route.core, exchange = route.exchange, callback, key = *key](const auto& result) {
            std::optional<reliability::JournalId> id;
            if (result && result->journal_id) id = core->ids->id_of(*result->journal_id);
            if (!key.empty()) core->posted.end(key, id);
            core->answer(*exchange, result ? posted(callback, id) : failed(result.error()));
        });
}

bool wants_stream(const Route& route) {
    if (route.core->timers == nullptr || route.request.method != "GET") return false;
    for (std::string_view list : route.request.headers.all("Accept")) {
        while (!list.empty()) {
            const std::size_t comma = std::min(list.find(','), list.size());
            if (is_media_type(list.substr(0, comma), "text/event-stream")) return true;
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
    }
    return false;
}

void stream(const Route& route, const Query& query, Channel channel, Client client) {
    const Headers& headers = route.request.headers;
    const auto parameters =
        stream_parameters(query, headers.find("Last-Event-ID"), route.core->settings);
    if (!parameters) return route.refuse(400, parameters.error());
    std::optional<std::string> token;
    if (const auto shown = headers.find("X-Auth-Token"); shown && !shown->empty()) token = *shown;
    begin_stream(route.core, route.exchange,
                 {std::move(channel), *parameters, std::move(client), route.who},
                 route.core->access.still(std::move(token), route.who));
}

void get(const Route& route, const Query& query, std::string callback, Channel channel,
         Client client) {
    const Settings& settings = route.core->settings;
    if (!callback.empty() && !settings.jsonp_is_on()) {
        return route.refuse(403, "JSONP is off: leave out callback");
    }
    if (route.request.method == "GET" && query.find("method") == "POST") {
        const auto data = query.find("post-data");
        if (!data) return route.refuse(400, "Missing query parameter: post-data");
        return publish(route, channel, client, callback, std::string{*data});
    }
    if (wants_stream(route)) {
        if (!callback.empty()) return route.refuse(400, "A stream has no callback: leave it out");
        return stream(route, query, std::move(channel), std::move(client));
    }
    const auto parameters = poll_parameters(query, settings);
    if (!parameters) return route.refuse(400, parameters.error());
    Poll::Question question{{std::move(channel), *parameters, std::move(client), route.who},
                            std::move(callback)};
    std::make_shared<Poll>(route.core, route.exchange, std::move(question))->start();
}

void channel_request(const Route& route, std::string_view path, bool is_all) {
    const Request& request = route.request;
    const Settings& settings = route.core->settings;
    const auto query = Query::parse(request.raw_query().value_or(""));
    if (!query) return route.refuse(400, "Invalid query: " + query.error());
    const bool posts = request.method == "POST";
    if (settings.test_mode && !posts && is_all) {
        if (!request.loopback) return route.refuse(403, "/all is for clients on this host");
        const auto newest = newest_first(*query);
        if (!newest) return route.refuse(400, newest.error());
        return answer_all(route.core, route.exchange, route.who, *newest);
    }
    auto channel = Channel::parse(path, settings.extra_characters);
    if (!channel) return route.refuse(400, channel.error());
    auto client = client_of(request.headers, settings.test_mode);
    if (!client) return route.refuse(400, client.error());
    auto callback = callback_of(*query);
    if (!callback) return route.refuse(400, callback.error());
    if (!posts) {
        return get(route, *query, *std::move(callback), *std::move(channel), *std::move(client));
    }
    if (is_media_type(request.headers.find("Content-Type").value_or(""), batch_type)) {
        const auto key = key_of(route, *client);
        if (!key) return route.refuse(400, key.error());
        return post_batch({route.core, route.exchange, route.who, *channel, *client, *key});
    }
    if (!settings.jsonp_is_on()) callback->clear();
    publish(route, *channel, *client, *callback, request.body);
}

/// The path below the prefix, or nothing.
std::optional<std::string_view> below(std::string_view path, std::string_view prefix) {
    if (!path.starts_with(prefix)) return std::nullopt;
    path.remove_prefix(prefix.size());
    if (!path.starts_with('/')) return std::nullopt;
    return path;
}

void route_request(Route& route) {
    const Request& request = route.request;
    const Settings& settings = route.core->settings;
    const auto path = below(request.raw_path(), settings.path_prefix);
    const auto decoded = path ? percent_decode(*path) : tl::make_unexpected(std::string{});
    if (decoded == "/health") return answer_health(route.core, route.exchange);
    if (!comes_by_https(settings, request)) {
        return route.refuse(403, "HTTPS is required: use https://");
    }
    if (request.method == "OPTIONS" && !settings.cors_origins.empty()) {
        Response response;
        response.status = 204;
        response.headers.set("Allow", allowed_methods(settings));
        return route.answer(std::move(response));
    }
    auto who = route.core->who(request);
    if (!who) return route.answer(std::move(who.error()));
    request.note_caller(who->name);
    route.who = *std::move(who);
    if (!path || *path == "/") {
        return route.refuse(404, "URI not found: " + std::string{request.raw_path()});
    }
    if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
        return route.answer(wrong_method(request.method, allowed_methods(settings)));
    }
    if (decoded && decoded->starts_with("/health/")) {
        return route.refuse(404, "URI not found: " + std::string{request.raw_path()} +
                                     "; /health and what is below it are no channels");
    }
    channel_request(route, *path, decoded == "/all");
}

void add_cors(const Settings& settings, const Request& request, Response& response) {
    const auto origin = request.headers.find("Origin");
    if (settings.cors_origins.empty()) return;
    response.headers.add("Vary", "Origin");
    const auto& origins = settings.cors_origins;
    if (!origin || std::none_of(origins.begin(), origins.end(), [&](const std::string& allowed) {
            return allowed == "*" || allowed == *origin;
        })) {
        return;
    }
    response.headers.set("Access-Control-Allow-Origin", std::string{*origin});
    response.headers.set("Access-Control-Expose-Headers",
                         "X-RSE-Event-Id, X-RSE-Last-Id, X-RSE-Expired-Through, "
                         "X-RSE-Poll-After, ETag, Retry-After");
    if (request.method != "OPTIONS") return;
    response.headers.set("Access-Control-Allow-Methods", "GET, HEAD, POST");
    response.headers.set("Access-Control-Allow-Headers",
                         "X-Auth-Token, X-RSE-Client, X-RSE-Version, Content-Type, "
                         "Idempotency-Key, If-None-Match, Last-Event-ID");
    response.headers.set("Access-Control-Max-Age", "600");
}

}  // namespace

std::uint64_t RseHandler::Core::oldest_us() const {
    const auto ttl = std::chrono::duration_cast<std::chrono::microseconds>(settings.ttl).count();
    const std::uint64_t now_us = clock.utc_us();
    const auto ttl_us = static_cast<std::uint64_t>(ttl);
    // 0 would mean that nothing is hidden.
    return now_us > ttl_us ? now_us - ttl_us : 1;
}

tl::expected<Principal, Response> RseHandler::Core::who(const Request& request) {
    const auto tokens = request.headers.all("X-Auth-Token");
    if (tokens.size() > 1) return tl::make_unexpected(unknown_token());
    std::optional<std::string_view> token;
    if (!tokens.empty() && !tokens.front().empty()) token = tokens.front();
    auto found = access.who(token, request);
    if (found) return found;
    if (found.error().status == 401) return tl::make_unexpected(unknown_token());
    Response response = error(429, "Too many unknown tokens from this address: wait a minute");
    response.headers.set("Retry-After", "60");
    return tl::make_unexpected(std::move(response));
}

void RseHandler::Core::complete(const Request& request, Response& response) const {
    response.headers.set("Cache-Control", "no-store");
    add_cors(settings, request, response);
}

void RseHandler::Core::answer(Exchange& exchange, Response response) const {
    complete(exchange.request(), response);
    exchange.answer(std::move(response));
}

RseHandler::RseHandler(Settings settings, FabricBridge& bridge, Authenticator& authenticator,
                       const fabric::Clock& clock, std::shared_ptr<IdLine> ids, Timers* timers)
    : core_(std::make_shared<Core>(std::move(settings), bridge, authenticator, clock,
                                   std::move(ids), timers)) {}

RseHandler::~RseHandler() {
    stop();
}

void RseHandler::handle(std::shared_ptr<Exchange> exchange) {
    const Request& request = exchange->request();
    Route route{core_, std::move(exchange), request};
    route_request(route);
}

void RseHandler::stop() {
    std::vector<std::shared_ptr<Poll>> polls;
    std::map<const EventStream*, std::shared_ptr<EventStream>> streams;
    {
        const std::scoped_lock lock(core_->mutex);
        core_->stopping = true;
        streams.swap(core_->streams);
        for (const auto& [key, poll] : core_->waiting) {
            if (auto kept = poll.lock()) polls.push_back(std::move(kept));
        }
    }
    for (const auto& poll : polls) poll->give_up();
    for (const auto& [key, stream] : streams) stream->end("the gateway stops; come back");
}

}  // namespace weft::gateway::rse
