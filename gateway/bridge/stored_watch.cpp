#include "gateway/bridge/stored_watch.hpp"

#include <algorithm>
#include <utility>

namespace weft::gateway {
namespace {

using reliability::JournalId;
using std::chrono::milliseconds;

/// The clock is looked at so often, whatever it says.
constexpr milliseconds tick_max{250};
constexpr milliseconds timeout_max = std::chrono::hours{24};
/// Runs that are told under one hold of the lock: the journal's writer may wait for it.
constexpr std::size_t runs_at_once = 64;

reliability::ReadLimits page_limits() {
    reliability::ReadLimits limits;
    limits.messages = 16'384;
    return limits;
}

}  // namespace

struct StoredWatch::Core : std::enable_shared_from_this<StoredWatch::Core> {
    Core(reliability::Journal& the_journal, const fabric::Clock& the_clock,
         const WaiterLimits& limits, Look the_look)
        : journal(the_journal), clock(the_clock), look(std::move(the_look)), waiters(limits) {}

    void start() {
        watching = journal.watch([this](JournalId now) {
            const std::scoped_lock lock(mutex);
            head = std::max(head, now);
            changed.notify_one();
        });
        const JournalId now = journal.info().head;
        const std::scoped_lock lock(mutex);
        head = std::max(head, now);
        waiters.skipped(now);
        thread = std::thread([this] { run(); });
    }

    void run() {
        std::unique_lock lock(mutex);
        while (true) {
            if (stopping) waiters.all(Woken::stopped);
            waiters.tick(clock.steady());
            if (auto woken = waiters.take_woken()) {
                lock.unlock();
                woken->first(woken->second);
                woken.reset();
                lock.lock();
                continue;
            }
            if (stopping) return;
            if (head > waiters.seen()) {
                look_at_new(lock);
                continue;
            }
            const fabric::Instant now = clock.steady();
            const auto due = std::min<fabric::Instant>(
                waiters.next_deadline().value_or(now + tick_max), now + tick_max);
            wakes_at = due;
            changed.wait_for(lock, std::max<fabric::Instant>(due - now, fabric::Instant{0}));
            wakes_at = fabric::Instant::max();
        }
    }

    void look_at_new(std::unique_lock<std::mutex>& lock) {
        if (waiters.waiting() == 0) return waiters.skipped(head);
        const JournalId after = waiters.seen(), known_head = head;
        lock.unlock();
        const auto page = journal.read({0, after}, {}, page_limits());
        lock.lock();
        if (!page || page->gap || page->next.id <= after) {
            // What it was nobody can say: whoever waits reads for themselves.
            waiters.skipped(page ? std::max(page->next.id, known_head) : known_head);
            return waiters.all(Woken::stored);
        }
        std::size_t told = 0;
        for (const auto& run : page->runs) {
            waiters.stored(run.to, run.topic);
            if (++told % runs_at_once != 0) continue;
            lock.unlock();
            lock.lock();
        }
        waiters.looked(page->next.id);
    }

    /// Under the lock.
    void rouse(fabric::Instant due) {
        if (due < wakes_at) changed.notify_one();
    }

    reliability::Journal& journal;
    const fabric::Clock& clock;
    const Look look;

    std::mutex mutex;  // guards what follows
    std::condition_variable changed;
    Waiters waiters;
    JournalId head = 0;
    fabric::Instant wakes_at{};
    bool stopping = false;

    std::mutex joining;
    std::shared_ptr<void> watching;
    std::thread thread;
};

StoredWatch::StoredWatch(reliability::Journal& journal, const fabric::Clock& clock,
                         const WaiterLimits& limits, Look look)
    : core_(std::make_shared<Core>(journal, clock, limits, std::move(look))) {
    core_->start();
}

StoredWatch::~StoredWatch() {
    stop();
}

FabricBridge::Ticket StoredWatch::wait(JournalId after, const reliability::TopicFilter& filter,
                                       milliseconds timeout, FabricBridge::OnWoken done) {
    Core& core = *core_;
    Waiters::Added added{Waiters::Came::full};
    Woken why = Woken::full;
    {
        const std::scoped_lock lock(core.mutex);
        if (core.stopping) {
            why = Woken::stopped;
        } else {
            const fabric::Instant due =
                core.clock.steady() + std::clamp(timeout, milliseconds{0}, timeout_max);
            added = core.waiters.add(after, filter, due, done);
            if (added.ticket != 0) core.rouse(due);
            if (added.came == Waiters::Came::already) why = Woken::stored;
        }
    }
    if (added.ticket == 0) {
        done(why);
        return 0;
    }
    if (added.came == Waiters::Came::unknown) {
        const auto say = [core = core_, ticket = added.ticket](bool came) {
            if (!came) return;
            const std::scoped_lock lock(core->mutex);
            core->waiters.came(ticket);
            core->changed.notify_one();
        };
        if (!core.look(after, filter, say)) say(true);
    }
    return added.ticket;
}

void StoredWatch::forget(FabricBridge::Ticket ticket) {
    FabricBridge::OnWoken dropped;  // goes outside of the lock: what it holds may call us
    const std::scoped_lock lock(core_->mutex);
    dropped = core_->waiters.forget(ticket);
}

void StoredWatch::stop() {
    {
        const std::scoped_lock lock(core_->mutex);
        core_->stopping = true;
        core_->changed.notify_one();
    }
    const std::scoped_lock lock(core_->joining);
    core_->watching.reset();
    if (core_->thread.joinable()) core_->thread.join();
}

std::size_t StoredWatch::waiting() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->waiters.waiting();
}

}  // namespace weft::gateway
