#include "reliability/hub/durable_feed.hpp"

#include <algorithm>
#include <utility>

#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Instant;
using std::chrono::milliseconds;
using Level = Surroundings::Level;
using Reason = JournalError::Reason;

constexpr std::size_t want_first = 32, want_max = 2000;
/// With more than this done and not told nothing further is taken.
constexpr std::size_t unsettled_max = DoneMarks::entries_max / 2;
constexpr milliseconds settle_every{1000}, retry_after{500};
constexpr std::chrono::seconds backlog_every{10};

bool comes_back(Reason reason) {
    return reason == Reason::away || reason == Reason::busy || reason == Reason::disk_full ||
           reason == Reason::io;
}

GroupSettings group_settings(const ConsumerSettings& settings, milliseconds lease) {
    return {settings.ordered ? GroupSettings::Mode::keyed : GroupSettings::Mode::shared, lease,
            settings.max_attempts};
}

}  // namespace

std::string DurableFeed::member_name(std::string_view hub, unsigned slot) {
    const std::string tail = "-hub" + std::to_string(slot);
    std::string name{hub.substr(0, signing::Certificate::name_bytes_max - tail.size())};
    return name.append(tail);
}

DurableFeed::DurableFeed(Parts parts)
    : parts_(std::move(parts)),
      name_(parts_.settings.name),
      member_(member_name(parts_.surroundings.hub_name(), parts_.marks->slot())),
      // Long enough for one attempt and some waiting before it; extended while we live.
      lease_(std::min<milliseconds>(parts_.settings.timeout * 2 + std::chrono::seconds{30},
                                    GroupSettings::lease_max)),
      verifier_(parts_.trust),
      want_(std::max<std::size_t>(want_first, parts_.settings.workers * std::size_t{2})) {}

DurableFeed::~DurableFeed() {
    stop_taking();
    if (taker_.joinable()) taker_.join();
    settler_.request_stop();
}

void DurableFeed::start() {
    taker_ = std::jthread([this](const std::stop_token& stop) { take(stop); });
    settler_ = std::jthread([this](const std::stop_token& stop) { settle(stop); });
}

std::string DurableFeed::waiting_for() const {
    const std::scoped_lock lock(state_mutex_);
    return waiting_for_;
}

bool DurableFeed::failed() const {
    const std::scoped_lock lock(state_mutex_);
    return failed_for_good_;
}

FeedStats DurableFeed::stats() const {
    const std::scoped_lock lock(parts_.bench.mutex);
    return stats_;
}

void DurableFeed::say(Level level, const std::string& line) {
    parts_.surroundings.log(level, name_, line);
}

void DurableFeed::set_state(std::string sentence, bool failed) {
    {
        const std::scoped_lock lock(state_mutex_);
        if (sentence == waiting_for_ && failed == failed_for_good_) return;
        waiting_for_ = sentence;
        failed_for_good_ = failed;
    }
    if (sentence.empty()) {
        say(Level::info, "takes messages from the journal");
    } else {
        say(failed ? Level::error : Level::warning, sentence);
    }
}

void DurableFeed::trouble(const JournalError& error) {
    if (comes_back(error.reason)) return set_state("waits for the journal: " + error.sentence);
    set_state(error.sentence, true);
}

bool DurableFeed::pause(const std::stop_token& stop, milliseconds duration) {
    std::unique_lock lock(parts_.bench.mutex);
    parts_.bench.room.wait_for(lock, stop, duration, [] { return false; });
    return !stop.stop_requested();
}

// The taker.

