#include "reliability/hub/runner.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "fabric/node/current_message.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Instant;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using Level = Surroundings::Level;

/// For what ends after the workers: the journal is told, processes are ended.
constexpr milliseconds settling_time{1000};

std::string kind_of(const ConsumerSettings& settings) {
    if (!settings.exec.empty()) return "exec";
    return settings.isolate ? "isolated plugin" : "plugin";
}

}  // namespace

struct Runner::Core {
    explicit Core(Parts the_parts)
        : parts(std::move(the_parts)), settings(parts.settings), bench(settings.ordered) {}

    struct Worker {
        std::unique_ptr<Handler> handler;
        std::thread thread;
        bool ended = false;  // guarded by bench.mutex
    };

    std::optional<Work> take() {
        std::unique_lock lock(bench.mutex);
        while (!bench.closed) {
            if (auto work = bench.queue.take(parts.clock.steady())) {
                const bool more_wanted = bench.queue.waiting() % 16 == 0;
                lock.unlock();
                if (more_wanted) bench.room.notify_one();
                return work;
            }
            if (const auto due = bench.queue.next_due()) {
                const Instant wait = *due - parts.clock.steady();
                bench.work.wait_for(lock,
                                    std::clamp(wait, Instant{0}, Instant{milliseconds{1000}}));
            } else {
                bench.work.wait_for(lock, milliseconds{1000});
            }
        }
        return std::nullopt;
    }

    Verdict handle(Handler& handler, const Work& work) {
        const fabric::CurrentMessage current(work.message.id());
        try {
            return handler.handle(work.message, work.attempt);
        } catch (const std::exception& thrown) {
            return {Verdict::Is::retry, thrown.what()};
        } catch (...) {
            return {Verdict::Is::retry, "it threw something that is no std::exception"};
        }
    }

    void work(std::size_t index) {
        Handler& handler = *workers[index].handler;
        while (auto work = take()) {
            if (!feed->begins(index, *work)) continue;
            Verdict verdict = handle(handler, *work);
            note(verdict, *work);
            feed->ends(index, std::move(*work), std::move(verdict));
        }
        {
            const std::scoped_lock lock(bench.mutex);
            workers[index].ended = true;
        }
        bench.room.notify_all();
    }

    void note(const Verdict& verdict, const Work& work) {
        if (verdict.is == Verdict::Is::left) return;
        const bool done = verdict.is == Verdict::Is::done;
        if (parts.desk) {
            const bool last = work.attempt >= settings.max_attempts;
            if (done) {
                parts.desk->processed(work.message);
            } else if (verdict.is == Verdict::Is::reject || last) {
                parts.desk->rejected(work.message, verdict.reason);
            }
        }
        if (done) return;
        const std::scoped_lock lock(status_mutex);
        last_error = "message " + work.message.id().text() + ", attempt " +
                     std::to_string(work.attempt) + ": " + signing::escape(verdict.reason);
        last_error_us = parts.clock.utc_us();
    }

    void add_acks(FeedStats& stats) const {
        if (!parts.desk) return;
        stats.acks = parts.desk->acks();
        stats.unanswered = parts.desk->unanswered();
    }

    [[nodiscard]] bool all_ended() const {
        return std::all_of(workers.begin(), workers.end(),
                           [](const Worker& worker) { return worker.ended; });
    }

    Parts parts;
    const ConsumerSettings settings;
    Bench bench;
    std::shared_ptr<Feed> feed;  // written under status_mutex
    std::vector<Worker> workers;

    mutable std::mutex status_mutex;
    std::string last_error;
    std::uint64_t last_error_us = 0;
    FeedStats last_stats;
    std::atomic<bool> stopped = false;
    bool said_stuck = false;
    bool host_started = false;
};

Runner::Runner(Parts parts) : core_(std::make_shared<Core>(std::move(parts))) {}

Runner::~Runner() {
    static_cast<void>(stop(core_->parts.clock.steady()));
}

const ConsumerSettings& Runner::settings() const noexcept {
    return core_->settings;
}

tl::expected<void, std::string> Runner::start() {
    if (auto started = core_->parts.host->start(); !started) {
        core_->stopped = true;
        return started;
    }
    core_->host_started = true;
    std::shared_ptr<Feed> feed =
        core_->parts.make_feed(core_->settings, core_->bench, core_->parts.desk.get());
    {
        const std::scoped_lock lock(core_->status_mutex);
        core_->feed = std::move(feed);
    }
    core_->workers.resize(core_->settings.workers);
    for (Core::Worker& worker : core_->workers) worker.handler = core_->parts.host->make();
    for (std::size_t i = 0; i < core_->workers.size(); ++i) {
        core_->workers[i].thread = std::thread([core = core_, i] { core->work(i); });
    }
    core_->feed->start();
    return {};
}

