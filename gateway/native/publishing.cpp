#include "gateway/native/publishing.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "fabric/message/body.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/native/start_of.hpp"
#include "gateway/problem.hpp"
#include "signing/refusal.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;
using reliability::Outcome;
using reliability::RecipientAnswer;
using std::chrono::milliseconds;

constexpr std::string_view header_prefix = "weft-header-", cloud_prefix = "ce-";
constexpr milliseconds ack_timeout_max = std::chrono::hours{1};

auto refuse(std::string sentence) {
    return tl::make_unexpected(std::move(sentence));
}

std::string lower(std::string_view text) {
    std::string out{text};
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

/// Without parameters: "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(std::string_view content_type) {
    std::string type = lower(content_type.substr(0, content_type.find(';')));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    return type;
}

bool is_json(const std::string& type) {
    return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

tl::expected<std::string, std::string> topic_of(std::string_view text,
                                                const fabric::TopicSpace& space) {
    auto topic = fabric::Topic::parse(space.complete(text));
    if (!topic) return refuse(topic.error());
    return topic->text();
}

PublishRequest request_for(std::string topic, const HowToPublish& how) {
    PublishRequest out;
    out.topic = std::move(topic);
    out.mode = how.mode;
    out.recipients = how.recipients;
    out.level = how.level;
    out.ack_timeout = how.ack_timeout;
    out.parent = how.parent;
    return out;
}

/// A member of an entry as a header's text.
std::string text_of(const Value& value) {
    return value.text() != nullptr ? *value.text() : fabric::to_json(value);
}

/// The trace that the client is in goes on with its messages, unless they name one themselves.
void pass_trace(PublishRequest& out, const Request& request) {
    static constexpr std::string_view name = "traceparent";
    const bool has_own = std::any_of(out.headers.begin(), out.headers.end(),
                                     [](const auto& header) { return header.first == name; });
    if (!request.traceparent.empty() && !has_own) {
        out.headers.emplace_back(name, request.traceparent);
    }
}

tl::expected<fabric::MessageId, std::string> parent_of(std::string_view text) {
    const auto id = fabric::MessageId::parse(text);
    if (!id) {
        return refuse("parent: '" + signing::escape(text, 60) + "' is no message id (a UUID)");
    }
    return *id;
}

/// One entry of a list: {topic, body, content_type, headers, parent}.
tl::expected<PublishRequest, std::string> entry_request(const Value& entry,
                                                        const fabric::TopicSpace& space,
                                                        const HowToPublish& how) {
    const std::string* topic_text = entry["topic"].text();
    if (topic_text == nullptr) return refuse("a message needs a text `topic`");
    auto topic = topic_of(*topic_text, space);
    if (!topic) return refuse(topic.error());
    PublishRequest out = request_for(std::move(*topic), how);
    out.content_type = entry["content_type"].text_or("application/json");
    const std::string* body_text = entry["body"].text();
    if (is_json(media_type(out.content_type))) {
        out.body = fabric::to_json(entry["body"]);
    } else if (body_text != nullptr) {
        out.body = *body_text;
    } else {
        return refuse("the body of a message with content type '" +
                      signing::escape(out.content_type, 60) + "' is text");
    }
    if (const Value::Map* headers = entry["headers"].map()) {
        for (const auto& [name, value] : *headers) out.headers.emplace_back(name, text_of(value));
    }
    if (const std::string* parent = entry["parent"].text()) {
        auto id = parent_of(*parent);
        if (!id) return refuse(id.error());
        out.parent = *id;
    }
    return out;
}

/// A CloudEvent in JSON: its type is the topic, its data the body, its other attributes headers.
tl::expected<PublishRequest, std::string> cloud_request(const Value& event,
                                                        const fabric::TopicSpace& space,
                                                        const HowToPublish& how) {
    for (const char* required : {"specversion", "id", "source", "type"}) {
        if (event[required].text() == nullptr || event[required].text()->empty()) {
            return refuse("a CloudEvent needs a text `" + std::string{required} + "`");
        }
    }
    if (event["specversion"].text_or("") != "1.0") {
        return refuse("CloudEvents 1.0 are understood, not '" +
                      signing::escape(event["specversion"].text_or(""), 20) + "'");
    }
    auto topic = topic_of(event["type"].text_or(""), space);
    if (!topic) return refuse("type: " + topic.error());
    PublishRequest out = request_for(std::move(*topic), how);
    out.content_type = event["datacontenttype"].text_or("application/json");
    if (const std::string* base64 = event["data_base64"].text()) {
        auto bytes = signing::from_base64(*base64);
        if (!bytes) return refuse("data_base64 is not base64");
        out.body = std::move(*bytes);
    } else if (!is_json(media_type(out.content_type)) && event["data"].text() != nullptr) {
        out.body = *event["data"].text();
    } else {
        out.body = fabric::to_json(event["data"]);
    }
    for (const auto& [name, value] : *event.map()) {
        if (name == "data" || name == "data_base64" || name == "datacontenttype") continue;
        out.headers.emplace_back(std::string{cloud_prefix} + name, text_of(value));
    }
    return out;
}

Value acks_of(const Outcome& outcome) {
    Value::List acks;
    for (const RecipientAnswer& answer : outcome.answers()) {
        Value::Map one{{"name", answer.name},
                       {"state", name_of(answer.state)},
                       {"level", answer.level ? Value(name_of(*answer.level)) : Value{}},
                       {"after_ms", static_cast<double>(answer.after.count()) / 1000}};
        if (!answer.reason.empty()) one.emplace_back("reason", answer.reason);
        acks.emplace_back(std::move(one));
    }
    return acks;
}

Value missing_of(const Outcome& outcome) {
    Value::List missing;
    for (const RecipientAnswer& answer : outcome.answers()) {
        if (answer.state != RecipientAnswer::State::acknowledged) missing.emplace_back(answer.name);
    }
    return missing;
}

Value::Map value_of(const Published& published) {
    Value::Map map{{"id", published.id.text()}};
    if (published.journal_id) map.emplace_back("journal_id", *published.journal_id);
    if (published.outcome) map.emplace_back("acks", acks_of(*published.outcome));
    return map;
}

Value::Map value_of(const BridgeError& error) {
    const unsigned status = status_of(error.kind);
    Value::Map map{{"type", "about:blank"},
                   {"title", reason_phrase(status)},
                   {"status", status},
                   {"detail", error.sentence}};
    if (error.id) map.emplace_back("id", error.id->text());
    if (error.outcome) {
        map.emplace_back("acks", acks_of(*error.outcome));
        map.emplace_back("missing", missing_of(*error.outcome));
    }
    return map;
}

}  // namespace

