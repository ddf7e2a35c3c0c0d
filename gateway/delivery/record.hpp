#pragma once
// How subscriptions are kept in the journal's state:
//
//   delivery/subscription/<id>   the subscription, as JSON; written before put() answers
//   delivery/progress/<id>       counts, and the batches that failed, as JSON; written soon
//   delivery/attempts/<id>       its last attempts, as JSON, where somebody is shown them; written
//                                within seconds
//   cursor/delivery.<id>         where it is (reliability/cursor/cursor.hpp): the cursor that
//                                retention and `weft cursor` know; a capital X of the id as u.x
//
// A later version may add members; readers ignore those that they do not know.
// Threads: pure functions. Errors: sentences that name what is wrong.

#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/delivery/engine.hpp"
#include "gateway/delivery/progress.hpp"
#include "gateway/delivery/subscription.hpp"
#include "reliability/cursor/cursor.hpp"
#include "reliability/journal/state_store.hpp"

namespace weft::gateway::delivery {

inline constexpr std::string_view subscription_prefix = "delivery/subscription/";
inline constexpr std::string_view progress_prefix = "delivery/progress/";
inline constexpr std::string_view attempts_prefix = "delivery/attempts/";

[[nodiscard]] std::string cursor_name(std::string_view id);

/// What is wrong with it, as a sentence that says what would be right, or "".
[[nodiscard]] std::string subscription_error(const Subscription& subscription,
                                             std::size_t record_bytes);

[[nodiscard]] std::string encode_subscription(const Subscription& subscription);
[[nodiscard]] tl::expected<Subscription, std::string> decode_subscription(std::string_view text);

/// Without the position, which is the cursor's.
[[nodiscard]] std::string encode_progress(const Progress& progress);
[[nodiscard]] tl::expected<Progress, std::string> decode_progress(std::string_view text);

/// Oldest first, at most Engine::attempts_kept.
[[nodiscard]] std::string encode_attempts(const std::deque<Attempt>& attempts);
[[nodiscard]] tl::expected<std::deque<Attempt>, std::string> decode_attempts(std::string_view text);

/// The cursor of a subscription at this place.
[[nodiscard]] reliability::Cursor cursor_of(const Subscription& subscription,
                                            reliability::Position position, std::uint64_t lost,
                                            std::uint64_t now_us);

}  // namespace weft::gateway::delivery
