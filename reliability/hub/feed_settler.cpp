#include "reliability/hub/feed_settler.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Instant;
using std::chrono::milliseconds;
using Level = Surroundings::Level;
using Reason = JournalError::Reason;

constexpr milliseconds settle_every{1000};

}  // namespace

void FeedSettler::run(const std::stop_token& stop) {
    Bench& bench = parts_.bench;
    Instant next_extension = parts_.clock.steady() + settle_every;
    while (true) {
        std::optional<FailedWork> failed;
        {
            std::unique_lock lock(bench.mutex);
            state_.to_settle.wait_for(lock, stop, settle_every,
                                      [&] { return state_.something_to_settle(); });
            if (stop.stop_requested() && !state_.something_to_settle()) return;
            if (!state_.failed.empty()) {
                failed = std::move(state_.failed.front());
                state_.failed.pop_front();
            }
            state_.settling = true;
        }
        bool well = tell_done();
        if (failed && !tell_failed(*failed)) {
            well = false;
            const std::scoped_lock lock(bench.mutex);
            state_.failed.push_front(std::move(*failed));
        }
        {
            const std::scoped_lock lock(bench.mutex);
            state_.settling = false;
        }
        bench.room.notify_all();
        if (parts_.clock.steady() >= next_extension) {
            next_extension = parts_.clock.steady() + settle_every;
            extend_leases();
        }
        if (well) continue;
        std::unique_lock lock(bench.mutex);
        if (state_.to_settle.wait_for(lock, stop, FeedState::retry_after, [] { return false; })) {
            return;
        }
        if (stop.stop_requested()) return;
    }
}

bool FeedSettler::tell_done() {
    std::vector<JournalId> ids;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        const auto count = std::min<std::size_t>(state_.done.size(), answers_max);
        ids.assign(state_.done.begin(), state_.done.begin() + static_cast<std::ptrdiff_t>(count));
    }
    if (ids.empty()) return true;
    const auto answers = parts_.door->ack(state_.member, ids);
    if (!answers && FeedState::comes_back(answers.error().reason)) return false;
    if (!answers && answers.error().reason != Reason::not_found) {
        state_.say(Level::error, "could not tell what is done: " + answers.error().sentence);
        return false;
    }
    std::size_t late = 0;
    if (answers) {
        late = static_cast<std::size_t>(std::count_if(
            answers->begin(), answers->end(), [](const auto& answer) { return !answer.counts(); }));
    }
    const std::scoped_lock lock(parts_.bench.mutex);
    state_.stats.late += late;
    // Begun anew meanwhile: the marks are others.
    if (state_.done.size() < ids.size() || state_.done.front() != ids.front()) return true;
    parts_.marks->settle(ids.size());
    for (const JournalId id : ids) state_.done_set.erase(id);
    state_.done.erase(state_.done.begin(),
                      state_.done.begin() + static_cast<std::ptrdiff_t>(ids.size()));
    return true;
}

bool FeedSettler::tell_failed(FailedWork& failed) {
    const ConsumerSettings& settings = parts_.settings;
    const Work& work = failed.work;
    const bool reject = failed.verdict.is == Verdict::Is::reject;
    const bool dead = reject || work.attempt >= settings.max_attempts;
    if (dead && parts_.bury && !failed.said) {
        failed.said = parts_.bury(work.message, work.attempt, failed.verdict.reason);
    }
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        if (state_.foreign.erase(work.number) != 0) {
            parts_.bench.queue.done(work.number);
            return true;
        }
        state_.telling_failure = true;
    }
    const milliseconds delay = settings.pause_after(work.attempt);
    const auto told = reject ? parts_.door->bury(state_.member, work.number, failed.verdict.reason)
                             : parts_.door->nack(state_.member, work.number, failed.verdict.reason,
                                                 dead ? milliseconds{0} : delay);
    if (!told && FeedState::comes_back(told.error().reason)) {
        const std::scoped_lock lock(parts_.bench.mutex);
        state_.telling_failure = false;
        return false;
    }
    say_failed(failed, dead, delay);
    count_failed(failed, dead, told && !told->counts());
    return true;
}

void FeedSettler::say_failed(const FailedWork& failed, bool dead, milliseconds delay) const {
    const Work& work = failed.work;
    const std::string id = std::to_string(work.number);
    const std::string reason = signing::escape(failed.verdict.reason);
    if (dead) {
        state_.say(Level::error, "gave up message " + id + " (" + work.message.id().text() +
                                     ") after " + std::to_string(work.attempt) + " attempts: " +
                                     reason + "; `weft cursor dead " + state_.name + "` has it");
    } else {
        state_.say(Level::warning,
                   "message " + id + " failed, attempt " + std::to_string(work.attempt) + " of " +
                       std::to_string(parts_.settings.max_attempts) + ", again in " +
                       std::to_string(delay.count()) + " ms: " + reason);
    }
}

void FeedSettler::count_failed(const FailedWork& failed, bool dead, bool late) {
    const Work& work = failed.work;
    FeedStats& stats = state_.stats;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        state_.telling_failure = false;
        if (dead) {
            ++stats.given_up;
            if (!failed.said.value_or(true)) ++stats.dead_unsaid;
        } else {
            ++stats.retried;
        }
        if (late) ++stats.late;
        // A failure takes back what comes later of its key; so do we, until it is through. What
        // was buried does not.
        if (parts_.settings.ordered && !dead) {
            parts_.bench.queue.drop_key(work.key);
            state_.failed_keys[work.key] = ++state_.generation;
        }
        parts_.bench.queue.done(work.number);
    }
    parts_.bench.work.notify_all();
}

void FeedSettler::extend_leases() {
    const Instant now = parts_.clock.steady();
    std::vector<JournalId> ids;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        const Instant stuck =
            parts_.keeps_timeout ? Instant::min() : now - parts_.settings.timeout * 2;
        ids = parts_.bench.queue.leases_before(now + state_.lease / 2, stuck);
    }
    if (ids.empty()) return;
    const auto answers = parts_.door->extend(state_.member, ids, state_.lease);
    if (!answers) return;
    const std::scoped_lock lock(parts_.bench.mutex);
    for (const auto& answer : *answers) {
        if (answer.counts()) parts_.bench.queue.set_lease(answer.id, now + state_.lease);
    }
}

}  // namespace weft::reliability::hub
