#include "gateway/rse/channel.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "config/problem.hpp"
#include "fabric/message/topic.hpp"
#include "gateway/http/uri.hpp"
#include "signing/digest.hpp"

namespace weft::gateway::rse {
namespace {

constexpr std::string_view extras_possible = "=:@,;!$&'()+";
constexpr std::size_t hash_token_bytes = 1 + 64;

bool is_channel_character(char byte, std::string_view extra) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' ||
           (extras_possible.find(byte) != std::string_view::npos &&
            extra.find(byte) != std::string_view::npos);
}

std::string escaped_tokens(std::string_view text, char separator) {
    std::string escaped;
    while (true) {
        const std::size_t end = std::min(text.find(separator), text.size());
        escaped += '/' + percent_encode(text.substr(0, end));
        if (end == text.size()) return escaped;
        text.remove_prefix(end + 1);
    }
}

std::string dotted(std::string_view name) {
    std::string topic{name};
    std::replace(topic.begin(), topic.end(), '/', '.');
    return topic;
}

}  // namespace

tl::expected<Channel, std::string> Channel::parse(std::string_view raw_path,
                                                  std::string_view extra) {
    auto decoded = percent_decode(raw_path);
    if (!decoded) return tl::make_unexpected("Invalid channel: " + decoded.error());
    const std::string& name = *decoded;
    const auto wrong = [&](const std::string& what) {
        return tl::make_unexpected("Invalid channel " + config::in_quotes(name) + ": " + what);
    };
    if (name.size() > bytes_max) {
        return tl::make_unexpected("Invalid channel: its name has " + std::to_string(name.size()) +
                                   " bytes; at most " + std::to_string(bytes_max) + " are allowed");
    }
    if (name.size() < 2 || name.front() != '/') return wrong("it is '/' and a name");
    if (name.back() == '/' || name.find("//") != std::string::npos) {
        return wrong("a slash stands between two names, never at the end or beside another");
    }
    const auto bad = std::find_if_not(name.begin(), name.end(), [&](char byte) {
        return byte == '/' || is_channel_character(byte, extra);
    });
    if (bad != name.end()) return wrong("only letters, digits, '/', '_' and '-' are allowed");
    return Channel{*std::move(decoded)};
}

std::string Channel::quoted() const {
    return escaped_tokens(std::string_view{name_}.substr(1), '/');
}

std::vector<Channel> Channel::with_ancestors() const {
    std::vector<Channel> levels{*this};
    for (std::string_view left = name_;;) {
        left = left.substr(0, left.rfind('/'));
        if (left.empty()) return levels;
        levels.push_back(Channel{std::string{left}});
    }
}

bool is_within(std::string_view name, std::string_view channel) noexcept {
    if (!name.starts_with(channel)) return false;
    return name.size() == channel.size() || name[channel.size()] == '/';
}

std::string ChannelTopics::kept(const Channel& channel) const {
    const std::string whole = root_ + dotted(channel.name());
    constexpr std::size_t room = fabric::Topic::bytes_max - hash_token_bytes - 1;
    if (whole.size() <= room) return whole;
    const std::size_t cut = whole.rfind('.', room);
    return whole.substr(0, std::max(cut == std::string::npos ? 0 : cut, root_.size()));
}

bool ChannelTopics::is_hashed(const Channel& channel) const {
    return root_.size() + channel.name().size() > fabric::Topic::bytes_max;
}

std::string ChannelTopics::topic_of(const Channel& channel) const {
    if (!is_hashed(channel)) return root_ + dotted(channel.name());
    signing::TaggedHash hash("weft.rse.channel");
    const auto digest = hash.add(channel.name()).finish();
    return kept(channel) + ".~" + signing::hex(signing::bytes_of(digest));
}

std::string ChannelTopics::glob_within(const Channel& channel) const {
    return kept(channel) + ".**";
}

std::optional<std::string> ChannelTopics::channel_of(const fabric::Message& message) const {
    std::string_view rest = message.topic();
    if (!rest.starts_with(root_ + '.')) return std::nullopt;
    rest.remove_prefix(root_.size() + 1);
    if (!rest.substr(rest.rfind('.') + 1).starts_with('~')) return escaped_tokens(rest, '.');
    const auto named = message.header(channel_header);
    if (!named) return std::nullopt;
    const auto channel = Channel::parse(*named, extras_possible);
    if (!channel || topic_of(*channel) != message.topic()) return std::nullopt;
    return channel->quoted();
}

reliability::TopicFilter filter_of(const std::vector<std::string>& globs) {
    std::vector<signing::TopicGlob> parsed;
    for (const std::string& text : globs) {
        auto glob = signing::TopicGlob::parse(text);
        assert(glob);
        parsed.push_back(*std::move(glob));
    }
    return reliability::TopicFilter{std::move(parsed)};
}

}  // namespace weft::gateway::rse
