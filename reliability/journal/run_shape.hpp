#pragma once
// What a journal asks of what it is given, before anything waits: shapes and limits, no meaning.
// Threads: pure. Errors: `invalid`, with what would be right.

#include <cstddef>
#include <string_view>
#include <vector>

#include "reliability/journal/journal.hpp"

namespace weft::reliability {

struct AppendSize {
    std::size_t messages = 0, bytes = 0;
};

/// How much these runs are, if each is one: a topic, whole items, as many present as messages are
/// named, at most what one ZeroMQ message may hold.
[[nodiscard]] JournalResult<AppendSize> size_of(const std::vector<RunToStore>& runs);

/// How many bytes these changes are, if keys and values are within their limits.
[[nodiscard]] JournalResult<std::size_t> size_of(const std::vector<StateChange>& changes);

[[nodiscard]] inline tl::unexpected<JournalError> journal_error(JournalError::Reason reason,
                                                                std::string sentence) {
    return tl::unexpected<JournalError>(JournalError{reason, std::move(sentence)});
}

}  // namespace weft::reliability
