#pragma once
// What LiveEngine is made of. Everything here belongs to the engine's thread, except what says
// otherwise; other threads post to it.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/delivery/address_guard.hpp"
#include "gateway/delivery/courier.hpp"
#include "gateway/delivery/live_engine.hpp"
#include "reliability/journal/state_writer.hpp"

namespace weft::gateway::delivery {

/// A request that is under way.
struct Flight {
    Sender::Ticket ticket = 0;
    Attempt attempt;
    std::vector<std::string> secrets;  ///< Values that its receiver may say back to us.
    bool counted_failing = false;
    std::uint64_t stored_us = 0;  ///< Its first message.
};

struct Entry {
    Entry(std::uint64_t its_serial, Courier its_courier)
        : serial(its_serial), courier(std::move(its_courier)) {}

    const std::uint64_t serial;  ///< Never used twice; ids are.
    Courier courier;
    const Presenter* presenter = nullptr;
    reliability::TopicFilter filter;
    std::string globs;  ///< The texts of the filter, in order: those who have the same share reads.
    std::shared_ptr<const std::vector<Interest>> interests;
    std::map<std::string, Flight> flights;  ///< By delivery.
    std::deque<Attempt> attempts;           ///< Oldest first.
    std::uint64_t attempt_numbers = 0;
    DeliveryTimes times;
    FabricBridge::Ticket waiter = 0;
    std::optional<fabric::Instant> timer;
    bool ready = false;     ///< Stands in a queue of those that want to send.
    bool removing = false;  ///< Does nothing any more.
    bool to_be_noted = false;
    bool attempts_unkept = false;  ///< There are some that a restart would forget.
    reliability::Position noted;
    bool said_failing = false, said_soon = false, said_lagging = false;
};

/// Whether one of them matches its topic and its place.
[[nodiscard]] bool interested(const std::vector<Interest>& interests, const StoredEvent& event);

/// Of a page: globs, epoch, id, messages and bytes of the read.
using PageKey = std::tuple<std::string, reliability::JournalEpoch, reliability::JournalId,
                           std::uint64_t, std::size_t>;
using SharedPage = std::shared_ptr<const BridgeResult<EventPage>>;
/// Who waits for a page: Entry::serial and Courier::Read::token.
struct Reader {
    std::uint64_t serial = 0, token = 0;
};

struct LiveEngine::Core : std::enable_shared_from_this<LiveEngine::Core> {
    Core(Parts the_parts, AddressGuard the_guard);
    ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    using Task = std::function<void()>;
    using Work = std::function<reliability::JournalResult<void>(JournalThings&)>;
    using Then = std::function<void(reliability::JournalResult<void>)>;

    // engine_core.cpp: the loop.
    /// Any thread. False: it has ended, and the task is dropped.
    bool post(Task task);
    void run();
    void wait_until(fabric::Instant until, std::vector<Task>& tasks);
    void fire_timers();
    void sweep();
    [[nodiscard]] bool drained();
    [[nodiscard]] Moment moment() const { return {parts.clock.steady(), parts.clock.utc_us()}; }
    [[nodiscard]] Entry* find(const std::string& id);
    [[nodiscard]] Entry* find(std::uint64_t serial);
    Entry& adopt(Subscription subscription, Progress progress);
    void forget(Entry& entry);
    void show(const Subscription& subscription);
    void interests_changed(Entry& entry);

    // engine_deliveries.cpp: from couriers to receivers.
    void pump(Entry& entry);
    void send_ready();
    void start_send(Entry& entry);
    void on_sent(std::uint64_t serial, const std::string& delivery, SendResult result);
    void finish_attempt(Entry& entry, Flight& flight, const SendResult& result);
    void cancel_flights(Entry& entry, const std::vector<std::string>& deliveries);
    void send_aside(Entry& entry, StoredEvent event, const OnAttempt& done);
    void tell(Entry& entry, const Courier::Outcome& outcome);
    void say(const Entry& entry, Notice::Kind kind, std::string sentence) const;

