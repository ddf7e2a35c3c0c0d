#pragma once
// Where the next runs of a few topics are, among very many of other topics: ids out of the topic
// index, so that a read for one topic of a thousand does not walk over the others.
// Threads: one.

#include <optional>
#include <string>
#include <vector>

#include "reliability/journal/commit.hpp"

namespace weft::reliability {

class SparseIds {
public:
    /// With more topics than that in the journal, or that match, walking is as good.
    static constexpr std::size_t topics_seen_max = 65'536, topics_matched_max = 64;
    static constexpr std::size_t ids_max = 256;  ///< Of one topic at a time.

    /// Nothing: this filter does not pay.
    [[nodiscard]] static JournalResult<std::optional<SparseIds>> of(StoredView& view,
                                                                    const TopicFilter& filter);
    /// First id of the next run, at `from` or later, of one of the topics; nothing up to the head
    /// of the view. `from` rises from call to call.
    [[nodiscard]] JournalResult<std::optional<JournalId>> next(StoredView& view, JournalId from);

private:
    [[nodiscard]] JournalResult<void> refill(StoredView& view, JournalId from);

    std::vector<std::string> topics_;
    std::vector<JournalId> ids_;  // Rising; all that there are up to known_.
    std::size_t at_ = 0;
    JournalId known_ = 0;
};

}  // namespace weft::reliability
