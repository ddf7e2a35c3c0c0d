#include "gateway/bridge/journal_desk.hpp"

#include <atomic>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/bridge/journal_reading.hpp"
#include "gateway/bridge/waiters.hpp"

namespace weft::gateway {

using reliability::JournalId;

struct JournalDesk::Core {
    struct Task {
        JournalReading reading;
        FabricBridge::OnPage done;
    };

    Core(reliability::Journal& the_journal, std::shared_ptr<signing::TrustStore> the_trust,
         const fabric::Clock& the_clock, JournalDeskSettings the_settings)
        : journal(the_journal),
          trust(std::move(the_trust)),
          clock(the_clock),
          settings(std::move(the_settings)),
          begun_at(journal.info().head),
          followed(begun_at),
          announced(followed),
          waiters(settings.waiters_max, followed) {}

    void work();
    void follow();
    bool announce(JournalId head);
    // Here and below told behind the lock: who wakes up needs it at once.
    void wake_follower() {
        {
            const std::scoped_lock lock(mutex);
            poked = true;
        }
        follower_wakes.notify_one();
    }

    reliability::Journal& journal;
    const std::shared_ptr<signing::TrustStore> trust;
    const fabric::Clock& clock;
    const JournalDeskSettings settings;
    const JournalId begun_at;
    JournalId followed;                // The follower's alone.
    std::atomic<JournalId> announced;  // The waiters know of everything up to it.
    Waiters waiters;

    std::mutex mutex;
    std::condition_variable work_there, follower_wakes;
    std::deque<std::unique_ptr<Task>> tasks;
    bool stopped = false;
    bool poked = true;
    std::shared_ptr<void> watch;
    std::vector<std::thread> threads;
};

void JournalDesk::Core::work() {
    reliability::StoredVerifier verifier(trust);
    std::unique_lock lock(mutex);
    while (true) {
        work_there.wait(lock, [&] { return stopped || !tasks.empty(); });
        if (stopped) return;
        auto task = std::move(tasks.front());
        tasks.pop_front();
        lock.unlock();
        const bool finished = task->reading.step(journal, verifier, settings.on_refused);
        if (finished) {
            task->done(task->reading.result());
            task.reset();
        }
        lock.lock();
        if (task && !stopped) {
            tasks.push_back(std::move(task));
            work_there.notify_one();
        } else if (task) {
            lock.unlock();
            task->done(tl::make_unexpected(
                BridgeError{BridgeError::Kind::stopped, "the gateway stops; ask again elsewhere"}));
            return;
        }
    }
}

/// False: the journal did not say, or there is more to read.
bool JournalDesk::Core::announce(JournalId head) {
    const auto page = journal.read({0, followed}, reliability::TopicFilter{}, {.through = head});
    if (!page) {
        waiters.unknown(head);
        followed = head;
        return true;
    }
    if (page->gap) waiters.unknown(page->gap->to);
    for (const reliability::StoredRun& run : page->runs) {
        waiters.stored(run.topic, run.to);
        if (settings.on_stored) settings.on_stored(run);
    }
    followed = std::max(followed, page->next.id);
    return page->at_head || followed >= head;
}

void JournalDesk::Core::follow() {
    std::unique_lock lock(mutex);
    while (!stopped) {
        const auto deadline = waiters.next_deadline();
        const auto is_due = [&] { return stopped || poked; };
        if (!deadline) {
            follower_wakes.wait(lock, is_due);
        } else {
            const auto left = *deadline - clock.steady();
            if (left > fabric::Instant{0}) {
                follower_wakes.wait_for(lock, left, is_due);
            }
        }
        poked = false;
        if (stopped) return;
        lock.unlock();
        const JournalId head = journal.info().head;
        while (followed < head && !announce(head)) {
        }
        announced = followed;
        waiters.tick(clock.steady());
        lock.lock();
    }
}

JournalDesk::JournalDesk(reliability::Journal& journal, std::shared_ptr<signing::TrustStore> trust,
                         const fabric::Clock& clock, JournalDeskSettings settings)
    : core_(std::make_unique<Core>(journal, std::move(trust), clock, std::move(settings))) {
    Core& core = *core_;
    core.watch = journal.watch([&core](JournalId) { core.wake_follower(); });
    for (unsigned i = 0; i < std::max(1U, core.settings.workers); ++i) {
        core.threads.emplace_back([&core] { core.work(); });
    }
    core.threads.emplace_back([&core] { core.follow(); });
}

JournalDesk::~JournalDesk() {
    stop();
    core_->watch.reset();
    for (std::thread& thread : core_->threads) thread.join();
}

void JournalDesk::read(ReadRequest request, FabricBridge::OnPage done) {
    BridgeError error{BridgeError::Kind::stopped, "the gateway stops; ask again elsewhere"};
    {
        std::unique_lock lock(core_->mutex);
        if (!core_->stopped && core_->tasks.size() < core_->settings.waiting_reads_max) {
            core_->tasks.push_back(std::make_unique<Core::Task>(
                Core::Task{JournalReading(std::move(request)), std::move(done)}));
            lock.unlock();
            core_->work_there.notify_one();
            return;
        }
        if (!core_->stopped) {
            error = {BridgeError::Kind::busy, "too many reads wait for a worker; ask again later"};
        }
    }
    done(tl::make_unexpected(std::move(error)));
}

FabricBridge::Ticket JournalDesk::wait(JournalId after, const reliability::TopicFilter& filter,
                                       std::chrono::milliseconds timeout,
                                       FabricBridge::OnWoken done) {
    const fabric::Instant deadline = core_->clock.steady() + timeout;
    const auto before = core_->waiters.next_deadline();
    const auto ticket = core_->waiters.add(after, filter, deadline, std::move(done));
    if (ticket != 0 && (!before || deadline < *before)) core_->wake_follower();
    return ticket;
}

void JournalDesk::forget(FabricBridge::Ticket ticket) {
    core_->waiters.forget(ticket);
}

void JournalDesk::stop() {
    std::deque<std::unique_ptr<Core::Task>> left;
    {
        const std::scoped_lock lock(core_->mutex);
        core_->stopped = true;
        left.swap(core_->tasks);
        core_->work_there.notify_all();
        core_->follower_wakes.notify_all();
    }
    for (const auto& task : left) {
        task->done(tl::make_unexpected(
            BridgeError{BridgeError::Kind::stopped, "the gateway stops; ask again elsewhere"}));
    }
    core_->waiters.stop();
}

std::optional<JournalId> JournalDesk::nothing_after(JournalId after,
                                                    const reliability::TopicFilter& filter) const {
    // First the head: whatever it includes must have been announced.
    const JournalId head = core_->journal.wait(UINT64_MAX, std::chrono::milliseconds{0});
    if (core_->announced < head || core_->waiters.may_have_had(after, filter)) return std::nullopt;
    return head;
}

JournalId JournalDesk::begun_at() const noexcept {
    return core_->begun_at;
}

std::size_t JournalDesk::waiters() const {
    return core_->waiters.size();
}

}  // namespace weft::gateway
