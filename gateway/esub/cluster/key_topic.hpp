#pragma once
// Keys as topics: a key is one token below the root of esub's topics, where every byte but letters,
// digits, '_' and '-' is written %XX, also the dot. Threads: pure functions and values.

#include <optional>
#include <string>
#include <string_view>

#include "fabric/message/topic.hpp"

namespace weft::gateway::esub {

class KeyTopics {
public:
    /// `topic_root` "": right below <prefix>.<environment>.
    KeyTopics(const fabric::TopicSpace& space, std::string_view topic_root);

    /// The full topic; nothing: with it the topic would be longer than topics may be.
    [[nodiscard]] std::optional<std::string> topic_of(std::string_view key) const;
    /// Nothing: it is no key's topic, or not in the one form that keys have.
    [[nodiscard]] std::optional<std::string> key_of(std::string_view topic) const;
    /// What matches the topics of all keys.
    [[nodiscard]] std::string glob() const { return before_ + "*"; }

private:
    std::string before_;  // with the last dot
};

}  // namespace weft::gateway::esub
