#pragma once
// How much an acknowledgement says. The numbers are on the wire (docs/wire-format.md).
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::reliability {

enum class AckLevel : std::uint8_t {
    rejected = 0,   ///< "I will not": ends the wait as a failure.
    received = 1,   ///< Verified, and in the consumer's queue.
    stored = 2,     ///< On a journal's disk, after its fsync.
    processed = 3,  ///< The consumer's handler returned.
};

/// Does `got` say at least what was `asked` for (A4)? Who stored or processed has received; but to
/// store and to process are different things, and neither stands for the other.
[[nodiscard]] constexpr bool satisfies(AckLevel asked, AckLevel got) noexcept {
    if (asked == AckLevel::rejected || got == AckLevel::rejected) return false;
    return asked == AckLevel::received || asked == got;
}

/// "received", "stored", "processed", "rejected".
[[nodiscard]] std::string_view name_of(AckLevel level) noexcept;
/// What a publisher may ask for: not "rejected".
[[nodiscard]] std::optional<AckLevel> parse_level(std::string_view text) noexcept;

}  // namespace weft::reliability
