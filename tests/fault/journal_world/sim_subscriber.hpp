#pragma once
// A subscriber: the product's replay guard and gap repair, put together as RepairingSubscriber
// does, and an oracle of what it shows.
// Threads: none.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fabric/node/replay_guard.hpp"
#include "reliability/repair/gap_tracker.hpp"
#include "tests/fault/journal_world/sim_journal.hpp"

namespace weft::fault {

class StreamSubscriber {
public:
    /// A journal that can be asked now, or nobody.
    using Ask = std::function<reliability::Journal*(std::size_t journal)>;
    StreamSubscriber(std::size_t number, std::vector<SimJournal*> journals, Ask ask, Scene& scene);

    void on_arrival(const Told& told);
    void on_tail(const StreamName& stream, std::uint64_t last, std::uint64_t time_us);
    void tick();
    /// Started anew: knows nothing.
    void restart();
    void end();

    NodeClock clock;

private:
    using Events = reliability::GapTracker::Events;
    struct Shown {
        std::uint64_t first = 0, last = 0;
        std::map<std::uint64_t, Told> early;  // from before the first
        std::map<std::uint64_t, Instant> missed_at;
    };
    void tell_gap(const StreamName& stream, std::uint64_t from, std::uint64_t to);
    void hand_over(Events& events);
    void show(const fabric::Message& message);
    void lose(const reliability::Lost& lost);
    void answer(const reliability::StreamRange& question);
    [[nodiscard]] bool ask_one(std::size_t journal, const reliability::StreamRange& question);
    [[nodiscard]] Instant now() const { return clock.steady(); }
    [[nodiscard]] bool whole(const fabric::Message& message) const;
    void check_not_stored(const reliability::Lost& lost);

    const std::string name_;
    const std::vector<SimJournal*> journals_;
    const Ask ask_;
    Scene& scene_;
    const reliability::RepairLimits limits_;
    std::unique_ptr<fabric::ReplayGuard> guard_;
    std::unique_ptr<reliability::GapTracker> tracker_;
    std::vector<fabric::Message> had_;
    std::map<StreamName, Shown> shown_;
    std::uint64_t life_ = 0;
};

}  // namespace weft::fault
