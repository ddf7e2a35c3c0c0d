#pragma once
// Goes over stored runs and takes nothing for granted: a run that should be there and is not, is
// `corrupt`. Also: where a position is, and pages as they fill.
// Threads: one.

#include <deque>
#include <memory>
#include <string>

#include "reliability/journal/commit.hpp"

namespace weft::reliability {

/// Where a read begins.
struct ReadStart {
    JournalId from = 1;  ///< The first id that may be given.
    std::optional<JournalGap> gap;
};
[[nodiscard]] JournalResult<ReadStart> start_of(const StoredView& view, Position after);

class RunWalk {
public:
    /// Ids up to `through`, which is at most the view's head.
    RunWalk(StoredView& view, JournalId through) : through_(through), cursor_(view.runs(through)) {}

    /// The run that has `id`. It must be there: `id` is from low to through.
    [[nodiscard]] JournalResult<const RawRun*> at(JournalId id);
    /// The one that follows; nullptr beyond through.
    [[nodiscard]] JournalResult<const RawRun*> next();

private:
    JournalId through_;
    std::unique_ptr<RunCursor> cursor_;
    JournalId last_ = 0;
};

/// Fills a page under limits; keeps the bytes.
class PageFiller {
public:
    explicit PageFiller(const ReadLimits& limits)
        : limits_(limits), bytes_(std::make_shared<std::deque<std::string>>()) {}

    /// How many of the next `wanted` messages of a run would fit; 0: the page is full.
    [[nodiscard]] std::uint64_t room_for(const RawRun& run, std::uint64_t wanted) const;
    void add(const RawRun& run, JournalId from, JournalId to);
    [[nodiscard]] bool empty() const { return page_.runs.empty(); }
    [[nodiscard]] Page take();
    Page& page() { return page_; }

private:
    ReadLimits limits_;
    std::shared_ptr<std::deque<std::string>> bytes_;
    Page page_;
    std::uint64_t messages_ = 0;
    std::size_t used_ = 0;
};

}  // namespace weft::reliability
