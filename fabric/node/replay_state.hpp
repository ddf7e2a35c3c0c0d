#pragma once
// What a receiver remembers of the messages that it had, as a value and as bytes for a file.
// Reading takes foreign bytes: every count and length is checked against what is left, and a
// checksum must hold.
// Threads: values and pure functions. Units: microseconds since 1970-01-01 UTC.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::fabric {

struct ReplayState {
    static constexpr std::uint64_t window = 1024;
    static constexpr std::size_t bytes_max = std::size_t{8} * 1024 * 1024;
    using Boot = std::array<char, 16>;

    struct Signer {
        std::string name;
        std::uint64_t floor_us = 0;  ///< What it said up to then may have been accepted.
        std::uint64_t lead_us = 0;   ///< How far its clock was ahead of the horizon, at most.
    };
    struct Stream {
        std::uint32_t signer = 0;  ///< In `signers`.
        std::uint64_t epoch = 0;
        std::string topic;
        std::uint64_t high = 0, last_time_us = 0, floor_us = 0;
        std::array<std::uint64_t, window / 64> seen{};  ///< Bit seq % 1024.
    };

    /// True: written when the receiver stopped, and all is in it. False: the receiver was running,
    /// and may have accepted anything up to the horizon plus its signer's lead.
    bool closed = false;
    Boot boot{};  ///< Of the machine when it was written; see replay_file.hpp.
    std::uint64_t horizon_us = 0;
    std::uint64_t floor_us = 0;  ///< As a signer's, for signers that are not listed.
    std::uint64_t lead_us = 0;   ///< Likewise.
    std::vector<Signer> signers;
    std::vector<Stream> streams;
};

[[nodiscard]] std::string to_bytes(const ReplayState& state);
/// Nothing if it is no such state, is damaged or claims more than a receiver keeps. What follows
/// the state is ignored: files are overwritten in place.
[[nodiscard]] std::optional<ReplayState> replay_state_from(std::string_view bytes);

}  // namespace weft::fabric
