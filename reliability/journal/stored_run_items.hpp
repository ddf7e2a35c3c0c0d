#pragma once
// Walks the messages of a run that a journal gave. Included by journal.hpp.

#include "signing/proof.hpp"

namespace weft::reliability {

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
