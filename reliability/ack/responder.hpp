#pragma once
// The recipient's side as a state machine over `now`: which messages ask us, which were here
// before, and what to answer. No socket, clock or thread inside.
//
// A message that asks us passes: on_arrival() → deliver it → on_queued() or on_not_queued() →
// may_start() when its turn has come → on_processed(), on_stored() or on_rejected(). Each may give
// an ACK, which the caller publishes; if that fails nothing is lost, since the publisher sends
// again until its deadline, and every repetition of the message is answered with what was last
// said. What is delivered to another thread may be started, and even be done, before on_queued().
//
// Promises: an ACK says only what has happened (A6): `received` after on_queued(), `processed`
//           after on_processed(), `stored` after on_stored(). A message is delivered once per
//           publish, however often it comes. What comes, or whose turn comes, after its deadline is
//           rejected as late and not started. After the first final word (what was asked for, or
//           rejected) nothing else is ever said about it.
// Time:     a deadline is found once, when its message arrives, and counts by the monotonic clock
//           from then on (P7): at most `timeout` after the arrival, and sooner where the message
//           was long on its way, by the publisher's and our wall clock. Those may differ by
//           `clock_skew` before a message is called late.
// Threads:  none inside; the owner holds a lock.
// Limits:   `entries_max` messages are remembered, each until its deadline and `grace` have passed;
//           one that waits for its turn until that has come, so whoever delivers owes each message
//           an end. Beyond that the oldest that have been answered for good make room: a repetition
//           of one of those gets no answer. Where none has been, new ones are rejected, with a
//           reason, and not delivered.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fabric/transport/clock.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/ack/statement.hpp"

namespace weft::reliability {

struct ResponderSettings {
    std::string name{};   ///< Ours, on our certificate.
    bool stores = false;  ///< We are a journal; who is none rejects what asks for `stored`.
    std::size_t entries_max = 65'536;
    /// Of one publisher, so that none of them alone takes all the room.
    std::size_t entries_per_publisher_max = 49'152;
    std::chrono::microseconds clock_skew = std::chrono::seconds{1};
    std::chrono::microseconds grace = std::chrono::seconds{5};
};

/// One message that asks for ACKs, ours among them, from a run that was verified.
struct AckCall {
    AckSubject subject;
    std::string_view publisher;  ///< Name on its certificate.
    AckLevel level = AckLevel::received;
    std::chrono::microseconds timeout{};
    std::uint64_t time_us = 0;  ///< Of its header.
    /// The fabric's replay guard had it before: it is never delivered unless we know that it has
    /// not been.
    bool repeated = false;
};

/// An ACK to publish on the topic of `publisher`.
struct Ack {
    std::string publisher;
    AckLevel level = AckLevel::received;
    std::string reason;
    AckSubject subject;
};

struct Now {
    fabric::Instant steady{};
    std::uint64_t utc_us = 0;
};

class AckResponder {
public:
    explicit AckResponder(ResponderSettings settings);
    ~AckResponder();

    struct Arrived {
        bool deliver = false;    ///< Hand it to the consumer, then say how that went.
        std::optional<Ack> ack;  ///< To publish now.
    };
    /// The limits of decode_request() hold for `call` (asserted).
    /// A nonce belongs to one message: what comes under it and is another one gets no answer.
    /// Whoever asks for `processed` and sends again is told `received` while it waits or is at
    /// work: we live, and it is not lost.
    [[nodiscard]] Arrived on_arrival(const AckCall& call, Now now);

    /// It waits for the consumer. Gives `received` where that was asked for.
    [[nodiscard]] std::optional<Ack> on_queued(const Nonce& nonce, Now now);
    /// There was no room. Nothing is said; the next repetition is delivered again.
    void on_not_queued(const Nonce& nonce);

    struct Start {
        bool go = true;
        std::optional<Ack> ack;  ///< Not to be started, and why.
    };
    /// The consumer would begin with it now, or once more if it failed before. Who only asked for
    /// `received` has been told, so that it is started in any case. One that is forgotten is such.
    [[nodiscard]] Start may_start(const Nonce& nonce, Now now);
    /// The handler returned. Gives `processed` where that was asked for.
    [[nodiscard]] std::optional<Ack> on_processed(const Nonce& nonce, Now now);
    /// It is on our disk. Gives `stored` where that was asked for.
    [[nodiscard]] std::optional<Ack> on_stored(const Nonce& nonce, Now now);
    /// The consumer will not. Nothing is given if it has been acknowledged already.
    [[nodiscard]] std::optional<Ack> on_rejected(const Nonce& nonce, std::string_view reason,
                                                 Now now);

    /// Forgets what nobody asks for any more; call it about once a second.
    void expire(fabric::Instant now);

    /// What `ack` states, in our name; views into `ack` and the settings.
    [[nodiscard]] AckStatement statement_of(const Ack& ack) const;

    struct Stats {
        std::uint64_t calls = 0;                 ///< on_arrival(), repetitions included.
        std::uint64_t delivered = 0;             ///< One that found no room counts again.
        std::uint64_t repeated = 0;              ///< Answered again, or still waiting or at work.
        std::uint64_t late = 0;                  ///< On arrival, or when their turn came.
        std::uint64_t full = 0;                  ///< Rejected for want of room.
        std::uint64_t forgotten_early = 0;       ///< Answered for good, and made room.
        std::uint64_t unknown_repeated = 0;      ///< Repeated, and of a former life: not answered.
        std::uint64_t other_subject = 0;         ///< Another message under a nonce: not answered.
        std::uint64_t not_a_journal = 0;         ///< Asked us for `stored`, and we are none.
        std::uint64_t acks = 0, rejections = 0;  ///< Given, repetitions included.
    };
    [[nodiscard]] const Stats& stats() const noexcept;
    [[nodiscard]] std::size_t entries() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace weft::reliability
