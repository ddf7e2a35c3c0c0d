// The description of the API against the API: every route is in it, and every answer is as it says.

#include "gateway/native/openapi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "gateway/auth/authenticator.hpp"
#include "gateway/metrics/metrics_handler.hpp"
#include "gateway/native/native_handler.hpp"
#include "gateway/rse/rse_handler.hpp"
#include "gateway/webhooks/webhook_handler.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/json_schema.hpp"
#include "tests/support/recording_engine.hpp"
#include "tests/support/same_thread_room.hpp"
#include "tests/support/streaming_exchange.hpp"

namespace weft::gateway::native {
namespace {

using nlohmann::json;
using support::JsonSchema;
using support::StreamingExchange;
using ::testing::IsEmpty;

const json& document() {
    static const json parsed = json::parse(openapi_document());
    return parsed;
}

/// Calls `each(path, method, operation)`.
template <class Each>
void for_each_operation(Each each) {
    for (const auto& [path, item] : document()["paths"].items()) {
        for (const char* method : {"get", "post", "put", "patch", "delete"}) {
            if (item.contains(method)) each(path, std::string{method}, item[method]);
        }
    }
}

void for_each_schema(const json& part, const std::function<void(const json&)>& each) {
    if (part.is_array()) {
        for (const auto& one : part) for_each_schema(one, each);
    }
    if (!part.is_object()) return;
    for (const auto& [name, member] : part.items()) {
        if (name == "schema" || name == "items") each(member);
        if (name == "schemas" || name == "properties") {
            for (const auto& one : member) each(one);
        }
        for_each_schema(member, each);
    }
}

TEST(OpenApi, IsADocumentOfItsVersion) {
    EXPECT_EQ(document()["openapi"], "3.1.0");
    EXPECT_TRUE(document()["info"]["title"].is_string());
    EXPECT_TRUE(document()["info"]["version"].is_string());
    std::set<std::string> tags, ids;
    for (const auto& tag : document()["tags"]) tags.insert(tag["name"]);
    for (const auto& [path, item] : document()["paths"].items()) {
        EXPECT_EQ(path.front(), '/');
        for (const auto& [name, unused] : item.items()) {
            EXPECT_TRUE(
                (std::set<std::string>{"get", "post", "put", "patch", "delete", "servers"}.contains(
                    name)))
                << path << " " << name;
        }
    }
    for_each_operation([&](const std::string& path, const std::string& method, const json& one) {
        const std::string where = method + " " + path;
        EXPECT_TRUE(ids.insert(one.at("operationId")).second) << where;
        EXPECT_TRUE(one.at("summary").is_string()) << where;
        for (const auto& tag : one.at("tags")) EXPECT_TRUE(tags.contains(tag)) << where;
        EXPECT_FALSE(one.at("responses").empty()) << where;
        const bool has_body = method == "post" || method == "put" || method == "patch";
        EXPECT_TRUE(has_body || !one.contains("requestBody")) << where;
    });
}

TEST(OpenApi, EveryParameterOfAPathIsDescribedAndNoOther) {
    const JsonSchema schema(document());
    for_each_operation([&](const std::string& path, const std::string& method, const json& one) {
        std::set<std::string> named, described;
        const std::regex open("\\{([a-z]+)\\}");
        for (std::sregex_iterator at(path.begin(), path.end(), open), end; at != end; ++at) {
            named.insert((*at)[1]);
        }
        std::set<std::string> once;
        for (const auto& entry : one.value("parameters", json::array())) {
            const json& parameter = schema.resolved(entry);
            const std::string in = parameter.at("in"), name = parameter.at("name");
            EXPECT_TRUE(once.insert(in + " " + name).second) << method << " " << path << name;
            EXPECT_TRUE(parameter.contains("schema"));
            EXPECT_TRUE(parameter.contains("description"));
            if (in == "path") {
                EXPECT_EQ(parameter.value("required", false), true);
                described.insert(name);
            } else {
                EXPECT_TRUE(in == "query" || in == "header") << in;
            }
        }
        EXPECT_EQ(named, described) << method << " " << path;
    });
}

TEST(OpenApi, EveryReferenceLeadsSomewhereAndEveryPartIsUsed) {
    const std::string text{openapi_document()};
    const std::regex reference("\"\\$ref\": \"#([^\"]+)\"");
    std::set<std::string> used;
    for (std::sregex_iterator at(text.begin(), text.end(), reference), end; at != end; ++at) {
        used.insert((*at)[1]);
        EXPECT_TRUE(document().contains(json::json_pointer((*at)[1]))) << (*at)[1];
    }
    for (const char* kind : {"schemas", "parameters", "responses"}) {
        for (const auto& [name, unused] : document()["components"][kind].items()) {
            EXPECT_TRUE(used.contains("/components/" + std::string{kind} + "/" + name)) << name;
        }
    }
    for (const auto& [name, response] : document()["components"]["responses"].items()) {
        EXPECT_TRUE(response.contains("description")) << name;
    }
}

TEST(OpenApi, SchemasSayNothingThatIsNotChecked) {
    static const std::set<std::string> types{"object", "array",   "string", "integer",
                                             "number", "boolean", "null"};
    for_each_schema(document(), [](const json& schema) {
        for (const auto& [word, unused] : schema.items()) {
            EXPECT_TRUE(JsonSchema::words().contains(word)) << schema.dump();
        }
        if (schema.contains("type")) {
            const json list =
                schema["type"].is_array() ? schema["type"] : json::array({schema["type"]});
            for (const auto& type : list) EXPECT_TRUE(types.contains(type)) << schema.dump();
        }
        EXPECT_TRUE(!schema.contains("enum") || !schema["enum"].empty());
        for (const auto& name : schema.value("required", json::array())) {
            if (schema.value("additionalProperties", json(true)) != false) continue;
            EXPECT_TRUE(schema["properties"].contains(name.get<std::string>())) << schema.dump();
        }
    });
}

TEST(JsonSchema, FindsWhatDoesNotFit) {
    const json parts = json::parse(R"({"a": {"type": ["integer", "null"]}, "o": {
        "type": "object", "properties": {"n": {"$ref": "#/a"},
        "l": {"type": "array", "items": {"type": "string", "enum": ["x"]}}},
        "required": ["n"], "additionalProperties": false}})");
    const JsonSchema schema(parts);
    const auto good = [&](const char* text) {
        return schema.check(json::parse(text), parts["o"]).empty();
    };
    EXPECT_TRUE(good(R"({"n": 1, "l": ["x"]})"));
    EXPECT_TRUE(good(R"({"n": null})"));
    EXPECT_FALSE(good("[]"));
    EXPECT_FALSE(good("{}"));
    EXPECT_FALSE(good(R"({"n": 1.5})"));
    EXPECT_FALSE(good(R"({"n": 1, "l": ["y"]})"));
    EXPECT_FALSE(good(R"({"n": 1, "m": 2})"));
    const json one = json::parse(R"({"oneOf": [{"type": "string"}, {"enum": ["a", 1]}]})");
    EXPECT_EQ(schema.check(1, one), "");
    EXPECT_NE(schema.check("a", one), "") << "both fit";
    EXPECT_NE(schema.check(true, one), "");
    EXPECT_NE(schema.check(1, json{{"multipleOf", 2}}), "") << "a word that nobody knows";
    EXPECT_NE(schema.check(0, json{{"minimum", 1}}), "");
    EXPECT_EQ(schema.check(json{{"k", 2}}, json{{"additionalProperties", {{"type", "integer"}}}}),
              "");
    EXPECT_NE(schema.check(json{{"k", ""}}, json{{"additionalProperties", {{"type", "integer"}}}}),
              "");
}

