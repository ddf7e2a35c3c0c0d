#include "tests/fault/journal_world/sim_subscriber.hpp"

#include <algorithm>

#include "reliability/repair/stored_range.hpp"

namespace weft::fault {

using namespace reliability;
using fabric::Message;
using fabric::ReplayGuard;

namespace {

RepairLimits repair_limits(Random& random) {
    RepairLimits limits;
    limits.wait = random.one_of<Instant>({milliseconds{700}, milliseconds{2000}});
    limits.sure_after = random.one_of<Instant>({milliseconds{100}, milliseconds{500}});
    limits.ask_after = milliseconds{20};
    limits.ask_again = milliseconds{50};
    if (random.permille(100)) limits.held_max = random.between(1, 8);
    if (random.permille(100)) limits.holes_max = random.between(1, 4);
    return limits;
}

Message message_of(const Told& told) {
    auto run = std::make_shared<fabric::RunBytes>(told.number.stream.topic, told_text(told), "");
    fabric::DecodedContent content;
    content.header.epoch = told.number.stream.epoch;
    content.header.seq = told.number.seq;
    content.header.time_us = told.time_us;
    const std::string_view raw = run->contents;
    return {std::move(run), std::move(content), raw, {}};
}

tl::expected<std::vector<Message>, std::string> verified(const StoredRun& run) {
    std::vector<Message> messages;
    for_each_message(run, [&](JournalId, std::string_view text) {
        messages.push_back(message_of(told_of(run.topic, text)));
    });
    return messages;
}

}  // namespace

StreamSubscriber::StreamSubscriber(std::size_t number, std::vector<SimJournal*> journals, Ask ask,
                                   Scene& scene)
    : clock(scene.log),
      name_("sub" + std::to_string(number)),
      journals_(std::move(journals)),
      ask_(std::move(ask)),
      scene_(scene),
      limits_(repair_limits(scene.random)) {
    restart();
}

void StreamSubscriber::restart() {
    ++life_;
    guard_ = std::make_unique<ReplayGuard>(fabric::ReplayLimits{});
    tracker_ = std::make_unique<GapTracker>(limits_);
    had_.clear();
    shown_.clear();
}

void StreamSubscriber::on_arrival(const Told& told) {
    const StreamName& stream = told.number.stream;
    const Message message = message_of(told);
    guard_->begin("", stream.topic, clock.utc_us());
    const auto judged = guard_->judge(stream.epoch, told.number.seq, told.time_us);
    const bool accepted = judged.verdict == ReplayGuard::Verdict::accept;
    if (!accepted && !scene_.has(Planted::judges_no_replays)) {
        scene_.figures.duplicates += judged.verdict == ReplayGuard::Verdict::replayed;
        return;
    }
    if (judged.missing > 0) {
        tell_gap(stream, told.number.seq - judged.missing, told.number.seq - 1);
    }
    Events events;
    if (scene_.has(Planted::holds_nothing_back) || tracker_->idle() ||
        tracker_->on_message(message, now(), events)) {
        return show(message);
    }
    hand_over(events);
}

void StreamSubscriber::on_tail(const StreamName& stream, std::uint64_t last,
                               std::uint64_t time_us) {
    guard_->begin("", stream.topic, clock.utc_us());
    const auto judged = guard_->tail(stream.epoch, last, time_us);
    if (judged.missing > 0) tell_gap(stream, last + 1 - judged.missing, last);
}

void StreamSubscriber::tell_gap(const StreamName& stream, std::uint64_t from, std::uint64_t to) {
    ++scene_.figures.holes;
    Shown& shown = shown_[stream];
    for (std::uint64_t seq = from; seq <= to; ++seq) shown.missed_at.emplace(seq, scene_.log.now);
    scene_.log.trace([&] {
        return name_ + " misses " + std::to_string(from) + " to " + std::to_string(to) + " in " +
               stream.text();
    });
    Events events;
    tracker_->on_gap({"", stream.epoch, stream.topic, from, to, to - from + 1}, now(), events);
    hand_over(events);
}

void StreamSubscriber::hand_over(Events& events) {
    for (const GapTracker::Event& event : events) {
        if (const auto* message = std::get_if<Message>(&event)) {
            show(*message);
        } else if (!scene_.has(Planted::tells_no_losses)) {
            lose(std::get<Lost>(event));
        }
    }
    events.clear();
}

void StreamSubscriber::show(const Message& message) {
    ++scene_.figures.shown;
    scene_.figures.repaired += message.replayed();
    const Told told = told_of(message.topic(), message.content());
    const Number& number = told.number;
    scene_.log.trace([&] {
        return name_ + " is shown " + number.text() + (message.replayed() ? ", repaired" : "");
    });
    if (number.seq != message.seq() || number.stream.epoch != message.epoch()) {
        scene_.log.violation(name_ + ": " + number.text() + " says that it is another");
    }
    Shown& shown = shown_[number.stream];
    if (shown.first == 0)
        shown.first = shown.last = number.seq;
    else if (number.seq < shown.first) {
        // From before the first that came: nobody knew of it, and it is no hole.
        ++scene_.figures.early;
        if (!shown.early.emplace(number.seq, told).second) {
            scene_.log.violation(name_ + ": " + number.text() + " is shown twice");
        }
    } else if (number.seq <= shown.last) {
        scene_.log.violation(name_ + ": " + number.text() + " is shown twice, or out of order: " +
                             std::to_string(shown.last) + " was settled before");
    } else {
        if (number.seq != shown.last + 1) {
            scene_.log.violation(name_ + ": " + number.text() + " is shown behind " +
                                 std::to_string(shown.last) + ", and nobody told of a loss");
        }
        shown.last = number.seq;
    }
}

void StreamSubscriber::lose(const Lost& lost) {
    scene_.figures.lost += lost.count;
    const StreamName stream{lost.topic, lost.epoch};
    scene_.log.trace([&] {
        return name_ + " has lost " + std::to_string(lost.from) + " to " + std::to_string(lost.to) +
               " in " + stream.text() + ": " + std::string{name_of(lost.reason)};
    });
    Shown& shown = shown_[stream];
    if (lost.from != shown.last + 1 || lost.count != lost.to - lost.from + 1) {
        scene_.log.violation(name_ + ": a loss of " + std::to_string(lost.from) + " to " +
                             std::to_string(lost.to) + " (" + std::to_string(lost.count) + ") in " +
                             stream.text() + " is told, and " + std::to_string(shown.last) +
                             " was settled before");
    }
    if (lost.reason == LossReason::not_stored) check_not_stored(lost);
    shown.last = lost.to;
}

/// Every journal was asked, and has had time.
void StreamSubscriber::check_not_stored(const Lost& lost) {
    const Look look(scene_);
    for (SimJournal* journal : journals_) {
        if (journal->journal() == nullptr) continue;
        const auto page = journal->journal()->read_stream(
            {lost.signer, lost.epoch, lost.topic, lost.from, lost.to}, {});
        if (!page) continue;
        for (const StoredRun& run : page->runs) {
            for_each_message(run, [&](JournalId id, std::string_view text) {
                const Told told = told_of(run.topic, text);
                // One that came after it was missed may have come after the answer.
                const Instant missed_at = shown_[told.number.stream].missed_at[told.number.seq];
                if (!journal->oracle.had_before(id, missed_at)) return;
                scene_.log.violation(name_ + ": " + told.number.text() +
                                     " is told as stored "
                                     "nowhere, and " +
                                     journal->name() + " has it");
            });
        }
    }
}

void StreamSubscriber::tick() {
    for (const Message& message : had_) {
        guard_->begin("", message.topic(), clock.utc_us());
        static_cast<void>(guard_->had(message.epoch(), message.seq(), message.time_us()));
    }
    had_.clear();
    Events events;
    tracker_->tick(now(), events);
    hand_over(events);
    for (int i = 0; i < 8; ++i) {
        const auto question = tracker_->next_question(now());
        if (!question) break;
        scene_.schedule.in(scene_.random.between(milliseconds{1}, milliseconds{40}),
                           [this, question = *question, life = life_] {
                               if (life == life_) answer(question);
                           });
    }
}

void StreamSubscriber::answer(const StreamRange& question) {
    bool all = true;
    for (std::size_t i = 0; i < journals_.size() && tracker_->is_missing(question); ++i) {
        if (i > 0 && scene_.has(Planted::asks_one_journal)) break;
        if (!ask_one(i, question)) all = false;
    }
    Events events;
    tracker_->on_answered(question, all ? GapTracker::Answer::complete : GapTracker::Answer::unsure,
                          now(), events);
    hand_over(events);
}

bool StreamSubscriber::ask_one(std::size_t number, const StreamRange& question) {
    Journal* const journal = ask_(number);
    if (journal == nullptr) return false;
    const auto take = [&](std::vector<Message> messages) {
        Events events;
        for (const Message& message : messages) tracker_->on_repaired(message, now(), events);
        hand_over(events);
        had_.insert(had_.end(), messages.begin(), messages.end());
    };
    return read_range(*journal, question, verified, take, [] { return false; }).complete;
}

void StreamSubscriber::end() {
    const RepairStats stats = tracker_->stats();
    if (stats.holes_open + stats.held > 0) {
        scene_.log.violation(name_ + ": " + std::to_string(stats.holes_open) +
                             " holes stay open, " + std::to_string(stats.held) +
                             " messages are held back for ever");
    }
}

}  // namespace weft::fault
