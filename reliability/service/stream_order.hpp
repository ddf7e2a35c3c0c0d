#pragma once
// Puts the durable messages of a stream (signer, epoch, topic) into their order before they are
// stored. While a journal is away its publishers send again, each message at its own time, and what
// they publish afterwards may come first: what is ahead of its place is held back for a moment.
// A state machine: no I/O, no clock; time comes in.
//
// A stream is followed once one of its messages asked for `stored`, or is awaited in this process;
// others pass unseen.
// Threads: not synchronised.
// Limits:  OrderLimits; beyond them what is held is let go, in order, and counted.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fabric/message/message.hpp"
#include "fabric/transport/clock.hpp"
#include "reliability/ack/request.hpp"

namespace weft::reliability {

struct OrderLimits {
    /// What is missing may come for so long, and for half of what the publishers of those that wait
    /// give them; then they go on without it. A publisher sends again at least each 2.5 s.
    fabric::Instant wait = std::chrono::milliseconds{2600};
    std::size_t held_max = 65'536;
    std::size_t held_bytes_max = std::size_t{64} << 20;
    std::size_t streams_max = 10'000;
};

class StreamOrder {
public:
    struct Item {
        fabric::Message message;
        std::optional<AckRequest> request;  ///< It asks us for `stored`.
        bool awaited = false;               ///< Somebody in this process waits for it.
    };
    using Items = std::vector<Item>;
    /// Is the number before this message's in the journal? Asked once for a stream.
    using IsPreceded = std::function<bool(const fabric::Message&)>;

    explicit StreamOrder(OrderLimits limits = {}) : limits_(limits) {}

    /// What is to be stored now is appended to `ready`, in order.
    void on_message(Item item, fabric::Instant now, const IsPreceded& is_preceded, Items& ready);
    void tick(fabric::Instant now, Items& ready);
    /// When tick() has something to do.
    [[nodiscard]] std::optional<fabric::Instant> next_due() const;
    /// Lets everything go.
    void finish(Items& ready);

    struct Stats {
        std::uint64_t held = 0;       ///< Messages, so far.
        std::uint64_t given_up = 0;   ///< Times that what was missing did not come in time.
        std::uint64_t no_room = 0;    ///< Times that limits let go what was held.
        std::uint64_t forgotten = 0;  ///< Streams, for want of room.
    };
    [[nodiscard]] const Stats& stats() const noexcept { return stats_; }
    [[nodiscard]] std::size_t holding() const noexcept { return held_; }

private:
    struct Stream {
        std::uint64_t last = 0;  ///< The highest number that was let go.
        std::map<std::uint64_t, Item> held;
        fabric::Instant due{};
    };
    using Streams = std::unordered_map<std::string, Stream>;

    [[nodiscard]] Stream* find(const fabric::Message& message);
    Stream& add(const Item& item, const IsPreceded& is_preceded);
    void hold(Stream& stream, Item item, fabric::Instant now);
    void drain(Stream& stream, Items& ready);
    void let_go(Stream& stream, Items& ready);
    void schedule(Stream& stream, fabric::Instant at);
    void unschedule(const Stream& stream);
    void forget_idle();

    const OrderLimits limits_;
    Streams streams_;
    std::map<fabric::Instant, std::vector<Stream*>> due_;  ///< Those that hold something.
    std::string key_;                                      ///< Of the last lookup.
    Stream* last_ = nullptr;
    std::size_t held_ = 0, held_bytes_ = 0;
    Stats stats_;
};

}  // namespace weft::reliability
