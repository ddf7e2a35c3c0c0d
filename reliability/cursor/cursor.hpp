#pragma once
// A named place in a journal, and what it is a place among: the topics that its reader wants. It is
// kept in the journal's state under "cursor/<name>", as one msgpack array of 11:
//
//   0 version 1 | 1 epoch | 2 id | 3 created | 4 moved (microseconds since 1970 UTC) |
//   5 lost: messages that trimming took from it | 6 gaps: how often |
//   7 mode: 0 plain, 1 shared, 2 keyed, 3 exclusive | 8 lease, ms | 9 attempts at most |
//   10 array of at most 32 globs (str); none: everything
//
// A later version may add positions; readers ignore them. Threads: values and pure functions.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "reliability/journal/journal.hpp"

namespace weft::reliability {

/// How a group shares the messages of its cursor.
struct GroupSettings {
    enum class Mode {
        shared,    ///< Any member gets any message.
        keyed,     ///< Those of one topic and signer go to one member at a time, in their order.
        exclusive  ///< One member gets all, the others stand by.
    };
    static constexpr std::chrono::milliseconds lease_max = std::chrono::hours{24};
    static constexpr unsigned attempts_limit = 100;

    Mode mode = Mode::shared;
    std::chrono::milliseconds lease{30'000};  ///< Where next() says nothing else; > 0.
    unsigned max_attempts = 5;                ///< Then it is a dead letter.

    friend bool operator==(const GroupSettings&, const GroupSettings&) = default;
};
[[nodiscard]] std::string_view name_of(GroupSettings::Mode mode) noexcept;
[[nodiscard]] std::optional<GroupSettings::Mode> group_mode_named(std::string_view name) noexcept;

struct Cursor {
    static constexpr std::size_t globs_max = 32;

    std::string name;                       ///< As those of certificates: signing::name_error().
    std::vector<signing::TopicGlob> globs;  ///< None: everything.
    std::optional<GroupSettings> group;     ///< Nothing: one reader moves it.
    Position position;                      ///< All up to here is done.
    std::uint64_t created_us = 0, moved_us = 0;
    std::uint64_t lost = 0;  ///< Messages that it never got, as far as somebody could count them.
    std::uint64_t gaps = 0;  ///< How often that happened.

    [[nodiscard]] TopicFilter filter() const {
        return globs.empty() ? TopicFilter{} : TopicFilter{globs};
    }
    friend bool operator==(const Cursor&, const Cursor&) = default;
};

inline constexpr std::string_view cursor_prefix = "cursor/";
[[nodiscard]] inline std::string cursor_key(std::string_view name) {
    return std::string{cursor_prefix}.append(name);
}

/// What is wrong with it, as a sentence that says what would be right, or "".
[[nodiscard]] std::string cursor_error(const Cursor& cursor);

/// `cursor` must be one that cursor_error() has nothing to say about (asserted).
[[nodiscard]] std::string encode_cursor(const Cursor& cursor);
/// The error names the position that is wrong.
[[nodiscard]] tl::expected<Cursor, std::string> decode_cursor(std::string_view name,
                                                              std::string_view bytes);

}  // namespace weft::reliability