void DurableFeed::take(const std::stop_token& stop) {
    if (!establish(stop)) return;
    Instant next_look = parts_.clock.steady() + backlog_every;
    while (wait_for_room(stop)) {
        std::size_t room = 0;
        std::uint64_t generation = 0;
        {
            const std::scoped_lock lock(parts_.bench.mutex);
            const std::size_t waiting = parts_.bench.queue.waiting();
            room = std::min(want_ - std::min(want_, waiting), GroupService::messages_max);
            generation = generation_;
            failed_keys_.clear();  // they only matter to questions that were asked before them
        }
        if (room == 0) continue;
        const auto got = parts_.door->next(member_, room, lease_, parts_.poll);
        if (stop.stop_requested()) return;  // what was leased is given back by leave()
        if (!got) {
            trouble(got.error());
            // Deleted while we run: it begins anew, as it did the first time.
            if (got.error().reason == Reason::not_found && !establish(stop)) return;
            if (failed() || !pause(stop, retry_after)) return;
            continue;
        }
        set_state({});
        if (got->gap) tell_gap(*got->gap);
        if (got->gap && !got->gap->lost) {
            // Another journal. What it has just leased to us goes back there, and comes again.
            if (!establish(stop)) return;
            continue;
        }
        receive(*got, generation, stop);
        {
            const std::scoped_lock lock(parts_.bench.mutex);
            // More at a time while the queue runs dry before the next answer is here.
            const bool full = got->messages.size() == room;
            if (full && parts_.bench.queue.waiting() <= room) want_ = std::min(want_ * 2, want_max);
            const auto oldest = parts_.bench.queue.oldest_waiting();
            if (oldest && parts_.clock.steady() - *oldest > std::chrono::seconds{2}) {
                want_ = std::max<std::size_t>(want_ / 2, parts_.settings.workers * std::size_t{2});
            }
        }
        if (parts_.clock.steady() >= next_look) {
            next_look = parts_.clock.steady() + backlog_every;
            keep_within_backlog();
        }
    }
}

bool DurableFeed::establish(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const auto put = parts_.door->put(parts_.settings.globs, parts_.settings.replay,
                                          group_settings(parts_.settings, lease_));
        if (put) {
            const JournalEpoch epoch = put->cursor.position.epoch;
            {
                const std::scoped_lock lock(parts_.bench.mutex);
                parts_.bench.queue.drop_waiting();
                failed_keys_.clear();
            }
            if (settle_former_life(epoch)) {
                if (put->created) {
                    say(Level::info, "a new cursor: it begins at " + parts_.settings.replay.text());
                } else {
                    keep_within_backlog();
                }
                set_state({});
                return true;
            }
        } else {
            trouble(put.error());
            if (failed()) return false;
        }
        if (!pause(stop, retry_after)) return false;
    }
    return false;
}

bool DurableFeed::settle_former_life(JournalEpoch epoch) {
    const DoneMarks::Left left = parts_.marks->left(epoch);
    for (std::size_t at = 0; at < left.done.size(); at += answers_max) {
        const auto from = left.done.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t count = std::min<std::size_t>(answers_max, left.done.size() - at);
        const auto told =
            parts_.door->ack(member_, {from, from + static_cast<std::ptrdiff_t>(count)});
        if (!told && comes_back(told.error().reason)) return trouble(told.error()), false;
        if (told) {
            say(Level::info, "told the journal of " + std::to_string(count) +
                                 " messages that were done when the last one ended");
        } else {
            say(Level::error,
                "could not tell what was done when the last one ended: " + told.error().sentence);
        }
    }
    for (const JournalId id : left.in_hand) {
        if (std::find(left.done.begin(), left.done.end(), id) != left.done.end()) continue;
        const auto told = parts_.door->nack(
            member_, id, "the hub ended while the consumer had it in hand", milliseconds{0});
        if (!told && comes_back(told.error().reason)) return trouble(told.error()), false;
        say(Level::warning, "message " + std::to_string(id) +
                                " was in hand when the last one ended; it comes again");
    }
    // Whatever else we had leased goes back at once, and does not count as an attempt.
    const auto gone = parts_.door->leave(member_);
    if (!gone && comes_back(gone.error().reason)) return trouble(gone.error()), false;
    const std::scoped_lock lock(parts_.bench.mutex);
    if (epoch_ != 0 && epoch_ != epoch) {
        // Its numbers mean other messages now: a verdict on one of these says nothing.
        const auto in_hand = parts_.bench.queue.leases_before(Instant::max(), Instant::min());
        foreign_.insert(in_hand.begin(), in_hand.end());
    }
    epoch_ = epoch;
    parts_.marks->begin(epoch);
    done_.clear();
    done_set_.clear();
    return true;
}

