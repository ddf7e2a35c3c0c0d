#pragma once
// Parameters that the native routes share, from text to types. Threads: pure functions.
// Errors: sentences that name the parameter.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/topic.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/http/uri.hpp"

namespace weft::gateway::native {

inline constexpr std::uint64_t limit_default = 100, limit_max = 1000;
inline constexpr std::chrono::milliseconds wait_max{60'000};

/// What a reader asks for: GET /v1/events and /v1/stream.
struct ReadParameters {
    reliability::TopicFilter filter;
    std::string filter_text;  ///< The globs, completed: equal for equal filters.
    reliability::Position after{};
    std::uint64_t last = 0;             ///< after=last:N: the newest N, then on.
    std::uint64_t stored_since_us = 0;  ///< after=since:10m.
    std::uint64_t limit = limit_default;
    std::chrono::milliseconds wait{};
};

/// topic (repeatable; short globs are completed; none: everything), after (an id, EPOCH:ID,
/// beginning, now, last:N, since:10m), limit, wait. `last_event_id` stands in for `after`. Without
/// either: `otherwise`. `journal` says where now is.
[[nodiscard]] tl::expected<ReadParameters, std::string> read_parameters(
    const Query& query, std::optional<std::string_view> last_event_id, std::string_view otherwise,
    const fabric::TopicSpace& space, const reliability::JournalInfo& journal, std::uint64_t now_us);

/// `topic`, repeatable and completed, sorted; none: everything.
[[nodiscard]] tl::expected<std::vector<signing::TopicGlob>, std::string> globs_parameter(
    const Query& query, const fabric::TopicSpace& space);
/// A number from `least` to `most`, or `otherwise` where there is no such parameter.
[[nodiscard]] tl::expected<std::uint64_t, std::string> number_parameter(const Query& query,
                                                                        std::string_view name,
                                                                        std::uint64_t otherwise,
                                                                        std::uint64_t least,
                                                                        std::uint64_t most);
/// A duration of at most `most`, or `otherwise` where there is no such parameter.
[[nodiscard]] tl::expected<std::chrono::milliseconds, std::string> duration_parameter(
    const Query& query, std::string_view name, std::chrono::milliseconds otherwise,
    std::chrono::milliseconds most);
[[nodiscard]] tl::expected<bool, std::string> flag_parameter(const Query& query,
                                                             std::string_view name);

}  // namespace weft::gateway::native
