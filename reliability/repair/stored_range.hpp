#pragma once
// Reads a range of a stream out of one journal, and believes what verifies.
// Threads: any; blocks as long as the journal does.
// Limits:  a page has at most 1,000 messages and 1 MiB of frames (one run in any case), so that is
//          what is in memory at a time; a range has at most GapTracker::ask_numbers_max numbers.

#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/message.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::reliability {

/// The messages of a stored run that the read was about (from to to), verified as of the time at
/// which they were stored; or why none of them is believed. Any thread.
using VerifyStored =
    std::function<tl::expected<std::vector<fabric::Message>, std::string>(const StoredRun&)>;

struct RangeAnswer {
    /// The journal has said all that it has of the range.
    bool complete = false;
    std::size_t refused = 0;  ///< Runs that did not verify.
    std::string problem;      ///< Why not complete, or why runs were refused; or "".
};

/// Gives the messages to `take`, page by page, by rising number, marked as replayed. Ends early,
/// incomplete, once `stopped` says so.
[[nodiscard]] RangeAnswer read_range(Journal& journal, StreamRange range,
                                     const VerifyStored& verify,
                                     const std::function<void(std::vector<fabric::Message>)>& take,
                                     const std::function<bool()>& stopped);

}  // namespace weft::reliability
