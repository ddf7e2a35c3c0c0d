#pragma once
// Says of each verified message whether this receiver may have had it before (P1, P2), and what is
// missing before it (P5). A state machine: no I/O, no clock; times come in. The rules and why they
// hold stand in docs/wire-format.md, "Replay".
//
// A stream is (signer's name, epoch, topic). Of each the guard keeps the highest sequence number,
// which of the last 1,024 it has had, and the time of the newest. Of each signer it keeps a floor:
// messages of streams that were forgotten are not accepted up to that time.
//
// Threads: confined to the subscriber's thread.
// Limits:  ReplayLimits; what is forgotten for want of room is counted. Nothing is allocated for a
//          message of a stream that is known; no loop or allocation is driven by a number that a
//          message claims.
// Units:   microseconds since 1970-01-01 UTC.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fabric/node/replay_state.hpp"

namespace weft::fabric {

struct ReplayLimits {
    std::uint64_t past_us = 300'000'000;   ///< Older messages are refused.
    std::uint64_t future_us = 30'000'000;  ///< So are those from further ahead.
    std::size_t signers_max = 4'096;
    std::size_t streams_max = 10'000;
};

class ReplayGuard {
public:
    static constexpr std::uint64_t window = ReplayState::window;
    /// How far ahead of `now` the promise is made, and so how long a receiver that was killed
    /// refuses what it cannot prove to be new.
    static constexpr std::uint64_t promise_us = 250'000;

    enum class Verdict : unsigned char {
        accept,
        replayed,       ///< Seen, or too far behind to know, or from a forgotten stream.
        too_old,        ///< Its time is before now - past_us.
        too_new,        ///< Its time is after now + future_us.
        no_sequence,    ///< Its sequence number is 0.
        promise_first,  ///< Nothing was recorded: promise(), store promises(), judge again.
    };
    struct Judgement {
        Verdict verdict = Verdict::accept;
        /// Accepted, and so many numbers before it are newly missing: seq - missing to seq - 1 (for
        /// a tail: up to and with `last`).
        std::uint64_t missing = 0;
    };
    struct Counters {
        std::uint64_t gaps = 0;
        std::uint64_t missing = 0;  ///< Now; what arrives late is taken off. Saturates.
        std::uint64_t streams_evicted = 0, signers_evicted = 0;
    };

    /// `promises`: what is accepted must be covered by what a file says, so that a receiver that
    /// is killed refuses it afterwards. False: memory only.
    explicit ReplayGuard(const ReplayLimits& limits, bool promises = false)
        : limits_(limits), promises_(promises) {}

    /// The judgements that follow are about this run. The views must live until the next begin().
    void begin(std::string_view signer, std::string_view topic, std::uint64_t now_us);
    [[nodiscard]] Judgement judge(std::uint64_t epoch, std::uint64_t seq, std::uint64_t time_us);
    /// A tail beacon: `last` is the newest number of the stream. What it shows to be missing is
    /// counted; streams that are not known are left alone.
    [[nodiscard]] Judgement tail(std::uint64_t epoch, std::uint64_t last, std::uint64_t time_us);
    /// A message of this run came another way: a live copy is refused from now on. It counts as
    /// missing as before. False: as promise_first.
    [[nodiscard]] bool had(std::uint64_t epoch, std::uint64_t seq, std::uint64_t time_us);
    /// Freshness alone, for what has no place in a stream.
    [[nodiscard]] Verdict freshness(std::uint64_t time_us) const noexcept;

    /// Extends the promise so that a message of this run with this time can be accepted.
    void promise(std::uint64_t time_us);
    /// The file could not be written: from now on memory only.
    void promise_nothing() noexcept { promises_ = false; }
    /// What must be on disk after promise(): small.
    [[nodiscard]] ReplayState promises() const;
    /// Everything, for a clean stop.
    [[nodiscard]] ReplayState state() const;
    /// What this receiver's own file says; before anything is judged.
    void restore(const ReplayState& state);
    /// What files of other receivers that are gone say: nothing that they may have had is accepted.
    void restore_floors(const ReplayState& state);
    /// Nothing up to this time is accepted, from anybody: state was lost.
    void raise_floor(std::uint64_t time_us);

