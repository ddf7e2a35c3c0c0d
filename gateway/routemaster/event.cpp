#include "gateway/routemaster/event.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/routemaster/address.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::routemaster {
namespace {

using fabric::Value;

/// More than a thousand events a second of one topic have times ahead of the clock: 30 days of it.
constexpr std::int64_t ahead_max_ms = std::int64_t{30} * 24 * 3600 * 1000;

constexpr std::array<std::string_view, 4> types{"create", "update", "delete", "noop"};

tl::unexpected<std::string> wrong(std::string sentence) {
    return tl::make_unexpected(std::move(sentence));
}

/// An integer, or a float that is one (M42).
std::optional<std::int64_t> whole(const Value& value) {
    if (value.signed_number() != nullptr) return *value.signed_number();
    constexpr double exact = 9'007'199'254'740'992.0;
    const double* real = value.real();
    if (real == nullptr || std::trunc(*real) != *real || std::abs(*real) > exact) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(*real);
}

tl::expected<Event, std::string> read_members(const Value& body) {
    for (const auto& [key, value] : *body.map()) {
        if (key != "type" && key != "url" && key != "timestamp" && key != "data") {
            return wrong("unknown key '" + signing::escape(key, 40) +
                         "': type, url, timestamp and data are known");
        }
    }
    Event event;
    const std::string* type = body["type"].text();
    if (type == nullptr || std::find(types.begin(), types.end(), *type) == types.end()) {
        return wrong("type must be one of create, update, delete, noop");
    }
    event.type = *type;
    const std::string* url = body["url"].text();
    if (url == nullptr) return wrong("url is required: a text that begins with https://");
    if (std::string bad = address_error("url", *url, Schemes::https); !bad.empty()) {
        return wrong(std::move(bad));
    }
    event.url = *url;
    if (const Value& timestamp = body["timestamp"]; !timestamp.is_nil()) {
        event.timestamp = whole(timestamp);
        if (!event.timestamp) {
            return wrong("timestamp must be an integer: milliseconds since 1970, or left out");
        }
    }
    return event;
}

/// Everything but `data`, which is only looked at.
tl::expected<Event, std::string> read_event(std::string_view json, std::uint64_t data_bytes_max,
                                            bool& has_data) {
    const auto body = fabric::from_json(json);
    if (!body) return wrong("the body is not JSON: " + body.error());
    if (body->map() == nullptr) return wrong("the body must be a JSON object");
    auto event = read_members(*body);
    has_data = event && !(*body)["data"].is_nil();
    if (!has_data) return event;
    const auto packed = fabric::to_msgpack((*body)["data"]);
    if (!packed) return wrong("data: " + packed.error());
    if (packed->size() > data_bytes_max) {
        return wrong("data has " + std::to_string(packed->size()) + " bytes as msgpack; at most " +
                     std::to_string(data_bytes_max) + " are allowed");
    }
    return event;
}

/// Nothing: it is no JSON, and no form of it either.
std::optional<std::string> json_of(const fabric::Message& message) {
    if (message.body_is_msgpack()) return fabric::body_to_json(message);
    if (fabric::declares_plain_text(message.content_type())) return std::nullopt;
    return std::string{message.body()};
}

/// How much data is too much was decided when it was published.
constexpr std::uint64_t any_size = UINT64_MAX;

}  // namespace

tl::expected<Event, std::string> Event::parse(std::string_view json, std::uint64_t data_bytes_max) {
    bool has_data = false;
    auto event = read_event(json, data_bytes_max, has_data);
    if (event && has_data) event->data = fabric::query_json(json, "data");
    return event;
}

std::optional<Event> Event::of(const fabric::Message& message) {
    const auto json = json_of(message);
    if (!json) return std::nullopt;
    auto event = Event::parse(*json, any_size);
    if (!event) return std::nullopt;
    return *std::move(event);
}

bool Event::is_one(const fabric::Message& message) {
    const auto json = json_of(message);
    bool has_data = false;
    return json && read_event(*json, any_size, has_data).has_value();
}

std::string Event::body() const {
    std::string text = "{\"type\":\"" + type + "\",\"url\":" + fabric::json_string(url);
    if (timestamp) text += ",\"timestamp\":" + std::to_string(*timestamp);
    if (data) text += ",\"data\":" + *data;
    return text + "}";
}

std::string Event::delivered(std::string_view topic, std::int64_t t) const {
    std::string text = "{\"topic\":" + fabric::json_string(topic) + ",\"type\":\"" + type +
                       "\",\"url\":" + fabric::json_string(url) + ",\"t\":" + std::to_string(t);
    if (data) text += ",\"data\":" + *data;
    return text + "}";
}

std::optional<std::int64_t> given_time(const StoredEvent& stored) {
    const auto header = stored.message.header(time_header);
    if (!header) return std::nullopt;
    std::int64_t t = 0;
    const char* end = header->data() + header->size();
    const auto read = std::from_chars(header->data(), end, t);
    if (read.ec != std::errc{} || read.ptr != end || t < 0) return std::nullopt;
    if (t - static_cast<std::int64_t>(stored.stored_us / 1000) > ahead_max_ms) return std::nullopt;
    return t;
}

std::int64_t time_of(const Event& event, const StoredEvent& stored) {
    if (event.timestamp) return *event.timestamp;
    if (const auto t = given_time(stored)) return *t;
    return static_cast<std::int64_t>(stored.stored_us / 1000);
}

}  // namespace weft::gateway::routemaster