Runner::Left Runner::stop(Instant deadline) {
    if (core_->stopped) return {};
    core_->stopped = true;
    Core& core = *core_;
    if (!core.feed) {  // it has not begun, or its feed could not be made
        if (core.host_started) core.parts.host->stop(settling_time);
        return {};
    }
    core.feed->stop_taking();
    {
        std::unique_lock lock(core.bench.mutex);
        core.bench.closed = true;
        core.bench.work.notify_all();
        const auto wait = [&](Instant until) {
            const Instant patience = until - core.parts.clock.steady();
            return core.bench.room.wait_for(lock, std::max(patience, Instant{0}),
                                            [&] { return core.all_ended(); });
        };
        if (!wait(deadline - settling_time)) {
            lock.unlock();
            for (Core::Worker& worker : core.workers) worker.handler->give_up();
            lock.lock();
            // One that can be ended is ending now; the others get what time there is.
            static_cast<void>(
                wait(core.parts.host->keeps_timeout()
                         ? deadline + settling_time
                         : std::max(deadline, core.parts.clock.steady() + milliseconds{100})));
        }
    }
    Left left;
    left.messages = core.feed->finish(std::max(deadline, core.parts.clock.steady()));
    for (Core::Worker& worker : core.workers) {
        bool ended = false;
        {
            const std::scoped_lock lock(core.bench.mutex);
            ended = worker.ended;
        }
        if (ended) {
            worker.thread.join();
        } else {
            ++left.stuck;
            worker.thread.detach();
        }
    }
    {
        const std::scoped_lock lock(core.status_mutex);
        core.last_stats = core.feed->stats();
        core.add_acks(core.last_stats);
    }
    if (core.parts.desk) core.parts.desk->stop();
    if (left.stuck == 0) {
        core.parts.host->stop(settling_time);
        std::shared_ptr<Feed> ended;  // goes without the lock
        const std::scoped_lock lock(core.status_mutex);
        ended.swap(core.feed);
    } else {
        core.parts.surroundings.log(
            Level::error, core.settings.name,
            "its plugin did not return from consume(): its thread is left behind; `isolate: true` "
            "would let the hub end it");
        // Never freed: that thread uses it.
        static_cast<void>(new std::shared_ptr<Core>(core_));
    }
    return left;
}

void Runner::look() {
    const ConsumerStatus now = status();
    const bool stuck = now.state == "stuck";
    if (stuck && !core_->said_stuck) {
        core_->parts.surroundings.log(Level::error, core_->settings.name, now.why);
    }
    core_->said_stuck = stuck;
}

ConsumerStatus Runner::status() const {
    const ConsumerSettings& settings = core_->settings;
    ConsumerStatus status;
    status.name = settings.name;
    status.kind = kind_of(settings);
    status.durable = settings.durable;
    for (const auto& glob : settings.globs) {
        status.topics += (status.topics.empty() ? "" : " ") + std::string{glob.text()};
    }
    {
        const std::scoped_lock lock(core_->bench.mutex);
        status.waiting = core_->bench.queue.waiting();
        status.in_hand = core_->bench.queue.in_hand();
        if (const auto oldest = core_->bench.queue.oldest_in_hand()) {
            status.oldest_in_hand =
                duration_cast<milliseconds>(core_->parts.clock.steady() - *oldest);
        }
    }
    std::shared_ptr<Feed> feed;
    {
        const std::scoped_lock lock(core_->status_mutex);
        status.last_error = core_->last_error;
        status.last_error_us = core_->last_error_us;
        status.feed = core_->last_stats;
        feed = core_->feed;
    }
    if (feed) {
        status.feed = feed->stats();
        core_->add_acks(status.feed);
    }
    if (core_->stopped || !feed) {
        status.state = "stopped";
        return status;
    }
    status.details = core_->parts.host->details();
    status.why = feed->waiting_for();
    status.state = feed->failed() ? "failed" : status.why.empty() ? "running" : "waiting";
    if (!core_->parts.host->keeps_timeout() && status.oldest_in_hand > settings.timeout) {
        status.state = "stuck";
        status.why = "has had a message in hand for " +
                     std::to_string(status.oldest_in_hand.count() / 1000) +
                     " s, longer than its timeout; a plugin in the hub's own process cannot be "
                     "ended (isolate: true makes it one that can)";
    }
    return status;
}

}  // namespace weft::reliability::hub