void DurableFeed::keep_within_backlog() {
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
    if (!set) return trouble(set.error());
    if (set->position.id <= before.id) return;
    const std::uint64_t passed = set->position.id - before.id;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        parts_.bench.queue.drop_waiting();
        stats_.passed_over += passed;
    }
    say(Level::warning, "is further behind than max_backlog allows: passed over ids " +
                            std::to_string(before.id + 1) + " to " +
                            std::to_string(set->position.id) +
                            "; `weft cursor set` goes back to them");
}

bool DurableFeed::wait_for_room(const std::stop_token& stop) {
    std::unique_lock lock(parts_.bench.mutex);
    parts_.bench.room.wait(lock, stop, [&] {
        return parts_.bench.queue.waiting() <= want_ / 2 && done_.size() < unsettled_max;
    });
    return !stop.stop_requested();
}

void DurableFeed::tell_gap(const JournalGap& gap) {
    const std::uint64_t lost = gap.lost.value_or(0);
    say(Level::warning, "lost up to " + (gap.lost ? std::to_string(lost) : std::string{"all"}) +
                            " messages up to id " + std::to_string(gap.to) +
                            ": they were trimmed from the journal, or it is another one");
    const std::scoped_lock lock(parts_.bench.mutex);
    stats_.lost += lost;
}

void DurableFeed::receive(const NextMessages& got, std::uint64_t generation,
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
            parts_.door->bury(member_, id, "its signature or its content was not believed"));
    }
    give(std::move(believed), generation, stop);
}

void DurableFeed::receive_run(const std::vector<const LeasedMessage*>& run,
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
            say(Level::error, "did not believe " + std::to_string(refusal.first) + " to " +
                                  std::to_string(refusal.last) + ": " +
                                  signing::escape(refusal.why.detail) +
                                  "; it becomes a dead letter");
            for (const LeasedMessage* leased : run) {
                const JournalId id = leased->message.id();
                if (id >= refusal.first && id <= refusal.last) refused.push_back(id);
            }
            const std::scoped_lock lock(parts_.bench.mutex);
            ++stats_.refused;
        });
}

void DurableFeed::give(std::vector<Work> works, std::uint64_t generation,
                       const std::stop_token& stop) {
    Bench& bench = parts_.bench;
    while (!works.empty()) {
        std::vector<Work> doubtful, fresh;
        {
            std::unique_lock lock(bench.mutex);
            // An answer that came while the journal is told of a failure is from before or after.
            if (!bench.room.wait(lock, stop, [&] { return !telling_failure_; })) return;
            for (Work& work : works) {
                const auto failed = failed_keys_.find(work.key);
                if (parts_.settings.ordered && failed != failed_keys_.end() &&
                    failed->second > generation) {
                    doubtful.push_back(std::move(work));
                } else if (done_set_.contains(work.number) || bench.queue.has(work.number)) {
                    bench.queue.set_lease(work.number, work.lease_until);
                    ++stats_.seen_again;
                } else {
                    if (parts_.leased) fresh.push_back(work);
                    static_cast<void>(bench.queue.add(std::move(work)));
                    ++stats_.taken;
                }
            }
            generation = generation_;
        }
        bench.work.notify_all();
        for (const Work& work : fresh) parts_.leased(work);
        // A failure of their key was told after they were asked for. It took back what was leased
        // before it; what was leased after it is ours.
        works = still_ours(std::move(doubtful), stop);
    }
}

std::vector<Work> DurableFeed::still_ours(std::vector<Work> works, const std::stop_token& stop) {
    if (works.empty()) return works;
    std::vector<JournalId> ids;
    for (const Work& work : works) ids.push_back(work.number);
    while (true) {
        const Instant now = parts_.clock.steady();
        const auto answers = parts_.door->extend(member_, ids, lease_);
        if (answers) {
            std::set<JournalId> ours;
            for (const auto& answer : *answers) {
                if (answer.is == GroupDoor::Answer::Is::done) ours.insert(answer.id);
            }
            std::erase_if(works, [&](const Work& work) { return !ours.contains(work.number); });
            for (Work& work : works) work.lease_until = now + lease_;
            return works;
        }
        if (!comes_back(answers.error().reason)) return {};
        trouble(answers.error());
        if (!pause(stop, retry_after)) return {};
    }
}

