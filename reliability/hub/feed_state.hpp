#pragma once
// What the two threads of a durable feed, its consumer's workers and its owner share
// (durable_feed.hpp puts them together).
//
// Threads:   each member says which mutex guards it; those without a word do not change after the
//            constructor, or are for one thread, which is named.
// Lock order: Bench::mutex and state_mutex_ are never held together, nor while the door is asked.

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_set>

#include "reliability/hub/consumer_settings.hpp"
#include "reliability/hub/done_marks.hpp"
#include "reliability/hub/feed.hpp"
#include "reliability/hub/group_door.hpp"

namespace weft::reliability::hub {

struct DurableFeedParts {
    const ConsumerSettings& settings;
    Bench& bench;
    Surroundings& surroundings;
    const fabric::Clock& clock;
    std::shared_ptr<signing::TrustStore> trust;
    std::unique_ptr<GroupDoor> door;
    std::unique_ptr<DoneMarks> marks;
    BuryHook bury;                              ///< May be empty.
    std::function<void(const Work&)> leased{};  ///< May be empty.
    bool keeps_timeout = true;                  ///< See HandlerHost.
    std::chrono::milliseconds poll{1000};       ///< How long one question waits.
};

/// A verdict that the journal must be told of.
struct FailedWork {
    Work work;
    Verdict verdict;
    std::optional<bool> said{};  ///< What the bury hook answered: it is asked once.
};

class FeedState {
public:
    explicit FeedState(DurableFeedParts the_parts);

    /// The journal, or the way to it, may answer otherwise later without anybody's doing.
    [[nodiscard]] static bool comes_back(JournalError::Reason reason);
    static constexpr std::chrono::milliseconds retry_after{500};

    const DurableFeedParts parts;
    const std::string name, member;
    const std::chrono::milliseconds lease;

    // Guarded by parts.bench.mutex, all of them:
    std::deque<JournalId> done;                   ///< Not yet told, in the order of the marks.
    std::unordered_multiset<JournalId> done_set;  ///< The same.
    /// Done, and the journal did not take the word of it: leases end when it starts again. Such a
    /// message comes again, and is told again instead of shown. At most DoneMarks::entries_max.
    std::unordered_set<JournalId> unheard;
    std::deque<FailedWork> failed;                       ///< Not yet told.
    std::uint64_t generation = 0;                        ///< Of failures that were told.
    std::map<std::uint64_t, std::uint64_t> failed_keys;  ///< Key -> generation.
    bool telling_failure = false;           ///< An answer that comes now is from before or after.
    bool settling = false;                  ///< What left `done` or `failed` is not through yet.
    std::unordered_set<JournalId> foreign;  ///< In hand, and numbers of a journal that is gone.
    FeedStats stats;
    std::condition_variable_any to_settle;  ///< `done`, `failed` or a request to stop.

    /// With bench.mutex held.
    [[nodiscard]] bool something_to_settle() const { return !done.empty() || !failed.empty(); }

    // Any thread, without bench.mutex:
    void say(Surroundings::Level level, const std::string& line) const;
    /// "": it gives messages. Said once.
    void set_standing(std::string sentence, bool failed_for_good = false);
    void trouble(const JournalError& error);
    [[nodiscard]] std::string waiting_for() const;
    [[nodiscard]] bool failed_for_good() const;
    /// False: it shall stop.
    [[nodiscard]] bool pause(const std::stop_token& stop, std::chrono::milliseconds duration) const;

private:
    mutable std::mutex state_mutex_;
    std::string waiting_for_ = "it starts";  // guarded by state_mutex_
    bool failed_for_good_ = false;           // guarded by state_mutex_
};

}  // namespace weft::reliability::hub
