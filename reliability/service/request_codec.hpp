#pragma once
// What somebody asks a journal: the content of a run of kind 3, an array of
//
//     0 version    uint, 1
//     1 operation  uint, see operation.hpp
//     2 nonce      bin 16, random: the answer repeats it
//     3 time       uint, microseconds since 1970 UTC, of who asks
//     4 life       uint, of the service that is asked, as its last answer said; 0: not known yet
//     5 …          what the operation takes; readers ignore what follows it
//
// Threads: pure functions. Ownership: what was decoded is a view into the content.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "reliability/ack/request.hpp"
#include "reliability/service/packer.hpp"

namespace weft::reliability {

inline constexpr std::uint64_t asking_version = 1;
/// Of a whole contents frame, either way: a run of the largest size and what is said about it.
inline constexpr std::size_t asking_bytes_max = 9'000'000;

struct JournalRequest {
    std::uint64_t operation = 0;
    Nonce nonce{};
    std::uint64_t time_us = 0, life = 0;
    std::uint64_t count = 0;  ///< Of the fields in `fields`.
    std::string_view fields;  ///< Whole msgpack objects, side by side, walked over once.
};

[[nodiscard]] std::string encode_journal_request(const JournalRequest& request);
/// Foreign bytes. The error is a sentence.
[[nodiscard]] tl::expected<void, std::string> decode_journal_request(std::string_view content,
                                                                     JournalRequest& request);

}  // namespace weft::reliability
