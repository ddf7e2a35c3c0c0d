#pragma once
// What the topics of a translated protocol begin with. Threads: a pure function.

#include <string>
#include <string_view>

#include "config/section.hpp"

namespace weft::gateway {

/// `<prefix>.<environment>.<topic_root>` of `gateway.<protocol>.topic_root`, or without its end
/// where that is "". What is no beginning of a topic, or so long that no name would fit behind it
/// (160 bytes), is refused with a sentence.
[[nodiscard]] std::string read_topic_root(const config::Section& whole, std::string_view protocol);

}  // namespace weft::gateway
