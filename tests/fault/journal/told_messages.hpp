#pragma once
// Messages whose bytes follow from their id, so that whoever finds one knows whether it is right.
// Threads: pure.

#include <stdexcept>
#include <string>
#include <vector>

#include "reliability/journal/journal.hpp"
#include "signing/proof.hpp"
#include "signing/wire.hpp"

namespace weft::fault {

using reliability::JournalId;

[[nodiscard]] inline std::string told_text(JournalId id) {
    return "message " + std::to_string(id) +
           std::string(id % 700, static_cast<char>('a' + id % 26));
}
[[nodiscard]] inline fabric::MessageId told_id(JournalId id) {
    return *fabric::MessageId::from_bytes(
        signing::WireWriter().u64(id * 0x9E3779B97F4A7C15).u64(id).take());
}
/// The run that gets the ids first to first + count - 1.
[[nodiscard]] inline reliability::RunToStore told_run(JournalId first, std::uint64_t count) {
    reliability::RunToStore run;
    run.topic = "told." + std::to_string(first % 7);
    run.signer = "alice";
    run.proof = "proof";
    for (JournalId id = first; id < first + count; ++id) {
        signing::append_item(told_text(id), run.contents);
        run.messages.push_back({.id = told_id(id), .parent = {}, .epoch = 1, .seq = id});
    }
    return run;
}

/// What a journal gives back.
struct Heard {
    JournalId next = 1;  ///< All before it were read, byte for byte.
    std::string error;   ///< Why reading ended early, or "".
    std::string wrong;   ///< Something else than what was stored, or "".
};
[[nodiscard]] inline Heard hear(reliability::Journal& journal) {
    Heard heard;
    reliability::Position after;
    for (bool at_head = false; !at_head;) {
        const auto page = journal.read(after, {}, {.messages = 100});
        if (!page) {
            heard.error = page.error().sentence;
            return heard;
        }
        if (page->gap) heard.wrong = "a gap";
        for (const auto& run : page->runs) {
            for_each_message(run, [&](JournalId id, std::string_view text) {
                if (id != heard.next || text != told_text(id)) {
                    heard.wrong = "message " + std::to_string(id);
                }
                ++heard.next;
            });
        }
        at_head = page->at_head;
        if (!at_head && page->next.id <= after.id) heard.wrong = "a page that does not move";
        if (!heard.wrong.empty()) return heard;
        after = page->next;
    }
    return heard;
}

}  // namespace weft::fault
