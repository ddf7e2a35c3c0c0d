#pragma once
// Every publish that waits for acknowledgements, as a state machine over `now`: no socket, clock or
// thread inside. It decides which ACK counts, what is sent again and when, and how each wait ends.
//
// Life of a wait: open() before anything is sent, bind() once the bytes exist and before they leave
// (or cancel(), if they never will), then on_ack() and tick() until it is settled: exactly once, at
// the latest by the first tick() at or after its deadline. An ACK that comes before that tick
// counts: what is known is not called unknown.
//
// Threads: none inside; the owner holds a lock. Ownership: a wait and its bytes are gone once it is
//          settled; abort_all() before the end, or nobody is told. Limits: TrackerLimits; open()
//          says no beyond.
// Time:    monotonic only (P7).
// Errors:  std::bad_alloc leaves each wait either settled and in `settled`, or open with all that
//          it knows; the next call that looks at it settles it. Never a success out of an error.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "reliability/ack/outcome.hpp"
#include "reliability/ack/recipients.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/ack/statement.hpp"
#include "reliability/retry_schedule.hpp"

namespace weft::reliability {

/// Whoever wants to know how a wait ended; the tracker only keeps it and gives it back.
class Waiter {
public:
    virtual ~Waiter() = default;
};

/// The bytes of a message, to be sent again as they are.
struct SentMessage {
    std::string topic, content;
    AckSubject subject;
};

/// Whose key signed an ACK, and what its certificate lets it say; from a run that was verified.
struct AckSigner {
    std::string_view name;
    bool may_acknowledge = false;  ///< Role ack: received, processed, rejected.
    bool may_store = false;        ///< Role journal: stored, rejected.
};

struct TrackerLimits {
    std::size_t waits_max = 65'536;
    std::size_t bytes_max = std::size_t{64} * 1024 * 1024;  ///< Of messages kept to send again.
    /// Of what is noted about ACKs that did not count, and of reasons. Beyond that they are counted
    /// in Stats, and outcomes say less.
    std::size_t notes_bytes_max = std::size_t{4} * 1024 * 1024;
};

class AckTracker {
public:
    struct Wait {
        std::shared_ptr<const Recipients> recipients;  ///< Somebody (asserted).
        AckLevel level = AckLevel::received;
        fabric::Instant start{};
        std::chrono::microseconds timeout{};
        std::shared_ptr<Waiter> waiter = nullptr;
    };
    struct Settled {
        std::shared_ptr<Waiter> waiter;
        Outcome outcome;
    };

    static constexpr std::size_t publishers_max = 16;

    /// `seed` is of the jitter.
    explicit AckTracker(TrackerLimits limits = {}, RetrySettings retries = {},
                        std::uint64_t seed = 0);
    ~AckTracker();
    AckTracker(const AckTracker&) = delete;
    AckTracker& operator=(const AckTracker&) = delete;

    /// False: too many wait, or their bytes would be too many. `nonce` is fresh (asserted).
    [[nodiscard]] bool open(const Nonce& nonce, Wait wait, std::size_t content_bytes);
    /// The bytes that will be sent. Allocates nothing, cannot fail. No effect on a wait that ended
    /// meanwhile.
    void bind(const Nonce& nonce, std::shared_ptr<const SentMessage> message) noexcept;
    /// It will not be sent, and whoever opened it says so himself: no outcome.
    void cancel(const Nonce& nonce) noexcept;

    /// Fingerprints of our own certificates, by which recipients know us; a renewed one is added.
    /// The last publishers_max count.
    void add_publisher(const signing::Digest& fingerprint);

    /// A verified ACK. Appends at most one to `settled`.
    void on_ack(const AckStatement& ack, const AckSigner& signer, fabric::Instant now,
                std::vector<Settled>& settled);
    /// An ACK that claims to be `name`'s and was not believed, and why, escaped: shown in the
    /// outcomes of the waits that lack `name`. Names that nobody waits for are not kept.
    void on_refused_ack(std::string_view name, std::string_view why);

    /// What is due: messages to send again (the caller may fail to, they come again), and waits
    /// whose deadline has passed.
    void tick(fabric::Instant now, std::vector<std::shared_ptr<const SentMessage>>& send_again,
              std::vector<Settled>& settled);
    /// When tick() has something to do; nothing: never, as it stands.
    [[nodiscard]] std::optional<fabric::Instant> next_due() const;
    /// Ends one wait, or all, as aborted.
    void abort(const Nonce& nonce, fabric::Instant now, std::vector<Settled>& settled);
    void abort_all(fabric::Instant now, std::vector<Settled>& settled);

    struct Stats {
        std::uint64_t opened = 0, acknowledged = 0, rejected = 0, unknown = 0, aborted = 0;
        std::uint64_t cancelled = 0;
        std::uint64_t refused_full = 0;    ///< open() said no.
        std::uint64_t sent_again = 0;      ///< Handed out by tick().
        std::uint64_t acks = 0;            ///< on_ack(), whatever came of it.
        std::uint64_t acks_unmatched = 0;  ///< No such wait: late, repeated, or not ours.
        std::uint64_t acks_not_required = 0;
        std::uint64_t acks_wrong_signer = 0, acks_wrong_bytes = 0, acks_wrong_role = 0;
        std::uint64_t acks_too_weak = 0;
        std::uint64_t acks_late = 0;  ///< After the deadline, and before the tick that finds it.
        std::uint64_t acks_repeated = 0;  ///< From one that has answered already.
    };
    [[nodiscard]] const Stats& stats() const noexcept;
    [[nodiscard]] std::size_t waits() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept;  ///< Of messages.
    [[nodiscard]] std::size_t names() const noexcept;  ///< Different ones that are waited for.
    [[nodiscard]] std::size_t notes_bytes() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace weft::reliability
