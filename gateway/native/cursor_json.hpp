#pragma once
// Cursors and groups as JSON: what requests say, and what answers show. Threads: pure functions.
// Errors: sentences that name the member.

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/topic.hpp"
#include "fabric/message/value.hpp"
#include "gateway/http/uri.hpp"
#include "gateway/principal.hpp"
#include "reliability/cursor/cursor_store.hpp"
#include "reliability/cursor/group_service.hpp"
#include "reliability/cursor/start.hpp"
#include "signing/topic_glob.hpp"

namespace weft::gateway::native {

/// What PUT /v1/cursors/{name} asks for: {topics, start, mode?, lease?, max_attempts?}.
struct WantedCursor {
    std::vector<signing::TopicGlob> globs;
    reliability::Start start{};
    std::optional<reliability::GroupSettings> group{};
};
[[nodiscard]] tl::expected<WantedCursor, std::string> wanted_cursor(
    const fabric::Value& body, const fabric::TopicSpace& space);

/// A list of numbers of the journal, at most reliability::answers_max.
[[nodiscard]] tl::expected<std::vector<reliability::JournalId>, std::string> ids_of(
    const fabric::Value& list);
/// `member` of the body, else of the query, else the token's name.
[[nodiscard]] std::string member_of(const fabric::Value& body, const Query& query,
                                    const Principal& who);

/// `group` may be null.
[[nodiscard]] fabric::Value view_of(const reliability::Cursor& cursor,
                                    const reliability::CursorLag& lag,
                                    const reliability::ConsumerGroup::Stats* group);
[[nodiscard]] std::string answers_json(
    const std::vector<reliability::ConsumerGroup::Answer>& answers);

}  // namespace weft::gateway::native
