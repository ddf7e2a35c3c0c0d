#pragma once
// Who waits for a message of which topics, each until one comes or its time is over. A state
// machine: no I/O, no clock, no thread.
//
// How:     waiters are indexed by their globs, so that a stored message costs what its topic's
//          tokens cost, and those that it wakes, however many wait. The topics of the last stored
//          messages are remembered, for those who come a little late.
// Threads: not synchronised.
// Limits:  WaiterLimits; beyond `waiters` add() says full.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "fabric/message/filter_index.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::gateway {

struct WaiterLimits {
    std::size_t waiters = 20'000;
    /// Stored messages whose topics are remembered; neighbours of one topic count as one.
    std::size_t remembered = 1024;
};

class Waiters {
public:
    using Ticket = FabricBridge::Ticket;
    using OnWoken = FabricBridge::OnWoken;

    explicit Waiters(const WaiterLimits& limits) : limits_(limits) {}

    enum class Came : std::uint8_t {
        waits,
        already,  ///< Something that matches was stored after the id.
        /// It waits, and the id is older than what is remembered: whether something came after it
        /// and before now the journal must say; then came().
        unknown,
        full,
    };
    struct Added {
        Came came;
        Ticket ticket = 0;  ///< If it waits.
    };
    /// `done` is taken only if it waits.
    [[nodiscard]] Added add(reliability::JournalId after, const reliability::TopicFilter& filter,
                            fabric::Instant deadline, OnWoken& done);
    /// What is not called any more; nothing if there is no such waiter.
    OnWoken forget(Ticket ticket);

    /// Everything up to `id` of this topic is stored, rising from call to call.
    void stored(reliability::JournalId id, std::string_view topic);
    /// Nothing else is stored up to `id`.
    void looked(reliability::JournalId id);
    /// Nobody looked at what was stored up to `id`.
    void skipped(reliability::JournalId id);
    /// Something came for this one.
    void came(Ticket ticket) { wake(ticket, Woken::stored); }
    void tick(fabric::Instant now);
    void all(Woken why);
    /// The next of those that are to be called, until it is nothing. Whom nobody took can still be
    /// forgotten.
    [[nodiscard]] std::optional<std::pair<OnWoken, Woken>> take_woken();

    [[nodiscard]] std::optional<fabric::Instant> next_deadline() const;
    /// Waiting; those that are woken and not taken are not counted.
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
    [[nodiscard]] reliability::JournalId seen() const noexcept { return seen_; }

private:
    struct Waiter {
        reliability::JournalId after;
        reliability::TopicFilter filter;
        fabric::Instant deadline;
        OnWoken done;
    };
    using Waiting = std::unordered_map<Ticket, Waiter>;
    struct Stored {
        reliability::JournalId last;
        std::string topic;
    };
    /// Those who wait for the same glob are one entry of the index.
    struct Group {
        signing::TopicGlob glob;
        std::unordered_set<Ticket> tickets;
    };
    using Handle = fabric::FilterIndex::Handle;
    void enter(Ticket ticket, const signing::TopicGlob& glob);
    void leave(Ticket ticket, const signing::TopicGlob& glob);
    void wake(Ticket ticket, Woken why);
    void wake_all(const std::unordered_set<Ticket>& tickets, reliability::JournalId id);
    OnWoken take_out(Waiting::iterator at);

    const WaiterLimits limits_;
    Waiting waiting_;
    fabric::FilterIndex index_;
    std::unordered_map<std::string, Handle> handles_;  // by the text of the glob
    std::unordered_map<Handle, Group> groups_;
    std::unordered_set<Ticket> of_everything_;
    std::set<std::pair<fabric::Instant, Ticket>> by_deadline_;
    std::deque<std::pair<Ticket, Woken>> woken_;
    std::unordered_map<Ticket, OnWoken> to_call_;
    Ticket next_ = 1;
    Handle next_handle_ = 1;

    reliability::JournalId seen_ = 0;   // everything up to it was told to stored() or skipped()
    reliability::JournalId known_ = 0;  // what came after it is in recent_, up to seen_
    std::deque<Stored> recent_;
    std::vector<Handle> matched_;
    std::vector<Ticket> going_;
};

}  // namespace weft::gateway