// The workers.

bool DurableFeed::begins(std::size_t worker, const Work& work) {
    parts_.marks->in_hand(worker, work.number);
    return true;
}

void DurableFeed::ends(std::size_t worker, Work work, Verdict verdict) {
    Bench& bench = parts_.bench;
    {
        const std::scoped_lock lock(bench.mutex);
        if (foreign_.erase(work.number) != 0) {
            parts_.marks->in_hand(worker, 0);
            bench.queue.done(work.number);
        } else if (verdict.is == Verdict::Is::done) {
            // There is room: nothing is taken with half of it unsettled, and less than the other
            // half is leased.
            static_cast<void>(parts_.marks->done(work.number));
            parts_.marks->in_hand(worker, 0);
            done_.push_back(work.number);
            done_set_.insert(work.number);
            ++stats_.done;
            bench.queue.done(work.number);
        } else if (verdict.is == Verdict::Is::left) {
            parts_.marks->in_hand(worker, 0);
            bench.queue.done(work.number);
        } else {
            // In hand, for the queue, until the journal was told: its key stays closed.
            failed_.push_back({worker, std::move(work), std::move(verdict)});
            parts_.marks->in_hand(worker, 0);
        }
    }
    to_settle_.notify_one();
    bench.room.notify_one();
    bench.work.notify_one();
}

void DurableFeed::stop_taking() {
    taker_.request_stop();
    parts_.bench.room.notify_all();
}

// The settler.

bool DurableFeed::something_to_settle() const {
    return !done_.empty() || !failed_.empty();
}

void DurableFeed::settle(const std::stop_token& stop) {
    Bench& bench = parts_.bench;
    Instant next_extension = parts_.clock.steady() + settle_every;
    while (true) {
        std::optional<Failed> failed;
        {
            std::unique_lock lock(bench.mutex);
            to_settle_.wait_for(lock, stop, settle_every, [&] { return something_to_settle(); });
            if (stop.stop_requested() && !something_to_settle()) return;
            if (!failed_.empty()) {
                failed = std::move(failed_.front());
                failed_.pop_front();
            }
            settling_ = true;
        }
        bool well = tell_done();
        if (failed && !tell_failed(*failed)) {
            well = false;
            const std::scoped_lock lock(bench.mutex);
            failed_.push_front(std::move(*failed));
        }
        {
            const std::scoped_lock lock(bench.mutex);
            settling_ = false;
        }
        bench.room.notify_all();
        if (parts_.clock.steady() >= next_extension) {
            next_extension = parts_.clock.steady() + settle_every;
            extend_leases();
        }
        if (well) continue;
        std::unique_lock lock(bench.mutex);
        if (to_settle_.wait_for(lock, stop, retry_after, [] { return false; })) return;
        if (stop.stop_requested()) return;
    }
}

bool DurableFeed::tell_done() {
    std::vector<JournalId> ids;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        const auto count = std::min<std::size_t>(done_.size(), answers_max);
        ids.assign(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
    }
    if (ids.empty()) return true;
    const auto answers = parts_.door->ack(member_, ids);
    if (!answers && comes_back(answers.error().reason)) return false;
    if (!answers && answers.error().reason != Reason::not_found) {
        say(Level::error, "could not tell what is done: " + answers.error().sentence);
        return false;
    }
    std::size_t late = 0;
    if (answers) {
        late = static_cast<std::size_t>(std::count_if(
            answers->begin(), answers->end(), [](const auto& answer) { return !answer.counts(); }));
    }
    const std::scoped_lock lock(parts_.bench.mutex);
    stats_.late += late;
    // Begun anew meanwhile: the marks are others.
    if (done_.size() < ids.size() || done_.front() != ids.front()) return true;
    parts_.marks->settle(ids.size());
    for (const JournalId id : ids) done_set_.erase(id);
    done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(ids.size()));
    return true;
}