class Tokens final : public Authenticator {
public:
    std::optional<Principal> find(std::string_view token) override {
        if (token != "reader") return std::nullopt;
        Principal reader;
        reader.name = "reader";
        reader.read = {*signing::TopicGlob::parse("org.weft.dev.git.**")};
        return reader;
    }
};

struct Sample {
    std::string operation;  ///< As "POST /v1/events".
    std::string target;
    int status;
    std::string body{};
    std::string type{"application/json"};
    std::vector<std::pair<std::string, std::string>> headers{};
};

/// The whole gateway without its sockets.
class OpenApiLive : public ::testing::Test {
protected:
    ~OpenApiLive() override {
        native_.stop();
        rse_.stop();
        bridge_.stop();
    }

    static rse::Settings rse_settings() {
        rse::Settings settings;
        settings.topic_root = "org.weft.dev.rse";
        settings.jsonp = true;
        return settings;
    }
    Handler& handler_of(const std::string& path) {
        if (path.starts_with("/v1/webhooks")) return webhooks_;
        if (path.starts_with("/v1/") || path == openapi_path) return native_;
        if (path == "/metrics" || path == "/healthz" || path == "/readyz") return metrics_;
        return rse_;
    }

    void try_out(const Sample& sample) {
        SCOPED_TRACE(sample.operation + " by " + sample.target);
        Request request;
        request.method = sample.operation.substr(0, sample.operation.find(' '));
        request.target = sample.target;
        request.body = sample.body;
        request.peer = "127.0.0.1:4711";
        request.loopback = true;
        if (!sample.body.empty()) request.headers.add("Content-Type", sample.type);
        for (const auto& [name, value] : sample.headers) request.headers.add(name, value);
        const std::string path = sample.operation.substr(sample.operation.find(' ') + 1);
        auto exchange = std::make_shared<StreamingExchange>(std::move(request));
        handler_of(path).handle(exchange);
        const bool streams = exchange->streamed() != nullptr;
        const auto answered =
            streams ? std::optional<Response>{exchange->head()} : exchange->wait();
        ASSERT_TRUE(answered);
        EXPECT_EQ(answered->status, static_cast<unsigned>(sample.status)) << answered->body;
        std::string method = exchange->request().method;
        for (char& c : method) c = static_cast<char>(std::tolower(c));
        compare(*answered, document()["paths"].at(path).at(method), streams);
        seen_.insert(sample.operation + " " + std::to_string(sample.status));
    }