    // engine_reads.cpp: from the journal to couriers.
    void start_read(Entry& entry, const Courier::Read& read);
    void on_page(const PageKey& key, const SharedPage& page);
    void take_page(std::uint64_t serial, std::uint64_t token, const BridgeResult<EventPage>& page);
    void start_wait(Entry& entry, const Courier::Read& read);
    void start_fetch(Entry& entry, Courier::Fetch fetch);

    // engine_notes.cpp: what is kept. One piece of work at a time, in its order; positions after
    // everything else.
    void keep(Work work, Then then);
    void start_keeping();
    void write_notes(bool everything);
    void apply_notes(std::vector<reliability::StateChange> changes, Then then);
    /// As it is shown when its turn comes: what was changed before that is not written back.
    void keep_subscription(const Entry& entry);

    // engine_attempts.cpp: what a restart does not forget of the attempts. Beside everything else,
    // by a worker of the room: no delivery waits for it.
    void attempts_changed(Entry& entry);
    /// Of so many subscriptions.
    void keep_attempts(std::size_t most);

    // engine_owner.cpp: what protocols ask for.
    void put(Subscription subscription, std::optional<reliability::JournalId> start, OnDone done);
    void remove(const std::string& id, const OnDone& done);
    [[nodiscard]] SubscriptionStatus status_of(const Entry& entry) const;
    void count_queued(const Entry& entry, SubscriptionStatus status,
                      std::function<void(SubscriptionStatus)> done);
    void all(const std::string& kind, const OnAll& done);
    void resend(const std::string& id, reliability::JournalId message, const OnAttempt& done);
    void recover(const std::string& id, std::uint64_t since_us, const OnDone& done);
    void confirm(const std::string& id, const Fetched& fetched, const OnStatus& done);
    void set_state(const std::string& id, Subscription::State state, std::string reason,
                   const OnDone& done);
    void check_url(const std::string& url, const OnDone& done);

    Parts parts;
    const AddressGuard guard;
    std::map<std::string, const Presenter*, std::less<>> presenters;  // before the start
    /// Of the journal, which outlives the bridge; null: notes are work for the room.
    reliability::StateWriter* writer = nullptr;  // before the start

    std::mutex inbox_mutex;  // guards what follows
    std::condition_variable posted;
    std::vector<Task> inbox;
    bool closed = false;
    std::atomic<std::thread::id> loop_thread{};

    mutable std::mutex shown_mutex;  // guards shown
    std::map<std::string, Subscription> shown;

    // The thread's.
    std::unordered_map<std::uint64_t, std::unique_ptr<Entry>> entries;
    std::map<std::string, std::uint64_t> serials;
    std::uint64_t last_serial = 0;
    std::mt19937_64 seeds{std::random_device{}()};
    std::set<std::pair<fabric::Instant, std::uint64_t>> timers;
    fabric::Instant next_sweep{};
    std::deque<std::uint64_t> ready, ready_failing;
    std::size_t failing_in_flight = 0, side_sends = 0;
    std::size_t sent_before_failing = 0;  // in a row, while one that fails was ready
    std::map<std::uint64_t, Sender::Ticket> side_tickets;
    std::uint64_t last_side = 0;
    std::map<PageKey, std::vector<Reader>> reading;  // at most one of each entry
    std::map<PageKey, SharedPage> pages;             // bounded; until the next sweep
    std::deque<std::pair<Work, Then>> to_keep;
    std::vector<std::uint64_t> to_note;
    bool keeping = false;
    std::deque<std::uint64_t> unkept;  // whose attempts are to be kept
    bool keeping_attempts = false;
    fabric::Instant keep_again{};  // the room was full
    bool draining = false, cancelled_rest = false, stopped = false;
    fabric::Instant drain_deadline{};

    // Written by the thread, read by any.
    std::atomic<std::size_t> in_flight{0};
    std::atomic<std::uint64_t> attempts_ok{0}, attempts_failed{0}, messages_sent{0}, given_up{0},
        disabled{0}, notes{0}, notes_failed{0}, side_total{0}, page_reads{0};
    std::atomic<std::size_t> failing_now{0}, active_now{0}, paused_now{0}, disabled_now{0},
        parked_now{0};

    std::thread thread;  // last
};

}  // namespace weft::gateway::delivery
