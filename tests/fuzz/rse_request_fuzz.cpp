// What RSE makes of a request: channels always have a topic and a glob that cover them, numbers
// stay within their limits, a callback is a plain word, a UUID has its characters.

#include <algorithm>
#include <cassert>
#include <cctype>
#include <string>

#include "fabric/message/topic.hpp"
#include "gateway/rse/channel.hpp"
#include "gateway/rse/client.hpp"
#include "gateway/rse/parameters.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using namespace gateway;

bool is_word(std::string_view text, char other) {
    return std::all_of(text.begin(), text.end(), [&](char byte) {
        return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == other;
    });
}

void channel(std::string_view path) {
    const auto parsed = rse::Channel::parse(path, "=:@,;!$&'()+");
    if (!parsed) return;
    assert(rse::Channel::parse(parsed->quoted(), "=:@,;!$&'()+") == *parsed);
    const rse::ChannelTopics topics("org.weft.dev.rse");
    for (const rse::Channel& level : parsed->with_ancestors()) {
        assert(rse::is_within(parsed->quoted(), level.quoted()));
        const std::string topic = topics.topic_of(level);
        assert(fabric::Topic::parse(topic));
        assert(rse::filter_of({topic}).matches(topic));
        assert(rse::filter_of({topics.glob_within(level)}).matches(topics.topic_of(*parsed)));
    }
}

void query(std::string_view text) {
    const auto parsed = Query::parse(text);
    if (!parsed) return;
    const rse::Settings settings;
    if (const auto poll = rse::poll_parameters(*parsed, settings)) {
        assert(poll->last_known_id <= INT64_MAX);
        assert(poll->max_events >= 1 && poll->max_events <= settings.max_events);
        assert(poll->wait.count() >= 0 && poll->wait <= settings.wait_max);
    }
    if (const auto callback = rse::callback_of(*parsed)) {
        assert(is_word(*callback, '_') && callback->size() <= rse::callback_bytes_max);
    }
}

void agent(std::string_view text) {
    Headers headers;
    headers.add("User-Agent", std::string{text});
    const auto client = rse::client_of(headers, false);
    if (!client) return;
    assert(client->user_agent == text);
    assert(!client->uuid.empty() && client->uuid.size() <= 36 && is_word(client->uuid, '-'));
}

}  // namespace

void rse_request(std::string_view input) {
    const std::size_t first = std::min(input.find('\n'), input.size());
    channel(input.substr(0, first));
    input.remove_prefix(std::min(first + 1, input.size()));
    const std::size_t second = std::min(input.find('\n'), input.size());
    query(input.substr(0, second));
    agent(input.substr(std::min(second + 1, input.size())));
}

}  // namespace weft::fuzz
