#include "reliability/service/follower.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace weft::reliability {
namespace {

using std::chrono::milliseconds;

/// A journal says when there is more; if it cannot, it is asked anyway after this.
constexpr milliseconds look_again{5000};
/// Between two questions to a journal that does not answer.
constexpr milliseconds away_pause{500};
/// Behind an id that cannot be read: further and further, until something can.
constexpr JournalId skip_max = 65'536;

}  // namespace

struct JournalFollower::Core {
    Core(Journal& the_journal, std::shared_ptr<signing::TrustStore> trust,
         FollowerSettings the_settings, FollowerHooks the_hooks)
        : journal(the_journal),
          settings(std::move(the_settings)),
          hooks(std::move(the_hooks)),
          verifier(std::move(trust)) {}

    JournalResult<void> find_start() {
        if (settings.start.kind == Start::Kind::last_per_topic) {
            // What is stored from now on is followed; the newest of each topic lie before it.
            Start now;
            now.kind = Start::Kind::now;
            auto begin = resolve(now, journal, settings.filter, settings.now_us);
            if (!begin) return tl::make_unexpected(begin.error());
            follow_from = *begin;
            last_of_topics = true;
        } else {
            auto begin = resolve(settings.start, journal, settings.filter, settings.now_us);
            if (!begin) return tl::make_unexpected(begin.error());
            follow_from = *begin;
        }
        stats.position = follow_from;
        return {};
    }

    void start() {
        watch = journal.watch([this](JournalId now) {
            const std::scoped_lock lock(mutex);
            head = std::max(head, now);
            changed.notify_all();
        });
        deliverer = std::jthread([this](const std::stop_token& stop) { deliver_all(stop); });
        reader = std::jthread([this](const std::stop_token& stop) { read_all(stop); });
    }

    // The reader's thread.

    void read_all(const std::stop_token& stop) {
        if (last_of_topics) read_last_of_topics(stop, follow_from.id);
        Position at = follow_from;
        bool said_caught_up = false;
        JournalId skip = 1;
        while (!stop.stop_requested()) {
            auto page = journal.read(at, settings.filter, settings.page);
            if (!page) {
                at = after_error(stop, page.error(), at, skip);
                continue;
            }
            say_back();
            skip = 1;
            at = page->next;
            const bool at_head = page->at_head;
            const bool nothing = page->runs.empty() && !page->gap;
            if (!nothing) put(stop, {std::move(*page)});
            if (!at_head) continue;
            if (!std::exchange(said_caught_up, true)) put(stop, {Page{}, true});
            std::unique_lock lock(mutex);
            changed.wait_for(lock, stop, look_again, [&] { return head > at.id; });
        }
    }

    void read_last_of_topics(const std::stop_token& stop, JournalId through) {
        ReadLimits limits = settings.page;
        limits.through = through;
        Position at{follow_from.epoch, 0};
        JournalId skip = 1;
        while (!stop.stop_requested()) {
            auto page = journal.read_last_of_topics(at, settings.filter, limits);
            if (!page) {
                at = after_error(stop, page.error(), at, skip);
                continue;
            }
            skip = 1;
            at = page->next;
            const bool done = page->at_head || at.id >= through;
            if (!page->runs.empty()) put(stop, {std::move(*page)});
            if (done) return;
        }
    }

    /// Where to go on.
    Position after_error(const std::stop_token& stop, const JournalError& error, Position at,
                         JournalId& skip) {
        if (error.reason == JournalError::Reason::corrupt) {
            // Not over what is stored only later.
            const JournalId known = std::max(journal.info().head, at.id + 1);
            const JournalId last = std::min(at.id + skip, known);
            skip = std::min(skip * 2, skip_max);
            Item item;
            item.page.next = {at.epoch, last};
            item.unreadable = "ids " + std::to_string(at.id + 1) + " to " + std::to_string(last) +
                              " are passed over: " + error.sentence;
            put(stop, std::move(item));
            return {at.epoch, last};
        }
        {
            const std::scoped_lock lock(mutex);
            ++stats.away;
        }
        if (error.sentence != said_away) {
            said_away = error.sentence;
            if (hooks.warn) hooks.warn(error.sentence + "; it is asked again and again");
        }
        std::unique_lock lock(mutex);
        changed.wait_for(lock, stop, away_pause, [] { return false; });
        return at;
    }

