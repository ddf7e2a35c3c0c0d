#pragma once
// Where a reader begins, as people write it: in `weft tail --from`, `weft cursor set --to` and the
// HTTP routes. One place parses it, one place finds it in a journal.
//
//   beginning        the oldest message that is there
//   4711             after the message with this id of the journal
//   9f86…:4711       the same, and the journal must still be the one of that epoch
//   0190a5c4-…       after the message with this id of its own (a UUID)
//   last:100         the last 100 that match
//   since:10m        what was stored in the last ten minutes
//   last-per-topic   the newest message of each topic, then what follows
//   now, end         only what comes from now on
//
// Threads: parse() is pure; resolve() asks the journal, from any thread.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "fabric/message/message_id.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::reliability {

struct Start {
    enum class Kind { beginning, after, after_message, last, since, last_per_topic, now };
    static constexpr std::uint64_t last_max = 1'000'000;

    Kind kind = Kind::now;
    Position after{};                 ///< Kind::after.
    fabric::MessageId message{};      ///< Kind::after_message.
    std::uint64_t count = 0;          ///< Kind::last: 1 to last_max.
    std::chrono::milliseconds age{};  ///< Kind::since.

    /// The error says what would be right.
    [[nodiscard]] static tl::expected<Start, std::string> parse(std::string_view text);
    /// What parse() reads back to the same.
    [[nodiscard]] std::string text() const;

    friend bool operator==(const Start&, const Start&) = default;
};

/// The place after which reading begins, with the journal's epoch. An id with an epoch of another
/// life is given back as it is: reading from there tells the gap. `last` counts what `filter`
/// matches, and looks back over at most four million ids for it. Kind::last_per_topic is no place:
/// `invalid`.
[[nodiscard]] JournalResult<Position> resolve(const Start& start, Journal& journal,
                                              const TopicFilter& filter, std::uint64_t now_us);

}  // namespace weft::reliability
