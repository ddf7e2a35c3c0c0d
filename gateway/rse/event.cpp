#include "gateway/rse/event.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/http/message.hpp"
#include "gateway/rse/json_check.hpp"

namespace weft::gateway::rse {
namespace {

/// "2009-03-16 13:25:29Z"
std::string created_at(std::uint64_t stored_us) {
    std::string text = fabric::rfc3339(stored_us).substr(0, 19) + 'Z';
    text[10] = ' ';
    return text;
}

}  // namespace

PublishRequest event_of(const Channel& channel, const ChannelTopics& topics, const Client& poster,
                        std::string body) {
    PublishRequest request;
    request.topic = topics.topic_of(channel);
    request.body = std::move(body);
    request.headers.emplace_back(user_agent_header, poster.user_agent);
    if (!poster.uuid.empty()) request.headers.emplace_back(uuid_header, poster.uuid);
    if (topics.is_hashed(channel)) request.headers.emplace_back(channel_header, channel.quoted());
    return request;
}

bool is_own(const fabric::Message& message, std::string_view uuid) {
    if (uuid.empty()) return false;
    const auto posted_by = message.header(uuid_header);
    return posted_by && same_name(*posted_by, uuid);
}

std::string_view user_agent_of(const fabric::Message& message) {
    if (const auto agent = message.header(user_agent_header)) return *agent;
    return message.signer().empty() ? message.source() : message.signer();
}

std::string data_of(const fabric::Message& message, std::size_t depth_max) {
    if (!message.body_is_msgpack() && !fabric::declares_plain_text(message.content_type()) &&
        check_json(message.body(), depth_max)) {
        return std::string{message.body()};
    }
    return fabric::body_to_json(message);
}

void append_event(const StoredEvent& event, std::uint64_t now_us, std::size_t depth_max,
                  const std::optional<std::string>& channel, std::string& out) {
    const std::uint64_t age_us = now_us > event.stored_us ? now_us - event.stored_us : 0;
    out += R"({"id":)" + std::to_string(event.id);
    out += R"(,"user_agent":)" + fabric::json_string(user_agent_of(event.message));
    out += R"(,"created_at":")" + created_at(event.stored_us);
    out += R"(","age":)" + std::to_string(age_us / 1'000'000);
    if (channel) out += R"(,"channel":)" + fabric::json_string(*channel);
    out += R"(,"data":)" + data_of(event.message, depth_max);
    out += '}';
}

std::string with_callback(std::string_view callback, std::string_view json) {
    std::string script{callback};
    script.reserve(callback.size() + json.size() + 3);
    script += '(';
    for (std::size_t i = 0; i < json.size(); ++i) {
        const std::string_view here = json.substr(i, 3);
        if (here == "\u2028" || here == "\u2029") {
            script += here == "\u2028" ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            script += json[i];
        }
    }
    return script += ");";
}

}  // namespace weft::gateway::rse
