#include "reliability/hub/feed_taker.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Instant;
using std::chrono::milliseconds;
using Level = Surroundings::Level;
using Reason = JournalError::Reason;

constexpr std::size_t want_first = 32, want_max = 2000;
constexpr std::chrono::seconds backlog_every{10};
/// Without room.
constexpr std::chrono::milliseconds look_again{250};

GroupSettings group_settings(const ConsumerSettings& settings, milliseconds lease) {
    return {settings.ordered ? GroupSettings::Mode::keyed : GroupSettings::Mode::shared, lease,
            settings.max_attempts};
}

}  // namespace

FeedTaker::FeedTaker(FeedState& state)
    : state_(state),
      parts_(state.parts),
      verifier_(parts_.trust),
      former_life_(state, verifier_),
      want_(std::max<std::size_t>(want_first, parts_.settings.workers * std::size_t{2})) {}

void FeedTaker::run(const std::stop_token& stop) {
    if (!establish(stop)) return;
    Instant next_look = parts_.clock.steady() + backlog_every;
    while (!stop.stop_requested()) {
        const bool has_room = wait_for_room(stop);
        if (stop.stop_requested()) return;
        // Also while a slow consumer leaves no room: that is when it falls behind.
        if (parts_.clock.steady() >= next_look) {
            next_look = parts_.clock.steady() + backlog_every;
            keep_within_backlog();
        }
        if (!has_room) continue;
        const Question question = next_question();
        if (question.room != 0 && !ask(question, stop)) return;
    }
}

bool FeedTaker::establish(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const auto put = parts_.door->put(parts_.settings.globs, parts_.settings.replay,
                                          group_settings(parts_.settings, state_.lease));
        if (put) {
            {
                const std::scoped_lock lock(parts_.bench.mutex);
                parts_.bench.queue.drop_waiting();
                state_.failed_keys.clear();
            }
            if (former_life_.settle(put->cursor.position.epoch)) {
                if (put->created) {
                    state_.say(Level::info,
                               "a new cursor: it begins at " + parts_.settings.replay.text());
                } else {
                    keep_within_backlog();
                }
                state_.set_standing({});
                return true;
            }
        } else {
            state_.trouble(put.error());
            if (state_.failed_for_good()) return false;
        }
        if (!state_.pause(stop, FeedState::retry_after)) return false;
    }
    return false;
}

void FeedTaker::keep_within_backlog() {
    const ConsumerSettings& settings = parts_.settings;
    if (settings.backlog_count == 0 && settings.backlog_age.count() == 0) return;
    const auto view = parts_.door->show();
    if (!view) return;
    const bool many = settings.backlog_count != 0 && view->lag.messages > settings.backlog_count;
    const bool old = settings.backlog_age.count() != 0 && view->lag.oldest_age &&
                     *view->lag.oldest_age > settings.backlog_age;
    if (!many && !old) return;
    Start start;
    start.kind = old ? Start::Kind::since : Start::Kind::last;
    start.age = settings.backlog_age;
    start.count = std::min(std::max<std::uint64_t>(settings.backlog_count, 1), Start::last_max);
    const Position before = view->cursor.position;
    const auto set = parts_.door->set(start);
    if (!set) return state_.trouble(set.error());
    if (set->position.id <= before.id) return;
    const std::uint64_t passed = set->position.id - before.id;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        parts_.bench.queue.drop_waiting();
        state_.stats.passed_over += passed;
    }
    state_.say(Level::warning, "is further behind than max_backlog allows: passed over ids " +
                                   std::to_string(before.id + 1) + " to " +
                                   std::to_string(set->position.id) +
                                   "; `weft cursor set` goes back to them");
}

bool FeedTaker::wait_for_room(const std::stop_token& stop) {
    std::unique_lock lock(parts_.bench.mutex);
    return parts_.bench.room.wait_for(lock, stop, look_again, [&] {
        return parts_.bench.queue.waiting() <= want_ / 2 && state_.done.size() < unsettled_max;
    });
}

