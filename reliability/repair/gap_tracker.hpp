#pragma once
// Fills the holes in what a subscriber receives. A state machine: no I/O, no clock; `now` comes in,
// and what is to be handed over comes out, in order within each stream.
//
// A stream is (signer, epoch, topic). Of most streams nothing is known here: what arrives passes.
// When a hole is told (on_gap), what follows in that stream alone is held back until the hole is
// filled, from a journal or by a late arrival, or given up:
//   - nothing of it has come for `wait`;
//   - every journal has answered that it does not have it, and it has been missing for
//     `sure_after`: a journal may be a moment behind us;
//   - too much is held back or missing, then the oldest hole first.
// What is given up is told (Lost) before the message behind it. What comes later than that is
// dropped and counted: order is kept.
//
// Threads:   not synchronised.
// Ownership: messages share their bytes with whoever else has them.
// Limits:    RepairLimits. No loop or allocation is driven by a number that a message claims (P5):
//            journals are asked for at most `ask_numbers_max` numbers at a time.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "fabric/message/message.hpp"
#include "fabric/node/gap_log.hpp"
#include "fabric/transport/clock.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/repair/missing_numbers.hpp"

namespace weft::reliability {

struct RepairLimits {
    fabric::Instant wait = std::chrono::seconds{5};
    fabric::Instant sure_after = std::chrono::milliseconds{500};
    /// Before the first question: what two ways bring in another order needs none.
    fabric::Instant ask_after = std::chrono::milliseconds{20};
    fabric::Instant ask_again = std::chrono::milliseconds{50};  ///< Doubled up to a second.
    /// A stream without holes is remembered for so long, to know late copies of what was repaired:
    /// longer than messages are accepted live.
    fabric::Instant remember = std::chrono::seconds{360};
    std::size_t held_max = 65'536;                              ///< Messages.
    std::size_t held_bytes_max = std::size_t{256} * 1'048'576;  ///< Of their contents.
    std::size_t holes_max = 65'536;
    std::size_t streams_max = 10'000;  ///< With holes, or remembered.
    /// So many questions in a row that bring nothing, and the rest of their hole is given up: no
    /// honest publisher leaves a million numbers out.
    std::size_t barren_max = 100;
};

enum class LossReason : unsigned char {
    waited,      ///< Nothing came in time.
    not_stored,  ///< No journal has it.
    held_full,   ///< Too many messages waited behind holes.
    no_room,     ///< Too many holes or streams.
    stopped,     ///< The receiver stops.
};
inline constexpr std::size_t loss_reasons = 5;
[[nodiscard]] std::string_view name_of(LossReason reason) noexcept;

/// Messages from to to (both included) of a stream will not come.
struct Lost {
    std::string signer;
    std::uint64_t epoch = 0;
    std::string topic;
    std::uint64_t from = 0, to = 0;
    std::uint64_t count = 0;
    LossReason reason{};
};

struct RepairStats {
    std::uint64_t repaired = 0;            ///< Messages that a journal brought.
    std::uint64_t late = 0;                ///< Missing ones that came live after all.
    std::uint64_t duplicates_dropped = 0;  ///< Live copies of what a journal had brought.
    std::uint64_t late_dropped = 0;        ///< Came live after they were given up.
    std::uint64_t unasked_dropped = 0;     ///< A journal brought what was not missing (any more).
    std::uint64_t given_up_messages = 0;   ///< Saturates.
    std::array<std::uint64_t, loss_reasons> given_up_holes{};  ///< By LossReason.
    std::uint64_t questions = 0;                               ///< Ranges that were asked for.
    std::uint64_t streams_forgotten = 0;  ///< For want of room: late copies may be shown.
    // Now:
    std::uint64_t holes_open = 0, held = 0, held_bytes = 0;
    std::uint64_t streams_waiting = 0, streams_remembered = 0;
};

class GapTracker {
public:
    static constexpr std::uint64_t ask_numbers_max = 10'000;  // P5

    using Event = std::variant<fabric::Message, Lost>;
    using Events = std::vector<Event>;  ///< To be handed over in this order.

    explicit GapTracker(const RepairLimits& limits) : limits_(limits) {}
    GapTracker(const GapTracker&) = delete;
    GapTracker& operator=(const GapTracker&) = delete;

    /// Nothing is known of any stream: every message passes.
    [[nodiscard]] bool idle() const noexcept { return streams_.empty(); }
    /// Some hole is open.
    [[nodiscard]] bool waiting() const noexcept { return !by_age_.empty(); }

