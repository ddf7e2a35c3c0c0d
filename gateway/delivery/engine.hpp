#pragma once
// What protocols ask of the engine that delivers subscriptions. live_engine.hpp keeps it over a
// FabricBridge, the journal's state and libcurl.
//
// Promises:  at least once; an ordered subscription gets its messages in the journal's order, and
//            none before the ones ahead of it have succeeded; nothing twice where each attempt
//            succeeded and the process was not killed between the answer and its note (then one
//            batch). A subscription that fails, hangs or is slow delays no other.
// Threads:   every function from any thread; `done` in a thread of the engine or of the journal,
//            also before the call returns; it must not block.
// Limits:    EngineLimits.
// Errors:    EngineError; sentences say what would be right.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/message_id.hpp"
#include "gateway/bridge/fabric_bridge.hpp"
#include "gateway/delivery/presenter.hpp"
#include "gateway/delivery/progress.hpp"
#include "gateway/delivery/subscription.hpp"

namespace weft::gateway::delivery {

struct EngineError {
    enum class Kind : std::uint8_t {
        invalid,
        not_found,
        refused_url,  ///< The callback leads where it may not (guard.hpp).
        full,         ///< EngineLimits.
        journal_away,
        stopped,
    };
    Kind kind;
    std::string sentence;
};
template <class T>
using EngineResult = tl::expected<T, EngineError>;

/// One request that was made. Kept: the last attempts_kept of a subscription.
struct Attempt {
    std::uint64_t number = 0;  ///< Of the subscription's attempts; rises.
    std::string delivery;
    reliability::JournalId first = 0, last = 0;
    std::size_t messages = 0;
    std::uint64_t attempt = 1;  ///< Of this delivery.
    std::uint64_t time_us = 0;  ///< When it began.
    std::chrono::microseconds took{};
    int status = 0;            ///< 0: no answer.
    std::string error;         ///< A sentence, "" where there was an answer.
    std::string answer_begin;  ///< At most 256 bytes, secrets blotted out, valid UTF-8.
    bool succeeded = false;
    bool on_request = false;  ///< A resend or a test: moves nothing.
};

/// How long its requests took, since this process began.
struct DeliveryTimes {
    struct Sum {
        std::uint64_t ms = 0, ms2 = 0;  ///< Of the times, and of their squares.
        void add(std::uint64_t took_ms) {
            ms += took_ms;
            ms2 += took_ms * took_ms;
        }
    };
    Sum succeeded, failed;
    /// Batches that were tried; ms from when the first of their messages was stored until the first
    /// attempt, and until the one that succeeded.
    std::uint64_t batches = 0, until_first_ms = 0, until_last_ms = 0;
};

struct SubscriptionStatus {
    Subscription subscription;
    reliability::JournalId position = 0;  ///< Everything up to it is delivered, parked or unwanted.
    std::uint64_t sent = 0;               ///< Messages delivered, since it was made.
    std::uint64_t queued = 0;      ///< Messages that wait or are on their way; see queued_is_least.
    bool queued_is_least = false;  ///< There may be more: it was not counted to the end.
    std::optional<std::uint64_t> oldest_us;  ///< When the oldest of them was stored.
    std::uint64_t in_flight = 0;             ///< Requests.
    std::uint64_t parked = 0, given_up = 0, dropped = 0;
    std::uint64_t attempts = 0, failures = 0, failures_in_a_row = 0;
    std::optional<std::uint64_t> failing_since_us, next_attempt_us;
    std::string last_error;
    DeliveryTimes times{};
};

class Engine {
public:
    static constexpr std::size_t attempts_kept = 100;
    virtual ~Engine() = default;

    /// Before start(): who makes the requests of a kind. Kept for ever.
    virtual void add(const Presenter& presenter) = 0;

    using OnDone = std::function<void(EngineResult<void>)>;
    using OnStatus = std::function<void(EngineResult<SubscriptionStatus>)>;
    using OnAll = std::function<void(EngineResult<std::vector<SubscriptionStatus>>)>;

    /// That the address may be called: its form at once, its names by asking DNS. Every attempt
    /// asks again.
    virtual void check_url(std::string url, OnDone done) = 0;
    /// Makes or replaces; durable when it answers. One that is new begins behind the journal's
    /// head, or at `start` (an id: what follows it is delivered). One that is there keeps its
    /// place and its state, which only set_state() and its failures change. The url has been
    /// checked by the caller.
    virtual void put(Subscription subscription, std::optional<reliability::JournalId> start,
                     OnDone done) = 0;
    /// Gone with its cursor; what was on its way is cancelled. `not_found` if there is none.
    virtual void remove(std::string id, OnDone done) = 0;
    virtual void status(std::string id, OnStatus done) = 0;
    /// Of this kind, by rising ids.
    virtual void all(std::string kind, OnAll done) = 0;
    /// Without counting what waits: cheap, for lookups. By rising ids.
    [[nodiscard]] virtual std::vector<Subscription> subscriptions(std::string_view kind) = 0;

    /// Newest first.
    virtual void attempts(std::string id,
                          std::function<void(EngineResult<std::vector<Attempt>>)> done) = 0;
    /// Sends this message once more, beside everything else; tells how it went.
    using OnAttempt = std::function<void(EngineResult<Attempt>)>;
    virtual void resend(std::string id, reliability::JournalId message, OnAttempt done) = 0;
    /// Sends a message that is not in the journal: a test event.
    virtual void send(std::string id, StoredEvent event, OnAttempt done) = 0;
    /// The cursor goes to where messages stored at this time or later follow.
    virtual void recover(std::string id, std::uint64_t since_us, OnDone done) = 0;
    /// The place goes to `through`, never back; a figure counts where the place still is `from`.
    /// Tells how it stands, without counting what waits. `invalid`: it has an url.
    virtual void confirm(std::string id, Fetched fetched, OnStatus done) = 0;
    /// active: tries at once.
    virtual void set_state(std::string id, Subscription::State state, std::string reason,
                           OnDone done) = 0;
};

}  // namespace weft::gateway::delivery
