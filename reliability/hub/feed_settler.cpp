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

constexpr milliseconds settle_every{1000}, pause_max{30'000};

}  // namespace

void FeedSettler::run(const std::stop_token& stop) {
    Bench& bench = parts_.bench;
    Instant next_extension = parts_.clock.steady() + settle_every;
    while (true) {
        std::optional<FailedWork> failed;
        bool stopping = false, now = false;
        {
            std::unique_lock lock(bench.mutex);
            state_.to_settle.wait_for(lock, stop, quiet_time(), [&] { return is_due(); });
            stopping = stop.stop_requested();
            if (stopping && !state_.something_to_settle()) return;
            now = stopping || is_due();
            if (now && !state_.failed.empty()) {
                failed = std::move(state_.failed.front());
                state_.failed.pop_front();
            }
            state_.settling = now;
        }
        if (now && !settle(std::move(failed), stopping) && stopping) return;
        if (parts_.clock.steady() >= next_extension) {
            next_extension = parts_.clock.steady() + settle_every;
            extend_leases();
        }
    }
}

bool FeedSettler::is_due() const {
    const Instant now = parts_.clock.steady();
    return now >= not_before_ &&
           (!state_.failed.empty() || (!state_.done.empty() && now >= done_not_before_));
}

milliseconds FeedSettler::quiet_time() const {
    const Instant now = parts_.clock.steady();
    Instant quiet = settle_every;
    for (const Instant at : {not_before_, done_not_before_}) {
        // Rounded up: not again and again within the last millisecond.
        if (at > now) quiet = std::min(quiet, at - now + milliseconds{1});
    }
    return std::chrono::duration_cast<milliseconds>(quiet);
}

bool FeedSettler::settle(std::optional<FailedWork> failed, bool last) {
    bool well = true;
    if (last || parts_.clock.steady() >= done_not_before_) well = tell_done();
    if (failed && !tell_failed(*failed)) {
        well = false;
        not_before_ = parts_.clock.steady() + FeedState::retry_after;
        const std::scoped_lock lock(parts_.bench.mutex);
        state_.failed.push_front(std::move(*failed));
    }
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        state_.settling = false;
    }
    parts_.bench.room.notify_all();
    return well;
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
    if (!answers && answers.error().reason != Reason::not_found) {
        return could_not_tell_done(answers.error());
    }
    pause_ = FeedState::retry_after;
    if (!said_.empty()) state_.say(Level::info, "tells the journal again what is done");
    said_.clear();
    std::vector<JournalId> unheard;
    if (answers) {
        for (const auto& answer : *answers) {
            if (!answer.counts()) unheard.push_back(answer.id);
        }
    }
    told_done(ids, unheard);
    return true;
}

bool FeedSettler::could_not_tell_done(const JournalError& error) {
    const Instant now = parts_.clock.steady();
    if (FeedState::comes_back(error.reason)) {
        not_before_ = now + FeedState::retry_after;
        return false;
    }
    // It will hardly be otherwise soon, and nothing is lost: the marks have it.
    done_not_before_ = now + pause_;
    pause_ = std::min(pause_ * 2, pause_max);
    if (said_ != error.sentence) {
        said_ = error.sentence;
        state_.say(Level::error, "could not tell what is done: " + error.sentence +
                                     "; it is tried again, every 30 s in the end");
    }
    return false;
}

void FeedSettler::told_done(const std::vector<JournalId>& ids,
                            const std::vector<JournalId>& unheard) {
    const std::scoped_lock lock(parts_.bench.mutex);
    state_.stats.late += unheard.size();
    // The oldest would be the best to forget; any will do, and costs a repeat at most.
    if (state_.unheard.size() + unheard.size() > DoneMarks::entries_max) state_.unheard.clear();
    state_.unheard.insert(unheard.begin(), unheard.end());
    // Begun anew meanwhile: the marks are others.
    if (state_.done.size() < ids.size() || state_.done.front() != ids.front()) return;
    parts_.marks->settle(ids.size());
    for (const JournalId id : ids) {
        if (const auto at = state_.done_set.find(id); at != state_.done_set.end()) {
            state_.done_set.erase(at);
        }
    }
    state_.done.erase(state_.done.begin(),
                      state_.done.begin() + static_cast<std::ptrdiff_t>(ids.size()));
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
    if (told && told->is == GroupDoor::Answer::Is::already) {
        state_.say(Level::warning,
                   "message " + std::to_string(work.number) +
                       " failed, and does not come again: the cursor was moved past it");
    } else {
        say_failed(failed, dead, delay);
    }
    count_failed(failed, dead, told ? std::optional{*told} : std::nullopt);
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

void FeedSettler::count_failed(const FailedWork& failed, bool dead,
                               const std::optional<GroupDoor::Answer>& told) {
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
        if (told && !told->counts()) ++stats.late;
        // A failure takes back what comes later of its key; so do we, until it is through. What
        // was buried does not, and nothing does of which the group does not want to hear any more
        // (the cursor was moved past it): what comes later stays leased to us.
        const bool took_back = !dead && !(told && told->is == GroupDoor::Answer::Is::already);
        if (parts_.settings.ordered && took_back) {
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
