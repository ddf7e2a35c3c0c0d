#include "reliability/repair/repairing_subscriber.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "reliability/repair/loss_log.hpp"
#include "reliability/retry_schedule.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

using fabric::Gap;
using fabric::Message;
using fabric::SubscriberHooks;
using std::chrono::milliseconds;

/// While holes are open: how exactly their times are kept.
constexpr milliseconds look_every{10};
constexpr milliseconds rest{1000};
/// The calendars of hosts differ by more than deadlines do.
constexpr std::chrono::seconds remembered_longer{30};

}  // namespace

RepairLimits repair_limits(const Settings& settings, const fabric::Settings& fabric) {
    RepairLimits limits;
    limits.wait = settings.repair.wait;
    // What a relay lost, the journals lost with it: a publisher that waits for one of them sends it
    // again, at the latest after its longest pause.
    const RetrySettings retries;
    const auto longest =
        std::chrono::duration_cast<fabric::Instant>(retries.longest * (1 + retries.jitter));
    limits.sure_after = std::min(limits.wait, limits.sure_after + longest);
    limits.held_max = settings.repair.held_max;
    limits.remember = fabric.replay_past + fabric.replay_future + remembered_longer;
    return limits;
}

void add(fabric::Counters& counters, const RepairingStats& stats) {
    const RepairStats& repair = stats.repair;
    constexpr std::string_view dropped = "weft_messages_dropped_total";
    counters.add(stats.received);
    counters.add("weft_messages_repaired_total", "journal", repair.repaired);
    counters.add("weft_messages_repaired_total", "late", repair.late);
    counters.add(dropped, "duplicate_of_repaired", repair.duplicates_dropped);
    counters.add(dropped, "late_after_given_up", repair.late_dropped);
    counters.add(dropped, "repair_not_missing", repair.unasked_dropped);
    counters.add("weft_messages_given_up_total", "", repair.given_up_messages);
    for (std::size_t i = 0; i < loss_reasons; ++i) {
        counters.add("weft_gaps_given_up_total", name_of(static_cast<LossReason>(i)),
                     repair.given_up_holes[i]);
    }
    counters.add("weft_repair_questions_total", "", repair.questions);
    counters.add("weft_repair_failed_total", "journal_away", stats.journal_failed);
    counters.add("weft_repair_failed_total", "stored_refused", stats.stored_refused);
    counters.add("weft_streams_forgotten_total", "repair", repair.streams_forgotten);
    counters.add("weft_gaps_open", "", repair.holes_open);
    counters.add("weft_messages_held", "", repair.held);
    counters.add("weft_consumer_failed_total", "", stats.consumer_failed);
}

struct RepairingSubscriber::Core {
    Core(fabric::Fabric& the_fabric, SubscriberHooks the_hooks, RepairOptions the_options)
        : fabric(the_fabric),
          clock(the_fabric.clock()),
          hooks(std::move(the_hooks)),
          options(std::move(the_options)),
          tracker(options.limits),
          said(options.journals.size()),
          preferred(options.journals.size()) {
        std::iota(preferred.begin(), preferred.end(), std::size_t{0});
        if (!hooks.warn) hooks.warn = [this](const std::string& line) { fabric.warn(line); };
    }

    void start(const std::vector<std::string>& globs, const fabric::SubscribeOptions& subscribe) {
        if (options.journals.empty()) {
            subscriber = fabric.subscribe(globs, hooks, subscribe);
            return;
        }
        if (!options.verify) {
            throw fabric::OpenFailed(
                "gap repair has journals and nothing that verifies what they send: give "
                "RepairOptions::verify");
        }
        subscriber = fabric.subscribe(globs, wrapped(), subscribe);
        worker = std::jthread([this](const std::stop_token& stop) { work(stop); });
    }

    /// The same hooks, one at a time with those that the worker calls.
    SubscriberHooks wrapped() {
        const auto in_turn = [this](const std::function<void(const Message&)>& hook) {
            std::function<void(const Message&)> turn;
            if (hook) {
                turn = [this, hook](const Message& message) {
                    const std::scoped_lock lock(order);
                    hook(message);
                };
            }
            return turn;
        };
        SubscriberHooks wrapped = hooks;
        wrapped.deliver = [this](const Message& message) { on_message(message); };
        wrapped.gap = [this](const Gap& gap) { on_gap(gap); };
        wrapped.repeated = in_turn(hooks.repeated);
        wrapped.acknowledgement = in_turn(hooks.acknowledgement);
        if (hooks.refused) {
            wrapped.refused = [this](const fabric::RefusedMessage& refused) {
                const std::scoped_lock lock(order);
                hooks.refused(refused);
            };
        }
        if (hooks.pause) {
            wrapped.pause = [this] {
                const std::scoped_lock lock(order);
                hooks.pause();
            };
        }
        return wrapped;
    }

    // The subscriber's thread.

    void on_message(const Message& message) {
        const std::scoped_lock lock(order);
        if (tracker.idle()) return hooks.deliver(message);
        GapTracker::Events events;
        if (tracker.on_message(message, clock.steady(), events)) return hooks.deliver(message);
        hand_over(events);
    }

    void on_gap(const Gap& gap) {
        const std::scoped_lock lock(order);
        if (hooks.gap) hooks.gap(gap);
        GapTracker::Events events;
        tracker.on_gap(gap, clock.steady(), events);
        hand_over(events);
        changed.notify_all();
    }

    // Either thread, with `order` held.

