#pragma once
// One message of a journal: its run with everything but this message passed over, and what holds
// the bytes. Threads: values. Ownership: views live as long as a copy of `bytes`.

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "reliability/journal/journal.hpp"

namespace weft::reliability {

struct StoredMessage {
    StoredRun run;             ///< from = to = id().
    std::string_view content;  ///< As it was signed.
    std::shared_ptr<const void> bytes;

    [[nodiscard]] JournalId id() const noexcept { return run.from; }
};

/// Those that the page's read was about, by rising ids.
[[nodiscard]] std::vector<StoredMessage> messages_of(const Page& page);

/// Nothing: it was trimmed or has expired, or there is none of this id yet.
[[nodiscard]] JournalResult<std::optional<StoredMessage>> read_message(Journal& journal,
                                                                       JournalId id);

}  // namespace weft::reliability
