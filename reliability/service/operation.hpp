#pragma once
// What a journal can be asked, by number, and whom it answers. docs/wire-format.md, "Asking a
// journal", says what each takes and gives. Numbers are never given to something else.
// Threads: pure functions.

#include <cstdint>
#include <string>
#include <string_view>

#include "signing/certificate.hpp"

namespace weft::reliability {

enum class Operation : std::uint64_t {
    info = 1,
    read = 2,
    read_stream = 3,
    read_last = 4,
    id_at = 5,
    find = 6,
    children = 7,
    wait = 8,
    low_for_bytes = 9,
    ancestors = 10,
    descendants = 11,
    submit = 32,
    trim = 33,
    expire = 34,
    state_get = 64,
    state_list = 65,
    state_apply = 66,
    cursor_list = 96,
    cursor_show = 97,
    cursor_put = 98,
    cursor_set = 99,
    cursor_advance = 100,
    cursor_remove = 101,
    cursor_read = 102,
    group_next = 112,
    group_ack = 113,
    group_nack = 114,
    group_extend = 115,
    group_leave = 116,
    dead_list = 117,
    dead_retry = 118,
    dead_drop = 119,
    group_bury = 120,
    group_extend_all = 121,
};

/// Everything but `anybody` takes a signed request that is fresh and was not here before.
enum class Right : std::uint8_t {
    anybody,   ///< Also without a key.
    consumer,  ///< Role publish, ack, gateway or journal.
    writer,    ///< Role publish, gateway or journal.
    keeper,    ///< Role journal, or the name of the journal itself.
};

/// "" or why this signer does not have the right. `signer` null: nobody signed.
[[nodiscard]] std::string right_refusal(Right right, const signing::Certificate* signer,
                                        std::string_view journal);

/// Under which both requests to this journal and its answers go: "org.weft.dev" and "hub" make
/// "org.weft.dev.journal.hub".
[[nodiscard]] std::string journal_topic(std::string_view root, std::string_view journal);

}  // namespace weft::reliability
