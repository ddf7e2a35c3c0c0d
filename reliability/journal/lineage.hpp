#pragma once
// What caused a message, and what it caused: walks the parents that publishers have stated. They
// are signed, but nobody checks that they exist; circles and endless chains are possible, and end
// here. Threads: any; each call reads from the journal.

#include <cstdint>
#include <optional>
#include <vector>

#include "fabric/message/message_id.hpp"
#include "reliability/journal/stored_message.hpp"

namespace weft::reliability {

inline constexpr std::size_t lineage_depth_max = 64;
inline constexpr std::size_t lineage_messages_max = 10'000;
/// Of the runs of its messages, together.
inline constexpr std::size_t lineage_bytes_max = std::size_t{64} << 20;

/// One message of a family. `stored` is nothing where the journal does not have it, or not any
/// more: then only its id is known.
struct Relative {
    fabric::MessageId id;
    fabric::MessageId parent;  ///< None: it has none, or it is not known.
    std::size_t depth = 0;     ///< Steps from the message that was asked about.
    std::optional<StoredMessage> stored{};
};

struct Lineage {
    std::vector<Relative> relatives;
    bool cut = false;     ///< There is more than the limits allow.
    bool circle = false;  ///< Somebody stands among its own ancestors.
};

/// The parent first, then its parent, and so on; at most `depth`. `not_found` if the journal does
/// not have the message itself.
[[nodiscard]] JournalResult<Lineage> ancestors(Journal& journal, const fabric::MessageId& id,
                                               std::size_t depth = lineage_depth_max);
/// What names it as its parent, by rising ids; then, down to `depth`, what names those: each before
/// its own children. The message itself need not be there.
[[nodiscard]] JournalResult<Lineage> descendants(Journal& journal, const fabric::MessageId& id,
                                                 std::size_t depth = lineage_depth_max,
                                                 std::size_t messages = lineage_messages_max);
/// Its direct children.
[[nodiscard]] JournalResult<Lineage> children(Journal& journal, const fabric::MessageId& id,
                                              std::size_t messages = lineage_messages_max);

}  // namespace weft::reliability
