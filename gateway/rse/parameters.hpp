#pragma once
// What a poll asks for, read strictly: a number that is none is an error, not a default.
// Threads: pure functions. Errors: sentences.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "gateway/http/uri.hpp"
#include "gateway/rse/settings.hpp"

namespace weft::gateway::rse {

enum class Scope : std::uint8_t {
    exact,   ///< That channel.
    parent,  ///< And those above it.
    all,     ///< And those below it.
};

struct PollParameters {
    std::uint64_t last_known_id = 0;
    std::uint64_t max_events = 0;
    bool newest_first = false;
    bool echo = false;  ///< Own events too.
    Scope scope = Scope::exact;
    std::chrono::milliseconds wait{0};
};

inline constexpr std::uint64_t max_events_default = 200;
inline constexpr std::size_t callback_bytes_max = 128;

[[nodiscard]] tl::expected<PollParameters, std::string> poll_parameters(const Query& query,
                                                                        const Settings& settings);
/// A stream goes on behind `last_event_id`, if there is one, in place of last-known-id; it has no
/// sort=-1.
[[nodiscard]] tl::expected<PollParameters, std::string> stream_parameters(
    const Query& query, std::optional<std::string_view> last_event_id, const Settings& settings);
/// `sort` alone: whether the newest come first.
[[nodiscard]] tl::expected<bool, std::string> newest_first(const Query& query);
/// "" if there is none.
[[nodiscard]] tl::expected<std::string, std::string> callback_of(const Query& query);
/// y, yes, t, true, on, 1 and their opposites, in any case.
[[nodiscard]] tl::expected<bool, std::string> boolean_word(std::string_view text);

}  // namespace weft::gateway::rse