FeedTaker::Question FeedTaker::next_question() {
    const std::scoped_lock lock(parts_.bench.mutex);
    const std::size_t waiting = parts_.bench.queue.waiting();
    state_.failed_keys.clear();  // they only matter to questions that were asked before them
    return {std::min(want_ - std::min(want_, waiting), GroupService::messages_max),
            state_.generation};
}

bool FeedTaker::ask(const Question& question, const std::stop_token& stop) {
    const auto got = parts_.door->next(state_.member, question.room, state_.lease, parts_.poll);
    if (stop.stop_requested()) return false;  // what was leased is given back by leave()
    if (!got) return recovers_from(got.error(), stop);
    state_.set_standing({});
    if (got->gap) tell_gap(*got->gap);
    // Another journal. What it has just leased to us goes back there, and comes again.
    if (got->gap && !got->gap->lost) return establish(stop);
    receive(*got, question.generation, stop);
    adapt(question, got->messages.size());
    return true;
}

bool FeedTaker::recovers_from(const JournalError& error, const std::stop_token& stop) {
    state_.trouble(error);
    // Deleted while we run: it begins anew, as it did the first time.
    if (error.reason == Reason::not_found && !establish(stop)) return false;
    return !state_.failed_for_good() && state_.pause(stop, FeedState::retry_after);
}

void FeedTaker::adapt(const Question& question, std::size_t got) {
    const std::scoped_lock lock(parts_.bench.mutex);
    // More at a time while the queue runs dry before the next answer is here.
    const bool full = got == question.room;
    if (full && parts_.bench.queue.waiting() <= question.room) {
        want_ = std::min(want_ * 2, want_max);
    }
    const auto oldest = parts_.bench.queue.oldest_waiting();
    if (oldest && parts_.clock.steady() - *oldest > std::chrono::seconds{2}) {
        want_ = std::max<std::size_t>(want_ / 2, parts_.settings.workers * std::size_t{2});
    }
}

void FeedTaker::tell_gap(const JournalGap& gap) {
    const std::uint64_t lost = gap.lost.value_or(0);
    state_.say(Level::warning, "lost up to " +
                                   (gap.lost ? std::to_string(lost) : std::string{"all"}) +
                                   " messages up to id " + std::to_string(gap.to) +
                                   ": they were trimmed from the journal, or it is another one");
    const std::scoped_lock lock(parts_.bench.mutex);
    state_.stats.lost += lost;
}

void FeedTaker::receive(const NextMessages& got, std::uint64_t generation,
                        const std::stop_token& stop) {
    // Those of one run are verified together: its proof is one.
    std::vector<const LeasedMessage*> run;
    std::vector<Work> believed;
    std::vector<JournalId> refused;
    const auto flush = [&] {
        if (!run.empty()) receive_run(run, believed, refused);
        run.clear();
    };
    for (const LeasedMessage& leased : got.messages) {
        if (!run.empty() &&
            (run.back()->message.run.first != leased.message.run.first ||
             run.back()->message.run.contents.data() != leased.message.run.contents.data())) {
            flush();
        }
        run.push_back(&leased);
    }
    flush();
    for (const JournalId id : refused) {
        // Nobody will believe it later either; the group's dead letters name it.
        static_cast<void>(
            parts_.door->bury(state_.member, id, "its signature or its content was not believed"));
    }
    give(std::move(believed), generation, stop);
}