    /// Forgets what is too old to be accepted again. Looks at every stream: not per message.
    void forget_old(std::uint64_t now_us);

    [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
    [[nodiscard]] std::size_t streams() const noexcept { return streams_.size(); }
    [[nodiscard]] std::size_t signers() const noexcept { return signers_.size(); }
    [[nodiscard]] std::uint64_t promised_until() const noexcept { return horizon_us_; }

private:
    struct Signer {
        std::string_view name;  // its key in the map
        std::uint64_t floor_us = 0;
        std::uint64_t lead_us = 0;  // how far its clock may be ahead of what was promised
        std::uint64_t last_use = 0;
        std::size_t streams = 0;
    };
    struct Stream {
        std::uint64_t high = 0;
        std::uint64_t base = 0;  // gaps are counted above it
        std::uint64_t last_time_us = 0;
        std::uint64_t floor_us = 0;
        std::uint64_t last_use = 0;
        bool counting = false;  // false after a restart, until the first number above `high`
        std::array<std::uint64_t, window / 64> seen{};
    };
    struct KeyView {
        const Signer* signer;
        std::uint64_t epoch;
        std::string_view topic;
    };
    struct Key {
        Signer* signer;
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
        template <class Left, class Right>
        bool operator()(const Left& left, const Right& right) const noexcept {
            const KeyView a = view_of(left), b = view_of(right);
            return a.signer == b.signer && a.epoch == b.epoch && a.topic == b.topic;
        }
        static KeyView view_of(const KeyView& key) noexcept { return key; }
        static KeyView view_of(const Key& key) noexcept { return key.view(); }
    };
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>{}(name);
        }
    };
    using Streams = std::unordered_map<Key, Stream, KeyHash, KeyEqual>;
    using Signers = std::unordered_map<std::string, Signer, NameHash, std::equal_to<>>;

    void find_stream(std::uint64_t epoch);
    [[nodiscard]] bool promised(std::uint64_t time_us) const noexcept;
    [[nodiscard]] Judgement open_stream(std::uint64_t epoch, std::uint64_t seq,
                                        std::uint64_t time_us);
    [[nodiscard]] std::uint64_t advance(Stream& stream, std::uint64_t to);
    Signer& signer_named(std::string_view name);
    Stream& add_stream(Signer& signer, std::uint64_t epoch, std::string_view topic);
    Streams::iterator forget(Streams::iterator at);
    Signers::iterator forget(Signers::iterator at);
    void make_room_for_stream(const Signer& newcomer);
    void make_room_for_signer();
    void add_missing(std::uint64_t count) noexcept;
    static bool is_seen(const Stream& stream, std::uint64_t seq) noexcept {
        return (stream.seen[seq % window / 64] >> (seq % 64) & 1) != 0;
    }
    static void set_seen(Stream& stream, std::uint64_t seq) noexcept {
        stream.seen[seq % window / 64] |= std::uint64_t{1} << (seq % 64);
    }

    const ReplayLimits limits_;
    bool promises_;
    Signers signers_;
    Streams streams_;
    std::uint64_t floor_us_ = 0;             // for signers that are not known
    std::uint64_t lead_us_ = 0;              // of signers that were forgotten
    std::uint64_t horizon_us_ = 0;           // promised in this life
    std::uint64_t restored_horizon_us_ = 0;  // of the life before
    std::uint64_t uses_ = 0;
    Counters counters_;

    // The run in hand. Signer and stream are null while they are not known.
    std::string last_signer_, last_topic_;
    Signer* signer_ = nullptr;
    Stream* stream_ = nullptr;
    std::uint64_t epoch_ = 0;
    std::uint64_t now_us_ = 0, oldest_us_ = 0, newest_us_ = 0;
};

}  // namespace weft::fabric