    /// Messages gap.from to gap.to have not come; before the message behind them is given.
    void on_gap(const fabric::Gap& gap, fabric::Instant now, Events& events);
    /// A message that arrived live and is new to the replay guard. True: hand it over, there is
    /// nothing before it. False: it is held, dropped, or among `events`.
    [[nodiscard]] bool on_message(const fabric::Message& message, fabric::Instant now,
                                  Events& events);
    /// A message that a journal brought, verified.
    void on_repaired(const fabric::Message& message, fabric::Instant now, Events& events);

    /// What a journal should be asked for now, or nothing. on_answered() must follow; until then
    /// the same stream is not asked for again.
    [[nodiscard]] std::optional<StreamRange> next_question(fabric::Instant now);
    /// Whether somebody else need be asked.
    [[nodiscard]] bool is_missing(const StreamRange& range) const;
    enum class Answer {
        complete,  ///< Every journal has answered: what is still missing they do not have.
        unsure,    ///< Some did not answer.
    };
    void on_answered(const StreamRange& question, Answer answer, fabric::Instant now,
                     Events& events);

    /// Gives up what has waited too long, forgets what need not be remembered. Any time.
    void tick(fabric::Instant now, Events& events);
    /// Gives up everything: what was held comes out.
    void finish(fabric::Instant now, Events& events);

    [[nodiscard]] RepairStats stats() const noexcept;

private:
    struct KeyView {
        std::string_view signer;
        std::uint64_t epoch;
        std::string_view topic;
        friend bool operator==(const KeyView&, const KeyView&) = default;
    };
    struct Key {
        std::string signer;
        std::uint64_t epoch;
        std::string topic;
        [[nodiscard]] KeyView view() const noexcept { return {signer, epoch, topic}; }
    };
    struct KeyHash {
        using is_transparent = void;
        std::size_t operator()(const KeyView& key) const noexcept;
        std::size_t operator()(const Key& key) const noexcept { return (*this)(key.view()); }
    };
    struct KeyEqual {
        using is_transparent = void;
        static KeyView view_of(const KeyView& key) noexcept { return key; }
        static KeyView view_of(const Key& key) noexcept { return key.view(); }
        template <class Left, class Right>
        bool operator()(const Left& left, const Right& right) const noexcept {
            return view_of(left) == view_of(right);
        }
    };
    struct Stream {
        const Key* key = nullptr;  // in the map
        MissingNumbers missing;
        std::map<std::uint64_t, fabric::Message> held;
        std::uint64_t begins = 0;   // the first number that was ever missing here
        std::uint64_t settled = 0;  // handed over or given up, with everything before from `begins`
        std::uint64_t top = 0;      // the highest number known
        std::optional<Lost> lost;   // given up and not told yet: it may go on
        std::vector<std::pair<std::uint64_t, std::uint64_t>> given_up;  // the last few
        std::uint64_t age = 0;                                          // its place in by_age_
        fabric::Instant progress{};  // when something missing came last
        fabric::Instant ask_at{}, pause{};
        bool asking = false;
        bool brought = false;  // something, since it was asked for
        std::size_t barren = 0;
        fabric::Instant closed{};
    };
    using Streams = std::unordered_map<Key, Stream, KeyHash, KeyEqual>;

    [[nodiscard]] Stream* find(const KeyView& key);
    [[nodiscard]] Stream& stream_for(const KeyView& key, fabric::Instant now, Events& events);
    void make_room(fabric::Instant now, Events& events);
    void place(Stream& stream, const fabric::Message& message, fabric::Instant now, Events& events);
    void release(Stream& stream, const fabric::Message& message, Events& events);
    void hold(Stream& stream, const fabric::Message& message);
    void give_up(Stream& stream, std::uint64_t to, LossReason reason, fabric::Instant now,
                 Events& events);
    void tell_lost(Stream& stream, Events& events);
    void drain(Stream& stream, fabric::Instant now, Events& events);
    void close(Stream& stream, fabric::Instant now);
    void keep_limits(fabric::Instant now, Events& events);
    void schedule(Stream& stream, fabric::Instant at);
    void ask_later(Stream& stream, fabric::Instant now);
    void give_up_absent(Stream& stream, const StreamRange& question, fabric::Instant now,
                        Events& events);
    [[nodiscard]] bool take(Stream& stream, std::uint64_t seq, fabric::Instant now);

    const RepairLimits limits_;
    Streams streams_;
    // Streams with holes: by the order of their first hole, and, unless they are being asked for,
    // by when to ask.
    std::set<std::pair<std::uint64_t, Stream*>> by_age_;
    std::set<std::pair<fabric::Instant, Stream*>> to_ask_;
    std::set<std::pair<fabric::Instant, Stream*>>
        remembered_;  // those without, by when they closed
    std::uint64_t orders_ = 0;
    std::size_t holes_ = 0, held_ = 0, held_bytes_ = 0;
    RepairStats counted_;
};

}  // namespace weft::reliability