    void say_back() {
        if (said_away.empty()) return;
        said_away.clear();
        if (hooks.warn) hooks.warn("the journal answers again");
    }

    struct Item {
        Page page;
        bool caught_up = false;
        std::string unreadable{};  ///< What is passed over and why, or "".
    };

    void put(const std::stop_token& stop, Item item) {
        std::unique_lock lock(mutex);
        changed.wait(lock, stop, [this] { return items.size() < settings.pages_ahead; });
        if (stop.stop_requested()) return;
        items.push_back(std::move(item));
        changed.notify_all();
    }

    // The deliverer's thread.

    void deliver_all(const std::stop_token& stop) {
        while (true) {
            Item item;
            {
                std::unique_lock lock(mutex);
                changed.wait(lock, stop, [this] { return !items.empty(); });
                if (stop.stop_requested()) return;
                item = std::move(items.front());
                items.pop_front();
                changed.notify_all();
            }
            deliver(stop, item);
        }
    }

    void deliver(const std::stop_token& stop, const Item& item) {
        if (!item.unreadable.empty()) pass_over(item.unreadable);
        if (item.page.gap) tell_gap(*item.page.gap);
        for (const StoredRun& run : item.page.runs) {
            if (stop.stop_requested()) return;
            std::uint64_t delivered = 0, revoked_later = 0;
            verifier.verify(
                run, item.page.bytes,
                [&](const VerifiedMessage& message) {
                    if (stop.stop_requested()) return;
                    ++delivered;
                    if (message.revoked_later) ++revoked_later;
                    hooks.deliver(message);
                },
                [&](const StoredRefusal& refused) { refuse(refused); });
            const std::scoped_lock lock(mutex);
            stats.delivered += delivered;
            stats.revoked_later += revoked_later;
            stats.position.id = std::max(stats.position.id, run.to);
        }
        if (item.caught_up && hooks.caught_up) hooks.caught_up();
        if (item.caught_up) return;
        const std::scoped_lock lock(mutex);
        stats.position.epoch = item.page.next.epoch;
    }

    void tell_gap(const JournalGap& gap) {
        {
            const std::scoped_lock lock(mutex);
            ++stats.gaps;
            stats.lost += gap.lost.value_or(0);
        }
        if (hooks.gap) hooks.gap(gap);
    }

    void pass_over(const std::string& what) {
        {
            const std::scoped_lock lock(mutex);
            ++stats.unreadable;
        }
        if (hooks.warn) hooks.warn(what);
    }

    void refuse(const StoredRefusal& refused) {
        {
            const std::scoped_lock lock(mutex);
            ++stats.refused;
        }
        if (hooks.refused) hooks.refused(refused);
    }

    void stop() {
        watch.reset();
        reader.request_stop();
        deliverer.request_stop();
        if (reader.joinable()) reader.join();
        if (deliverer.joinable()) deliverer.join();
    }

    Journal& journal;
    const FollowerSettings settings;
    const FollowerHooks hooks;
    StoredVerifier verifier;  // of the deliverer's thread
    Position follow_from;
    bool last_of_topics = false;

    // Of the reader's thread.
    std::string said_away;

    mutable std::mutex mutex;  // guards what follows
    std::condition_variable_any changed;
    std::deque<Item> items;
    FollowerStats stats;
    JournalId head = 0;
    std::shared_ptr<void> watch;
    std::jthread deliverer, reader;
};

JournalResult<std::unique_ptr<JournalFollower>> JournalFollower::open(
    Journal& journal, std::shared_ptr<signing::TrustStore> trust, FollowerSettings settings,
    FollowerHooks hooks) {
    auto core =
        std::make_unique<Core>(journal, std::move(trust), std::move(settings), std::move(hooks));
    if (auto found = core->find_start(); !found) return tl::make_unexpected(found.error());
    core->start();
    return std::unique_ptr<JournalFollower>(new JournalFollower(std::move(core)));
}

JournalFollower::JournalFollower(std::unique_ptr<Core> core) : core_(std::move(core)) {}

JournalFollower::~JournalFollower() {
    stop();
}

void JournalFollower::stop() {
    core_->stop();
}

FollowerStats JournalFollower::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->stats;
}

}  // namespace weft::reliability
