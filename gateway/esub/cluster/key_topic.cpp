#include "gateway/esub/cluster/key_topic.hpp"

namespace weft::gateway::esub {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

bool is_plain(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

}  // namespace

KeyTopics::KeyTopics(const fabric::TopicSpace& space, std::string_view topic_root)
    : before_(space.root() + ".") {
    if (!topic_root.empty()) before_ += std::string{topic_root} + ".";
}

std::optional<std::string> KeyTopics::topic_of(std::string_view key) const {
    if (key.empty() || key.size() > fabric::Topic::bytes_max) return std::nullopt;
    std::string topic = before_;
    for (const char byte : key) {
        if (is_plain(byte)) {
            topic += byte;
            continue;
        }
        const auto number = static_cast<unsigned char>(byte);
        topic += '%';
        topic += digits[number >> 4];
        topic += digits[number & 15];
    }
    if (topic.size() > fabric::Topic::bytes_max) return std::nullopt;
    return topic;
}

std::optional<std::string> KeyTopics::key_of(std::string_view topic) const {
    if (!topic.starts_with(before_)) return std::nullopt;
    std::string key;
    for (std::size_t i = before_.size(); i < topic.size(); ++i) {
        if (is_plain(topic[i])) {
            key += topic[i];
            continue;
        }
        if (topic[i] != '%' || i + 2 >= topic.size()) return std::nullopt;
        const std::size_t high = digits.find(topic[i + 1]), low = digits.find(topic[i + 2]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        key += static_cast<char>(high * 16 + low);
        // One key has one topic.
        if (is_plain(key.back())) return std::nullopt;
        i += 2;
    }
    if (key.empty()) return std::nullopt;
    return key;
}

}  // namespace weft::gateway::esub
