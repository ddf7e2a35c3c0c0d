#pragma once
// Walks the messages of a run that a journal gave. Included by journal.hpp.

#include <cstdint>
#include <string_view>

#include "signing/proof.hpp"

namespace weft::reliability {

/// How many messages of a contents frame are there, not left out.
[[nodiscard]] inline std::uint64_t present_items(std::string_view contents) {
    std::uint64_t count = 0;
    for (signing::ItemReader items(contents); !items.at_end();) {
        const auto item = items.next();
        if (!item) break;
        if (item->present) ++count;
    }
    return count;
}

template <class Each>
void for_each_message(const StoredRun& run, Each each) {
    JournalId id = run.first;
    for (signing::ItemReader items(run.contents); !items.at_end();) {
        const auto item = items.next();
        if (!item || id > run.to) return;
        if (!item->present) continue;
        if (id >= run.from) each(id, item->bytes);
        ++id;
    }
}

}  // namespace weft::reliability