tl::expected<HowToPublish, std::string> how_to_publish(
    const Query& query, const reliability::Recipients::Groups& groups) {
    HowToPublish how;
    const auto durable = flag_parameter(query, "durable");
    if (!durable) return refuse(durable.error());
    if (*durable) how.mode = PublishRequest::Mode::durable;
    const auto recipients = query.find("recipients");
    if (recipients) {
        if (*durable) {
            return refuse(
                "durable and recipients: ask for one of them; a durable publish is "
                "acknowledged by the journal");
        }
        auto parsed = reliability::Recipients::parse(*recipients, groups);
        if (!parsed) return refuse("recipients: " + parsed.error());
        how.recipients = std::move(*parsed);
        how.mode = PublishRequest::Mode::acknowledged;
    }
    if (const auto level = query.find("level")) {
        const auto parsed = reliability::parse_level(*level);
        if (!parsed) {
            return refuse("level: received, stored or processed, not '" +
                          signing::escape(*level, 40) + "'");
        }
        how.level = *parsed;
    }
    if (query.find("ack_timeout")) {
        auto timeout = duration_parameter(query, "ack_timeout", milliseconds{0}, ack_timeout_max);
        if (!timeout) return refuse(timeout.error());
        if (timeout->count() <= 0) return refuse("ack_timeout: more than 0s is needed");
        how.ack_timeout = *timeout;
    }
    if (!recipients && (query.find("level") || query.find("ack_timeout"))) {
        return refuse(
            "level and ack_timeout are about recipients: name some, as in "
            "?recipients=web1.host1");
    }
    if (const auto parent = query.find("parent")) {
        auto id = parent_of(*parent);
        if (!id) return refuse(id.error());
        how.parent = *id;
    }
    return how;
}

