#include "gateway/routemaster/subscribe_request.hpp"

#include <set>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/routemaster/names.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::routemaster {
namespace {

using fabric::Value;

tl::unexpected<std::string> wrong(std::string sentence) {
    return tl::make_unexpected(std::move(sentence));
}

tl::expected<std::vector<std::string>, std::string> read_topics(const Value& value,
                                                                std::size_t topics_max) {
    if (value.list() == nullptr) return wrong("topics must be a list of topic names");
    std::vector<std::string> topics;
    std::set<std::string_view> seen;
    for (const Value& item : *value.list()) {
        const std::string* name = item.text();
        if (name == nullptr || !is_topic_name(*name)) {
            return wrong("topics: " +
                         (name == nullptr ? std::string{"an entry is no text"}
                                          : "'" + signing::escape(*name, 40) + "' is no name") +
                         "; 1 to 64 of a-z and '_' are");
        }
        if (seen.insert(*name).second) topics.push_back(*name);
    }
    if (topics.size() > topics_max) {
        return wrong("topics: at most " + std::to_string(topics_max) + " are allowed");
    }
    return topics;
}

/// Only what was written as an integer.
tl::expected<std::optional<std::int64_t>, std::string> read_number(const Value& body,
                                                                   const char* key,
                                                                   std::int64_t least,
                                                                   std::int64_t most) {
    const Value& value = body[key];
    if (value.is_nil()) return std::nullopt;
    const std::int64_t* number = value.signed_number();
    if (number == nullptr || *number < least || *number > most) {
        return wrong(std::string{key} + " must be an integer from " + std::to_string(least) +
                     " to " + std::to_string(most));
    }
    return *number;
}

}  // namespace

tl::expected<SubscribeRequest, std::string> SubscribeRequest::parse(std::string_view json,
                                                                    Schemes schemes,
                                                                    std::size_t topics_max) {
    const auto body = fabric::from_json(json);
    if (!body) return wrong("the body is not JSON: " + body.error());
    if (body->map() == nullptr) return wrong("the body must be a JSON object");
    for (const auto& [key, value] : *body->map()) {
        if (key != "topics" && key != "callback" && key != "uuid" && key != "timeout" &&
            key != "max") {
            return wrong("unknown key '" + signing::escape(key, 40) +
                         "': topics, callback, uuid, timeout and max are known");
        }
    }
    SubscribeRequest request;
    auto topics = read_topics((*body)["topics"], topics_max);
    if (!topics) return wrong(topics.error());
    request.topics = *std::move(topics);
    const std::string* callback = (*body)["callback"].text();
    if (callback == nullptr) {
        return wrong("callback is required: a text that begins with https://, or \"poll\"");
    }
    if (*callback != polled_callback) {
        if (std::string bad = address_error("callback", *callback, schemes); !bad.empty()) {
            return wrong(std::move(bad));
        }
        request.callback = *callback;
    }
    if (const Value& uuid = (*body)["uuid"]; !uuid.is_nil()) {
        if (uuid.text() == nullptr || uuid.text()->size() > uuid_bytes_max) {
            return wrong("uuid must be a text of at most " + std::to_string(uuid_bytes_max) +
                         " bytes");
        }
        request.uuid = *uuid.text();
    }
    const auto timeout = read_number(*body, "timeout", 0, timeout_max.count());
    if (!timeout) return wrong(timeout.error());
    if (*timeout) request.timeout = std::chrono::milliseconds{**timeout};
    const auto max = read_number(*body, "max", 1, static_cast<std::int64_t>(max_most));
    if (!max) return wrong(max.error());
    if (*max) request.max = static_cast<std::size_t>(**max);
    return request;
}

}  // namespace weft::gateway::routemaster