    static void compare(const Response& answered, const json& operation, bool streams) {
        const JsonSchema schema(document());
        const std::string status = std::to_string(answered.status);
        ASSERT_TRUE(operation["responses"].contains(status)) << status << " " << answered.body;
        const json& said = schema.resolved(operation["responses"][status]);
        if (!said.contains("content")) {
            EXPECT_EQ(answered.body, "");
            return;
        }
        const std::string type{answered.headers.find("Content-Type").value_or("")};
        const std::string media = type.substr(0, type.find(';'));
        ASSERT_TRUE(said["content"].contains(media)) << type;
        if (streams) return;
        const bool is_json = media.ends_with("json");
        const json body = is_json ? json::parse(answered.body) : json(answered.body);
        EXPECT_EQ(schema.check(body, said["content"][media]["schema"]), "") << answered.body;
    }

    /// Every answer that is none of an error, of the paths that `of` says.
    void expect_all_seen(const std::function<bool(const std::string&)>& of) const {
        std::vector<std::string> missing;
        for_each_operation([&](const std::string& path, std::string method, const json& operation) {
            if (!of(path)) return;
            for (char& c : method) c = static_cast<char>(std::toupper(c));
            for (const auto& [status, unused] : operation["responses"].items()) {
                const std::string one = method + " " + path + " " + status;
                if (status < "300" && !seen_.contains(one)) missing.push_back(one);
            }
        });
        EXPECT_THAT(missing, IsEmpty()) << "these need a sample";
    }

    static Peers some_peers() {
        Peers peers;
        peers.name = "git.host1";
        peers.relay_inbound = peers.relay_outbound = "tcp://127.0.0.1:1";
        peers.publishers.rows = {{"web1.host1", 4, 0, 1, 0.5}};
        peers.journals = {{"git.host1", "", true}};
        return peers;
    }

    support::WallClock clock_;
    Traffic traffic_;
    support::FakeBridge bridge_{clock_};
    support::ThreadTimers timers_;
    Tokens tokens_;
    Access access_{tokens_, false, clock_}, closed_{tokens_, true, clock_};
    reliability::CursorStore cursors_{bridge_.memory(), clock_};
    reliability::GroupService groups_{cursors_};
    reliability::StoredVerifier verifier_{nullptr};
    support::SameThreadRoom room_{{bridge_.memory(), cursors_, groups_, verifier_}};
    NativeHandler::Parts parts(Access& access) {
        return {bridge_,     access,  timers_, clock_,    {"org.weft", "dev"}, {},
                "git.host1", "0.1.0", &room_,  &traffic_, some_peers};
    }
    NativeHandler native_{parts(access_)};
    support::RecordingEngine engine_;
    webhooks::WebhookHandler::Parts webhook_parts(Access& access) {
        return {engine_, bridge_, room_, access, clock_, {"org.weft", "dev"}, {}};
    }
    webhooks::WebhookHandler webhooks_{webhook_parts(access_)};
    std::string not_ready_;
    MetricsHandler metrics_{{[] {
                                 Figures figures;
                                 figures.gauge("weft_ready", "1: ready.", 1);
                                 return figures;
                             },
                             [this] { return not_ready_; }}};
    rse::RseHandler rse_{rse_settings(), bridge_, tokens_, clock_};
    std::set<std::string> seen_;
};

