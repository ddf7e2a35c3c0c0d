#include "fabric/node/name_watcher.hpp"

#include <algorithm>
#include <condition_variable>

namespace weft::fabric {

std::vector<std::size_t> ResolveSchedule::due(Instant now) const {
    std::vector<std::size_t> names;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].due <= now) names.push_back(i);
    }
    return names;
}

std::optional<Instant> ResolveSchedule::next() const {
    if (entries_.empty()) return std::nullopt;
    return std::min_element(entries_.begin(), entries_.end(),
                            [](const Entry& a, const Entry& b) { return a.due < b.due; })
        ->due;
}

void ResolveSchedule::on_answer(std::size_t name, const NameAnswer& answer, Instant now) {
    Entry& entry = entries_[name];
    if (answer.problem.empty()) {
        entry.due = now + std::clamp(answer.ttl, keep_min, keep_max);
        entry.retry = retry_first;
        return;
    }
    entry.due = now + entry.retry;
    entry.retry = std::min(entry.retry * 2, retry_max);
}

NameWatcher::NameWatcher(const Clock& clock, std::vector<NameQuery> queries,
                         std::shared_ptr<NameResolver> resolver, OnAnswer on_answer)
    : clock_(clock),
      queries_(std::move(queries)),
      resolver_(std::move(resolver)),
      on_answer_(std::move(on_answer)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void NameWatcher::run(const std::stop_token& stop) {
    ResolveSchedule schedule(queries_.size());
    std::mutex mutex;
    std::condition_variable_any stopped;
    while (!stop.stop_requested() && schedule.next()) {
        const std::vector<std::size_t> due = schedule.due(clock_.steady());
        std::vector<NameQuery> asked;
        for (const std::size_t name : due) asked.push_back(queries_[name]);
        const std::vector<NameAnswer> answers = resolver_->resolve(asked, stop);
        for (std::size_t i = 0; i < due.size() && !stop.stop_requested(); ++i) {
            schedule.on_answer(due[i], answers[i], clock_.steady());
            on_answer_(asked[i], answers[i]);
        }
        std::unique_lock lock(mutex);
        stopped.wait_for(lock, stop, *schedule.next() - clock_.steady(), [] { return false; });
    }
}

}  // namespace weft::fabric