bool DurableFeed::tell_failed(Failed& failed) {
    const ConsumerSettings& settings = parts_.settings;
    const Work& work = failed.work;
    const bool reject = failed.verdict.is == Verdict::Is::reject;
    const bool dead = reject || work.attempt >= settings.max_attempts;
    if (dead && parts_.bury && !failed.said) {
        failed.said = parts_.bury(work.message, work.attempt, failed.verdict.reason);
    }
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        if (foreign_.erase(work.number) != 0) return parts_.bench.queue.done(work.number), true;
        telling_failure_ = true;
    }
    const milliseconds delay = settings.pause_after(work.attempt);
    const auto told = reject ? parts_.door->bury(member_, work.number, failed.verdict.reason)
                             : parts_.door->nack(member_, work.number, failed.verdict.reason,
                                                 dead ? milliseconds{0} : delay);
    if (!told && comes_back(told.error().reason)) {
        const std::scoped_lock lock(parts_.bench.mutex);
        telling_failure_ = false;
        return false;
    }
    const std::string id = std::to_string(work.number);
    const std::string reason = signing::escape(failed.verdict.reason);
    if (dead) {
        say(Level::error, "gave up message " + id + " (" + work.message.id().text() + ") after " +
                              std::to_string(work.attempt) + " attempts: " + reason +
                              "; `weft cursor dead " + name_ + "` has it");
    } else {
        say(Level::warning, "message " + id + " failed, attempt " + std::to_string(work.attempt) +
                                " of " + std::to_string(settings.max_attempts) + ", again in " +
                                std::to_string(delay.count()) + " ms: " + reason);
    }
    count_failed(failed, dead, told && !told->counts());
    return true;
}

void DurableFeed::count_failed(const Failed& failed, bool dead, bool late) {
    const Work& work = failed.work;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        telling_failure_ = false;
        if (dead) {
            ++stats_.given_up;
            if (!failed.said.value_or(true)) ++stats_.dead_unsaid;
        } else {
            ++stats_.retried;
        }
        if (late) ++stats_.late;
        // A failure takes back what comes later of its key; so do we, until it is through. What
        // was buried does not.
        if (parts_.settings.ordered && !dead) {
            parts_.bench.queue.drop_key(work.key);
            failed_keys_[work.key] = ++generation_;
        }
        parts_.bench.queue.done(work.number);
    }
    parts_.bench.work.notify_all();
}

void DurableFeed::extend_leases() {
    const Instant now = parts_.clock.steady();
    std::vector<JournalId> ids;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        const Instant stuck =
            parts_.keeps_timeout ? Instant::min() : now - parts_.settings.timeout * 2;
        ids = parts_.bench.queue.leases_before(now + lease_ / 2, stuck);
    }
    if (ids.empty()) return;
    const auto answers = parts_.door->extend(member_, ids, lease_);
    if (!answers) return;
    const std::scoped_lock lock(parts_.bench.mutex);
    for (const auto& answer : *answers) {
        if (answer.counts()) parts_.bench.queue.set_lease(answer.id, now + lease_);
    }
}

std::size_t DurableFeed::finish(Instant deadline) {
    stop_taking();
    if (taker_.joinable()) taker_.join();
    std::size_t left = 0;
    {
        std::unique_lock lock(parts_.bench.mutex);
        left = parts_.bench.queue.drop_waiting() + parts_.bench.queue.in_hand();
        to_settle_.notify_all();
        const auto patience = deadline - parts_.clock.steady();
        parts_.bench.room.wait_for(lock, std::max(patience, Instant{0}),
                                   [&] { return !something_to_settle() && !settling_; });
    }
    settler_.request_stop();
    to_settle_.notify_all();
    if (settler_.joinable()) settler_.join();
    // A journal that is away cannot be told; our leases there end by themselves.
    if (waiting_for().empty()) static_cast<void>(parts_.door->leave(member_));
    return left;
}

}  // namespace weft::reliability::hub
