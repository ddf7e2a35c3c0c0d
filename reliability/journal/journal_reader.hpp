#pragma once
// What the contract says about reading, over what one view of a storage shows: positions, gaps,
// limits, filters, holes that must not be. The same for every storage.
// Threads: one a call. Errors: `invalid` positions; `corrupt` names the id.

#include "reliability/journal/commit.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::reliability {

[[nodiscard]] JournalResult<Page> read_page(StoredView& view, Position after,
                                            const TopicFilter& filter, const ReadLimits& limits);
[[nodiscard]] JournalResult<Page> read_stream_page(StoredView& view, const StreamRange& range,
                                                   const ReadLimits& limits);
[[nodiscard]] JournalResult<Page> read_last_page(StoredView& view, Position after,
                                                 const TopicFilter& filter,
                                                 const ReadLimits& limits);

[[nodiscard]] JournalResult<JournalId> first_stored_at(StoredView& view, std::uint64_t stored_us);
/// Neither trimmed nor expired.
[[nodiscard]] JournalResult<std::optional<JournalId>> find_kept(StoredView& view,
                                                                const fabric::MessageId& id);
[[nodiscard]] JournalResult<std::vector<JournalId>> kept_children(StoredView& view,
                                                                  const fabric::MessageId& parent,
                                                                  JournalId after,
                                                                  std::size_t limit);

/// Which runs expire() is to forget, and what it answers then.
struct Expiry {
    std::vector<JournalId> firsts;
    Journal::Expired answer;
};
[[nodiscard]] JournalResult<Expiry> choose_expired(StoredView& view, Position after,
                                                   const TopicFilter& filter,
                                                   std::uint64_t stored_us,
                                                   const ReadLimits& limits);

}  // namespace weft::reliability
