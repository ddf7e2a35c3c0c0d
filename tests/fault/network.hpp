#pragma once
// A network that loses, delays, repeats, reorders, and is cut in one direction at a time; and the
// order in which things happen.

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "tests/fault/random.hpp"
#include "tests/fault/run_log.hpp"

namespace weft::fault {

/// What happens when. What is due at the same time happens in the order of calls.
class Schedule {
public:
    explicit Schedule(RunLog& log) : log_(log) {}
    void at(fabric::Instant when, std::function<void()> what) {
        events_.emplace(std::pair(std::max(when, log_.now), count_++), std::move(what));
    }
    void in(fabric::Instant pause, std::function<void()> what) {
        at(log_.now + pause, std::move(what));
    }
    /// False: nothing is left.
    bool step() {
        if (events_.empty()) return false;
        auto first = events_.extract(events_.begin());
        log_.now = first.key().first;
        first.mapped()();
        return true;
    }

private:
    RunLog& log_;
    std::uint64_t count_ = 0;
    std::map<std::pair<fabric::Instant, std::uint64_t>, std::function<void()>> events_;
};

class Network {
public:
    struct Cut {
        std::size_t from = 0, to = 0;
        fabric::Instant begin{}, end{};
    };
    struct Conditions {
        std::uint64_t lost_permille = 0, doubled_permille = 0;
        fabric::Instant delay_min{}, delay_max{};
        std::vector<Cut> cuts;
    };

    Network(Schedule& schedule, RunLog& log, Random& random, Conditions conditions)
        : schedule_(schedule), log_(log), random_(random), conditions_(std::move(conditions)) {}

    void become(Conditions conditions) { conditions_ = std::move(conditions); }
    /// `arrive` is called as often as it arrives.
    void send(std::size_t from, std::size_t to, const std::function<void()>& arrive) {
        for (const Cut& cut : conditions_.cuts) {
            const bool on = cut.begin <= log_.now && log_.now < cut.end;
            if (on && cut.from == from && cut.to == to) return;
        }
        if (random_.permille(conditions_.lost_permille)) return;
        const int copies = random_.permille(conditions_.doubled_permille) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            schedule_.in(random_.between(conditions_.delay_min, conditions_.delay_max), arrive);
        }
    }

private:
    Schedule& schedule_;
    RunLog& log_;
    Random& random_;
    Conditions conditions_;
};

}  // namespace weft::fault