    void hand_over(GapTracker::Events& events) {
        {
            const std::scoped_lock lock(counting);
            stats.repair = tracker.stats();
        }
        for (const GapTracker::Event& event : events) {
            if (const auto* message = std::get_if<Message>(&event)) {
                attempt([&] { hooks.deliver(*message); }, *message);
            } else {
                on_lost(std::get<Lost>(event));
            }
        }
        if (!events.empty() && hooks.pause) hooks.pause();
        events.clear();
    }

    /// As fabric::Subscriber does: a consumer that throws harms nobody but itself.
    template <class Call>
    void attempt(const Call& call, const Message& message) {
        std::string error;
        try {
            return call();
        } catch (const std::exception& thrown) {
            error = thrown.what();
        } catch (...) {
            error = "something that is no std::exception";
        }
        {
            const std::scoped_lock lock(counting);
            ++stats.consumer_failed;
        }
        hooks.warn("the consumer of " + std::string{message.topic()} + " threw at message " +
                   message.id().text() + ": " + signing::escape(error));
    }

    void on_lost(const Lost& lost) {
        if (const auto line = loss_log.line(lost, clock.steady())) hooks.warn(*line);
        if (options.lost) options.lost(lost);
    }

    // The worker's thread.

    void work(const std::stop_token& stop) {
        std::unique_lock lock(order);
        while (!stop.stop_requested()) {
            GapTracker::Events events;
            tracker.tick(clock.steady(), events);
            hand_over(events);
            const auto question = tracker.next_question(clock.steady());
            if (question) {
                lock.unlock();
                ask(*question, stop);
                lock.lock();
            } else if (tracker.waiting()) {
                changed.wait_for(lock, stop, look_every, [] { return false; });
            } else {
                changed.wait_for(lock, stop, rest, [this] { return tracker.waiting(); });
            }
        }
    }

    /// One journal after the other, until nothing is missing any more: first the one that helped
    /// last.
    void ask(const StreamRange& question, const std::stop_token& stop) {
        bool all_answered = true;
        for (const std::size_t source : std::vector<std::size_t>{preferred}) {
            if (!still_missing(question)) break;
            if (!ask_one(source, question, stop)) all_answered = false;
        }
        const std::scoped_lock lock(order);
        GapTracker::Events events;
        tracker.on_answered(
            question, all_answered ? GapTracker::Answer::complete : GapTracker::Answer::unsure,
            clock.steady(), events);
        hand_over(events);
    }

    bool still_missing(const StreamRange& question) {
        const std::scoped_lock lock(order);
        return tracker.is_missing(question);
    }

    bool ask_one(std::size_t source, const StreamRange& question, const std::stop_token& stop) {
        bool helped = false;
        const auto take = [&](std::vector<Message> messages) {
            helped = true;
            const std::scoped_lock lock(order);
            GapTracker::Events events;
            for (const Message& message : messages) {
                tracker.on_repaired(message, clock.steady(), events);
            }
            hand_over(events);
            subscriber->had(messages);
        };
        const RangeAnswer answer =
            read_range(*options.journals[source].journal, question, options.verify, take,
                       [&] { return stop.stop_requested(); });
        {
            const std::scoped_lock lock(counting);
            stats.stored_refused += answer.refused;
            stats.journal_failed += !answer.complete;
        }
        say_about(source, answer.problem);
        if (helped) {
            const auto at = std::find(preferred.begin(), preferred.end(), source);
            std::rotate(preferred.begin(), at, std::next(at));
        }
        return answer.complete;
    }

    /// What stays wrong is said once.
    void say_about(std::size_t source, const std::string& problem) {
        if (said[source] == problem) return;
        said[source] = problem;
        if (problem.empty()) return;
        hooks.warn("gap repair: journal " + signing::escape(options.journals[source].name) + ": " +
                   problem);
    }

    void stop() {
        if (std::exchange(stopped, true)) return;
        // The worker first: it tells the subscriber what it has.
        if (worker.joinable()) {
            worker.request_stop();
            worker.join();
        }
        if (subscriber) subscriber->stop();
        const std::scoped_lock lock(order);
        GapTracker::Events events;
        tracker.finish(clock.steady(), events);
        hand_over(events);
    }

    fabric::Fabric& fabric;
    const fabric::Clock& clock;
    SubscriberHooks hooks;
    const RepairOptions options;

    std::mutex order;  // whoever holds it may call hooks; guards what follows
    std::condition_variable_any changed;
    GapTracker tracker;
    LossLog loss_log;

    // Of the worker.
    std::vector<std::string> said;       // by source: the last problem
    std::vector<std::size_t> preferred;  // sources, the one that helped last first

    mutable std::mutex counting;  // taken last; guards stats
    RepairingStats stats;

    bool stopped = false;  // of whoever owns it
    std::unique_ptr<fabric::Subscriber> subscriber;
    std::jthread worker;
};

RepairingSubscriber::RepairingSubscriber(fabric::Fabric& fabric,
                                         const std::vector<std::string>& globs,
                                         SubscriberHooks hooks, RepairOptions options,
                                         const fabric::SubscribeOptions& subscribe)
    : core_(std::make_unique<Core>(fabric, std::move(hooks), std::move(options))) {
    core_->start(globs, subscribe);
}

RepairingSubscriber::~RepairingSubscriber() {
    stop();
}

fabric::ReadyResult RepairingSubscriber::wait_ready(milliseconds timeout) {
    return core_->subscriber->wait_ready(timeout);
}

void RepairingSubscriber::stop() {
    core_->stop();
}

RepairingStats RepairingSubscriber::stats() const {
    RepairingStats stats;
    {
        const std::scoped_lock lock(core_->counting);
        stats = core_->stats;
    }
    stats.received = core_->subscriber->stats();
    return stats;
}

}  // namespace weft::reliability