void FeedTaker::receive_run(const std::vector<const LeasedMessage*>& run,
                            std::vector<Work>& believed, std::vector<JournalId>& refused) {
    StoredRun whole = run.front()->message.run;
    whole.from = run.front()->message.id();
    whole.to = run.back()->message.id();
    auto next = run.begin();
    const auto leased_at = [&](JournalId id) -> const LeasedMessage* {
        while (next != run.end() && (*next)->message.id() < id) ++next;
        return next != run.end() && (*next)->message.id() == id ? *next : nullptr;
    };
    const Instant now = parts_.clock.steady();
    verifier_.verify(
        whole, run.front()->message.bytes,
        [&](const VerifiedMessage& verified) {
            const LeasedMessage* leased = leased_at(verified.id);
            if (leased == nullptr) return;
            Work work{verified.id,
                      key_of(verified.message.topic(), verified.message.signer()),
                      leased->attempt,
                      now + leased->lease,
                      now,
                      verified.message};
            work.message.mark_replayed(verified.id);
            believed.push_back(std::move(work));
        },
        [&](const StoredRefusal& refusal) {
            state_.say(Level::error, "did not believe " + std::to_string(refusal.first) + " to " +
                                         std::to_string(refusal.last) + ": " +
                                         signing::escape(refusal.why.detail) +
                                         "; it becomes a dead letter");
            for (const LeasedMessage* leased : run) {
                const JournalId id = leased->message.id();
                if (id >= refusal.first && id <= refusal.last) refused.push_back(id);
            }
            const std::scoped_lock lock(parts_.bench.mutex);
            ++state_.stats.refused;
        });
}

void FeedTaker::tell_again(JournalId id) {
    if (parts_.marks->done(id)) {
        state_.done.push_back(id);
        state_.done_set.insert(id);
    }
    ++state_.stats.seen_again;
}

void FeedTaker::give(std::vector<Work> works, std::uint64_t generation,
                     const std::stop_token& stop) {
    Bench& bench = parts_.bench;
    while (!works.empty()) {
        std::vector<Work> doubtful, fresh;
        {
            std::unique_lock lock(bench.mutex);
            // An answer that came while the journal is told of a failure is from before or after.
            if (!bench.room.wait(lock, stop, [&] { return !state_.telling_failure; })) return;
            for (Work& work : works) {
                const auto failed = state_.failed_keys.find(work.key);
                if (parts_.settings.ordered && failed != state_.failed_keys.end() &&
                    failed->second > generation) {
                    doubtful.push_back(std::move(work));
                } else if (state_.done_set.contains(work.number)) {
                    // What was told of it may have been told before it was leased to us again.
                    tell_again(work.number);
                } else if (state_.unheard.erase(work.number) != 0) {
                    tell_again(work.number);
                } else if (bench.queue.has(work.number)) {
                    bench.queue.set_lease(work.number, work.lease_until);
                    ++state_.stats.seen_again;
                } else {
                    if (parts_.leased) fresh.push_back(work);
                    static_cast<void>(bench.queue.add(std::move(work)));
                    ++state_.stats.taken;
                }
            }
            generation = state_.generation;
        }
        bench.work.notify_all();
        state_.to_settle.notify_one();
        for (const Work& work : fresh) parts_.leased(work);
        // A failure of their key was told after they were asked for. It took back what was leased
        // before it; what was leased after it is ours.
        works = still_ours(std::move(doubtful), stop);
    }
}

std::vector<Work> FeedTaker::still_ours(std::vector<Work> works, const std::stop_token& stop) {
    if (works.empty()) return works;
    std::vector<JournalId> ids;
    for (const Work& work : works) ids.push_back(work.number);
    while (true) {
        const Instant now = parts_.clock.steady();
        const auto answers = parts_.door->extend(state_.member, ids, state_.lease);
        if (answers) {
            std::set<JournalId> ours;
            for (const auto& answer : *answers) {
                if (answer.is == GroupDoor::Answer::Is::done) ours.insert(answer.id);
            }
            std::erase_if(works, [&](const Work& work) { return !ours.contains(work.number); });
            for (Work& work : works) work.lease_until = now + state_.lease;
            return works;
        }
        if (!FeedState::comes_back(answers.error().reason)) return {};
        state_.trouble(answers.error());
        if (!state_.pause(stop, FeedState::retry_after)) return {};
    }
}

}  // namespace weft::reliability::hub
