#pragma once
// Where somebody is in a journal, and what they are told when that place is gone.
// Threads: values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace weft::reliability {

/// The number of a message in one journal: from 1, rising, never used twice. 0 is none: the place
/// before the first.
using JournalId = std::uint64_t;

/// Names one life of a journal: random, never 0. A journal that was made anew has another.
using JournalEpoch = std::uint64_t;

/// "After this id." Ids mean something only together with the epoch of the journal that gave them.
struct Position {
    JournalEpoch epoch = 0;  ///< 0: whatever the journal's is; for a first question.
    JournalId id = 0;

    /// "9f86d081884c7d65:4711": the epoch in 16 hexadecimal digits, a colon, the id.
    [[nodiscard]] std::string text() const;
    /// That, or an id alone, whose epoch is then 0. The error says what would be right.
    [[nodiscard]] static tl::expected<Position, std::string> parse(std::string_view text);

    friend bool operator==(const Position&, const Position&) = default;
};

/// Messages that a reader will not get: trimmed away, expired, or of a journal that is no more.
struct JournalGap {
    JournalId from = 0, to = 0;  ///< Both included; ids of the journal that is asked now.
    /// How many of them the reader would have got, at most: a filter may have wanted fewer.
    /// Nothing: nobody knows, the position was of another journal.
    std::optional<std::uint64_t> lost;
    friend bool operator==(const JournalGap&, const JournalGap&) = default;
};

}  // namespace weft::reliability