tl::expected<PublishRequest, std::string> message_of(const Request& request,
                                                     const std::string& topic,
                                                     const fabric::TopicSpace& space,
                                                     const HowToPublish& how) {
    auto full = topic_of(topic, space);
    if (!full) return refuse(full.error());
    PublishRequest out = request_for(std::move(*full), how);
    out.body = request.body;
    const auto content_type = request.headers.find("Content-Type");
    // What curl -d says of everything is no statement about the body.
    const std::string type = media_type(content_type.value_or(""));
    const bool undeclared = type.empty() || type == "application/x-www-form-urlencoded";
    if (type == "application/msgpack" || type == "application/x-msgpack") {
        auto body = fabric::Body::msgpack(request.body);
        if (!body) return refuse("the body is not what its Content-Type says: " + body.error());
        out.content_type.clear();
    } else if (undeclared || is_json(type)) {
        auto json = fabric::compact_json(request.body);
        if (!json && !undeclared) return refuse("the body is not JSON: " + json.error());
        out.content_type = !json        ? "application/octet-stream"
                           : undeclared ? "application/json"
                                        : std::string{*content_type};
    } else {
        out.content_type = std::string{*content_type};
    }
    for (const auto& [name, value] : request.headers.list()) {
        const std::string small = lower(name);
        if (small.starts_with(header_prefix)) {
            out.headers.emplace_back(small.substr(header_prefix.size()), value);
        } else if (small.starts_with(cloud_prefix)) {
            out.headers.emplace_back(small, value);
        }
    }
    pass_trace(out, request);
    return out;
}

tl::expected<PublishRequest, std::string> message_of(const Value& entry,
                                                     const fabric::TopicSpace& space,
                                                     const HowToPublish& how) {
    return entry_request(entry, space, how);
}

tl::expected<std::vector<tl::expected<PublishRequest, std::string>>, std::string> messages_of(
    const Request& request, const fabric::TopicSpace& space, const HowToPublish& how) {
    auto parsed = fabric::from_json(request.body);
    if (!parsed) return refuse("the body is not JSON: " + parsed.error());
    const std::string type = media_type(request.headers.find("Content-Type").value_or(""));
    const bool cloud = type.starts_with("application/cloudevents");
    std::vector<tl::expected<PublishRequest, std::string>> out;
    const auto add = [&](const Value& entry) {
        if (entry.map() == nullptr) {
            out.emplace_back(refuse("a message is a JSON object"));
        } else {
            out.push_back(cloud ? cloud_request(entry, space, how)
                                : entry_request(entry, space, how));
            if (out.back()) pass_trace(*out.back(), request);
        }
    };
    if (const Value::List* list = parsed->list()) {
        if (list->size() > batch_max) {
            return refuse("at most " + std::to_string(batch_max) + " messages in one request");
        }
        for (const Value& entry : *list) add(entry);
    } else {
        add(*parsed);
    }
    return out;
}

std::string verdict_json(const BridgeResult<Published>& result, const Request& /*request*/) {
    return fabric::to_json(Value(result ? value_of(*result) : value_of(result.error())));
}

Response answer_of(const Published& published, PublishRequest::Mode mode) {
    const unsigned status = mode == PublishRequest::Mode::fire_and_forget ? 202
                            : mode == PublishRequest::Mode::durable       ? 201
                                                                          : 200;
    return Response::of(status, "application/json", fabric::to_json(Value(value_of(published))));
}

Response answer_of(const BridgeResult<Published>& result, PublishRequest::Mode mode,
                   const Request& request) {
    if (result) return answer_of(*result, mode);
    if (result.error().kind != BridgeError::Kind::not_acknowledged) {
        return problem(result.error(), request);
    }
    return Response::of(504, "application/problem+json", verdict_json(result, request));
}

}  // namespace weft::gateway::native