TEST_F(OpenApiLive, DescribesEveryRouteAndNoOther) {
    std::set<std::string> served{"GET /metrics", "GET /healthz",   "GET /readyz",
                                 "GET /health",  "GET /{channel}", "POST /{channel}"};
    for (const auto& route : native_.routes()) served.insert(route.method + " " + route.path);
    for (const auto& route : webhooks::WebhookHandler::routes()) {
        served.insert(route.method + " " + route.path);
    }
    std::set<std::string> described;
    for_each_operation([&](const std::string& path, std::string method, const json&) {
        for (char& c : method) c = static_cast<char>(std::toupper(c));
        described.insert(method + " " + path);
    });
    EXPECT_EQ(served, described);
}

TEST_F(OpenApiLive, EveryAnswerIsAsItSays) {
    const std::string agent = "App/1.2 uuid/0190a5c4-0000-4000-8000-00000000000a";
    const std::vector<std::pair<std::string, std::string>> client{{"User-Agent", agent}},
        reader{{"Authorization", "Bearer reader"}}, key{{"Idempotency-Key", "k"}};
    const std::string cloud = R"({"specversion":"1.0","id":"1","source":"/s","type":"git.x"})";
    const std::string topic = "POST /v1/topics/{topic}", events = "POST /v1/events";
    const std::string cursor = "/v1/cursors/{name}", json_text = "application/json";
    traffic_.topics.passed({"org.weft.dev.git.a", 1, 1, clock_.utc_us()});
    bridge_.store({"org.weft.dev.git.parent", "{}"});
    const std::string uuid = [&] {
        support::Answer<BridgeResult<EventPage>> page;
        bridge_.read({}, [&](auto result) { page.give(std::move(result)); });
        return page.take().value()->events.front().message.id().text();
    }();
    const std::vector<std::pair<std::string, std::string>> socket{
        {"Upgrade", "websocket"},
        {"Connection", "Upgrade"},
        {"Sec-WebSocket-Version", "13"},
        {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
    auto half = socket, foreign = socket;
    half.pop_back();
    foreign.emplace_back("Origin", "https://elsewhere.example");
    const std::vector<Sample> samples{
        {topic, "/v1/topics/git.a", 202, "{}"},
        {topic, "/v1/topics/git.a?durable=true&parent=" + uuid, 201, R"({"n":1})"},
        {topic, "/v1/topics/git.a?recipients=web1.host1", 200, "{}"},
        {topic, "/v1/topics/a..b", 400, "{}"},
        {topic, "/v1/topics/git.a", 401, "{}", json_text, {{"Authorization", "Bearer x"}}},
        {topic, "/v1/topics/git.a", 403, "{}", json_text, reader},
        {topic, "/v1/topics/git.b", 202, "{}", json_text, key},
        {topic, "/v1/topics/git.c", 422, "{}", json_text, key},
        {events, "/v1/events", 200, R"([{"topic":"git.a","body":{"n":1},"headers":{"h":"1"}}])"},
        {events, "/v1/events", 200, cloud, "application/cloudevents+json"},
        {events, "/v1/events", 200, "[" + cloud + "]", "application/cloudevents-batch+json"},
        {events, "/v1/events", 207, R"([{"topic":"a..b","body":1},{"topic":"git.a","body":1}])"},
        {events, "/v1/events", 400, "{"},
        {"GET /v1/events", "/v1/events?topic=git.*&limit=3", 200},
        {"GET /v1/events", "/v1/events?after=beginning&wait=1ms", 200},
        {"GET /v1/events", "/v1/events?limit=0", 400},
        {"GET /v1/events/{id}", "/v1/events/1", 200},
        {"GET /v1/events/{id}", "/v1/events/" + uuid, 200},
        {"GET /v1/events/{id}", "/v1/events/999", 404},
        {"GET /v1/events/{id}", "/v1/events/x", 400},
        {"GET /v1/events/{id}/children", "/v1/events/1/children", 200},
        {"GET /v1/events/{id}/children", "/v1/events/999/children", 404},
        {"GET /v1/events/{id}/ancestors", "/v1/events/3/ancestors", 200},
        {"GET /v1/events/{id}/ancestors", "/v1/events/999/ancestors", 404},
        {"GET /v1/stream", "/v1/stream?after=beginning", 200},
        {"GET /v1/stream", "/v1/stream?format=ndjson", 200},
        {"GET /v1/stream", "/v1/stream?format=xml", 400},
        {"GET /v1/ws", "/v1/ws", 101, "", "", socket},
        {"GET /v1/ws", "/v1/ws", 426},
        {"GET /v1/ws", "/v1/ws", 400, "", "", half},
        {"GET /v1/ws", "/v1/ws", 403, "", "", foreign},
        {"GET /v1/ws", "/v1/ws", 401, "", "", {{"Authorization", "Bearer x"}}},
        {"GET /v1/info", "/v1/info", 200},
        {"GET /v1/topics", "/v1/topics?topic=git.*", 200},
        {"GET /v1/topics", "/v1/topics?limit=0", 400},
        {"GET /v1/peers", "/v1/peers", 200},
        {"GET /v1/peers", "/v1/peers", 403, "", "", reader},
        {"PUT " + cursor, "/v1/cursors/g", 201, R"({"start":"beginning","mode":"shared"})"},
        {"PUT " + cursor, "/v1/cursors/g", 200, R"({"start":"beginning","mode":"shared"})"},
        {"PUT " + cursor, "/v1/cursors/p", 201, R"({"topics":["git.*"],"start":"beginning"})"},
        {"PUT " + cursor, "/v1/cursors/g", 400, R"({"mode":"all"})"},
        {"PUT " + cursor, "/v1/cursors/g", 403, "{}", json_text, reader},
        {"GET /v1/cursors", "/v1/cursors", 200},
        {"GET " + cursor, "/v1/cursors/g", 200},
        {"GET " + cursor, "/v1/cursors/p", 200},
        {"GET " + cursor, "/v1/cursors/Bad", 400},
        {"GET " + cursor, "/v1/cursors/gone", 404},
        {"POST " + cursor + "/next", "/v1/cursors/g/next?max=4&member=m", 200},
        {"POST " + cursor + "/next", "/v1/cursors/p/next?max=2", 200},
        {"POST " + cursor + "/next", "/v1/cursors/p/next?max=0", 400},
        {"POST " + cursor + "/ack", "/v1/cursors/g/ack", 200, R"({"ids":[1,99],"member":"m"})"},
        {"POST " + cursor + "/ack", "/v1/cursors/p/ack", 200, R"({"ids":[1]})"},
        {"POST " + cursor + "/ack", "/v1/cursors/p/ack", 400, R"({"ids":[]})"},
        {"POST " + cursor + "/nack", "/v1/cursors/g/nack?member=m", 200,
         R"({"id":2,"dead":true,"reason":"no"})"},
        {"POST " + cursor + "/nack", "/v1/cursors/g/nack", 400, "{}"},
        {"GET " + cursor + "/dead", "/v1/cursors/g/dead", 200},
        {"POST " + cursor + "/dead", "/v1/cursors/g/dead", 200, R"({"retry":[2]})"},
        {"POST " + cursor + "/dead", "/v1/cursors/g/dead", 400, "{}"},
        {"POST " + cursor + "/set", "/v1/cursors/g/set", 200, R"({"to":"now"})"},
        {"POST " + cursor + "/set", "/v1/cursors/g/set", 400, "{}"},
        {"DELETE " + cursor, "/v1/cursors/g", 204},
        {"DELETE " + cursor, "/v1/cursors/g", 404},
        {"GET /openapi.json", "/openapi.json", 200},
        {"GET /healthz", "/healthz", 200},
        {"GET /readyz", "/readyz", 200},
        {"GET /metrics", "/metrics", 200},
        {"GET /health", "/health", 200},
        {"GET /health", "/health?verbose=yes", 200},
        {"GET /health", "/health?verbose=maybe", 400},
        {"POST /{channel}", "/a/b", 201, R"({"n":1})", json_text, client},
        {"POST /{channel}", "/a/b", 400, "1", json_text, client},
        {"GET /{channel}", "/a/b?echo=true", 200, "", "", client},
        {"GET /{channel}", "/a?events=all&echo=true", 200, "", "", client},
        {"GET /{channel}", "/a/b?echo=true&callback=f", 200, "", "", client},
        {"GET /{channel}", "/a/b", 204, "", "", client},
        {"GET /{channel}", "/a/b", 401, "", "", {{"User-Agent", agent}, {"X-Auth-Token", "x"}}},
        {"GET /{channel}", "/a//b", 400, "", "", client},
    };
    for (const Sample& sample : samples) try_out(sample);
    not_ready_ = "it starts";
    try_out({"GET /readyz", "/readyz", 503});
    bridge_.set_not_ready("it starts");
    try_out({"GET /health", "/health", 503});
    try_out({"GET /v1/stream", "/v1/stream", 503});
    const BridgeError away{BridgeError::Kind::journal_away, "the journal is away", {}, {}};
    bridge_.fail_publish(away);
    try_out({topic, "/v1/topics/git.a", 503, "{}"});
    bridge_.fail_publish(BridgeError{BridgeError::Kind::disk_full, "the disk is full", {}, {}});
    try_out({topic, "/v1/topics/git.a", 507, "{}"});
    bridge_.fail_publish(
        BridgeError{BridgeError::Kind::not_acknowledged, "nobody said so", {}, {}});
    try_out({topic, "/v1/topics/git.a?recipients=web1.host1", 504, "{}"});
    bridge_.fail_publish(BridgeError{BridgeError::Kind::too_large, "too large", {}, {}});
    try_out({topic, "/v1/topics/git.a", 413, "{}"});
    bridge_.fail_read(away);
    try_out({"GET /v1/events", "/v1/events", 503});
    room_.full = true;
    try_out({"GET /v1/cursors", "/v1/cursors", 503});

    expect_all_seen([](const std::string& path) { return !path.starts_with("/v1/webhooks"); });
}

TEST_F(OpenApiLive, EveryAnswerAboutWebhooksIsAsItSays) {
    const std::vector<std::pair<std::string, std::string>> reader{
        {"Authorization", "Bearer reader"}},
        stranger{{"Authorization", "Bearer x"}};
    const std::string all = "/v1/webhooks", one = all + "/{id}", a = all + "/a", b = all + "/b";
    const std::string json_text = "application/json";
    const std::string wanted =
        R"({"url":"https://a.example/","topics":["git.*"],"where":[{"path":"n","eq":1}],)"
        R"("headers":{"X-A":"b"},"rate":2.5,"disable_after":null})";
    const std::string plain = R"({"url":"https://a.example/","topics":["git.*"]})";
    const std::string private_topic = R"({"url":"https://a.example/","topics":["secret.*"]})";
    engine_.kept_attempts.resize(2);
    bridge_.store({"org.weft.dev.git.a", "{}"});
    for (const Sample& sample : std::vector<Sample>{
             {"PUT " + one, a, 201, plain},
             {"PUT " + one, a, 200, wanted},
             {"PUT " + one, b, 201, wanted},
             {"PUT " + one, a, 400, "{}"},
             {"PUT " + one, a, 404, plain, json_text, reader},
             {"POST " + all, all, 201, wanted},
             {"POST " + all, all, 400, "{}"},
             {"POST " + all, all, 401, plain, json_text, stranger},
             {"POST " + all, all, 403, private_topic, json_text, reader},
             {"GET " + all, all, 200},
             {"GET " + all, all, 401, "", "", stranger},
             {"GET " + one, a, 200},
             {"GET " + one, all + "/gone", 404},
             {"PATCH " + one, a, 200, R"({"description":"it"})"},
             {"PATCH " + one, a, 400, R"({"secret":"whsec_x"})"},
             {"PATCH " + one, all + "/gone", 404, "{}"},
             {"GET " + one + "/attempts", a + "/attempts?limit=1", 200},
             {"GET " + one + "/attempts", a + "/attempts?limit=0", 400},
             {"GET " + one + "/secret", a + "/secret", 200},
             {"POST " + one + "/rotate", a + "/rotate", 200, R"({"overlap":"1h"})"},
             {"POST " + one + "/rotate", a + "/rotate", 400, R"({"overlap":"x"})"},
             {"GET " + one + "/secret", a + "/secret", 200},
             {"POST " + one + "/resend", a + "/resend", 200, R"({"id":1})"},
             {"POST " + one + "/resend", a + "/resend", 400, "{}"},
             {"POST " + one + "/resend", a + "/resend", 404, R"({"id":99})"},
             {"POST " + one + "/recover", a + "/recover?since=10m", 200},
             {"POST " + one + "/recover", a + "/recover", 400},
             {"POST " + one + "/test", a + "/test", 200},
             {"POST " + one + "/disable", a + "/disable", 200},
             {"POST " + one + "/enable", a + "/enable", 200},
             {"POST " + one + "/pause", a + "/pause", 200},
             {"POST " + one + "/resume", a + "/resume", 200},
             {"POST " + one + "/resume", a + "/resume", 404, "", "", reader},
             {"DELETE " + one, a, 204},
             {"DELETE " + one, a, 404},
         }) {
        try_out(sample);
    }
    engine_.fail_puts(delivery::EngineError{delivery::EngineError::Kind::full, "too many"});
    try_out({"POST " + all, all, 429, plain});
    engine_.fail_puts(delivery::EngineError{delivery::EngineError::Kind::journal_away, "away"});
    try_out({"PATCH " + one, b, 503, "{}"});
    expect_all_seen([](const std::string& path) { return path.starts_with("/v1/webhooks"); });
}

TEST_F(OpenApiLive, WhereTokensAreRequiredOnlyTheDescriptionNeedsNone) {
    NativeHandler closed(parts(closed_));
    webhooks::WebhookHandler closed_webhooks(webhook_parts(closed_));
    const auto try_without = [&](Handler& handler, std::string method, const std::string& path) {
        Request request;
        request.method = method;
        request.target = std::regex_replace(path, std::regex("\\{[a-z]+\\}"), "x");
        request.peer = "127.0.0.1:4711";
        auto exchange = std::make_shared<StreamingExchange>(std::move(request));
        handler.handle(exchange);
        const auto answered = exchange->wait();
        ASSERT_TRUE(answered) << path;
        EXPECT_EQ(answered->status, path == openapi_path ? 200U : 401U) << path;
        for (char& c : method) c = static_cast<char>(std::tolower(c));
        compare(*answered, document()["paths"].at(path).at(method), false);
    };
    for (const auto& route : closed.routes()) try_without(closed, route.method, route.path);
    for (const auto& route : webhooks::WebhookHandler::routes()) {
        try_without(closed_webhooks, route.method, route.path);
    }
    closed.stop();
}

TEST_F(OpenApiLive, BelowAPrefixEverythingIsServedAndTheDescriptionSaysWhere) {
    NativeHandler closed(parts(closed_));
    const auto ask = [](PrefixedHandler& handler, const std::string& method,
                        const std::string& path) {
        Request request;
        request.method = method;
        request.target = "/x" + std::regex_replace(path, std::regex("\\{[a-z]+\\}"), "x");
        request.peer = "127.0.0.1:4711";
        auto exchange = std::make_shared<StreamingExchange>(std::move(request));
        handler.handle_below("/x", exchange);
        if (exchange->streamed()) return Response{};
        return exchange->wait().value_or(Response{});
    };
    for (const auto& route : closed.routes()) {
        EXPECT_EQ(ask(closed, route.method, route.path).status,
                  route.path == openapi_path ? 200U : 401U)
            << route.path;
    }
    EXPECT_EQ(ask(native_, "GET", "/v1/info").status, 200U);
    EXPECT_EQ(ask(native_, "GET", "/v1/stream").status, 200U);
    EXPECT_EQ(ask(webhooks_, "GET", "/v1/webhooks").status, 200U);
    for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
        EXPECT_EQ(ask(metrics_, "GET", path).status, 200U) << path;
    }
    EXPECT_EQ(ask(metrics_, "GET", "/more/metrics").status, 404U);
    const json below = json::parse(ask(native_, "GET", std::string{openapi_path}).body);
    EXPECT_EQ(below["servers"][0]["url"], "/x");
    closed.stop();
}

}  // namespace
}  // namespace weft::gateway::native
