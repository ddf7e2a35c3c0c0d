#pragma once
// The state machine of one subscription: which messages make the next request, when it goes, when
// it is repeated, and where the cursor may stand. Whoever has it reads, fetches, sends and notes
// what it asks for, and tells what came of it.
//
// Batches:   messages are taken in the journal's order until `max` or `bytes` are there, or the
//            first has been stored for `timeout`. A batch that failed is kept by its ids, so that
//            the same messages go again; their bytes are fetched anew for each attempt.
// Ordered:   one batch at a time; nothing is taken while one has not succeeded, or before the
//            success of the last has been noted: a process that is killed repeats one batch.
// Unordered: up to `concurrency` at a time; one that failed is parked and goes again when its pause
//            is over. While five in a row have failed, one at a time.
// Threads:   confined to one. No clock, no I/O: `now` comes in.
// Limits:    read-ahead of one page; Subscription::parked_max parked batches, parked_ids_max
//            messages in them; where they are full nothing new is taken.

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/delivery/progress.hpp"
#include "gateway/delivery/subscription.hpp"

namespace weft::gateway::delivery {

struct Moment {
    fabric::Instant steady{};
    std::uint64_t utc_us = 0;
};

class Courier {
public:
    static constexpr std::size_t parked_ids_max = 10'000;
    static constexpr std::uint64_t failing_at = 5;  ///< Failures in a row.
    /// A pause that no schedule says: from `pause_first`, doubled, at most `pause_longest`, and at
    /// most this share of what the batch has failed for: who was away for ten seconds is found
    /// again within one.
    static constexpr std::chrono::milliseconds pause_first{100}, pause_longest{60'000};
    static constexpr int pause_share = 10;
    static constexpr std::chrono::seconds retry_after_longest{3600};

    /// `seed`: of jitter and of the names of deliveries.
    Courier(Subscription subscription, Progress progress, std::uint64_t seed, Moment now);

    // ---- What to do next ----

    struct Read {
        std::uint64_t token = 0;  ///< To be given back: an answer to an older one is ignored.
        reliability::Position after;
        std::uint64_t messages = 0;
        std::size_t bytes = 0;
        bool wait = false;  ///< Nothing follows `after` yet: when something does, say woken().
    };
    [[nodiscard]] std::optional<Read> next_read(Moment now);
    struct Fetch {
        std::string delivery;
        std::vector<reliability::JournalId> ids;
    };
    [[nodiscard]] std::optional<Fetch> next_fetch(Moment now);
    [[nodiscard]] bool wants_to_send(Moment now) const;
    struct Send {
        std::string delivery;
        std::uint64_t attempt = 1;
        std::span<const StoredEvent> events;  ///< Until the next call.
    };
    /// Only if it wants to.
    [[nodiscard]] Send begin_send(Moment now);
    /// When to ask again, if nothing else happens before.
    [[nodiscard]] std::optional<fabric::Instant> deadline(Moment now) const;

    // ---- What came of it ----

    /// `wanted`: what of the page counts.
    void on_page(std::uint64_t token, std::vector<StoredEvent> wanted, const EventPage& page,
                 Moment now);
    void woken(std::uint64_t token);
    void on_read_failed(std::uint64_t token, Moment now);
    /// Those of the batch that are still there.
    void on_fetched(const std::string& delivery, std::vector<StoredEvent> events, Moment now);
    void on_fetch_failed(const std::string& delivery, Moment now);

    struct Outcome {
        bool succeeded = false;
        bool cancelled = false;  ///< By us: no failure, it goes again.
        bool gone = false;       ///< Status 410.
        std::optional<std::chrono::seconds> retry_after{};
        std::string sentence{};  ///< What was wrong.
    };
    void on_sent(const std::string& delivery, const Outcome& outcome, Moment now);

    // ---- What is to be noted ----

    struct Note {
        std::uint64_t version = 0;
        Progress progress;
    };
    /// Rises with what must be noted before an ordered one goes on.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
    [[nodiscard]] bool has_unnoted() const noexcept { return version_ != noted_; }
    [[nodiscard]] Note note(Moment now) const;
    void on_noted(std::uint64_t version);

    // ---- What the owner asks for ----

    void replace(Subscription subscription, Moment now);
    void set_state(Subscription::State state, std::string reason, Moment now);
    /// Goes on behind this place; what is not finished is forgotten if it would come again.
    /// The deliveries that are under way then: to be cancelled.
    [[nodiscard]] std::vector<std::string> go_to(reliability::Position position, Moment now);

    /// As Engine::confirm(). The deliveries that are under way: to be cancelled.
    [[nodiscard]] std::vector<std::string> confirm(const Fetched& fetched, Moment now);

    [[nodiscard]] const Subscription& subscription() const noexcept { return subscription_; }
    [[nodiscard]] reliability::Position position() const;
    [[nodiscard]] const Progress& counts() const noexcept { return progress_; }
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
    [[nodiscard]] std::size_t parked() const;
    [[nodiscard]] std::size_t parked_messages() const;
    [[nodiscard]] std::uint64_t failures_in_a_row() const noexcept { return in_a_row_; }
    [[nodiscard]] bool failing() const noexcept { return in_a_row_ > 0; }
    [[nodiscard]] std::optional<std::uint64_t> failing_since_us() const {
        return failing_since_us_;
    }
    [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }
    /// Of the earliest retry.
    [[nodiscard]] std::optional<fabric::Instant> next_attempt() const;
    /// When the oldest message that it holds unsent was stored.
    [[nodiscard]] std::optional<std::uint64_t> oldest_us() const;
    [[nodiscard]] bool at_head() const noexcept { return at_head_ && queue_.empty(); }

private:
    enum class Is : std::uint8_t { waiting, fetching, ready, flying };
    struct Batch {
        std::vector<reliability::JournalId> ids;
        std::vector<StoredEvent> events;
        std::uint64_t attempts = 0, first_us = 0;
        fabric::Instant due{}, failing_since{};
        bool failed = false;
        Is is = Is::ready;
    };
    using Batches = std::map<std::string, Batch>;

    [[nodiscard]] bool active() const noexcept {
        return subscription_.state == Subscription::State::active && !subscription_.url.empty();
    }
    [[nodiscard]] std::size_t concurrency() const noexcept;
    [[nodiscard]] bool may_take() const;
    [[nodiscard]] bool batch_is_due(Moment now) const;
    [[nodiscard]] Batches::const_iterator ready_batch() const;
    [[nodiscard]] Batches::iterator cut(Moment now);
    void front_changed(Moment now);
    void read_again(reliability::Position after);
    void failed(Batches::iterator batch, const Outcome& outcome, Moment now);
    [[nodiscard]] std::optional<std::chrono::milliseconds> pause_after(const Batch& failed,
                                                                       Moment now);
    void disable(std::string reason);
    [[nodiscard]] std::string new_name(Moment now);

    Subscription subscription_;
    Progress progress_;  // its position: where it last stood; `failed` is empty
    std::mt19937_64 random_;

    enum class Reading : std::uint8_t { idle, reading, waiting, paused };
    Reading reading_ = Reading::idle;
    std::uint64_t token_ = 0;
    reliability::Position read_;  // read up to here
    reliability::Position cut_;   // taken up to here
    bool at_head_ = false;
    bool read_failed_ = false;
    fabric::Instant read_again_at_{};

    std::deque<StoredEvent> queue_;
    std::size_t queue_bytes_ = 0;
    fabric::Instant front_due_{};

    Batches batches_;
    std::size_t in_flight_ = 0;
    fabric::Instant next_send_{};  // by per_second_max
    std::uint64_t version_ = 0, noted_ = 0;

    std::uint64_t in_a_row_ = 0;
    std::optional<std::uint64_t> failing_since_us_;
    std::optional<fabric::Instant> failing_since_;
    std::string last_error_;
};

}  // namespace weft::gateway::delivery
