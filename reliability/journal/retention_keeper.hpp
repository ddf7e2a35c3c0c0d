#pragma once
// Keeps a journal within its retention: asks the policy (retention.hpp) and does what it says, in
// steps that are bounded.
// Threads:   run() from one thread at a time; RetentionThread has one of its own, everything else
//            of it may be called from any.
// Ownership: journal, cursors and clock must outlive it.
// Errors:    sentences in the report; what failed is tried again at the next run.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "reliability/cursor/cursor_store.hpp"
#include "reliability/journal/retention.hpp"

namespace weft::reliability {

struct RetentionReport {
    std::uint64_t trimmed = 0;  ///< Ids that the low-water mark passed.
    std::uint64_t expired = 0;  ///< Messages of topics with an age of their own.
    bool more = false;          ///< There is more to do at once.
    std::vector<std::string> said;
};

class RetentionKeeper {
public:
    /// Messages that one run lets expire at most, and runs of the journal that it looks at.
    static constexpr std::uint64_t expire_at_a_time = 10'000;

    /// `globs` turns a glob of the configuration, maybe short, into one over whole topics.
    using WholeGlob =
        std::function<tl::expected<signing::TopicGlob, std::string>(const std::string& configured)>;
    RetentionKeeper(Journal& journal, CursorStore& cursors, JournalSettings settings,
                    WholeGlob globs = {});

    [[nodiscard]] RetentionReport run(fabric::Instant steady, std::uint64_t utc_us);

private:
    struct Progress {
        TopicFilter filter;
        Position next{};
    };
    [[nodiscard]] std::vector<Position> protected_positions(RetentionReport& report);
    void protect_all(const std::string& pattern, std::vector<Position>& positions,
                     RetentionReport& report);
    void trim(const RetentionPlan& plan, const JournalInfo& info, RetentionReport& report);
    void expire(const RetentionPlan& plan, const JournalInfo& info, RetentionReport& report);
    void say_once(const std::string& about, std::string sentence, RetentionReport& report);

    Journal& journal_;
    CursorStore& cursors_;
    const JournalSettings settings_;
    AgeClock age_clock_;
    std::map<std::string, Progress> progress_;      // by configured glob
    std::map<std::string, std::string> last_said_;  // what is wrong, until it is over
};

/// Runs a keeper each ten seconds, and when it is told that much was stored.
class RetentionThread {
public:
    static constexpr std::chrono::seconds every{10};

    RetentionThread(RetentionKeeper& keeper, const fabric::Clock& clock,
                    std::function<void(const RetentionReport&)> on_report = {});
    ~RetentionThread();
    RetentionThread(const RetentionThread&) = delete;
    RetentionThread& operator=(const RetentionThread&) = delete;
    /// Run soon.
    void poke();

private:
    void work(const std::stop_token& stop);

    RetentionKeeper& keeper_;
    const fabric::Clock& clock_;
    const std::function<void(const RetentionReport&)> on_report_;
    std::mutex mutex_;
    std::condition_variable_any poked_;
    bool run_now_ = false;
    std::jthread thread_;
};

}  // namespace weft::reliability
