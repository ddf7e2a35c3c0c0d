#pragma once
// What must hold for every publish that is made of a request's bytes. For the fuzz targets alone.
// Threads: one.

#include <cassert>
#include <string>
#include <string_view>

#include "config/utf8.hpp"
#include "fabric/message/body.hpp"
#include "fabric/message/topic.hpp"
#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::fuzz {

inline const fabric::TopicSpace topic_space{"org.weft", "dev"};

inline void check_publish(const gateway::PublishRequest& made) {
    assert(fabric::Topic::parse(made.topic));
    // Full, or completed: never a topic of nobody's prefix.
    assert(made.topic.starts_with("org.weft."));
    assert(!made.content_type.empty() || fabric::Body::msgpack(made.body));
    assert(made.mode != gateway::PublishRequest::Mode::acknowledged || !made.recipients.empty());
}

/// A sentence that stands in an answer and in the log: a line of UTF-8.
inline void check_sentence(std::string_view sentence) {
    assert(!sentence.empty() && sentence.size() < 8192);
    assert(config::is_utf8(sentence) && sentence.find('\n') == std::string_view::npos);
}

}  // namespace weft::fuzz
