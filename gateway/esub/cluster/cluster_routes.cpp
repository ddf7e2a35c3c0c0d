#include "gateway/esub/cluster/cluster_routes.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/esub/answers.hpp"
#include "gateway/esub/cluster/token_hash.hpp"

namespace weft::gateway::esub {
namespace {

using fabric::Value;

std::optional<Target> target_of(std::string_view path, const Request& request) {
    auto read = read_target(path, request.raw_query().value_or(""));
    if (auto* target = std::get_if<Target>(&read)) return std::move(*target);
    return std::nullopt;
}

Response json(const std::string& text) {
    return Response::of(200, "application/json", text);
}

std::string json_of(const std::vector<std::string>& keys) {
    std::string list = "[";
    for (const std::string& key : keys) {
        list += (list.size() > 1 ? "," : "") + fabric::json_string(key);
    }
    return list + "]";
}

/// RFC 3339 with milliseconds.
std::string time_of(std::uint64_t time_us) {
    return fabric::rfc3339(time_us).substr(0, 23) + "Z";
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 255;
}

/// What an outsider posts, in our words.
std::optional<Announcement> outsider_announcement(const Value& posted) {
    Announcement said;
    const std::int64_t epoch = posted["epoch"].integer_or(0), seq = posted["seq"].integer_or(-1);
    if (epoch < 0 || seq < 0) return std::nullopt;
    said.epoch = static_cast<std::uint64_t>(epoch);
    said.seq = static_cast<std::uint64_t>(seq);
    if (const Value::List* open = posted["open"].list()) {
        if (open->size() > announced_max) return std::nullopt;
        for (const Value& one : *open) {
            OpenKey key;
            key.key = one["key"].text_or("");
            key.kind = one["kind"].text_or("sub") == "psub" ? Kind::psub : Kind::sub;
            key.shared = one["shared"].flag() != nullptr && *one["shared"].flag();
            const std::int64_t sid = one["sid"].integer_or(-1);
            if (key.key.empty() || key.key.size() > 4096 || sid < 0) return std::nullopt;
            key.sid = static_cast<std::uint64_t>(sid);
            said.open.push_back(std::move(key));
        }
    }
    if (const Value::List* done = posted["done"].list()) {
        if (done->size() > announced_max) return std::nullopt;
        for (const Value& sid : *done) {
            said.done.push_back(static_cast<std::uint64_t>(sid.integer_or(0)));
        }
    }
    const bool is_full = posted["full"].flag() != nullptr && *posted["full"].flag();
    const bool is_empty = said.open.empty() && said.done.empty() && said.seq == 0;
    said.type = is_full    ? Announcement::Type::full
                : is_empty ? Announcement::Type::beat
                           : Announcement::Type::delta;
    return said;
}

}  // namespace

ClusterRoutes::ClusterRoutes(std::shared_ptr<House> house, FabricElsewhere& elsewhere,
                             std::string prefix)
    : house_(std::move(house)),
      elsewhere_(elsewhere),
      prefix_(std::move(prefix)),
      alone_(std::make_shared<EsubHandler>(house_, prefix_)) {}

Response ClusterRoutes::text(unsigned status, std::string_view text) const {
    return text_answer(house_->settings, status, text);
}

std::string_view ClusterRoutes::path_of(const Request& request) const {
    return request.raw_path().substr(prefix_.size());
}

void ClusterRoutes::handle(std::shared_ptr<Exchange> exchange) {
    const Request& request = exchange->request();
    if (serve_cluster(exchange) || serve_rsub(exchange)) return;
    if (auto answer = head(request)) return exchange->answer(std::move(*answer));
    if (auto answer = redirect_of(request)) return exchange->answer(std::move(*answer));
    if (claim(exchange)) return;
    alone_->handle(std::move(exchange));
}

std::optional<Response> ClusterRoutes::refuse_early(const Request& head) {
    const std::string_view path = path_of(head);
    for (const char* ours : {"/members", "/join", "/announce", "/rsub/"}) {
        if (path.starts_with(ours)) return std::nullopt;
    }
    if (head.method == "HEAD") return std::nullopt;
    if (auto answer = redirect_of(head)) return answer;
    return alone_->refuse_early(head);
}

bool ClusterRoutes::serve_cluster(const std::shared_ptr<Exchange>& exchange) {
    const Request& request = exchange->request();
    const std::string_view path = path_of(request);
    const ClusterSettings& settings = elsewhere_.settings();
    if (path == "/keys" && request.method == "GET" && settings.clustered()) {
        exchange->answer(keys_answer());
        return true;
    }
    const bool is_announce = path == "/announce";
    if (path != "/members" && path != "/join" && !is_announce) return false;
    if (!settings.clustered()) {
        exchange->answer(text(404, "404 page not found"));
        return true;
    }
    if (request.method != "POST" && (is_announce || request.method != "GET")) {
        Response refused = text(405, "Method Not Allowed");
        refused.headers.add("Allow", is_announce ? "POST" : "GET, POST");
        exchange->answer(std::move(refused));
        return true;
    }
    const auto query = Query::parse(request.raw_query().value_or(""));
    if (!query) {
        exchange->answer(text(400, query.error()));
        return true;
    }
    constexpr std::string_view bearer = "Bearer ";
    std::string_view token = query->find("token").value_or("");
    const std::string_view said = request.headers.find("Authorization").value_or("");
    if (said.starts_with(bearer)) token = said.substr(bearer.size());
    // Hashes, so that the time tells nothing about the length either.
    if (!same_hash(token_hash("cluster", token), token_hash("cluster", settings.cluster_token))) {
        exchange->answer(text(403, "Invalid token"));
    } else if (is_announce) {
        exchange->answer(announce(request));
    } else {
        exchange->answer(path == "/join" ? join(*query) : members_answer());
    }
    return true;
}

Response ClusterRoutes::members_answer() const {
    std::string members;
    for (const Directory::Member& member : elsewhere_.membership().members()) {
        members +=
            std::string{members.empty() ? "" : ","} +
            "{\"name\":" + fabric::json_string(member.name) +
            ",\"addr\":" + fabric::json_string(host_port_of(member.address)) +
            ",\"alive\":" + (member.alive ? "true" : "false") + ",\"last_seen\":" +
            (member.last_seen_us == 0 ? "null" : "\"" + time_of(member.last_seen_us) + "\"") +
            ",\"keys\":" + std::to_string(member.keys) + "}";
    }
    return json("{\"self\":" + fabric::json_string(elsewhere_.membership().name()) +
                ",\"members\":[" + members + "]}");
}

Response ClusterRoutes::join(const Query& query) const {
    const auto node = query.find("node"), address = query.find("addr");
    if (!node || !is_name(*node) || !address || !is_address(*address)) {
        return text(400, "node=NAME and addr=HOST:PORT are needed");
    }
    if (!elsewhere_.membership().join(std::string{*node}, std::string{*address})) {
        return text(409, "The node is alive under another address");
    }
    return members_answer();
}

Response ClusterRoutes::announce(const Request& request) const {
    const auto posted = fabric::from_json(request.body);
    if (!posted) return text(400, "one JSON object is needed: " + posted.error());
    const std::string node = (*posted)["node"].text_or("");
    const auto said = outsider_announcement(*posted);
    if (!is_name(node) || !said) {
        return text(400, "node, epoch, seq, open of {key, kind, shared, sid} and done are needed");
    }
    const auto heard = elsewhere_.membership().hear_outsider(node, *said);
    if (!heard) return text(409, "The node announces itself on the fabric");
    if (heard->applied) return json("{\"seq\":" + std::to_string(said->seq) + "}");
    return Response::of(409, "application/json",
                        "{\"expected\":" + std::to_string(heard->expected) + "}");
}

Response ClusterRoutes::keys_answer() const {
    Response none;
    none.status = 204;
    if (!elsewhere_.settings().clustered()) {
        const auto keys = house_->keys();
        return keys.empty() ? none : json(json_of(keys));
    }
    std::string nodes;
    Membership& membership = elsewhere_.membership();
    for (const Directory::Member& member : membership.members()) {
        const auto keys = membership.keys_of(member.name);
        if (!member.alive || keys.empty()) continue;
        nodes +=
            (nodes.empty() ? "" : ",") + fabric::json_string(member.name) + ":" + json_of(keys);
    }
    return nodes.empty() ? none : json("{" + nodes + "}");
}

std::optional<Response> ClusterRoutes::head(const Request& request) const {
    if (request.method != "HEAD") return std::nullopt;
    const auto target = target_of(path_of(request), request);
    if (!target) return std::nullopt;
    switch (target->route) {
        case Route::ping:
            return text(200, "OK");
        case Route::info:
            return json("{\"name\":" + fabric::json_string(house_->settings.name) +
                        ",\"ip\":" + fabric::json_string(house_->settings.node_ip) + "}");
        case Route::keys:
            return keys_answer();
        case Route::sub:
        case Route::psub:
        case Route::rep:
            return where_is(*target);
        case Route::prep:
        case Route::metrics:
            break;
    }
    return std::nullopt;
}

Response ClusterRoutes::where_is(const Target& target) const {
    Membership& membership = elsewhere_.membership();
    std::array<Kind, 2> kinds{Kind::sub, Kind::psub};
    if (target.route == Route::sub) kinds = {Kind::sub, Kind::sub};
    if (target.route == Route::psub || target.psub) kinds = {Kind::psub, Kind::psub};
    const std::string ours = token_hash(target.key, target.token);
    for (const Kind kind : kinds) {
        std::string hash, address;
        if (const auto held = membership.held_here(kind, target.key)) {
            hash = token_hash(target.key, held->token);
            address = membership.address();
        } else if (const auto owner = membership.find(kind, target.key)) {
            hash = owner->key.token_hash;
            address = owner->address;
        } else {
            continue;
        }
        if (!same_hash(hash, ours)) return text(403, "Invalid token");
        Response found = text(200, "OK");
        if (address.empty()) return found;
        found.headers.add("Location", "http://" + address + "/" +
                                          std::string{name_of(target.route)} + "/" +
                                          percent_encode(target.key));
        return found;
    }
    return text(404, "Unknown key");
}

std::optional<Response> ClusterRoutes::redirect_of(const Request& request) const {
    if (!elsewhere_.settings().redirect || request.method != "POST") return std::nullopt;
    const auto target = target_of(path_of(request), request);
    if (!target || target->route != Route::rep) return std::nullopt;
    Membership& membership = elsewhere_.membership();
    if (!target->psub && membership.held_here(Kind::sub, target->key)) return std::nullopt;
    if (membership.held_here(Kind::psub, target->key)) return std::nullopt;
    const auto owner = membership.find(target->key, target->psub);
    if (!owner || owner->address.empty()) return std::nullopt;
    Response answer = text(307, "Temporary Redirect");
    std::string location = "http://" + owner->address + "/rep/" + percent_encode(target->key);
    if (request.raw_query()) location += "?" + std::string{*request.raw_query()};
    answer.headers.add("Location", std::move(location));
    return answer;
}

bool ClusterRoutes::claim(const std::shared_ptr<Exchange>& exchange) {
    const Request& request = exchange->request();
    if (!elsewhere_.settings().clustered() || request.method != "GET") return false;
    const auto target = target_of(path_of(request), request);
    if (!target || (target->route != Route::sub && target->route != Route::psub)) return false;
    const bool is_sub = target->route == Route::sub;
    if (!is_sub && !request.headers.find("Upgrade")) return false;
    const Kind kind = is_sub ? Kind::sub : Kind::psub;
    // Whoever may not wait takes nothing away from others.
    if (!house_->has_room_for(request)) return false;
    Membership& membership = elsewhere_.membership();
    if (membership.held_here(kind, target->key)) return false;
    const auto owner = membership.find(kind, target->key);
    if (!owner) return false;
    if (!is_sub && owner->key.shared != target->shared) {
        exchange->answer(text(403, "psub already exists, shared mismatch"));
        return true;
    }
    if (target->shared && !is_sub) {
        const std::string& held = owner->key.token_hash;
        if (held.empty() || same_hash(held, token_hash(target->key, target->token))) return false;
        exchange->answer(text(403, "psub already exists, token mismatch"));
        return true;
    }
    elsewhere_.forwarder().claim(
        kind, *owner, target->token,
        [alone = alone_, house = house_, exchange, is_sub](Verdict verdict) {
            if (verdict != Verdict::wrong_token) return alone->handle(exchange);
            exchange->answer(text_answer(house->settings, 403,
                                         is_sub ? "Sub already exists, token mismatch"
                                                : "psub already exists, token mismatch"));
        });
    return true;
}

}  // namespace weft::gateway::esub
