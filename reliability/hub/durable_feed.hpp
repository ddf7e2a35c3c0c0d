#pragma once
// Feeds a consumer from its group in the journal, and keeps its place there: history first, then
// what is stored from now on, one sequence. A message is told as done after its verdict, many at a
// time; what was done and not told is in DoneMarks, so that kill -9 costs a repeat of what was in
// hand and of nothing else.
//
// Promises: no message is told as done before its verdict. While we live, leases of what waits or
//           is in hand are extended, so that nobody else gets it; what a handler keeps beyond twice
//           its timeout is not. After a failure, messages of the same topic and publisher follow
//           only when that one is through (`ordered`).
//           What was in hand when we were killed counts as an attempt: a message that kills us
//           becomes a dead letter in the end.
// Threads:  two of its own: one takes, one settles. start() and finish() by the owner.
// Errors:   a journal that is away is asked again and again; waiting_for() says so.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <unordered_set>
#include <vector>

#include "reliability/hub/consumer_settings.hpp"
#include "reliability/hub/done_marks.hpp"
#include "reliability/hub/feed.hpp"
#include "reliability/hub/group_door.hpp"
#include "reliability/journal/stored_verifier.hpp"

namespace weft::reliability::hub {

class DurableFeed final : public Feed {
public:
    struct Parts {
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
    explicit DurableFeed(Parts parts);
    ~DurableFeed() override;

    void start() override;
    [[nodiscard]] std::string waiting_for() const override;
    [[nodiscard]] bool failed() const override;
    [[nodiscard]] bool begins(std::size_t worker, const Work& work) override;
    void ends(std::size_t worker, Work work, Verdict verdict) override;
    void stop_taking() override;
    std::size_t finish(fabric::Instant deadline) override;
    [[nodiscard]] FeedStats stats() const override;

    /// Two hubs with certificates of one name are two members, too.
    [[nodiscard]] static std::string member_name(std::string_view hub, unsigned slot);

private:
    using milliseconds = std::chrono::milliseconds;
    struct Failed {
        std::size_t worker;
        Work work;
        Verdict verdict;
        std::optional<bool> said{};  ///< What the bury hook answered: it is asked once.
    };

    // The taker's thread.
    void take(const std::stop_token& stop);
    [[nodiscard]] bool establish(const std::stop_token& stop);
    [[nodiscard]] bool settle_former_life(JournalEpoch epoch);
    void keep_within_backlog();
    [[nodiscard]] bool wait_for_room(const std::stop_token& stop);
    void tell_gap(const JournalGap& gap);
    /// `generation` is that of the moment when it was asked for.
    void receive(const NextMessages& got, std::uint64_t generation, const std::stop_token& stop);
    void receive_run(const std::vector<const LeasedMessage*>& run, std::vector<Work>& believed,
                     std::vector<JournalId>& refused);
    void give(std::vector<Work> works, std::uint64_t generation, const std::stop_token& stop);
    /// Those that are leased to us now: the journal is asked.
    [[nodiscard]] std::vector<Work> still_ours(std::vector<Work> works,
                                               const std::stop_token& stop);
    void trouble(const JournalError& error);
    [[nodiscard]] bool pause(const std::stop_token& stop, milliseconds duration);

    // The settler's.
    void settle(const std::stop_token& stop);
    /// False: the journal is away; it is tried again later.
    [[nodiscard]] bool tell_done();
    [[nodiscard]] bool tell_failed(Failed& failed);
    void count_failed(const Failed& failed, bool dead, bool late);
    void extend_leases();
    [[nodiscard]] bool something_to_settle() const;

    void say(Surroundings::Level level, const std::string& line);
    void set_state(std::string sentence, bool failed = false);

    Parts parts_;
    const std::string name_, member_;
    const milliseconds lease_;
    StoredVerifier verifier_;  // the taker's
    JournalEpoch epoch_ = 0;   // the taker's

    // Guarded by bench.mutex:
    std::deque<JournalId> done_;              // in the order of the marks
    std::unordered_set<JournalId> done_set_;  // the same, and what was refused
    std::deque<Failed> failed_;
    std::uint64_t generation_ = 0;                        // of failures that were told
    std::map<std::uint64_t, std::uint64_t> failed_keys_;  // key -> generation
    std::size_t want_;
    bool settling_ = false, telling_failure_ = false;
    std::unordered_set<JournalId> foreign_;  // in hand, and numbers of a journal that is gone
    FeedStats stats_;
    std::condition_variable_any to_settle_;

    mutable std::mutex state_mutex_;
    std::string waiting_for_ = "it starts";
    bool failed_for_good_ = false;

    std::jthread taker_, settler_;
};

}  // namespace weft::reliability::hub
