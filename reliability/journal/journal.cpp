#include "reliability/journal/journal.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace weft::reliability {

std::string_view name_of(JournalError::Reason reason) noexcept {
    using Reason = JournalError::Reason;
    switch (reason) {
        case Reason::closed:
            return "closed";
        case Reason::busy:
            return "busy";
        case Reason::disk_full:
            return "disk_full";
        case Reason::io:
            return "io";
        case Reason::corrupt:
            return "corrupt";
        case Reason::invalid:
            return "invalid";
        case Reason::not_found:
            return "not_found";
        case Reason::away:
            return "away";
        case Reason::refused:
            return "refused";
    }
    return "?";
}

std::uint64_t Page::messages() const noexcept {
    std::uint64_t count = 0;
    for (const StoredRun& run : runs) count += run.to - run.from + 1;
    return count;
}

JournalResult<std::vector<IdRange>> Journal::append(std::vector<RunToStore> runs) {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<JournalResult<std::vector<IdRange>>> answer;
    append(std::move(runs), [&](JournalResult<std::vector<IdRange>> given) {
        // Under the lock: the caller's frame is gone as soon as it has seen the answer.
        const std::scoped_lock lock(mutex);
        answer = std::move(given);
        answered.notify_one();
    });
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return answer.has_value(); });
    return std::move(*answer);
}

struct TopicFilter::Index {
    std::vector<signing::TopicGlob> globs;
    fabric::FilterIndex index;
};

TopicFilter::TopicFilter(std::vector<signing::TopicGlob> globs) {
    auto made = std::make_shared<Index>();
    for (const signing::TopicGlob& glob : globs) made->index.add(glob, 1);
    made->globs = std::move(globs);
    index_ = std::move(made);
}

bool TopicFilter::matches(std::string_view topic) const {
    return !index_ || index_->index.matches_any(topic);
}

const std::vector<signing::TopicGlob>& TopicFilter::globs() const noexcept {
    static const std::vector<signing::TopicGlob> none;
    return index_ ? index_->globs : none;
}

}  // namespace weft::reliability
