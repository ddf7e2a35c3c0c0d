#pragma once
// What a journal answers: the content of a run of kind 4, an array of
//
//     0 version  uint, 1
//     1 nonce    bin 16, of the request
//     2 status   uint, see below
//     3 life     uint: names this life of the service, never 0; a restart gives another one
//     4 …        with status 0 what the operation gives, else a sentence (str, at most 1,024
//                bytes); readers ignore what follows
//
// Threads: pure functions. Ownership: what was decoded is a view into the content.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "reliability/journal/journal.hpp"
#include "reliability/service/request_codec.hpp"

namespace weft::reliability {

/// 1 to 9 are the reasons of JournalError.
enum class AnswerStatus : std::uint64_t {
    good = 0,
    closed = 1,
    busy = 2,
    disk_full = 3,
    io = 4,
    corrupt = 5,
    invalid = 6,
    not_found = 7,
    away = 8,
    refused = 9,
    other_life = 10,  ///< The request names another life: ask again with the one of this answer.
    unknown_operation = 11,
};
[[nodiscard]] AnswerStatus status_of(JournalError::Reason reason) noexcept;
/// What the caller is told; statuses that are not known here are `refused`.
[[nodiscard]] JournalError::Reason reason_of(std::uint64_t status) noexcept;

struct JournalAnswer {
    Nonce nonce{};
    std::uint64_t status = 0, life = 0;
    std::uint64_t count = 0;  ///< Of the fields in `fields`.
    std::string_view fields;
    std::string_view sentence;  ///< Of an error.
};

[[nodiscard]] std::string encode_journal_answer(const JournalAnswer& answer);
/// The error is a sentence. Bytes of a journal are foreign bytes, too.
[[nodiscard]] tl::expected<void, std::string> decode_journal_answer(std::string_view content,
                                                                    JournalAnswer& answer);

}  // namespace weft::reliability
